//! Streams: the list, a stream's page, starting and stopping, the preview.

mod archive;
mod import;
mod import_preview;
mod list;
mod page;
mod preview;
mod switch;

use actix_web::web::{ServiceConfig, resource};

pub use list::TOPIC as LIST;
pub use page::TOPIC as PAGE;

use crate::{
    domain::{
        Resource,
        channels::{run::State, stream::Stream},
        ids::{Id, StreamId},
    },
    ops::channels::streams::Running,
    panel::kit::{
        form::{Choice, Input, Section, Widget},
        records::{self, About, Shown},
        show,
        table::{Cell, RowAction, Tone},
    },
};

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/streams").get(list::show))
        .service(resource("/streams/import").get(import::ask).post(import::upload))
        .service(resource("/streams/import/{token}").get(import::preview).post(import::apply))
        .service(resource("/streams/search").get(list::search))
        .service(resource("/streams/do").post(switch::several))
        .service(resource("/streams/delete").get(switch::ask_delete).post(switch::delete))
        .service(resource("/streams/new").get(records::blank::<Stream>).post(records::create::<Stream>))
        .service(resource("/streams/{id}").get(page::show))
        .service(resource("/streams/{id}/edit").get(records::edit::<Stream>).post(records::update::<Stream>))
        .service(
            resource("/streams/{id}/delete")
                .get(records::ask_delete::<Stream>)
                .post(records::delete::<Stream>),
        )
        .service(resource("/streams/{id}/kick").post(page::kick))
        .service(resource("/streams/{id}/preview.mp4").get(preview::play))
        .service(resource("/streams/{id}/archive").get(archive::show))
        .service(resource("/streams/{id}/archive.mp4").get(archive::play))
        .service(resource("/streams/{id}/{what}").post(switch::one));
}

impl Shown for Stream {
    const PATH: &'static str = "streams";
    const ONE: &'static str = "stream";
    const MANY: &'static str = "Streams";
    const ABOUT: &'static str = "";
    const REFERS: &'static [Resource] = &[Resource::Categories, Resource::Servers];

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn sections(about: &About) -> Vec<Section> {
        vec![
            Section {
                legend: "Stream",
                inputs: vec![
                    Input::text("name", "Name").required(),
                    Input::new(
                        "category_id",
                        "Category",
                        Widget::Choice(about.choices_or(Resource::Categories, "None")),
                    ),
                    Input::new("sources", "Sources", Widget::Lines).wide().help(
                        "One per line; the first is played, the next when it fails. A URL of http, https, rtmp, \
                         rtmps, rtsp, srt, udp or rtp, or a file of the data folder as media/NAME. To choose one of several programs, \
                         add #program=101.",
                    ),
                    Input::new("enabled", "Enabled", Widget::Flag).help("Off: it does not run and is not in playlists."),
                    Input::new("on_demand", "On demand", Widget::Flag)
                        .help("Starts with its first viewer."),
                ],
            },
            Section {
                legend: "Playback",
                inputs: vec![
                    Input::new("audio_to_aac", "Convert audio to AAC", Widget::Flag)
                        .help("For audio that transport streams or browsers cannot carry. Costs some CPU."),
                    Input::new(
                        "at_end",
                        "At the end of a file",
                        Widget::Choice(vec![Choice::new("loop", "Play it again"), Choice::new("stop", "Stop the stream")]),
                    )
                    .help("Also for an address that has an end, such as a film over http://."),
                ],
            },
            Section {
                legend: "Catch-up",
                inputs: vec![Input::new("archive_days", "Recorded days", Widget::Number(0)).help(
                    "For how many days viewers can go back, 0 to 31; 0 is not recorded. A recorded stream always runs, on demand or not.",
                )],
            },
            Section {
                legend: "In players",
                inputs: vec![
                    Input::new("number", "Channel number", Widget::Number(0)).help("0 is none."),
                    Input::text("epg_channel_id", "Guide id").help("Its id in the programme guide (tvg-id)."),
                    Input::new("epg_shift_minutes", "Guide shift", Widget::Number(-1440))
                        .help("By how many minutes its programmes are shown later; below 0 earlier."),
                    Input::text("logo_url", "Logo URL").help("The address of an image, http or https.").wide(),
                ],
            },
            Section {
                legend: "Requests to http and https sources",
                inputs: vec![
                    Input::text("user_agent", "User-Agent").help("Empty: the server's own.").wide(),
                    Input::new("headers", "Headers", Widget::Lines).wide().help(
                        "One per line, such as Referer: https://tv.example/. Values of Cookie, Authorization and of names with token \
                         or key show as ***; leave *** to keep them.",
                    ),
                    Input::new("tls_verify", "Verify certificates", Widget::Flag)
                        .help("Off: https sources are accepted with any certificate, even from somebody who intercepts the connection."),
                ],
            },
            Section {
                legend: "Internal",
                inputs: vec![
                    Input::new("server_id", "Server", Widget::Choice(about.choices(Resource::Servers)))
                        .help("The main server runs streams. Load balancers do not run streams yet: a stream assigned to one does not play."),
                    Input::new("notes", "Notes", Widget::Area),
                ],
            },
        ]
    }

    fn form_href(id: StreamId) -> String {
        format!("{}/edit", Self::href(id))
    }

    fn then(id: StreamId) -> String {
        Self::href(id)
    }
}

/// The states in a list's filter, and in its cells.
const STATES: [&str; 7] = ["running", "starting", "waiting", "ended", "failed", "on demand", "stopped"];

/// The word for a state; a stream that waits for its first viewer is not one that was stopped.
fn word(state: &State) -> &'static str {
    match state {
        State::Stopped => "on demand",
        state => state.name(),
    }
}

/// The state, and why it does not play.
fn state(running: &Running) -> Cell {
    let Some(status) = &running.status else {
        let why = running.elsewhere.and_then(|_| running.why()).unwrap_or_default();
        return under(Cell::Badge(Tone::Plain, "stopped".into()), why);
    };
    let tone = match status.state {
        State::Running => Tone::Good,
        State::Stopped | State::Ended => Tone::Plain,
        State::Starting | State::Waiting { .. } => Tone::Warn,
        State::Failed { .. } => Tone::Bad,
    };
    let why = match &status.state {
        State::Running if running.stream.record.sources.len() > 1 => {
            let place = status.source.map_or(1, |place| place + 1);
            format!("source {place} of {}", running.stream.record.sources.len())
        }
        State::Waiting { retry_in, why } => format!("{why}; next attempt in {} s", retry_in.as_secs() + 1),
        State::Failed { why } => why.clone(),
        _ => String::new(),
    };
    under(Cell::Badge(tone, word(&status.state).into()), why)
}

fn under(cell: Cell, text: String) -> Cell {
    Cell::Under(Box::new(cell), text)
}

/// `4.1 Mbit/s`, if it plays.
fn bitrate(running: &Running) -> String {
    let kbps = running.status.as_ref().map_or(0, |status| status.bitrate_kbps);
    if kbps == 0 { String::new() } else { show::rate(kbps) }
}

/// `1920 × 1080`, if it plays.
fn resolution(running: &Running) -> String {
    let size = running.status.as_ref().filter(|_| running.is_online()).and_then(|status| status.resolution);
    size.map_or_else(String::new, |(width, height)| format!("{width}\u{a0}×\u{a0}{height}"))
}

/// `h264, aac`, if it plays.
fn codecs(running: &Running) -> String {
    let Some(status) = running.status.as_ref().filter(|_| running.is_online()) else { return String::new() };
    let codecs: Vec<&str> =
        [&status.video_codec, &status.audio_codec].into_iter().flatten().map(String::as_str).collect();
    codecs.join(", ")
}

/// How long it has been running.
fn uptime(running: &Running) -> String {
    let uptime = running.status.as_ref().and_then(|status| status.uptime);
    uptime.map_or_else(String::new, |uptime| show::duration(uptime.as_secs()))
}

/// What can be done with it at once; `back` is where one is.
fn actions(running: &Running, back: &str) -> Vec<RowAction> {
    let id = running.stream.id.number();
    let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    let action = |verb: &str, label: &str| RowAction::Do {
        action: format!("/panel/streams/{id}/{verb}?back={back}"),
        label: label.into(),
    };
    if !running.stream.record.enabled {
        let seen = running.stream.updated_at.seconds();
        let action = format!("/panel/streams/{id}/start?back={back}&seen={seen}");
        vec![RowAction::Do { action, label: "Start".into() }]
    } else if running.status.as_ref().is_none_or(|status| status.state == State::Stopped) {
        vec![action("stop", "Stop")]
    } else {
        vec![action("restart", "Restart"), action("stop", "Stop")]
    }
}
