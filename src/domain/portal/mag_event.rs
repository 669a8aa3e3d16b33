//! What an operator can tell the box of a MAG (docs/mag.md, "Sending events to a box").

use crate::domain::{Error, Fact, Field, Kind, Result, Rule, Written, fields::hidden::is_hidden};

/// What a box is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Show a text until somebody presses OK.
    Message,
    /// The same, beside a video.
    MessageWithVideo,
    /// Go to a channel, by its number.
    PlayChannel,
    /// Start anew.
    Reboot,
    /// Load the portal anew.
    ReloadPortal,
    /// Read the channels anew.
    UpdateChannels,
    /// Read the subscription anew.
    UpdateSubscription,
    /// Read the programme guide anew.
    UpdateGuide,
    /// Read its modules anew.
    UpdateModules,
    /// Look for storages anew.
    MountStorages,
    /// Show the menu.
    ShowMenu,
}

impl Order {
    const ALL: [(&'static str, Self); 11] = [
        ("send_msg", Self::Message),
        ("send_msg_with_video", Self::MessageWithVideo),
        ("play_channel", Self::PlayChannel),
        ("reboot", Self::Reboot),
        ("reload_portal", Self::ReloadPortal),
        ("update_channels", Self::UpdateChannels),
        ("update_subscription", Self::UpdateSubscription),
        ("update_epg", Self::UpdateGuide),
        ("update_modules", Self::UpdateModules),
        ("mount_all_storages", Self::MountStorages),
        ("show_menu", Self::ShowMenu),
    ];

    /// The name that boxes know.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, order)| *order == self).map_or("", |(name, _)| name)
    }

    /// The order of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, order)| *order)
    }

    /// Whether people read it: it waits until they have, and longer.
    pub fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::MessageWithVideo)
    }
}

impl Field for Order {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> std::result::Result<Self, Rule> {
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        Self::named(written.text()?).ok_or_else(|| format!("one of {}", names()).into())
    }

    fn fact(&self) -> Fact {
        Fact::Text(self.name().to_owned())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::named(&fact.into_text()?)
    }
}

/// An order with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What to do.
    pub order: Order,
    /// The text of a message, or the number of a channel.
    pub msg: String,
    /// The URL of a message's video.
    pub param: String,
    /// Start anew once the message was read.
    pub reboot_after_ok: bool,
    /// After how many seconds a message goes by itself; 0 is never.
    pub auto_hide_timeout: i64,
}

impl Event {
    /// For how many seconds a message waits for its box: a week.
    const MESSAGE_WAITS: i64 = 7 * 86_400;
    /// For how many seconds anything else waits: a box that comes later has started anew by itself.
    const ORDER_WAITS: i64 = 600;
    /// The most characters of a message.
    const LONGEST: usize = 2000;

    /// Checks that everything belongs to the order and nothing is missing.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`] naming the field.
    pub fn checked(self) -> Result<Self> {
        let Self { order, msg, param, .. } = &self;
        let is_number = !msg.is_empty() && msg.len() <= 9 && msg.bytes().all(|b| b.is_ascii_digit());
        if order.is_message() && msg.trim().is_empty() {
            return Err(Error::Missing("msg"));
        }
        if msg.chars().count() > Self::LONGEST {
            return Err(Error::invalid("msg", "at most 2000 characters"));
        }
        if msg.chars().any(|c| is_hidden(c) && c != '\n') {
            return Err(Error::invalid("msg", "no control characters except line breaks"));
        }
        if *order == Order::PlayChannel && !is_number {
            return Err(Error::invalid("msg", "the number of a channel"));
        }
        if !order.is_message() && *order != Order::PlayChannel && !msg.is_empty() {
            return Err(Error::invalid("msg", "only with send_msg, send_msg_with_video and play_channel"));
        }
        if (*order == Order::MessageWithVideo) == param.is_empty() {
            return Err(Error::invalid(
                "param1",
                "the URL of a video, with send_msg_with_video and only there",
            ));
        }
        if !order.is_message() && (self.reboot_after_ok || self.auto_hide_timeout > 0) {
            return Err(Error::invalid("event", "only messages take reboot_after_ok and auto_hide_timeout"));
        }
        Ok(self)
    }

    /// For how many seconds it waits for its box.
    pub fn waits(&self) -> i64 {
        if self.order.is_message() { Self::MESSAGE_WAITS } else { Self::ORDER_WAITS }
    }

    /// Whether it waits until somebody says that it was read.
    pub fn needs_confirmation(&self) -> bool {
        self.order.is_message() && self.auto_hide_timeout == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(order: Order, msg: &str) -> Event {
        Event { order, msg: msg.into(), param: String::new(), reboot_after_ok: false, auto_hide_timeout: 0 }
    }

    #[test]
    fn each_order_takes_what_belongs_to_it() {
        assert!(event(Order::Message, "Hello\nthere").checked().is_ok());
        assert!(event(Order::Reboot, "").checked().is_ok());
        assert!(event(Order::PlayChannel, "12").checked().is_ok());
        assert_eq!(event(Order::Message, " ").checked(), Err(Error::Missing("msg")));
        for wrong in [
            event(Order::Message, &"x".repeat(2001)),
            event(Order::Message, "a\u{1b}b"),
            event(Order::Reboot, "now"),
            event(Order::PlayChannel, "one"),
            event(Order::PlayChannel, ""),
            event(Order::MessageWithVideo, "see"),
            Event { reboot_after_ok: true, ..event(Order::Reboot, "") },
        ] {
            assert!(wrong.clone().checked().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_messages_that_stay_are_confirmed() {
        assert!(event(Order::Message, "x").needs_confirmation());
        assert!(!Event { auto_hide_timeout: 5, ..event(Order::Message, "x") }.needs_confirmation());
        assert!(!event(Order::ReloadPortal, "").needs_confirmation());
    }
}
