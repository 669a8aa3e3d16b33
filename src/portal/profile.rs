//! The profile of a box that is let in: what its own software reads at its start.

use serde_json::{Value, json};

use super::{account, request::PortalRequest};
use crate::{domain::Result, ops::portal::Session};

/// Each how many seconds a box asks for events.
const WATCHDOG: i64 = 120;
/// Kodi asks twice as often as this at most, and within 30 seconds.
const SLOTS: i64 = 15;

/// The models that boxes and apps call themselves.
const MODELS: [&str; 24] = [
    "mag100",
    "mag200",
    "mag245",
    "mag245d",
    "mag250",
    "mag254",
    "mag255",
    "mag256",
    "mag257",
    "mag260",
    "mag270",
    "mag275",
    "mag322",
    "mag323",
    "mag324",
    "mag325",
    "mag349",
    "mag350",
    "mag351",
    "mag352",
    "aurahd",
    "auraHD2",
    "ip_stb_hd",
    "wr320",
];

/// Its own values over those that every box gets.
pub fn of(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let mut profile = common();
    let own = own(asked, session)?;
    if let (Some(profile), Some(own)) = (profile.as_object_mut(), own.as_object()) {
        profile.extend(own.clone());
    }
    Ok(profile)
}

fn own(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let settings = &asked.ops.snapshot().settings;
    let mag = &session.mag;
    let about = &session.device.about;
    let subscription = &mag.record.subscription;
    let last = asked.ops.last_channel(session).map_or(0, |stream| stream.0);
    let end = account::end(asked, session);
    let models: Vec<String> = MODELS.iter().map(|model| model.to_lowercase()).collect();
    Ok(json!({
        "id": mag.id.0.to_string(),
        "name": mag.record.mac_address.to_string(),
        "sname": "",
        "fname": "",
        "login": mag.record.login.as_str(),
        "phone": "",
        "mac": mag.record.mac_address.to_string(),
        "ip": asked.from.address.to_string(),
        "ls": mag.id.0.to_string(),
        "stb_type": about.model,
        "sn": about.serial,
        "version": about.firmware,
        "status": 0,
        "msg": "",
        "block_msg": "",
        "blocked": "0",
        "auth_access": false,
        "additional_services_on": "1",
        "created": mag.created_at.local(&settings.time_zone.zone()),
        // A real box asks each watchdog_timeout seconds, shifted by timeslot so that not all ask at
        // once; Kodi takes timeslot for the period, and 0 for no pause at all, so that it is
        // no short one.
        "watchdog_timeout": WATCHDOG,
        "timeslot": SLOTS + mag.id.0 % SLOTS,
        "timeslot_ratio": 0.5,
        // Without it a box asks for the guide again and again.
        "epg_data_block_period_for_stb": "5",
        "parent_password": session.device.parent_pin.as_str(),
        "store_auth_data_on_stb": settings.mag_login_required,
        "playback_limit": subscription.max_allowed_connections.get(),
        "tariff_plan_id": subscription.subscription_plan_id.map_or(0, |plan| plan.0),
        "tariff_plan_name": account::plan(asked, session)?,
        "tariff_expired_date": end,
        "expire_billing_date": end,
        "account_balance": "",
        "last_itv_id": last,
        "default_timezone": settings.time_zone.as_str(),
        "allowed_stb_types": models,
    }))
}

/// What a box may do and how it looks: the same for all.
fn common() -> Value {
    json!({
        "locale": "en_GB.utf8",
        "default_locale": "en_GB.utf8",
        "stb_lang": "en",
        "lang": "",
        "timezone_diff": 0,
        "storages": {},
        "updated": { "anec": 0, "vclub": 0 },
        "hd": "1",
        "volume": "70",
        "audio_out": 1,
        "aspect": "16",
        "video_out": "hdmi",
        "tv_quality": "high",
        "fav_itv_on": "0",
        "plasma_saving": "0",
        "plasma_saving_timeout": "600",
        "standby_on_hdmi_off": 1,
        "hdmi_event_reaction": 1,
        "screensaver_delay": "10",
        "show_after_loading": "main_menu",
        "play_in_preview_by_ok": true,
        "play_in_preview_only_by_ok": false,
        "display_menu_after_loading": true,
        "enable_connection_problem_indication": true,
        "enable_arrow_keys_setpos": true,
        "enable_buffering_indication": true,
        "enable_tariff_plans": false,
        "rtsp_type": "4",
        "rtsp_flags": "0",
        "strict_stb_type_check": false,
        "theme": "default",
        "tv_channel_default_aspect": "fit",
        "show_tv_channel_logo": true,
        "show_channel_logo_in_preview": true,
        "weather_on": false,
    })
}
