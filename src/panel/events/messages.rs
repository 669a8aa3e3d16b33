//! What people were told and what waits: each can be sent once more, and a test can be sent.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;
use jiff::tz::TimeZone;

use super::tabs;
use crate::{
    domain::{
        Error, Resource, Result,
        fields::text::Email,
        ids::{Id, MessageId, parse_id},
        messages::STATES,
        people::rights::Access,
    },
    ops::{
        Act, Look,
        messages::{self, Message},
    },
    panel::kit::{
        caller::{Caller, action, done},
        error::Reply,
        form::{Choice, Form, Input},
        frame::Frame,
        searched::Searched,
        sent::{Query, Sent},
        show::Moment,
        table::{Cell, Filter, Head, Listing, Pager, RowAction, Tone},
        tabs::Tabs,
    },
};

/// Where it is.
pub const PATH: &str = "/panel/messages";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/messages").get(page))
        .service(resource("/messages/test").post(test))
        .service(resource("/messages/{id}/resend").post(resend));
}

#[derive(Template)]
#[template(path = "messages.html")]
struct Messages {
    frame: Frame,
    tabs: Tabs,
    listing: Listing,
    may_write: bool,
    form: Form,
}

/// Which messages are looked at.
#[derive(Default)]
struct MessageQuery {
    /// Those of one of [`STATES`] only.
    state: Option<&'static str>,
    page: Searched,
}

impl MessageQuery {
    fn read(query: &Query) -> Self {
        let state = query.text("state");
        Self {
            state: STATES.into_iter().find(|known| *known == state),
            page: Searched { text: String::new(), ..Searched::read(query) },
        }
    }

    fn filter(&self) -> Filter {
        let states = STATES.map(|state| Choice::new(state, badge(state).1));
        let choices = std::iter::once(Choice::new("", "Every state")).chain(states).collect();
        Filter { name: "state", label: "State", choices, value: self.state.unwrap_or_default().to_owned() }
    }

    fn pager(&self, total: i64) -> Pager {
        let pager = self.page.pager(PATH, total, "message");
        let kept = |turn: String| self.state.map_or(turn.clone(), |state| format!("{turn}&state={state}"));
        Pager { previous: pager.previous.map(kept), next: pager.next.map(kept), ..pager }
    }
}

async fn page(caller: Caller, query: Query) -> Reply {
    let form = form(&caller);
    shown(&caller, StatusCode::OK, &MessageQuery::read(&query), form).await
}

async fn shown(caller: &Caller, status: StatusCode, which: &MessageQuery, form: Form) -> Reply {
    let (state, asked) = (which.state, which.page.page());
    let job = move |look: &Look<'_>| messages::list(look, state, None, &asked);
    let found = caller.ops.read(caller.actor(), action(Resource::Messages, "list"), job).await?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::Messages);
    let mut heads: Vec<Head> = ["When", "To", "Message", "State"].map(Head::new).into();
    heads.push(Head::numeric("Attempts"));
    heads.extend(["Last", "Next", ""].map(Head::new));
    let listing = Listing {
        label: "Messages",
        heads,
        rows: found.rows.iter().map(|message| row(message, may_write, &zone)).collect(),
        filters: vec![which.filter()],
        empty: which.state.map_or("Nothing was sent yet.", |_| "No message is in this state.").into(),
        pager: which.pager(found.total),
        ..Listing::default()
    };
    let frame = caller.frame("Messages");
    let page = Messages { frame, tabs: tabs(PATH), listing, may_write, form };
    Ok(respond(caller, status, &page))
}

fn respond(caller: &Caller, status: StatusCode, page: &Messages) -> HttpResponse {
    caller.page_with_form(status, page.may_write, page)
}

/// How a state is shown.
fn badge(state: &str) -> (Tone, &'static str) {
    match state {
        "sent" => (Tone::Good, "sent"),
        "waiting" => (Tone::Warn, "waiting"),
        "dropped" => (Tone::Plain, "not sent"),
        _ => (Tone::Bad, "failed"),
    }
}

fn row(message: &Message, may_write: bool, zone: &TimeZone) -> Vec<Cell> {
    let moment = |at| Moment::of(at, zone);
    let (tone, state) = badge(&message.state);
    let state = Cell::Badge(tone, state.into());
    let way = match message.way.as_str() {
        "email" => "by e-mail",
        "box" => "on the screen of its box",
        _ => "by a message target",
    };
    let again = RowAction::Do {
        action: format!("{PATH}/{}/resend", message.id.number()),
        label: "Send again".into(),
    };
    vec![
        Cell::Time(Some(moment(message.at)), ""),
        Cell::Under(Box::new(Cell::Text(message.receiver.clone())), way.into()),
        Cell::Under(Box::new(Cell::Text(message.subject.clone())), message.kind.clone()),
        Cell::Under(Box::new(state), message.error.clone()),
        Cell::Number(message.attempts.to_string()),
        Cell::Time(message.last_at.map(moment), "not yet"),
        Cell::Time(message.next_at.map(moment), ""),
        Cell::Actions(if may_write { vec![again] } else { Vec::new() }),
    ]
}

fn form(caller: &Caller) -> Form {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let to = Input::text("to", "Address")
        .required()
        .help("It is sent within seconds: load this page again to see what became of it.");
    Form::new(format!("{PATH}/test"), "Send", zone).section("Send a test e-mail", vec![to])
}

async fn test(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Messages, Access::Write)?;
    let mut form = form(&caller);
    form.take(&sent);
    match send_test(&caller, &sent).await {
        Ok(()) => Ok(done(PATH, "A test is on its way: load this page again to see what became of it.")),
        Err(error) => {
            let status = form.refused(error)?;
            shown(&caller, status, &MessageQuery::default(), form).await
        }
    }
}

async fn send_test(caller: &Caller, sent: &Sent) -> Result<()> {
    let to = Email::new(sent.text("to").trim()).map_err(|rule| Error::invalid("to", rule))?;
    let job = move |act: &Act<'_>| messages::send_test_mail(act, &to);
    caller.ops.write(caller.actor().clone(), action(Resource::Messages, "test"), job).await
}

async fn resend(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Messages, Access::Write)?;
    let id = parse_id(&id).map(MessageId).map_err(|_| Error::no_such(Resource::Messages))?;
    let job = move |act: &Act<'_>| messages::resend(act, id);
    match caller.ops.write(caller.actor().clone(), action(Resource::Messages, "resend"), job).await {
        Ok(()) => Ok(done(PATH, "The message is sent once more.")),
        Err(error @ Error::Refused(_)) => Ok(done(PATH, &error.to_string())),
        Err(error) => Err(error.into()),
    }
}
