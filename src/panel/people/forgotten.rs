//! Forgotten passwords: asking for a link by e-mail, and the page to which it leads.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{Data, ServiceConfig, resource},
};
use askama::Template;

use super::login::{Outside, outside};
use crate::{
    domain::{Error, Refused, fields::text::NewPassword},
    ops::Ops,
    panel::{
        kit::{
            error::{Reply, no_page, render},
            form,
            sent::{Query, Sent},
        },
        moved,
    },
    wire::visitor::Visitor,
};

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/forgotten").get(show).post(ask))
        .service(resource("/password").get(open).post(set));
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct Ask {
    outside: Outside,
    problem: Option<&'static str>,
    /// Whether it was asked: then nothing else is shown, whatever came of it.
    asked: bool,
}

async fn show(ops: Data<Ops>) -> HttpResponse {
    if !ops.sends_password_links() {
        return no_page();
    }
    render(StatusCode::OK, &Ask { outside: outside(&ops), problem: None, asked: false })
}

async fn ask(ops: Data<Ops>, from: Visitor, sent: Sent) -> HttpResponse {
    if !ops.sends_password_links() {
        return no_page();
    }
    let outside = outside(&ops);
    if ops.ask_for_password_link(sent.text("username"), from.address) {
        return render(StatusCode::OK, &Ask { outside, problem: None, asked: true });
    }
    let problem = Some("Too many were asked for from your address: wait a minute.");
    let mut page = render(StatusCode::TOO_MANY_REQUESTS, &Ask { outside, problem, asked: false });
    page.headers_mut().insert(header::RETRY_AFTER, 60.into());
    page
}

#[derive(Template)]
#[template(path = "new_password.html")]
struct Choose {
    outside: Outside,
    problem: Option<String>,
    /// Whose password it is; empty if the link is not good.
    username: String,
    token: String,
}

async fn open(ops: Data<Ops>, query: Query) -> Reply {
    choose(&ops, query.text("token"), None)
}

fn choose(ops: &Ops, token: &str, refused: Option<&Error>) -> Reply {
    let outside = outside(ops);
    let Some(admin) = ops.password_link_of(token)? else {
        let problem = Some(format!("{}.", Refused::PasswordLinkOver));
        let page = Choose { outside, problem, username: String::new(), token: String::new() };
        return Ok(render(StatusCode::GONE, &page));
    };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let problem = refused.map(|error| match error {
        Error::Invalid { rule, .. } => format!("The new password: {rule}."),
        Error::Missing(_) => "Type the new password.".into(),
        error => format!("{error}."),
    });
    let username = admin.record.username.as_str().to_owned();
    Ok(render(status, &Choose { outside, problem, username, token: token.to_owned() }))
}

async fn set(ops: Data<Ops>, from: Visitor, sent: Sent) -> Reply {
    let token = sent.text("token");
    let new = form::field::<NewPassword>(&sent, "new_password").and_then(|new| {
        let is_same = sent.text("again") == new.as_str();
        if is_same { Ok(new) } else { Err(Error::invalid("again", "not the same both times")) }
    });
    let outcome = match new {
        Ok(new) => ops.set_password_by_link(token, new, from.address).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(moved("/panel/login?changed=1")),
        Err(error @ (Error::Invalid { .. } | Error::Missing(_) | Error::Refused(_))) => {
            choose(&ops, token, Some(&error))
        }
        Err(error) => Err(error.into()),
    }
}
