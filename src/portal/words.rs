//! The texts of a box's screens: a key without a text is shown as it is.

use serde_json::{Map, Value};

const WORDS: &[(&str, &str)] = &[
    ("account_end_date", "Until"),
    ("account_login", "Login"),
    ("account_tariff_plan", "Plan"),
    ("alert_confirm", "OK"),
    ("auth_error", "Wrong login or password"),
    ("auth_login", "Login"),
    ("auth_password", "Password"),
    ("auth_title", "Sign in"),
    ("cancel", "Cancel"),
    ("channel_locked", "Enter the PIN"),
    ("close", "Close"),
    ("confirm", "OK"),
    ("cut_off_msg", "Your subscription has ended. Ask your provider."),
    ("date_format", "{0}, {2} {1}, {3}"),
    ("empty", "Nothing here"),
    ("error", "Error"),
    ("exit", "Exit"),
    ("layer_page", "Page"),
    ("loading", "Loading"),
    ("main_menu", "Menu"),
    ("month_arr", "January February March April May June July August September October November December"),
    ("msg_title", "Message"),
    ("no_channels", "No channels"),
    ("no_epg", "No programme"),
    ("ok", "OK"),
    ("page_title", "Page"),
    ("parent_password_title", "Parental PIN"),
    ("password_accepted", "PIN accepted"),
    ("password_denied", "Wrong PIN"),
    ("player_limit_notice", "Too many devices watch at the same time"),
    ("player_nothing_to_play", "This channel is off the air"),
    ("player_server_error", "The server does not answer"),
    ("search", "Search"),
    ("settings", "Settings"),
    ("time_format", "{0}:{1}"),
    ("tv_all_channels", "All channels"),
    ("tv_by_name", "By name"),
    ("tv_by_number", "By number"),
    ("tv_favorite", "Favourites"),
    ("tv_quick_menu", "Channels"),
    ("tv_title", "TV"),
    ("unauthorized_msg", "This device is not known. Ask your provider."),
    ("week_arr", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
    ("yes", "Yes"),
    ("no", "No"),
];

/// Every text; names of days and months as arrays.
pub fn dictionary() -> Value {
    let words = WORDS.iter().map(|(key, text)| {
        let value = if key.ends_with("_arr") {
            text.split(' ').map(str::to_owned).collect::<Vec<_>>().into()
        } else {
            Value::from(*text)
        };
        ((*key).to_owned(), value)
    });
    Value::Object(words.collect::<Map<_, _>>())
}
