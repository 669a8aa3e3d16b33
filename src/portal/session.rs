//! Handshake, profile, login (docs/mag.md, "Who gets in").

use serde_json::{Value, json};

use super::{actions::Outcome, profile, request::PortalRequest};
use crate::{
    domain::Result,
    ops::portal::{Caller, Entrance, Greeting},
};

/// The same for a MAC that is not there and for one that is disabled, banned or expired.
const REFUSED: &str = "This device cannot watch.<br/>Contact your provider and give them its MAC address.";
/// Word for word as the trade has it: boxes and apps look for these words.
const CONFLICT: &str = "device conflict - device_id mismatch";
const CONFLICT_SHOWN: &str = "Your STB is damaged.<br/> Call the provider.";

pub fn handshake(asked: &PortalRequest, caller: &Caller) -> Result<Outcome> {
    let Greeting { token, random, not_valid } = asked.ops.greet(caller)?;
    let answer = json!({ "token": token, "random": random, "not_valid": u8::from(not_valid) });
    Ok(if not_valid { Outcome::Refused(answer) } else { Outcome::Result(answer) })
}

pub async fn get_profile(asked: &PortalRequest, caller: &Caller) -> Result<Outcome> {
    Ok(match asked.ops.enter_portal(caller, asked.about()).await? {
        Entrance::Open(session) => Outcome::Result(profile::of(asked, &session)?),
        Entrance::SignIn => Outcome::Result(json!({ "status": 2, "template": "default", "info": "" })),
        Entrance::OtherDevice => Outcome::Refused(no_profile(CONFLICT, CONFLICT_SHOWN)),
        Entrance::Refused => Outcome::Refused(no_profile("", REFUSED)),
    })
}

pub async fn do_auth(asked: &PortalRequest, caller: &Caller) -> Result<Outcome> {
    let (login, password) = (asked.text("login"), asked.text("password"));
    let right = asked.ops.sign_in_box(caller, login, password, asked.about()).await?;
    Ok(if right { Outcome::Result(json!(true)) } else { Outcome::Refused(json!(false)) })
}

fn no_profile(msg: &str, shown: &str) -> Value {
    json!({ "status": 1, "msg": msg, "block_msg": shown })
}
