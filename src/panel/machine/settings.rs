//! General Settings.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{ServiceConfig, resource},
};
use askama::Template;
use jiff::tz;

use crate::{
    domain::{
        Columns, Resource, Result, Stored,
        machine::settings::{Settings, SettingsChange},
        people::rights::Access,
    },
    ops::machine::settings,
    panel::{
        kit::{
            caller::{Caller, action, anew, done},
            error::Reply,
            form::{Choice, Form, Input, Section, Widget},
            frame::Frame,
            sent::Sent,
            tabs::{Tab, Tabs},
        },
        moved,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/settings";
/// Where its page about the Server API is.
pub const API_PATH: &str = "/panel/settings/api";
/// Where its page about e-mail is.
pub const MAIL_PATH: &str = "/panel/settings/mail";
/// Where its page about signing in to the panel is.
pub const SIGN_IN_PATH: &str = "/panel/settings/sign-in";
/// Where its page about who is blocked is.
pub const SECURITY_PATH: &str = "/panel/settings/security";
/// Where its page about backups is.
pub const BACKUPS_PATH: &str = "/panel/settings/backups";

/// Where its page about what the server does by itself is.
pub const JOBS_PATH: &str = "/panel/settings/jobs";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/settings").get(show).post(save));
}

/// The tabs of General Settings, as far as one may look at them.
pub fn tabs(caller: &Caller, current: &str) -> Tabs {
    let pages = [
        ("General", PATH, Resource::Settings),
        ("API Settings", API_PATH, Resource::Settings),
        ("E-mail", MAIL_PATH, Resource::Settings),
        ("Sign-in", SIGN_IN_PATH, Resource::Settings),
        ("Security", SECURITY_PATH, Resource::Security),
        ("Backups", BACKUPS_PATH, Resource::Backups),
        ("Background jobs", JOBS_PATH, Resource::Settings),
    ];
    let allowed = pages.into_iter().filter(|(.., resource)| caller.may_read(*resource));
    let tab = |(label, path, _): (_, &str, _)| Tab { label, href: path.into(), current: path == current };
    Tabs { label: "General Settings", tabs: allowed.map(tab).collect() }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    tabs: Tabs,
    proxy_hides_scheme: bool,
    form: Form,
}

async fn show(caller: Caller) -> Reply {
    if !caller.may_read(Resource::Settings) && caller.may_read(Resource::Security) {
        return Ok(moved(SECURITY_PATH));
    }
    if !caller.may_read(Resource::Settings) && caller.may_read(Resource::Backups) {
        return Ok(moved(BACKUPS_PATH));
    }
    caller.actor().may(Resource::Settings, Access::Read)?;
    let row = stored(&caller).await?;
    let form = form(&caller).of_row(&row.record.facts());
    Ok(page(&caller, StatusCode::OK, form))
}

async fn save(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    anew(async || change(&caller, &sent).await).await
}

async fn change(caller: &Caller, sent: &Sent) -> Reply {
    let row = stored(caller).await?;
    let mut form = form(caller).of_row(&row.record.facts());
    let Some(change) = form.read::<SettingsChange>(sent) else {
        return Ok(page(caller, form.status(), form));
    };
    let seen = Some(row.updated_at);
    let job = move |act: &crate::ops::Act<'_>| settings::update(&act.seeing(seen), change.clone());
    match caller.ops.write(caller.actor().clone(), action(Resource::Settings, "update"), job).await {
        Ok(_) => Ok(done(PATH, "The settings were saved and are in effect.")),
        Err(error) => {
            let status = form.refused(error)?;
            Ok(page(caller, status, form))
        }
    }
}

/// The settings as they stand in the database.
pub(super) async fn stored(caller: &Caller) -> Result<Stored<Settings>> {
    let get = action(Resource::Settings, "get");
    caller.ops.read(caller.actor(), get, settings::get).await
}

fn page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let frame = caller.frame("General Settings");
    let proxy_hides_scheme = caller.proxy_hides_scheme;
    caller.page_with(status, &Page { frame, tabs: tabs(caller, PATH), proxy_hides_scheme, form })
}

fn form(caller: &Caller) -> Form {
    let settings = &caller.ops.snapshot().settings;
    let mut form =
        Form::new(PATH, "Save", &settings.time_zone).only_shown_unless(caller.may_write(Resource::Settings));
    form.sections = vec![
        operator(),
        connections(),
        recordings(),
        catchup(),
        boxes(),
        guide(),
        guessing(),
        logs(),
        monitoring(),
    ];
    form
}

fn operator() -> Section {
    let zones = tz::db().available().map(|name| Choice::new(&name, name.as_str())).collect();
    Section {
        legend: "Operator",
        inputs: vec![
            Input::text("operator_name", "Name").help("Shown at the top of the panel and on its login page."),
            Input::text("public_url", "Public address").help(
                "The address in playlists and links, such as http://tv.example:8080. Empty: the address that each player used.",
            ),
            Input::text("panel_url", "Address of this panel").help(
                "Such as https://panel.example. It stands in messages to those who work here, and a provider at which they sign in sends them back to it; players never see it.",
            ),
            Input::new("hsts", "Browsers stay with HTTPS", Widget::Flag).help(
                "Whoever has opened this panel over HTTPS cannot open anything of this host over HTTP in that browser for 30 days, on any \
                 port: players' addresses that begin with http:// neither. Where HTTP is on port 80 and HTTPS on 443 it is so anyway.",
            ),
            Input::new("time_zone", "Time zone", Widget::Choice(zones))
                .help("Plans count days, months and years by its calendar."),
            Input::new("refuse_zero_expiry", "Refuse an end date of 0", Widget::Flag).help(
                "In the Server API 0 means never, and PHP's strtotime() gives 0 for a date that it cannot read. On: such a call is \
                 refused; an empty expire_date still means never.",
            ),
        ],
    }
}

fn guide() -> Section {
    Section {
        legend: "Programme guide",
        inputs: vec![
            Input::new("guide_past_days", "Past days", Widget::Number(0))
                .help("For how many days programmes are kept after they have ended, 0 to 31."),
            Input::new("guide_future_days", "Days ahead", Widget::Number(0))
                .help("How many days of programmes are kept, 0 to 31."),
            Input::new("fetch_local", "Fetch from local networks", Widget::Flag).help(
                "Addresses that are typed into this panel, such as those of guide sources, may lead to this machine and to private \
                 networks.",
            ),
        ],
    }
}

fn recordings() -> Section {
    Section {
        legend: "Recordings",
        inputs: vec![
            Input::new("archive_limit_bytes", "Limit in bytes", Widget::Number(0)).help(
                "So many bytes of recordings are kept; beyond that the oldest go, of the stream first that has most for its days. 0: as \
                 many as the disk has room for.",
            ),
            Input::new("archive_keep_free_bytes", "Keep free, in bytes", Widget::Number(0)).help(
                "So many bytes stay free on the disk of the recordings, in the data folder at least 1000000000. Recording pauses as \
                 long as there are fewer and nothing is left to delete.",
            ),
        ],
    }
}

fn boxes() -> Section {
    Section {
        legend: "MAG boxes",
        inputs: vec![
            Input::new("mag_login_required", "Boxes ask for a login", Widget::Flag)
                .help("A box must send the login and password of its MAG."),
            Input::new("mag_oui_check", "Only MAC addresses of real MAG boxes", Widget::Flag)
                .help("Those that begin with 00:1A:79; many apps use others."),
        ],
    }
}

fn connections() -> Section {
    let policies = vec![
        Choice::new("kick_oldest", "Disconnect the oldest"),
        Choice::new("refuse", "Refuse the new connection"),
    ];
    Section {
        legend: "Connections",
        inputs: vec![
            Input::new("connection_policy", "When a subscriber is at the limit", Widget::Choice(policies))
                .help("The oldest of the same device or address goes first: changing the channel always works."),
            Input::new("connections_per_address", "Open connections per address", Widget::Number(0)).help(
                "Many televisions may share one address. Further connections are closed; 0 is no limit. This machine and trusted proxies have no limit.",
            ),
        ],
    }
}

fn catchup() -> Section {
    Section {
        legend: "Catch-up",
        inputs: vec![
            Input::new("catchup_minutes_before", "Begin earlier (minutes)", Widget::Number(0)).help(
                "Programmes rarely start exactly when the guide says: playback starts this much earlier and ends this much later.",
            ),
            Input::new("catchup_minutes_after", "End later (minutes)", Widget::Number(0)),
        ],
    }
}

fn guessing() -> Section {
    let number = |name, label, least| Input::new(name, label, Widget::Number(least));
    Section {
        legend: "Wrong passwords",
        inputs: vec![
            number("failure_limit", "Allowed failures", 0)
                .help("Wrong credentials from one address, in players and in this panel; 0 is no limit."),
            number("failure_window", "Within (seconds)", 1).help("How long a failure counts."),
            number("block_seconds", "Then blocked for (seconds)", 1)
                .help("The Security tab shows who is blocked, and unblocks."),
        ],
    }
}

fn logs() -> Section {
    let days = |name, label| Input::new(name, label, Widget::Number(0));
    Section {
        legend: "Days to keep logs",
        inputs: vec![
            days("audit_retention_days", "Audit trail").help("0 is forever, here and below."),
            days("error_retention_days", "Panel Error Log"),
            days("login_retention_days", "Logins"),
            days("connection_retention_days", "Connections"),
            days("refusal_retention_days", "Refusals"),
            days("api_retention_days", "API calls"),
            days("event_retention_days", "Events").help("0 is none at all: nobody can follow what happens."),
            Input::text("expiring_days", "Days before an end").help(
                "How many days before the end of a line or MAG there is an event, such as 7,1; 0 is never.",
            ),
        ],
    }
}

fn monitoring() -> Section {
    Section {
        legend: "Monitoring",
        inputs: vec![Input::new("metrics_allow", "Read metrics without a key", Widget::Lines).help(
            "Addresses of Prometheus or the like, or ranges such as 192.0.2.0/24, one per line: they may read /metrics. Others need an \
             API key with the right to metrics.",
        )],
    }
}
