//! Signing in at an OpenID Connect provider: the way there, the way back, and connecting an account with whoever is signed in.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    http::StatusCode,
    web::{Data, Path, ServiceConfig, resource},
};
use askama::Template;

use super::{
    account,
    login::{Told, login, passed, place, told, waiting},
};
use crate::{
    domain::{Error, ids::parse_id},
    ops::{
        Ops,
        people::{
            oidc::{Back, Came, NotIn, Purpose},
            sign_in::Rejected,
        },
    },
    panel::{
        kit::{
            caller::{BROWSER, Caller, SESSION, done, inside},
            error::{Reply, form_urlencoded, render},
            frame::Frame,
            sent::{Query, Sent},
        },
        moved,
    },
    wire::{
        origin::{BaseUrl, over_tls},
        visitor::Visitor,
    },
};

/// The cookie by which a browser is known that was sent to a provider. It holds a random token and nothing else.
const SENT: &str = "linecard_oidc";

const START: &str = "/panel/login/oidc";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/login/oidc").get(begin))
        .service(resource("/login/oidc/back").get(back))
        .service(resource("/account/oidc").post(connect))
        .service(resource("/account/oidc/{id}/disconnect").post(disconnect));
}

/// A page that sends the browser on: a form may lead to this panel only, and its answer too.
#[derive(Template)]
#[template(path = "sent_on.html")]
struct SentOn {
    frame: Frame,
    host: String,
    url: String,
}

async fn begin(request: HttpRequest, ops: Data<Ops>, visitor: Visitor, query: Query) -> Reply {
    let next = inside(query.text("next"));
    // The provider sends browsers back to panel_url: the cookie has to be of that host. Once, whatever a proxy says of hosts.
    if let Some(panel) = elsewhere(&ops, &request)
        && query.text("here") != "1"
    {
        return Ok(moved(&format!("{panel}{START}?here=1&next={}", form_urlencoded(next))));
    }
    match ops.begin_oidc(Purpose::SignIn, next, &place(&visitor, None)).await {
        Ok(sent) => {
            let mut response = moved(&sent.url);
            let _ = response.add_cookie(&cookie(&request, sent.browser));
            Ok(response)
        }
        Err(why) => refused(&ops, next, why),
    }
}

async fn back(request: HttpRequest, ops: Data<Ops>, visitor: Visitor, query: Query) -> Reply {
    let (known, sent) = (request.cookie(BROWSER), request.cookie(SENT));
    let brought = Back {
        state: query.text("state"),
        code: query.text("code"),
        error: query.text("error"),
        issuer: query.text("iss"),
        browser: sent.as_ref().map(Cookie::value).unwrap_or_default(),
    };
    let who = match request.cookie(SESSION) {
        Some(session) => ops.signed_in(session.value(), visitor.address)?,
        None => None,
    };
    let from = place(&visitor, known.as_ref());
    let mut response = match ops.end_oidc(&brought, &from, who.as_ref()).await {
        Ok(Came::Passed(step, next)) => passed(&request, &ops, &visitor, step, &next).await?,
        Ok(Came::Connected) => {
            done("/panel/account", "The account is connected: from now on you can sign in with it.")
        }
        Err(why) => refused(&ops, "", why)?,
    };
    let mut gone = cookie(&request, String::new());
    gone.set_max_age(Duration::ZERO);
    let _ = response.add_cookie(&gone);
    Ok(response)
}

async fn connect(request: HttpRequest, caller: Caller, visitor: Visitor, sent: Sent) -> Reply {
    if let Some(panel) = elsewhere(&caller.ops, &request) {
        let text = format!("Nothing was done: open this panel as {panel}, and connect the account there.");
        return Ok(done("/panel/account", &text));
    }
    let password = sent.text("password").to_owned();
    match caller.ops.begin_connecting(&caller.signed_in, password, &place(&visitor, None)).await {
        Ok(sent) => {
            let page = SentOn { frame: caller.frame("Connect an account"), host: sent.host, url: sent.url };
            let mut response = caller.page(&page);
            let _ = response.add_cookie(&cookie(&request, sent.browser));
            Ok(response)
        }
        Err(NotIn::Failed(error)) => account::not_connected(&caller, error),
        Err(why) => Ok(done("/panel/account", &format!("Nothing was done. {}", in_words(why)?.problem))),
    }
}

async fn disconnect(caller: Caller, id: Path<String>) -> Reply {
    let id = parse_id(&id).map_err(|rule| Error::invalid("id", rule))?;
    caller.ops.disconnect_own_identity(&caller.signed_in, id).await?;
    Ok(done("/panel/account", "The account was disconnected: nobody signs in with it any more."))
}

/// The address of this panel, if it was asked under another host than that.
pub(super) fn elsewhere(ops: &Ops, request: &HttpRequest) -> Option<String> {
    let panel = ops.snapshot().settings.panel_url.clone()?;
    let (meant, asked) = (BaseUrl::of(request, Some(panel.as_str()))?, BaseUrl::of(request, None)?);
    (meant.host != asked.host || meant.port != asked.port).then(|| panel.as_str().to_owned())
}

fn cookie(request: &HttpRequest, token: String) -> Cookie<'static> {
    Cookie::build(SENT, token)
        .path("/panel/login")
        .http_only(true)
        .secure(over_tls(request))
        // It comes back from another site.
        .same_site(SameSite::Lax)
        .max_age(Duration::minutes(10))
        .finish()
}

/// The login page, which says why.
fn refused(ops: &Ops, next: &str, why: NotIn) -> Reply {
    let Told { status, problem, wait } = in_words(why)?;
    Ok(waiting(render(status, &login(ops, "", next, Some(problem))), wait))
}

/// What is said of a sign-in that did not go on.
fn in_words(why: NotIn) -> Reply<Told> {
    let (status, problem) = match why {
        NotIn::Off => (StatusCode::NOT_FOUND, "Signing in at a provider is not set up here.".to_owned()),
        NotIn::Provider(why) => (
            StatusCode::BAD_GATEWAY,
            format!("The provider did not sign you in. {why} Your password works as before."),
        ),
        NotIn::NotAsked => (
            StatusCode::BAD_REQUEST,
            "This sign-in is too old, was used already, or began in another browser: begin again.".to_owned(),
        ),
        NotIn::Rejected(rejected) => return told(rejected),
        NotIn::Failed(Error::Refused(refused)) => (StatusCode::FORBIDDEN, format!("{refused}.")),
        NotIn::Failed(error) => return told(Rejected::Failed(error)),
    };
    Ok(Told { status, problem, wait: None })
}
