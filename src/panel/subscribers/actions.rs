//! What is done with a line or MAG at the press of a button.

use actix_web::{HttpResponse, web};

use super::{
    super::kit::{
        caller::{Caller, action, anew, done_as},
        error::Reply,
        pages::ConfirmPage,
        seen,
        sent::{Query, Sent},
    },
    At, Kind, find,
};
use crate::{
    domain::{
        Denied, Error, Given, Refused, Resource, Result, Stored,
        fields::{number::Connections, time::UnixTime},
        ids::{BouquetId, StreamId, parse_id},
        people::rights::Access,
        subscribers::subscription::{Subscription, SubscriptionChange},
        viewing::session::SessionId,
    },
    ops::{
        channels::streams,
        subscribers::{
            accounts::{self, SaleOptions},
            at_once,
        },
    },
};

/// A change that one button makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Clears `disabled`.
    Enable,
    /// Sets `disabled`.
    Disable,
    /// Clears `banned`.
    Unban,
    /// Sets `banned`.
    Ban,
    /// Empties `allowed_ips`.
    AnyAddress,
    /// Empties `allowed_user_agents`.
    AnyPlayer,
    /// Empties `allowed_outputs`.
    AnyForm,
    /// Sets `catchup`.
    AllowCatchup,
    /// Empties `server_id`.
    AnyServer,
    /// Empties `isp_asn`.
    ForgetProvider,
    /// Allows one connection more.
    OneMore,
}

impl Fix {
    const ALL: [Self; 11] = [
        Self::Enable,
        Self::Disable,
        Self::Unban,
        Self::Ban,
        Self::AnyAddress,
        Self::AnyPlayer,
        Self::AnyForm,
        Self::AllowCatchup,
        Self::AnyServer,
        Self::ForgetProvider,
        Self::OneMore,
    ];

    /// The word for it in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Unban => "unban",
            Self::Ban => "ban",
            Self::AnyAddress => "any-address",
            Self::AnyPlayer => "any-player",
            Self::AnyForm => "any-form",
            Self::AllowCatchup => "allow-catchup",
            Self::AnyServer => "any-server",
            Self::ForgetProvider => "forget-provider",
            Self::OneMore => "one-more",
        }
    }

    /// What its button says.
    pub fn label(self) -> &'static str {
        match self {
            Self::Enable => "Enable",
            Self::Disable => "Disable",
            Self::Unban => "Unban",
            Self::Ban => "Ban",
            Self::AnyAddress => "Allow any address",
            Self::AnyPlayer => "Allow any player",
            Self::AnyForm => "Allow any format",
            Self::AllowCatchup => "Allow catch-up",
            Self::AnyServer => "Allow any server",
            Self::ForgetProvider => "Reset the provider",
            Self::OneMore => "Add a connection",
        }
    }

    fn past(self) -> &'static str {
        match self {
            Self::Enable => "was enabled",
            Self::Disable => "was disabled",
            Self::Unban => "was unbanned",
            Self::Ban => "was banned",
            Self::AnyAddress => "may watch from any address now",
            Self::AnyPlayer => "may watch with any player now",
            Self::AnyForm => "may watch in any format now",
            Self::AllowCatchup => "may watch what is recorded now",
            Self::AnyServer => "may be served by any server now",
            Self::ForgetProvider => "will be bound to a provider when it next watches",
            Self::OneMore => "may have one more connection now",
        }
    }

    /// Whether only the operator's people may do it.
    pub fn is_operators(self) -> bool {
        matches!(self, Self::Unban | Self::Ban | Self::AnyServer | Self::OneMore)
    }

    fn change(self, now: &Subscription) -> SubscriptionChange {
        let mut change = SubscriptionChange::default();
        match self {
            Self::Enable => change.disabled = Given::Value(false),
            Self::Disable => change.disabled = Given::Value(true),
            Self::Unban => change.banned = Given::Value(false),
            Self::Ban => change.banned = Given::Value(true),
            Self::AnyAddress => change.allowed_ips = Given::Empty,
            Self::AnyPlayer => change.allowed_user_agents = Given::Empty,
            Self::AnyForm => change.allowed_outputs = Given::Empty,
            Self::AllowCatchup => change.catchup = Given::Value(true),
            Self::AnyServer => change.server_id = Given::Empty,
            Self::ForgetProvider => change.isp_asn = Given::Empty,
            Self::OneMore => {
                let more = Connections::new(now.max_allowed_connections.get() + 1);
                change.max_allowed_connections = more.map_or(Given::Absent, Given::Value);
            }
        }
        change
    }
}

/// Does what a button says: one of [`Fix`], `add-bouquet` or `start-stream` with an id. A button carries when the row
/// of its page was last changed; if that is another by now, only what takes something away is still done.
pub async fn fix<S: Kind>(caller: Caller, at: web::Path<(String, String)>, query: Query) -> Reply {
    let (id, what) = at.into_inner();
    let changed = if what == "start-stream" { Resource::Streams } else { S::RESOURCE };
    caller.actor().may(changed, Access::Write)?;
    anew(async || mend_once::<S>(&caller, &id, &what, &query).await).await
}

async fn mend_once<S: Kind>(caller: &Caller, id: &str, what: &str, query: &Query) -> Reply {
    let row = find::<S>(caller, id)?;
    let name = row.record.name();
    let fix = Fix::ALL.into_iter().find(|fix| fix.name() == what);
    if fix.is_none() && !matches!(what, "add-bouquet" | "start-stream") {
        return Err(Error::from(Refused::NoSuchButton).into());
    }
    if caller.reseller().is_some() && fix.is_none_or(Fix::is_operators) {
        return Err(Error::from(Denied::ChangeIsOperators).into());
    }
    let seen = query.text("seen").parse().ok().map(UnixTime::clamped);
    let stale = |at: UnixTime| seen != Some(at);
    let look = |name: &str| {
        format!("{name} was changed by somebody else meanwhile, and nothing was done: check it first.")
    };
    let takes_away = matches!(fix, Some(Fix::Ban | Fix::Disable));
    if what != "start-stream" && !takes_away && stale(row.updated_at) {
        return Ok(back::<S>(&row, query, None, &look(&name)));
    }
    let mut batch = None;
    let text = match (fix, what) {
        (Some(fix), _) => {
            batch = apply(caller, &row, fix.change(row.record.subscription())).await?;
            format!("{name} {}.", fix.past())
        }
        (None, "add-bouquet") => {
            let bouquet = parse_id(query.text("id")).map_err(|rule| Error::invalid("id", rule))?;
            let mut bouquets = row.record.subscription().bouquets.clone();
            bouquets.push(BouquetId(bouquet));
            let change =
                SubscriptionChange { bouquets: Given::Value(bouquets), ..SubscriptionChange::default() };
            batch = apply(caller, &row, change).await?;
            format!("{name} now has the bouquet.")
        }
        (None, _) => {
            let stream = parse_id(query.text("id")).map_err(|rule| Error::invalid("id", rule))?;
            match start(caller, StreamId(stream), seen).await {
                Err(Error::Changed) => look("The stream"),
                started => started.map(|()| "The stream was told to start.".to_owned())?,
            }
        }
    };
    Ok(back::<S>(&row, query, batch, &text))
}

/// Changes the row; the number of the batch, if that moves it.
async fn apply<S: Kind>(caller: &Caller, row: &Stored<S>, sold: SubscriptionChange) -> Result<Option<i64>> {
    let mut change = S::Change::default();
    *S::subscription_change(&mut change) = sold;
    let before = row.clone();
    let job = move |act: &crate::ops::Act<'_>| {
        let act = act.seeing(Some(before.updated_at));
        accounts::change::<S>(&act, before.id, change.clone(), SaleOptions::default())?;
        at_once::moved(&act, std::slice::from_ref(&before))
    };
    caller.ops.write(caller.actor().clone(), action(S::RESOURCE, "update"), job).await
}

async fn start(caller: &Caller, stream: StreamId, seen: Option<UnixTime>) -> Result<()> {
    let seen = Some(seen.ok_or(Error::Changed)?);
    let job = move |act: &crate::ops::Act<'_>| {
        streams::start(&act.seeing(seen), &streams::Which::These(vec![stream]), None).map(|_| ())
    };
    caller.ops.write(caller.actor().clone(), action(Resource::Streams, "start"), job).await
}

/// Ends one connection, or every one.
pub async fn kick<S: Kind>(caller: Caller, id: At, query: Query) -> Reply {
    let row = find::<S>(&caller, &id)?;
    let only = match query.text("connection") {
        "" => None,
        one => {
            Some(SessionId(parse_id(one).map_err(|rule| Error::invalid("connection", rule))?.unsigned_abs()))
        }
    };
    let ended = caller.ops.kick_of(caller.actor(), S::viewer(row.id), only).await?;
    Ok(back::<S>(&row, &query, None, &ended_words(ended)))
}

/// What is said once connections were ended.
pub fn ended_words(ended: usize) -> String {
    match ended {
        0 => "It had already ended.".into(),
        1 => "The connection was ended.".into(),
        many => format!("{many} connections were ended."),
    }
}

/// To the page that the button stood on.
fn back<S: Kind>(row: &Stored<S>, query: &Query, batch: Option<i64>, text: &str) -> HttpResponse {
    let page = S::href(row.id);
    match query.text("back") {
        "why" => done_as(batch, &format!("{page}/why?{}", super::why::question_of(query)), text),
        _ => done_as(batch, &page, text),
    }
}

/// Asks before it goes.
pub async fn ask_delete<S: Kind>(caller: Caller, id: At) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    confirm::<S>(&caller, &id, false)
}

fn confirm<S: Kind>(caller: &Caller, id: &str, changed: bool) -> Reply {
    let row = find::<S>(caller, id)?;
    let name = row.record.name();
    let open = caller.ops.viewing.count_connections(S::viewer(row.id));
    let watching = match open {
        0 => String::new(),
        1 => "Its open connection ends. ".into(),
        open => format!("Its {open} open connections end. "),
    };
    let goes_with = format!("{watching}Its log entries are kept. Credits are not refunded.");
    let seen = row.updated_at.seconds().to_string();
    let page = ConfirmPage::deletion(caller, S::ONE, &name, &goes_with, S::href(row.id), seen);
    Ok(page.shown(caller, changed))
}

/// Deletes it.
pub async fn delete<S: Kind>(caller: Caller, id: At, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let row = find::<S>(&caller, &id)?;
    let Some(seen) = seen::row(&sent) else { return confirm::<S>(&caller, &id, true) };
    let job = move |act: &crate::ops::Act<'_>| at_once::delete::<S>(&act.seeing(Some(seen)), &[row.id]);
    match caller.ops.write(caller.actor().clone(), action(S::RESOURCE, "delete"), job).await {
        Err(Error::Changed) => confirm::<S>(&caller, &id, true),
        gone => {
            let told = format!("{} was deleted.", row.record.name());
            Ok(done_as(gone?.batch, &format!("/panel/{}", S::PATH), &told))
        }
    }
}
