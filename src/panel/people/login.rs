//! Signing in and out.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::Cookie,
    http::{StatusCode, header},
    web::{Data, ServiceConfig, resource},
};
use askama::Template;

use crate::{
    domain::Refused,
    ops::{
        Ops,
        people::{
            sign_in::{From, Rejected, Tokens},
            steps::Step,
        },
    },
    panel::{
        kit::{
            assets,
            caller::{BROWSER, Caller, SESSION, STEP, inside, keep, session_cookie, step_cookie},
            error::{Reply, form_urlencoded, render},
            sent::{Query, Sent},
        },
        moved,
    },
    wire::visitor::Visitor,
};

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/login").get(ask).post(sign_in))
        .service(resource("/login/code").get(ask_code).post(sign_in_with_code))
        .service(resource("/logout").post(sign_out));
}

/// What pages need that are shown to whoever is not signed in.
pub(super) struct Outside {
    pub style: String,
    pub favicon: String,
    pub icons: String,
    /// The operator's name, or the product's.
    pub operator: String,
}

pub(super) fn outside(ops: &Ops) -> Outside {
    let operator = ops.snapshot().settings.operator_name.as_str().to_owned();
    Outside {
        style: assets::STYLE.url(),
        favicon: assets::FAVICON.url(),
        icons: assets::ICONS.url(),
        operator: if operator.is_empty() { "Linecard".into() } else { operator },
    }
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct Login {
    outside: Outside,
    problem: Option<String>,
    notice: Option<&'static str>,
    username: String,
    next: String,
    /// Whether somebody who has forgotten his password may ask for a new one.
    sends_links: bool,
    /// The provider at which one may sign in as well.
    provider: Option<String>,
    /// Where somebody who has signed out here does so at the provider.
    way_out: Option<String>,
}

pub(super) fn login(ops: &Ops, username: &str, next: &str, problem: Option<String>) -> Login {
    Login {
        outside: outside(ops),
        problem,
        notice: None,
        username: username.to_owned(),
        next: inside(next).to_owned(),
        sends_links: ops.sends_password_links(),
        provider: ops.oidc_host(),
        way_out: None,
    }
}

async fn ask(ops: Data<Ops>, query: Query) -> HttpResponse {
    let ended = "Your session has ended, and what you sent was not done. Sign in, and send it again.";
    let problem = (query.text("not_done") == "1").then(|| ended.to_owned());
    let changed = "Your password was changed, and every session was ended: sign in with the new one.";
    let notice = (query.text("changed") == "1").then_some(changed);
    let way_out = if query.text("left") == "1" { ops.oidc_way_out().await } else { None };
    render(StatusCode::OK, &Login { notice, way_out, ..login(&ops, "", query.text("next"), problem) })
}

/// Where the browser signs in that sent this; `browser` is the cookie by which it may be known.
pub(super) fn place<'a>(from: &'a Visitor, browser: Option<&'a Cookie<'_>>) -> From<'a> {
    From { address: from.address, agent: &from.agent, browser: browser.map(Cookie::value) }
}

async fn sign_in(request: HttpRequest, ops: Data<Ops>, from: Visitor, sent: Sent) -> Reply {
    let (username, next) = (sent.text("username"), sent.text("next"));
    let browser = request.cookie(BROWSER);
    let place = place(&from, browser.as_ref());
    match ops.sign_in(username, sent.text("password").to_owned(), &place).await {
        Ok(step) => passed(&request, &ops, &from, step, next).await,
        Err(rejected) => {
            let Told { status, problem, wait } = told(rejected)?;
            Ok(waiting(render(status, &login(&ops, username, next, Some(problem))), wait))
        }
    }
}

/// On to the second factor, or to where somebody wanted to go who is signed in.
pub(super) async fn passed(
    request: &HttpRequest,
    ops: &Ops,
    from: &Visitor,
    step: Step,
    next: &str,
) -> Reply {
    match step {
        Step::SignedIn(tokens) => entered(request, ops, from, tokens, next).await,
        Step::SecondFactor(token) => {
            let mut response = moved(&code_path(next));
            let _ = response.add_cookie(&step_cookie(request, token));
            Ok(response)
        }
    }
}

/// Somebody is signed in: on to where he wanted to go.
async fn entered(request: &HttpRequest, ops: &Ops, from: &Visitor, tokens: Tokens, next: &str) -> Reply {
    // The session that this browser had is replaced, not left behind.
    if let Some(old) = request.cookie(SESSION)
        && let Some(who) = ops.signed_in(old.value(), from.address)?
    {
        ops.sign_out(&who).await;
    }
    let mut response = moved(inside(next));
    keep(&mut response, request, tokens);
    Ok(response)
}

/// What is said to somebody who was not signed in.
pub(super) struct Told {
    pub status: StatusCode,
    pub problem: String,
    /// Seconds to wait.
    pub wait: Option<u64>,
}

/// What is said of a refusal.
pub(super) fn told(rejected: Rejected) -> Reply<Told> {
    let mut wait = None;
    let (status, problem) = match rejected {
        Rejected::Wrong => (StatusCode::UNAUTHORIZED, "Wrong username or password.".to_owned()),
        Rejected::WrongCode { .. } => (StatusCode::UNAUTHORIZED, WRONG_CODE.to_owned()),
        Rejected::Unreadable => (StatusCode::CONFLICT, format!("{}.", Refused::SecondFactorUnreadable)),
        Rejected::Late => (StatusCode::UNAUTHORIZED, LATE.to_owned()),
        Rejected::Disabled => {
            (StatusCode::FORBIDDEN, "This administrator is disabled: ask the operator.".to_owned())
        }
        Rejected::Blocked(left) => {
            let seconds = left.as_secs() + 1;
            wait = Some(seconds);
            let problem = format!(
                "Too many wrong passwords: wait {seconds} seconds, or ask the operator to lift the block."
            );
            (StatusCode::TOO_MANY_REQUESTS, problem)
        }
        Rejected::Failed(error) if error.is_busy() => {
            wait = Some(2);
            let problem = "The server is busy, and nobody was signed in: try again in a moment.";
            (StatusCode::SERVICE_UNAVAILABLE, problem.to_owned())
        }
        Rejected::Failed(error) => return Err(error.into()),
    };
    Ok(Told { status, problem, wait })
}

const WRONG_CODE: &str = "This code is wrong, or was used before: each is good once. Wait for the next one.";
const LATE: &str = "That took too long, or something changed meanwhile: sign in again.";

pub(super) fn waiting(mut response: HttpResponse, wait: Option<u64>) -> HttpResponse {
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

#[derive(Template)]
#[template(path = "login_code.html")]
struct AskCode {
    outside: Outside,
    problem: Option<String>,
    username: String,
    next: String,
}

fn code_page(ops: &Ops, username: String, next: &str, problem: Option<String>) -> AskCode {
    AskCode { outside: outside(ops), problem, username, next: inside(next).to_owned() }
}

/// Where the second factor is asked for, on the way to a page.
fn code_path(next: &str) -> String {
    format!("/panel/login/code?next={}", form_urlencoded(inside(next)))
}

async fn ask_code(request: HttpRequest, ops: Data<Ops>, query: Query) -> Reply {
    let step = request.cookie(STEP);
    let asked = step.map(|step| ops.asked_for_code(step.value())).transpose()?.flatten();
    let Some(username) = asked else { return Ok(moved("/panel/login")) };
    Ok(render(StatusCode::OK, &code_page(&ops, username, query.text("next"), None)))
}

async fn sign_in_with_code(request: HttpRequest, ops: Data<Ops>, from: Visitor, sent: Sent) -> Reply {
    let next = sent.text("next");
    let (step, browser) = (request.cookie(STEP), request.cookie(BROWSER));
    let token = step.as_ref().map_or("", Cookie::value);
    let username = ops.asked_for_code(token)?.unwrap_or_default();
    let tried = ops.sign_in_with_code(token, sent.text("code"), &place(&from, browser.as_ref())).await;
    let rejected = match tried {
        Ok(tokens) => {
            let mut response = entered(&request, &ops, &from, tokens, next).await?;
            let _ = response.add_cookie(&step_cookie(&request, String::new()));
            return Ok(response);
        }
        Err(rejected) => rejected,
    };
    let is_over =
        matches!(rejected, Rejected::Late | Rejected::Disabled | Rejected::WrongCode { may_go_on: false });
    let Told { status, problem, wait } = told(rejected)?;
    let response = if is_over {
        render(status, &login(&ops, &username, next, Some(problem)))
    } else {
        render(status, &code_page(&ops, username, next, Some(problem)))
    };
    Ok(waiting(response, wait))
}

/// The cookie is taken away whatever the database does.
async fn sign_out(request: HttpRequest, caller: Caller) -> HttpResponse {
    caller.ops.sign_out(&caller.signed_in).await;
    // What is open at a provider is ended there.
    let has_account = caller.ops.own_identities(&caller.signed_in).is_ok_and(|own| !own.is_empty());
    let mut response = moved(if has_account { "/panel/login?left=1" } else { "/panel/login" });
    let _ = response.add_cookie(&session_cookie(&request, String::new()));
    response
}
