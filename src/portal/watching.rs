//! What a box plays (docs/mag.md, "What a box sees").

use serde_json::{Value, json};

use super::request::PortalRequest;
use crate::{
    domain::{
        fields::container::Container,
        ids::{StreamId, parse_id},
        viewing::{admission::Rule, title::Title},
    },
    ops::{portal::Session, viewing::Refusal},
};

/// A link that opens the channel for this box, from its address, for a few seconds.
pub fn create_link(asked: &PortalRequest, session: &Session) -> Value {
    let Some(stream) = stream(asked.text("cmd")) else { return no_link() };
    // The page of our own asks for the form that browsers play.
    let form = Container::named(asked.text("output"));
    match asked.ops.link(session, Title::Live(stream), form, &asked.from) {
        Ok((token, container)) => {
            let ending = match container {
                Container::Ts => "ts",
                Container::Hls => "m3u8",
            };
            let url = format!("{}/play/{token}/{ending}", asked.origin.url());
            link(stream.0, &format!("ffmpeg {url}"), "")
        }
        Err(refusal) => link(stream.0, "", error(&refusal)),
    }
}

/// For what there is not: films, recordings, channels that are none.
pub fn no_link() -> Value {
    link(0, "", "nothing_to_play")
}

/// A box says what it does; what it plays is remembered, as by [`set_last`].
pub fn log(asked: &PortalRequest, session: &Session) -> Value {
    // 1 is television.
    if (asked.text("real_action"), asked.text("tmp_type")) == ("play", "1") {
        set_last(asked, session);
    }
    json!(1)
}

/// Remembers the channel, so that lists open where somebody left.
pub fn set_last(asked: &PortalRequest, session: &Session) -> Value {
    let id = ["id", "itv_id", "ch_id"].into_iter().find_map(|name| parse_id(asked.text(name)).ok());
    if let Some(id) = id {
        asked.ops.note_channel(session, StreamId(id));
    }
    json!(true)
}

/// An answer with a link, or with what is in the way.
pub fn link(id: i64, cmd: &str, error: &str) -> Value {
    json!({
        "id": id.to_string(),
        "cmd": cmd,
        "streamer_id": 0,
        "link_id": 0,
        "load": 0,
        "storage_id": "",
        "error": error,
        "download_cmd": "",
        "to_file": "",
    })
}

/// The words that boxes have a text for.
pub fn error(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Full | Refusal::Rule(Rule::Limit) => "limit",
        Refusal::NoSuchStream
        | Refusal::NotRunning(_)
        | Refusal::Rule(Rule::Bouquet | Rule::Archive | Rule::Stream) => "nothing_to_play",
        Refusal::Credentials
        | Refusal::NoSuchMac
        | Refusal::OtherDevice
        | Refusal::SignIn
        | Refusal::Link
        | Refusal::Blocked(_)
        | Refusal::Ended
        | Refusal::Failed(_)
        | Refusal::Rule(
            Rule::Banned
            | Rule::Disabled
            | Rule::Expired
            | Rule::Device
            | Rule::SignIn
            | Rule::Address
            | Rule::Blocked
            | Rule::Agent
            | Rule::Provider
            | Rule::Server
            | Rule::Output
            | Rule::Catchup,
        ) => "link_fault",
    }
}

/// The stream of `ffmpeg http://localhost/ch/7_`, with any player's word before it or none, and
/// whatever some apps put after it.
fn stream(cmd: &str) -> Option<StreamId> {
    let id = |word: &str| {
        let file = word.rsplit('/').next()?;
        parse_id(file.split(['_', '?', '.']).next()?).ok()
    };
    cmd.split_whitespace().find_map(id).map(StreamId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_stream() {
        for cmd in [
            "ffmpeg http://localhost/ch/7_",
            "ffrt http://localhost/ch/7",
            "auto http://127.0.0.1/ch/7_?x",
            "http://localhost/ch/7_",
            "ffmpeg http://localhost/ch/7_ position:0",
            "/ch/7_",
            "7",
        ] {
            assert_eq!(stream(cmd), Some(StreamId(7)), "{cmd}");
        }
        for cmd in [
            "",
            "ffmpeg",
            "ffmpeg http://localhost/ch/_",
            "ffmpeg http://localhost/ch/-7_",
            "auto /media/7_x.mpg/",
        ] {
            assert_eq!(stream(cmd), None, "{cmd}");
        }
    }
}
