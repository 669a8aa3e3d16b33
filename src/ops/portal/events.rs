//! What boxes are told when they ask for events: each thing once.

use serde_json::json;

use super::{ASK, Session, mag_of};
use crate::{
    domain::{
        Refused, Result,
        fields::mac::Mac,
        people::actor::Actor,
        portal::{device::Standing, mag_event::Event},
        subscribers::named::Named,
    },
    ops::{Act, Ops, clock},
    store::{self, portal::WaitingEvent},
};

/// Events that may wait for one box.
pub(in crate::ops) const MOST: usize = 50;

/// What a box is told.
pub enum News {
    /// Nothing new.
    Nothing,
    /// Its subscription ended or came back.
    Standing(Standing),
    /// What an operator sent.
    Event(WaitingEvent),
}

/// Lets an event wait for the box of a MAG; the event's number.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`], [`crate::domain::Error::Refused`] while too many wait.
pub fn send(act: &Act<'_>, which: &Named<Mac>, event: &Event) -> Result<i64> {
    let mag = mag_of(act, which)?;
    if act.tx.waiting_events(mag.id, act.now)?.len() >= MOST {
        return Err(Refused::TooManyEvents(MOST).into());
    }
    let id = act.tx.insert_event(mag.id, event, act.now)?;
    let Event { order, msg, param, reboot_after_ok, auto_hide_timeout } = event;
    let after = json!({
        "event": order.name(),
        "msg": msg,
        "param1": param,
        "reboot_after_ok": u8::from(*reboot_after_ok),
        "auto_hide_timeout": auto_hide_timeout,
    });
    act.audit(Some(mag.id.0), &mag.record.mac_address.to_string(), &json!({}), &after)?;
    Ok(id)
}

impl Ops {
    /// What the box is to be told now, and how many events wait beside it. `showing` is the message
    /// that it shows at this moment.
    pub async fn news(&self, session: &Session, showing: Option<i64>) -> Result<(News, usize)> {
        let standing = Standing::of(&session.device, session.is_active);
        if standing != Standing::AsTold {
            self.mark_told(session, standing == Standing::CutOff).await?;
            return Ok((News::Standing(standing), 0));
        }
        if !session.is_active {
            return Ok((News::Nothing, 0));
        }
        let now = clock::now();
        let waiting =
            self.point(&Actor::LINECARD, ASK, |look| look.read.waiting_events(session.id(), now))?;
        let left = waiting.len();
        // A message waits until somebody has read it, and must hold nothing back meanwhile.
        let (messages, orders): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|waiting| waiting.event.order.is_message());
        let message = messages.into_iter().next().filter(|_| showing.is_none());
        let Some(event) = orders.into_iter().next().or(message) else { return Ok((News::Nothing, left)) };
        if !event.event.needs_confirmation() {
            self.take_event(session, event.id).await?;
        }
        Ok((News::Event(event), left - 1))
    }

    /// Whether the box is to load its portal anew, because a login is required since: it is told once.
    pub async fn has_to_start_anew(&self, session: &Session) -> Result<bool> {
        if session.device.cut {
            return Ok(false);
        }
        self.mark_told(session, true).await?;
        Ok(true)
    }

    /// Takes an event back: it was told, or somebody has read it.
    pub async fn take_event(&self, session: &Session, id: i64) -> Result<()> {
        let (mag, now) = (session.id(), clock::now());
        let over = self.kept_since(0);
        self.store
            .write(store::housekeeping(now, "events"), move |tx| tx.delete_event(mag, id, over))
            .wait()
            .await
    }

    async fn mark_told(&self, session: &Session, cut: bool) -> Result<()> {
        let mag = session.id();
        let written = self.store.write(store::housekeeping(clock::now(), "events"), move |tx| {
            let mut device = tx.device(mag)?;
            device.cut = cut;
            tx.save_device(mag, &device)
        });
        written.wait().await
    }
}
