//! What a box is told when it asks (docs/mag.md, "Sending events to a box").

use serde_json::{Value, json};

use super::request::PortalRequest;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        portal::{device::Standing, mag_event::Event},
    },
    ops::{
        clock,
        portal::{News, Session, WaitingEvent},
    },
};

/// What is new. A box that shows a message says so, and is told no other one meanwhile.
pub async fn get(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let showing = asked.number("event_active_id").filter(|id| *id > 0);
    let (news, left) = asked.ops.news(session, showing).await?;
    let mut data = json!({ "msgs": left, "additional_services_on": "1" });
    match news {
        News::Nothing => {}
        News::Standing(Standing::CutOn) => fill(&mut data, &passing(asked, "cut_on")),
        News::Standing(_) => fill(&mut data, &passing(asked, "cut_off")),
        News::Event(WaitingEvent { id, event, created_at }) => {
            let mut told = told(&event);
            told["id"] = id.to_string().into();
            told["send_time"] = local(asked, created_at);
            fill(&mut data, &told);
        }
    }
    Ok(json!({ "data": data }))
}

/// Somebody has read a message.
pub async fn confirm(asked: &PortalRequest, session: &Session) -> Result<Value> {
    if let Some(id) = asked.number("event_active_id").filter(|id| *id > 0) {
        asked.ops.take_event(session, id).await?;
    }
    Ok(json!({ "data": "ok" }))
}

/// Tells a box to load its portal anew, where it is asked for its login.
pub fn start_anew(asked: &PortalRequest) -> Value {
    let mut data = json!({ "msgs": 0, "additional_services_on": "1" });
    fill(&mut data, &passing(asked, "reload_portal"));
    json!({ "data": data })
}

/// An event that is kept nowhere, so nothing confirms it.
fn passing(asked: &PortalRequest, event: &str) -> Value {
    json!({ "id": "0", "event": event, "need_confirm": "0", "msg": "", "reboot_after_ok": "0", "auto_hide_timeout": "0",
        "param1": "", "send_time": local(asked, clock::now()) })
}

fn local(asked: &PortalRequest, at: UnixTime) -> Value {
    at.local(&asked.ops.snapshot().settings.time_zone.zone()).into()
}

fn told(event: &Event) -> Value {
    json!({
        "event": event.order.name(),
        "need_confirm": u8::from(event.needs_confirmation()).to_string(),
        "msg": event.msg,
        "reboot_after_ok": u8::from(event.reboot_after_ok).to_string(),
        "auto_hide_timeout": event.auto_hide_timeout.to_string(),
        "param1": event.param,
    })
}

fn fill(data: &mut Value, event: &Value) {
    if let (Some(data), Some(event)) = (data.as_object_mut(), event.as_object()) {
        data.extend(event.clone());
    }
}
