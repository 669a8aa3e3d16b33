//! The account as a box shows it.

use serde_json::{Value, json};

use super::request::PortalRequest;
use crate::{domain::Result, ops::portal::Session};

pub fn main_info(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let (plan, end) = (plan(asked, session)?, end(asked, session));
    let mag = &session.mag.record;
    let until = if end.is_empty() { "unlimited".to_owned() } else { end.clone() };
    Ok(json!({
        "mac": mag.mac_address.to_string(),
        // Apps show the end of the subscription where the trade's first product had a telephone number.
        "phone": until,
        "message": "",
        "fname": "",
        "ls": session.id().0.to_string(),
        "tariff_plan": plan,
        "end_date": until,
        "account_balance": "",
        "account_info": {
            "login": mag.login.as_str(),
            "status": u8::from(session.is_active),
            "tariff_plan": plan,
            "end_date": until,
        },
    }))
}

/// The name of the plan; empty if there is none.
pub fn plan(asked: &PortalRequest, session: &Session) -> Result<String> {
    Ok(asked.ops.plan_name(&session.subscriber())?.unwrap_or_default())
}

/// When the subscription ends, by the operator's clock; empty for never.
pub fn end(asked: &PortalRequest, session: &Session) -> String {
    let zone = asked.ops.snapshot().settings.time_zone.zone();
    session.mag.record.subscription.expire_date.0.map(|end| end.local(&zone)).unwrap_or_default()
}
