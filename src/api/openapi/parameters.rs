//! What calls take beside the columns of `data`.

use crate::domain::Resource;

/// On every call that changes or removes one row: it is done only to the row as the caller saw it.
pub const SEEN: Parameter = (
    "if_updated_at",
    "The row's updated_at as you read it; refused with `Changed meanwhile` if it has changed.",
);

/// On every call that writes.
pub const DRY_RUN: Parameter = (
    crate::api::call::DRY_RUN,
    "1: answers what the call would do, and does nothing; what it would make anew is null.",
);

/// A name, and what it is for.
pub type Parameter = (&'static str, &'static str);

const LIMIT: Parameter = ("limit", "1 to 1000 rows; 100 by default.");
const OFFSET: Parameter = ("offset", "Skips this many rows.");
const AFTER: Parameter = ("after", "Only rows after this id; not together with offset.");
const SEARCH: Parameter = ("search", "Only rows with this text.");
const SINCE: Parameter = ("changed_since", "Only rows changed at or after this time, in unix seconds.");
const KIND: Parameter = ("kind", "error, audit, login, connection, refusal or api.");
const ID: Parameter = ("id", "The row; also the segment of the path after the key.");
const ROW: Parameter = ("id", "The row.");
const ITS_NAME: Parameter = ("username", "Or its name.");
const LINE: Parameter = ("username", "The line.");
const REFERENCE: Parameter = ("reference", "Or its reference, your own number of it.");
const PASSWORD: Parameter = ("password", "Checked when sent.");
const MAC: Parameter = ("mac_address", "The MAG, in any spelling.");
const OF_SERVER: Parameter = ("server_id", "Only those of this server.");
const ABOUT_STREAM: Parameter = ("stream_id", "Checks for this stream.");
const ABOUT_MOMENT: Parameter =
    ("at", "Checks for catch-up from this moment of the stream's archive, in unix seconds.");
const ABOUT_ADDRESS: Parameter = ("address", "Checks for this address.");
const ABOUT_PLAYER: Parameter = ("user_agent", "Checks for this player.");
const ABOUT_FORM: Parameter = ("output", "Checks for this format: ts or hls.");
const OF_LINE: Parameter = ("username", "Only those of this line.");
const OF_MAG: Parameter = ("mac_address", "Only those of this MAG.");
const OF_REFERENCE: Parameter = ("reference", "Only those of the line or MAG with this reference.");
const OF_STREAM: Parameter = ("stream_id", "Only those of this stream.");
const EVENTS: &str = "send_msg, send_msg_with_video, play_channel, reboot, reload_portal, update_channels, \
                      update_subscription, update_epg, update_modules, mount_all_storages or show_menu.";

/// Beside `data`.
pub fn beside_data(resource: Resource, action: &str) -> &'static [Parameter] {
    match (resource, action) {
        (_, "new" | "whitelist_list" | "get" | "api_key_new") => &[],
        (Resource::Line | Resource::Mag, "bulk") => &[
            ("ids", "The rows: a list of ids."),
            ("filter", "Or all with these values of columns, and with state, expires_before, expires_after."),
            ("search", "And with this text."),
            ("action", "update, extend or delete."),
            ("preview_id", "The preview to start: only over rows that are as it saw them."),
        ],
        (Resource::Batches, "list") => &[LIMIT, OFFSET, AFTER],
        (Resource::Line, _) if action != "list" => of_lines(action),
        (Resource::Mag, _) if action != "list" => of_mags(action),
        (Resource::Administrators | Resource::Resellers, _) if action != "list" => of_people(action),
        (Resource::Settings, _) => of_settings(action),
        (Resource::Streams, "online" | "offline") => &[OF_SERVER],
        (Resource::Streams, "start" | "stop") => &[
            ("stream_ids", "The streams: a list, or ids separated by commas; all means every one."),
            ("stream_id", "Or one."),
            ("id", "The same; also the segment of the path after the key."),
            OF_SERVER,
        ],
        (Resource::Connections, "list") => &[OF_LINE, OF_MAG, OF_REFERENCE, OF_STREAM],
        (Resource::Connections, _) => &[
            ("connection_id", "The connection, as connections/list shows it."),
            OF_LINE,
            OF_MAG,
            OF_REFERENCE,
            OF_STREAM,
        ],
        (Resource::Guide, _) => of_guide(action),
        (Resource::GuideSources, "refresh") => &[("id", "The source; none is all that are enabled.")],
        (Resource::Archive | Resource::Jobs, "list") => &[],
        (Resource::Archive, _) => &[
            ("stream_id", "The stream; also one that is deleted."),
            ("before", "Only what ends at this time or earlier, in unix seconds."),
        ],
        (Resource::Events, _) => &[
            (
                "after",
                "The event behind which the answer begins: the last_id of the answer before; 0 is the oldest kept.",
            ),
            LIMIT,
            ("types", "Only these types: a list, or separated by commas; line.* is all of lines."),
            ("wait", "Seconds to wait for the first event, at most 30."),
        ],
        (Resource::Webhooks, "deliveries") => {
            &[ROW, ("state", "Only those that are waiting, delivered or failed."), LIMIT, OFFSET, AFTER]
        }
        (Resource::Webhooks, "resend") => {
            &[ROW, ("event_id", "The event."), ("after", "Or all behind this event.")]
        }
        (Resource::Messages, "list") => &[
            ("state", "Only those that are waiting, sent, failed or dropped."),
            ("target_id", "Only those to this message target."),
            LIMIT,
            OFFSET,
            AFTER,
        ],
        (Resource::Backups, "list") => &[LIMIT, OFFSET, AFTER],
        (Resource::Messages, "test") => &[("to", "The e-mail address.")],
        (Resource::Security, "blocks") => &[LIMIT, OFFSET],
        (Resource::Security, _) => {
            &[("address", "An IPv4 or IPv6 address."), ("username", "Or an administrator's name.")]
        }
        (Resource::Logs, _) => &[KIND, LIMIT, OFFSET, AFTER, SEARCH, SINCE],
        (_, "list") => &[LIMIT, OFFSET, AFTER, SEARCH, SINCE],
        _ => &[ID],
    }
}

fn of_lines(action: &str) -> &'static [Parameter] {
    match action {
        "explain" => {
            &[LINE, REFERENCE, PASSWORD, ABOUT_STREAM, ABOUT_MOMENT, ABOUT_ADDRESS, ABOUT_PLAYER, ABOUT_FORM]
        }
        "convert_to_mag" => {
            &[LINE, REFERENCE, PASSWORD, ("mac_address", "The address of the MAG that it becomes.")]
        }
        _ => &[LINE, REFERENCE, PASSWORD],
    }
}

fn of_mags(action: &str) -> &'static [Parameter] {
    match action {
        "explain" => &[MAC, REFERENCE, ABOUT_STREAM, ABOUT_MOMENT, ABOUT_ADDRESS, ABOUT_PLAYER, ABOUT_FORM],
        "send_event" => &[
            MAC,
            REFERENCE,
            ("event", EVENTS),
            ("msg", "The text of a message, or the number of the channel to play."),
            ("param1", "The URL of a video, with send_msg_with_video."),
            ("reboot_after_ok", "1: reboots once the message was read."),
            ("auto_hide_timeout", "After how many seconds the message disappears."),
        ],
        "set_parent_pin" => &[MAC, REFERENCE, ("parent_pin", "Four digits, not 0000; random unless sent.")],
        "convert_to_line" => &[
            MAC,
            REFERENCE,
            ("username", "Of the line that it becomes; its login, or a random one, unless sent."),
            ("password", "Of the line that it becomes; its password, or a random one, unless sent."),
        ],
        _ => &[MAC, REFERENCE],
    }
}

/// Administrators and resellers.
fn of_people(action: &str) -> &'static [Parameter] {
    match action {
        "add_credits" => &[
            ("id", "The reseller."),
            ("username", "Or its name, or an administrator's username."),
            ("credits", "How many; negative deducts."),
            ("note", "A remark for the statement."),
        ],
        "statement" => &[ROW, ITS_NAME, LIMIT, OFFSET, AFTER],
        "end_session" => &[("session_id", "The session, as sessions lists it.")],
        "sessions" => &[("id", "Only those of this administrator."), ("username", "Or by its name.")],
        _ => &[ROW, ITS_NAME],
    }
}

fn of_guide(action: &str) -> &'static [Parameter] {
    match action {
        "channels" => &[
            ("source_id", "Only those of this source."),
            ("search", "Only those with this text in their id or a name."),
            LIMIT,
            OFFSET,
        ],
        "matches" => &[
            ("state", "matched, suggested or none."),
            ("search", "Only streams with this text in their name."),
            LIMIT,
            OFFSET,
            ("after", "Only streams after this id; not together with offset."),
        ],
        "match" => &[
            ("stream_id", "The stream."),
            ("source_id", "The source of its channel."),
            ("guide_id", "Its channel in there; empty: it has none, for good."),
            ("reset", "1: leaves it to the rules."),
        ],
        _ => &[
            ("stream_id", "The stream."),
            ("from", "Only what ends later, in unix seconds."),
            ("to", "Only what begins earlier, in unix seconds."),
        ],
    }
}

fn of_settings(action: &str) -> &'static [Parameter] {
    match action {
        "whitelist_add" => &[("address", "An address or CIDR range."), ("note", "A remark.")],
        "whitelist_remove" => &[("address", "An address or CIDR range.")],
        "api_key_revoke" => &[("id", "The key."), ("name", "Or its name.")],
        "api_key_list" => &[LIMIT, OFFSET, AFTER],
        _ => &[],
    }
}

const FREE: Parameter = ("free", "1: charges the reseller nothing; needs a full key.");
const EXTEND_PLAN: Parameter =
    ("extend_plan", "1: adds the plan's duration to the later of now and the current end date.");
const NEW_TOKEN: Parameter = ("new_token", "1: gives the line a new token; the old one stops working.");

/// In `data`, beside the columns.
pub fn in_data(resource: Resource, action: &str) -> &'static [Parameter] {
    match (resource, action) {
        (Resource::Line | Resource::Mag, "bulk") => &[
            ("add_bouquet", "With update: one of their own bouquets more."),
            ("remove_bouquet", "With update: one of their own bouquets less."),
            ("days", "With extend: the number of days, free of charge."),
            FREE,
        ],
        (Resource::Line, "new") => &[FREE, NEW_TOKEN],
        (Resource::Line, _) => &[EXTEND_PLAN, FREE, NEW_TOKEN],
        (Resource::Mag, "new") => &[FREE],
        (Resource::Mag, _) => &[EXTEND_PLAN, FREE],
        (Resource::Administrators, _) => &[("password", "At least 8 characters.")],
        (Resource::Resellers, _) => &[("credits", "The balance.")],
        (Resource::Settings, "update") => &[
            (
                "classic_api_password",
                "The password that callers of the classic API send as api_pass, up to 200 characters; empty is none, *** leaves it.",
            ),
            (
                "smtp_url",
                "The mail server, as smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465 (TLS); empty is none, *** \
                 leaves it. Needs full.",
            ),
            (
                "backup_target",
                "Where a copy of each backup is sent: s3://KEY:SECRET@HOST/BUCKET/FOLDER?region=REGION, or a program by its absolute path with \
                 its arguments; empty is nowhere, *** leaves it. Needs full.",
            ),
            (
                "oidc_client_secret",
                "The secret of this panel at the OpenID Connect provider, up to 500 characters; empty is none, *** leaves it. Needs full.",
            ),
        ],
        (Resource::MessageTargets, _) => &[
            (
                "url",
                "The URL that is called, http or https; may hold placeholders behind the host. What is shown of it leaves it.",
            ),
            ("headers", "Further headers, each as Name: value, as a list; *** as a value leaves it."),
        ],
        (Resource::Bouquets, "update") => &[
            ("add_streams", "Up to 8000 ids of streams to add at its end, as a list."),
            ("remove_streams", "Up to 8000 ids of streams to remove first, as a list."),
        ],
        _ => &[],
    }
}
