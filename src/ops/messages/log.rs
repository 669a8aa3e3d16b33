//! What was sent to whom, and what waits: each can be sent once more, and a test can be sent.

use serde_json::json;

use super::{
    making::{has_mail, reminded},
    setup::LOST,
    targets::TEST,
};
use crate::{
    domain::{
        Error, Refused, Resource, Result,
        fields::{text::Email, time::UnixTime},
        ids::{MessageId, MessageTargetId},
        messages::{Way, is_outdated},
        page::{Limit, Page, Rows},
    },
    ops::{Act, Look, Ops},
    store::events::messages::{Message, NewMessage},
};

/// A page of messages, the newest first: of that state, by that target.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(
    look: &Look<'_>,
    state: Option<&str>,
    target: Option<MessageTargetId>,
    page: &Page,
) -> Result<Rows<Message>> {
    look.may(Resource::Messages)?;
    look.read.messages(state, target, page)
}

/// Sends a message once more, or now if it waits.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for e-mail without a mail server, and for a reminder that is not true any more.
pub fn resend(act: &Act<'_>, id: MessageId) -> Result<()> {
    let message = act.tx.message(id)?.ok_or(Error::no_such(Resource::Messages))?;
    if message.way == Way::Email.name() && !has_mail(act.settings) {
        return Err(Refused::NoMail.into());
    }
    if let Some(end) = message.ends_at {
        let row = reminded(act.tx, &message.object, act.settings)?;
        let row = row.ok_or(Error::from(Refused::ReminderOutdated("it was deleted")))?;
        if let Some(why) = is_outdated(&message.kind, end, row.end, row.is_off, act.now) {
            return Err(Refused::ReminderOutdated(why.trim_end_matches('.')).into());
        }
    }
    act.tx.resend_message(id, act.now)?;
    act.audit(Some(id.0), &message.receiver, &json!({}), &json!({ "message": id.0 }))
}

/// Sends an e-mail as a test.
///
/// # Errors
/// [`Error::Refused`] without a mail server.
pub fn send_test_mail(act: &Act<'_>, to: &Email) -> Result<()> {
    if !has_mail(act.settings) {
        return Err(Refused::NoMail.into());
    }
    act.audit(None, to.as_str(), &json!({}), &json!({ "to": to.as_str() }))?;
    act.tx.add_message(&NewMessage {
        event: None,
        kind: TEST,
        object: TEST,
        key: to.as_str(),
        reference: None,
        at: act.now,
        ends_at: None,
        way: Way::Email,
        receiver: to.as_str(),
        target: None,
        subject: "A test",
        text: "This is a test of Linecard: e-mail arrives.",
        next_at: act.now,
    })
}

/// This many seconds failures are shown on the dashboard.
const RECENT: i64 = 86_400;

impl Ops {
    /// What of messages needs somebody: what it is, and why.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn message_warnings(&self, look: &Look<'_>) -> Result<Vec<(String, String)>> {
        look.may(Resource::Messages)?;
        let mut warnings = Vec::new();
        if self.smtp_url_is_lost() {
            warnings.push(("Mail server".to_owned(), format!("{LOST} Nothing is sent until then.")));
        }
        let whole = Page { limit: Limit::MOST, ..Page::default() };
        for target in self.message_targets(look, &whole)?.rows {
            let name = target.row.record.name.as_str().to_owned();
            if !target.has_secrets {
                let why = "Its address was sealed with another key, and it is not called: type it again, or put the key file back.";
                warnings.push((name, why.to_owned()));
            } else if !target.health.last_error.is_empty() {
                warnings.push((name, target.health.last_error));
            }
        }
        let since = UnixTime::clamped(look.now.seconds() - RECENT);
        let (failed, waiting) = look.read.failing_messages(since)?;
        if failed > 0 {
            warnings.push((format!("{failed} given up"), "Within the last day. Each says why.".to_owned()));
        }
        if waiting > 0 {
            warnings.push((format!("{waiting} tried in vain"), "They are tried again.".to_owned()));
        }
        Ok(warnings)
    }
}
