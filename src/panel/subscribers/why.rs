//! "Why can't this subscriber watch?": every rule's verdict, with the button that fixes it.

use askama::Template;

use super::{
    super::{
        kit::{
            caller::Caller, error::Reply, form::Choice, frame::Frame, records, sent::Query, table::RowAction,
        },
        machine::settings::SECURITY_PATH,
    },
    At, Kind,
    actions::Fix,
    find, words,
};
use crate::{
    domain::{
        Resource, Result, Stored, Written,
        channels::stream::Stream,
        field::Field,
        fields::{container::Container, net::Address, time::UnixTime},
        ids::{Id, PlanId, StreamId, parse_id},
        viewing::{
            admission::{Rule, Verdict},
            session::SessionId,
            title::Title,
            window::{self, Window},
        },
    },
    ops::viewing::{
        Subscriber,
        explain::{Explanation, Question},
    },
};

/// The parameters of a question.
const ASKED: [&str; 5] = ["stream", "at", "address", "agent", "output"];

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    frame: Frame,
    href: String,
    name: String,
    streams: Vec<Choice>,
    stream: String,
    at: String,
    address: String,
    wrong_address: bool,
    agent: String,
    outputs: Vec<Choice>,
    output: String,
    may_watch: bool,
    verdicts: Vec<Explained>,
}

/// A verdict with what fixes it.
struct Explained {
    rule: &'static str,
    passes: bool,
    words: String,
    fixes: Vec<RowAction>,
}

/// The parameters of the question that an address asks, to ask it again.
pub fn question_of(query: &Query) -> String {
    let mut asked = url::form_urlencoded::Serializer::new(String::new());
    for name in ASKED {
        if !query.text(name).is_empty() {
            asked.append_pair(name, query.text(name));
        }
    }
    asked.finish()
}

/// The page.
pub async fn show<S: Kind>(caller: Caller, id: At, query: Query) -> Reply
where
    Subscriber: From<Stored<S>>,
{
    let row = find::<S>(&caller, &id)?;
    let typed = query.text("address").trim();
    let address = Address::parse(&Written::Text(typed.to_owned())).ok();
    let streams = caller.ops.streams_known(caller.actor(), row.record.subscription()).await?;
    let stream =
        parse_id(query.text("stream")).ok().filter(|id| streams.iter().any(|(known, _)| known == id));
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let at = window::start(query.text("at"), &zone);
    let question = Question {
        title: stream.map(StreamId).map(|id| match at {
            Some(at) => Title::Archive(id, Window::minute(at)),
            None => Title::Live(id),
        }),
        address: address.map(|address| address.0),
        agent: Some(query.text("agent").to_owned()).filter(|agent| !agent.is_empty()),
        container: Container::named(query.text("output")),
    };
    let explained = caller.ops.explain_by_id::<S>(caller.actor(), row.id, question.clone()).await?;
    let href = S::href(row.id);
    let mut told = Vec::new();
    for verdict in &explained.verdicts {
        told.push(Explained {
            rule: rule(verdict.rule),
            passes: verdict.passes,
            words: verdict.words.clone(),
            fixes: fixes::<S>(&caller, &row, verdict, &question, &explained, &question_of(&query)).await?,
        });
    }
    let choices =
        |none: &str, others: Vec<Choice>| std::iter::once(Choice::new("", none)).chain(others).collect();
    let outputs = Container::ALL.map(|form| Choice::new(form.name(), words::form(form)));
    Ok(caller.page(&WhyPage {
        frame: caller.frame(format!("Why can\u{2019}t {} watch?", row.record.name())),
        name: row.record.name(),
        streams: choices("Any stream", streams.into_iter().map(|(id, name)| Choice::new(id, name)).collect()),
        stream: query.text("stream").to_owned(),
        at: query.text("at").to_owned(),
        wrong_address: !typed.is_empty() && address.is_none(),
        address: typed.to_owned(),
        agent: query.text("agent").to_owned(),
        outputs: choices("Any format", outputs.into()),
        output: query.text("output").to_owned(),
        may_watch: explained.may_watch(),
        verdicts: told,
        href,
    }))
}

/// What a rule asks about.
fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Banned => "Ban",
        Rule::Disabled => "Status",
        Rule::Expired => "End date",
        Rule::Device => "Device",
        Rule::SignIn => "Login",
        Rule::Address => "Address",
        Rule::Blocked => "Blocked",
        Rule::Agent => "Player",
        Rule::Provider => "Network provider",
        Rule::Server => "Server",
        Rule::Output => "Format",
        Rule::Catchup => "Catch-up",
        Rule::Bouquet => "Bouquet",
        Rule::Archive => "Archive",
        Rule::Stream => "Stream",
        Rule::Limit => "Connections",
    }
}

/// The buttons that fix a refusal, as far as the caller may press them.
async fn fixes<S: Kind>(
    caller: &Caller,
    row: &Stored<S>,
    verdict: &Verdict,
    question: &Question,
    explained: &Explanation,
    asked: &str,
) -> Result<Vec<RowAction>> {
    let full = verdict.rule == Rule::Limit && is_full(row, explained);
    if (verdict.passes && !full) || !caller.may_write(S::RESOURCE) {
        return Ok(Vec::new());
    }
    let href = S::href(row.id);
    let post = |path: &str, more: &str, label: &str| RowAction::Do {
        action: format!("{href}/{path}?back=why&{asked}{more}"),
        label: label.into(),
    };
    let seen = |at: UnixTime| format!("&seen={}", at.seconds());
    let press = |fix: Fix| {
        let allowed = !fix.is_operators() || caller.reseller().is_none();
        allowed.then(|| post(&format!("do/{}", fix.name()), &seen(row.updated_at), fix.label()))
    };
    Ok(match verdict.rule {
        Rule::Banned => press(Fix::Unban).into_iter().collect(),
        Rule::Disabled => press(Fix::Enable).into_iter().collect(),
        Rule::Expired => vec![RowAction::Go { href: format!("{href}/extend"), label: "Extend".into() }],
        Rule::Device => {
            let reset =
                RowAction::Do { action: format!("{href}/box/reset"), label: "Reset the device".into() };
            vec![reset]
        }
        Rule::SignIn => vec![RowAction::Go { href: format!("{href}/edit"), label: "Set a password".into() }],
        Rule::Address => press(Fix::AnyAddress).into_iter().collect(),
        Rule::Blocked if caller.may_write(Resource::Security) => {
            vec![RowAction::Go { href: SECURITY_PATH.into(), label: "Blocked addresses".into() }]
        }
        Rule::Blocked => Vec::new(),
        Rule::Agent => press(Fix::AnyPlayer).into_iter().collect(),
        Rule::Provider => press(Fix::ForgetProvider).into_iter().collect(),
        Rule::Server => press(Fix::AnyServer).into_iter().collect(),
        Rule::Output => press(Fix::AnyForm).into_iter().collect(),
        Rule::Catchup => match row.record.subscription() {
            sold if !sold.catchup => press(Fix::AllowCatchup).into_iter().collect(),
            sold => {
                let plan =
                    sold.subscription_plan_id.filter(|_| caller.may_write(Resource::SubscriptionPlans));
                let edit = |plan: PlanId| RowAction::Go {
                    href: format!("/panel/plans/{}/edit", plan.number()),
                    label: "Edit the plan".into(),
                };
                plan.map(edit).into_iter().collect()
            }
        },
        Rule::Archive => match question.title {
            Some(title) if caller.may_write(Resource::Streams) => {
                let href = format!("/panel/streams/{}/edit", title.stream().number());
                vec![RowAction::Go { href, label: "Edit the stream".into() }]
            }
            _ => Vec::new(),
        },
        Rule::Bouquet => match question.title {
            Some(title) if caller.reseller().is_none() => {
                let holding = caller.ops.bouquets_with(title.stream()).await?;
                let add = |(id, name): (i64, String)| {
                    let more = format!("&id={id}{}", seen(row.updated_at));
                    post("do/add-bouquet", &more, &format!("Add bouquet {name}"))
                };
                holding.into_iter().take(5).map(add).collect()
            }
            _ => Vec::new(),
        },
        Rule::Stream => match question.title {
            Some(title) if caller.may_write(Resource::Streams) => {
                let stream = title.stream();
                let at = records::find::<Stream>(caller, &stream.number().to_string()).await?.updated_at;
                let more = format!("&id={}{}", stream.number(), seen(at));
                vec![post("do/start-stream", &more, "Start the stream")]
            }
            _ => Vec::new(),
        },
        Rule::Limit => {
            let oldest = explained.connections.first().map(|open| {
                let SessionId(id) = open.id;
                post("kick", &format!("&connection={id}"), "Kick the oldest")
            });
            oldest.into_iter().chain(press(Fix::OneMore)).collect()
        }
    })
}

/// Whether all connections are in use, also where a new viewer would end the oldest.
fn is_full<S: Kind>(row: &Stored<S>, explained: &Explanation) -> bool {
    let limit = row.record.subscription().max_allowed_connections.get();
    limit > 0 && usize::try_from(limit).is_ok_and(|limit| explained.connections.len() >= limit)
}
