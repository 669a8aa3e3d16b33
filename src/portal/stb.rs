//! What a box asks for itself.

use serde_json::{Value, json};

use super::{request::PortalRequest, watching};
use crate::{
    domain::{Result, portal::device::Pin},
    ops::portal::{Caller, Session},
};

pub async fn answer(
    asked: &PortalRequest,
    caller: &Caller,
    session: &Session,
    action: &str,
) -> Result<Value> {
    Ok(match action {
        "get_modules" => modules(asked, session)?,
        "get_settings_profile" => settings(asked, session),
        "get_locales" => json!([{ "label": "English", "value": "en_GB.utf8", "selected": 1 }]),
        // Arrays, or the software of real boxes stops.
        "get_preload_images" | "get_countries" | "get_cities" | "get_timezones" => json!([]),
        "get_tv_aspects" | "get_storages" => json!({}),
        "get_ad" => json!(false),
        "log" => watching::log(asked, session),
        "set_parent_password" => set_pin(asked, caller, session).await?,
        "logout" => {
            asked.ops.sign_out_box(caller).await?;
            json!(true)
        }
        action if action.starts_with("set_") => json!(true),
        _ => json!(false),
    })
}

/// What a box shows. The menu of its own interface (5.1) needs three entries, and there is always something on a USB
/// drive or in its settings.
const MODULES: [&str; 12] = [
    "tv",
    "epg.simple",
    "media_browser",
    "account",
    "account_menu",
    "settings",
    "settings.parent",
    "settings.localization",
    "settings.playback",
    "settings.common",
    "settings.network_status",
    "logout",
];

/// What there is nothing in: interfaces look for every name, so it is switched off rather than left out.
const SWITCHED_OFF: [&str; 28] = [
    "epg",
    "epg.reminder",
    "time_shift_local",
    "vclub",
    "sclub",
    "radio",
    "karaoke",
    "audioclub",
    "apps",
    "youtube",
    "dvb",
    "downloads",
    "downloads_dialog",
    "records",
    "remotepvr",
    "pvr_local",
    "infoportal",
    "internet",
    "weather.current",
    "weather.day",
    "cityinfo",
    "horoscope",
    "anecdote",
    "course.nbu",
    "game.mastermind",
    "service_management",
    "settings.update",
    "demo",
];

/// What is switched off only where nothing can be watched again.
const OF_ARCHIVES: [&str; 3] = ["tv_archive", "time_shift", "epg.recorder"];

fn modules(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let all: Vec<&str> = MODULES.into_iter().chain(SWITCHED_OFF).chain(OF_ARCHIVES).collect();
    let mut off: Vec<&str> = SWITCHED_OFF.into();
    if asked.ops.viewing.recorded_days(&session.subscriber())?.is_empty() {
        off.extend(OF_ARCHIVES);
    }
    Ok(json!({
        "all_modules": all,
        "switchable_modules": [],
        "disabled_modules": off,
        "restricted_modules": [],
        "template": "default",
        "launcher_url": "",
        "launcher_profile_url": "",
    }))
}

fn settings(asked: &PortalRequest, session: &Session) -> Value {
    json!({
        "parent_password": session.device.parent_pin.as_str(),
        "update_url": "",
        "test_download_url": "",
        "playback_buffer_bytes": "0",
        "playback_buffer_size": 0,
        "screensaver_delay": "10",
        "plasma_saving": "0",
        "spdif_mode": "1",
        "modules": [{ "name": "lock" }, { "name": "reload" }],
        "ts_enabled": "0",
        "ts_icon": "",
        "stb_lang": "en",
        "default_timezone": asked.ops.snapshot().settings.time_zone.as_str(),
    })
}

/// Somebody chooses another PIN at the box; both spellings must be the same, and a PIN.
async fn set_pin(asked: &PortalRequest, caller: &Caller, session: &Session) -> Result<Value> {
    let text = asked.text("parent_password");
    let repeated = asked.text("repeat_parent_password");
    let pin = Pin::new(text).ok().filter(|_| repeated.is_empty() || repeated == text);
    let Some(pin) = pin else { return Ok(json!(false)) };
    asked.ops.choose_pin(caller, session, pin).await?;
    Ok(json!(true))
}
