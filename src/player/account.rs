//! The answer to a login: `user_info` and `server_info`.

use super::request::PlayerRequest;
use crate::{
    domain::{
        JsonObject,
        fields::{container::Container, time::UnixTime},
    },
    ops::viewing::{Credentials, Subscriber},
};

/// Both, with the types that players insist on.
pub fn payload(asked: &PlayerRequest, who: &Subscriber, now: UnixTime) -> JsonObject {
    JsonObject::of_about(1_000)
        .with_object("user_info", &user(asked, who, now))
        .with_object("server_info", &server(asked, now))
}

fn user(asked: &PlayerRequest, who: &Subscriber, now: UnixTime) -> JsonObject {
    let password = match asked.credentials() {
        Credentials::Password { password, .. } => password,
        // Whoever was given a token was not given the password.
        Credentials::Token(_) => "",
    };
    let subscription = &who.subscription;
    let open = asked.ops.viewing.count_connections(who.viewer);
    JsonObject::of_about(500)
        .with("username", &*who.name)
        .with("password", password)
        .with("message", "")
        .with("auth", 1)
        .with("status", status(who, now))
        // null is never; typed readers want a text otherwise.
        .with("exp_date", subscription.expire_date.0.map(|end| end.seconds().to_string()))
        .with("is_trial", if subscription.is_trial { "1" } else { "0" })
        .with("active_cons", open.to_string())
        .with("created_at", who.created_at.seconds().to_string())
        .with("max_connections", subscription.max_allowed_connections.get().to_string())
        .with("allowed_output_formats", formats(&subscription.allowed_outputs))
}

fn server(asked: &PlayerRequest, now: UnixTime) -> JsonObject {
    let origin = &asked.origin;
    let (http, https) = if origin.scheme == "https" {
        (asked.other_port, origin.port)
    } else {
        (origin.port, asked.other_port)
    };
    let settings = &asked.ops.snapshot().settings;
    JsonObject::of_about(500)
        .with("url", &origin.host)
        .with("port", http.to_string())
        .with("https_port", https.to_string())
        .with("server_protocol", &origin.scheme)
        .with("rtmp_port", "0")
        .with("timezone", settings.time_zone.as_str())
        .with("timestamp_now", now.seconds())
        .with("time_now", now.local(&settings.time_zone.zone()))
        .with("process", true)
}

/// The word that players show.
fn status(who: &Subscriber, now: UnixTime) -> &'static str {
    let subscription = &who.subscription;
    if subscription.banned {
        "Banned"
    } else if subscription.disabled {
        "Disabled"
    } else if subscription.expire_date.is_over(now) {
        "Expired"
    } else {
        "Active"
    }
}

/// Never null: `@iptv` looks into it unasked.
fn formats(allowed: &[Container]) -> Vec<&'static str> {
    let may = |container| allowed.is_empty() || allowed.contains(&container);
    let formats = [("m3u8", Container::Hls), ("ts", Container::Ts)];
    formats.into_iter().filter(|(_, container)| may(*container)).map(|(name, _)| name).collect()
}
