//! One's own account: password and sessions.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;

use crate::{
    domain::{Error, Result, fields::text::NewPassword, ids::parse_id, people::browser::in_words},
    ops::people::{oidc::Identity, sign_in::PanelSession},
    panel::kit::{
        caller::{Caller, done, keep},
        error::Reply,
        form::{self, Form, Input, Widget},
        frame::Frame,
        sent::Sent,
        show::Moment,
        table::{Cell, Head, Listing, RowAction, Tone},
    },
};

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account").get(show).post(change_password))
        .service(resource("/account/sessions/end-others").post(end_others))
        .service(resource("/account/sessions/{id}/end").post(end));
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    must_change: bool,
    form: Form,
    /// How many recovery codes are left; none without a second factor.
    codes_left: Option<i64>,
    sessions: Listing,
    /// Whether there are others than this one.
    has_others: bool,
    /// The provider at which one may sign in.
    provider: Option<String>,
    accounts: Listing,
    /// Connects an account there.
    connect: Form,
}

async fn show(caller: Caller) -> Reply {
    let forms = (password_form(&caller), connect_form(&caller));
    page(&caller, StatusCode::OK, forms)
}

/// The page once more, for whoever could not be sent to a provider.
pub(super) fn not_connected(caller: &Caller, error: Error) -> Reply {
    let mut connect = connect_form(caller);
    let status = connect.refused(error)?;
    page(caller, status, (password_form(caller), connect))
}

async fn change_password(request: HttpRequest, caller: Caller, sent: Sent) -> Reply {
    let mut form = password_form(&caller);
    let new = form::field::<NewPassword>(&sent, "new_password");
    let new = new.and_then(|new| {
        let same = sent.text("again") == new.as_str();
        if same { Ok(new) } else { Err(Error::invalid("again", "not the same as above")) }
    });
    let changed = match new {
        Ok(new) => {
            let old = sent.text("old_password").to_owned();
            caller.ops.change_own_password(&caller.signed_in, old, new).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(tokens) => {
            let mut response = done("/panel/", "Your password was changed. Your other sessions were ended.");
            keep(&mut response, &request, tokens);
            Ok(response)
        }
        Err(error) => {
            let status = form.refused(error)?;
            page(&caller, status, (form, connect_form(&caller)))
        }
    }
}

async fn end(caller: Caller, id: Path<String>) -> Reply {
    let id = parse_id(&id).map_err(|rule| Error::invalid("id", rule))?;
    caller.ops.end_own_session(&caller.signed_in, id).await?;
    Ok(done("/panel/account", "The session was ended."))
}

async fn end_others(caller: Caller) -> Reply {
    caller.ops.end_own_other_sessions(&caller.signed_in).await?;
    Ok(done("/panel/account", "Your other sessions were ended."))
}

fn password_form(caller: &Caller) -> Form {
    let zone = caller.ops.snapshot().settings.time_zone.clone();
    let input = |name, label, fill| Input::new(name, label, Widget::Password).required().autocomplete(fill);
    let form = Form::new("/panel/account", "Change password", &zone);
    form.password_of(caller.signed_in.admin.record.username.as_str()).section(
        "Password",
        vec![
            input("old_password", "Current password", "current-password"),
            input("new_password", "New password", "new-password")
                .help("At least 8 characters, and not one of the most common passwords."),
            input("again", "New password again", "new-password"),
        ],
    )
}

fn connect_form(caller: &Caller) -> Form {
    let zone = caller.ops.snapshot().settings.time_zone.clone();
    Form::new("/panel/account/oidc", "Connect an account", &zone).section(
        "",
        vec![
            Input::new("password", "Current password", Widget::Password)
                .required()
                .autocomplete("current-password"),
        ],
    )
}

/// The accounts at providers.
fn accounts(caller: &Caller) -> Result<Listing> {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let own = caller.ops.own_identities(&caller.signed_in)?;
    let row = |account: &Identity| {
        let time = |at| Cell::Time(at, "never");
        vec![
            Cell::Text(account.account.clone()),
            Cell::Code(account.issuer.clone()),
            time(Some(Moment::of(account.created_at, &zone))),
            time(account.last_used_at.map(|at| Moment::of(at, &zone))),
            Cell::Actions(vec![RowAction::Do {
                action: format!("/panel/account/oidc/{}/disconnect", account.id),
                label: "Disconnect".into(),
            }]),
        ]
    };
    Ok(Listing {
        label: "Accounts elsewhere",
        heads: ["Account", "Provider", "Connected", "Last used", ""].map(Head::new).into(),
        rows: own.iter().map(row).collect(),
        ..Listing::default()
    })
}

fn page(caller: &Caller, status: StatusCode, (form, connect): (Form, Form)) -> Reply<HttpResponse> {
    let own = caller.ops.own_sessions(&caller.signed_in)?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let row = |session: &PanelSession| {
        let time = |at| Cell::Time(Some(Moment::of(at, &zone)), "");
        let current = session.id == caller.signed_in.session.id;
        vec![
            Cell::Code(session.address.clone()),
            Cell::Under(Box::new(Cell::Text(in_words(&session.user_agent))), session.user_agent.clone()),
            time(session.created_at),
            time(session.last_seen_at),
            if current {
                Cell::Badge(Tone::Good, "this one".into())
            } else {
                Cell::Actions(vec![RowAction::Do {
                    action: format!("/panel/account/sessions/{}/end", session.id),
                    label: "End".into(),
                }])
            },
        ]
    };
    let sessions = Listing {
        heads: ["Address", "Browser", "Signed in", "Last used", ""].map(Head::new).into(),
        rows: own.iter().map(row).collect(),
        ..Listing::default()
    };
    let must_change = caller.signed_in.admin.record.must_change_password;
    let factor = caller.ops.own_second_factor(&caller.signed_in)?;
    let page = Account {
        frame: caller.frame("Your account"),
        must_change,
        form,
        codes_left: factor.map(|factor| factor.codes_left),
        sessions,
        has_others: own.len() > 1,
        provider: caller.ops.oidc_host(),
        accounts: accounts(caller)?,
        connect,
    };
    Ok(caller.page_with(status, &page))
}
