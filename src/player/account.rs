//! The answer to a login: `user_info` and `server_info`.

use serde_json::{Value, json};

use super::request::PlayerRequest;
use crate::{
    domain::fields::{container::Container, time::UnixTime},
    ops::viewing::{Credentials, Subscriber},
};

/// Both, with the types that players insist on.
pub fn payload(asked: &PlayerRequest, who: &Subscriber, now: UnixTime) -> Value {
    let password = match asked.credentials() {
        Credentials::Password { password, .. } => password,
        // Whoever was given a token was not given the password.
        Credentials::Token(_) => "",
    };
    let subscription = &who.subscription;
    let open = asked.ops.viewing.count_connections(who.viewer);
    let (date, time_zone) = local(asked, now);
    let origin = &asked.origin;
    let https = origin.scheme == "https";
    json!({
        "user_info": {
            "username": *who.name,
            "password": password,
            "message": "",
            "auth": 1,
            "status": status(who, now),
            // null is never; typed readers want a text otherwise.
            "exp_date": subscription.expire_date.0.map(|end| end.seconds().to_string()),
            "is_trial": if subscription.is_trial { "1" } else { "0" },
            "active_cons": open.to_string(),
            "created_at": who.created_at.seconds().to_string(),
            "max_connections": subscription.max_allowed_connections.get().to_string(),
            "allowed_output_formats": formats(&subscription.allowed_outputs),
        },
        "server_info": {
            "url": origin.host,
            "port": if https { "80".to_owned() } else { origin.port.to_string() },
            "https_port": if https { origin.port.to_string() } else { "443".to_owned() },
            "server_protocol": origin.scheme,
            "rtmp_port": "0",
            "timezone": time_zone,
            "timestamp_now": now.seconds(),
            "time_now": date,
            "process": true,
        },
    })
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

fn local(asked: &PlayerRequest, now: UnixTime) -> (String, String) {
    let zone = &asked.ops.snapshot().settings.time_zone;
    (now.local(&zone.zone()), zone.as_str().to_owned())
}
