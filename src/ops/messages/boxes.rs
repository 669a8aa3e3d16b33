//! Reminders on the screens of boxes: put among their events in the transaction that notes it, so each once.

use super::{
    making::reminded,
    sending::{Outcome, note},
};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::MagId,
        messages::{Way, is_outdated, words},
        portal::mag_event::{Event, Order},
    },
    ops::{Ops, clock, portal::MOST_EVENTS},
    store::{
        self, Write,
        events::messages::{Became, Message},
    },
};

/// This many in one transaction.
const AT_ONCE: usize = 100;

impl Ops {
    /// Puts what is due among the events of boxes.
    pub(super) async fn send_to_boxes(&self) -> Result<()> {
        let now = clock::now();
        let origin = || store::housekeeping(now, "messages");
        let mut more =
            self.store.point(&origin(), |read| Ok(!read.due_messages(Way::Box, now, 1)?.is_empty()))?;
        while more {
            let job = move |tx: &Write<'_>| {
                let due = tx.due_messages(Way::Box, now, AT_ONCE)?;
                due.iter().try_for_each(|message| put(tx, message, now))?;
                Ok(due.len() == AT_ONCE)
            };
            more = self.store.write(origin(), job).wait().await?;
        }
        Ok(())
    }
}

fn put(tx: &Write<'_>, message: &Message, now: UnixTime) -> Result<()> {
    let settings = &tx.snapshot().settings;
    let gone = Became::Dropped("There is no such MAG any more.");
    let Some(row) = reminded(tx, &message.object, settings)? else {
        return tx.note_message(message.id, gone, now);
    };
    let end = message.ends_at.unwrap_or(now);
    if let Some(why) = is_outdated(&message.kind, end, row.end, row.is_off, now) {
        return tx.note_message(message.id, Became::Dropped(why), now);
    }
    let Some(id) = message.object.split_once(' ').and_then(|(_, id)| id.parse().ok()).map(MagId) else {
        return tx.note_message(message.id, gone, now);
    };
    let messages = std::slice::from_ref(message);
    if tx.waiting_events(id, now)?.len() >= MOST_EVENTS {
        let why = "Too many events wait for its box, which has not asked for them.".to_owned();
        return note(tx, messages, &Outcome::Later(why), now);
    }
    let said = words::reminder(&message.key, end, now, &settings.time_zone.zone(), &row.brand);
    let event = Event {
        order: Order::Message,
        msg: said.text.clone(),
        param: String::new(),
        reboot_after_ok: false,
        auto_hide_timeout: 0,
    };
    tx.insert_event(id, &event, now)?;
    tx.reword_message(message.id, &said.subject, &said.text)?;
    note(tx, messages, &Outcome::Taken, now)
}
