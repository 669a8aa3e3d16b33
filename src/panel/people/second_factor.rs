//! The second factor of whoever is signed in: setting it up, its recovery codes, switching it off.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{ServiceConfig, resource},
};
use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    domain::{Error, Refused, Result},
    ops::people::second_factor::SecondFactor,
    panel::{
        kit::{
            caller::{Caller, SECOND_FACTOR, done},
            error::Reply,
            form::{Form, Input, Widget},
            frame::Frame,
            pages::FormPage,
            qr,
            sent::Sent,
            show::Moment,
            table::Cell,
        },
        moved,
    },
};

const CODES: &str = "/panel/account/second-factor/codes";
const OFF: &str = "/panel/account/second-factor/off";
/// The hidden field with the secret that is offered.
const OFFER: &str = "offer";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account/second-factor").get(show).post(switch_on))
        .service(resource("/account/second-factor/codes").get(ask_codes).post(renew_codes))
        .service(resource("/account/second-factor/off").get(ask_off).post(switch_off));
}

/// It is off: how to set it up.
#[derive(Template)]
#[template(path = "second_factor_setup.html")]
struct SetUp {
    frame: Frame,
    /// Whether nothing else can be done before.
    is_required: bool,
    /// The QR code, as an address that holds the picture itself.
    picture: String,
    secret: String,
    form: Form,
}

/// It is on.
#[derive(Template)]
#[template(path = "second_factor.html")]
struct On {
    frame: Frame,
    since: Cell,
    codes_left: i64,
    is_lost: bool,
}

/// Recovery codes, shown once.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct RecoveryCodes {
    frame: Frame,
    codes: Vec<String>,
    /// What is said above them.
    said: &'static str,
}

impl RecoveryCodes {
    fn page(caller: &Caller, codes: Vec<String>, said: &'static str) -> HttpResponse {
        caller.page(&Self { frame: caller.frame("Recovery codes"), codes, said })
    }

    fn joined(&self) -> String {
        self.codes.join("\n")
    }
}

async fn show(caller: Caller) -> Reply {
    if let Some(factor) = caller.ops.own_second_factor(&caller.signed_in)? {
        return Ok(on_page(&caller, &factor));
    }
    let offer = caller.ops.offer_second_factor(&caller.signed_in, "")?;
    let form = set_up_form(&caller, &offer.sealed);
    set_up_page(&caller, StatusCode::OK, form, &offer.sealed)
}

fn on_page(caller: &Caller, factor: &SecondFactor) -> HttpResponse {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    caller.page(&On {
        frame: caller.frame("Second factor"),
        since: Cell::Time(Some(Moment::of(factor.since, &zone)), ""),
        codes_left: factor.codes_left,
        is_lost: caller.ops.second_factor_is_lost(&caller.signed_in, factor),
    })
}

fn set_up_page(caller: &Caller, status: StatusCode, form: Form, sealed: &str) -> Reply {
    let offer = caller.ops.offer_second_factor(&caller.signed_in, sealed)?;
    let picture = format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(qr::svg(&offer.address)?));
    let page = SetUp {
        frame: caller.frame("Set up a second factor"),
        is_required: caller.signed_in.must_set_up_second_factor,
        picture,
        secret: offer.secret,
        form,
    };
    Ok(caller.page_with(status, &page))
}

fn set_up_form(caller: &Caller, sealed: &str) -> Form {
    let code = Input::text("code", "Code")
        .required()
        .autocomplete("one-time-code")
        .help("The six digits that the app shows now.");
    form(caller, SECOND_FACTOR, "Switch on", code).hidden(OFFER, sealed)
}

fn own_form(caller: &Caller, action: &str, submit: &'static str) -> Form {
    let code = Input::text("code", "Code")
        .required()
        .autocomplete("one-time-code")
        .help("The six digits that the app shows now, or a recovery code.");
    form(caller, action, submit, code).cancel(SECOND_FACTOR)
}

fn form(caller: &Caller, action: &str, submit: &'static str, code: Input) -> Form {
    let password = Input::new("password", "Your password", Widget::Password);
    let inputs = vec![password.required().autocomplete("current-password"), code];
    Form::new(action, submit, &caller.ops.snapshot().settings.time_zone)
        .password_of(caller.signed_in.admin.record.username.as_str())
        .section("", inputs)
}

async fn switch_on(caller: Caller, sent: Sent) -> Reply {
    let offer = sent.text(OFFER);
    let (password, code) = (sent.text("password").to_owned(), sent.text("code"));
    match caller.ops.switch_on_second_factor(&caller.signed_in, offer, password, code).await {
        Ok(codes) => Ok(RecoveryCodes::page(&caller, codes, SWITCHED_ON)),
        Err(Error::Refused(Refused::SecondFactorIsOn)) => {
            Ok(done(SECOND_FACTOR, "The second factor was switched on before, and nothing was changed."))
        }
        // The form is of another key or of somebody else: with a new one.
        Err(Error::Refused(Refused::FormUnknown)) => Ok(moved(SECOND_FACTOR)),
        Err(error) => {
            let mut form = set_up_form(&caller, offer);
            let status = form.refused(error)?;
            set_up_page(&caller, status, form, offer)
        }
    }
}

const SWITCHED_ON: &str = "The second factor is on. Your other sessions were ended.";
const RENEWED: &str = "These are your new recovery codes. The old ones are good no more.";

async fn ask_codes(caller: Caller) -> Reply {
    let form = own_form(&caller, CODES, "Make new codes");
    ask(&caller, StatusCode::OK, "New recovery codes", form)
}

async fn renew_codes(caller: Caller, sent: Sent) -> Reply {
    let (password, code) = (sent.text("password").to_owned(), sent.text("code"));
    match caller.ops.renew_recovery_codes(&caller.signed_in, password, code).await {
        Ok(codes) => Ok(RecoveryCodes::page(&caller, codes, RENEWED)),
        Err(error) => {
            let mut form = own_form(&caller, CODES, "Make new codes");
            let status = form.refused(error)?;
            ask(&caller, status, "New recovery codes", form)
        }
    }
}

async fn ask_off(caller: Caller) -> Reply {
    let form = own_form(&caller, OFF, "Switch off");
    ask(&caller, StatusCode::OK, "Switch the second factor off", form)
}

async fn switch_off(caller: Caller, sent: Sent) -> Reply {
    let (password, code) = (sent.text("password").to_owned(), sent.text("code"));
    match caller.ops.switch_off_second_factor(&caller.signed_in, password, code).await {
        Ok(()) => Ok(done(SECOND_FACTOR, "The second factor was switched off. It can be set up again here.")),
        Err(error) => {
            let mut form = own_form(&caller, OFF, "Switch off");
            let status = form.refused(error)?;
            ask(&caller, status, "Switch the second factor off", form)
        }
    }
}

/// A form that needs the second factor to be on.
fn ask(caller: &Caller, status: StatusCode, title: &str, form: Form) -> Reply {
    if is_off(caller)? {
        return Ok(moved(SECOND_FACTOR));
    }
    Ok(caller.page_with(status, &FormPage { frame: caller.frame(title), form }))
}

fn is_off(caller: &Caller) -> Result<bool> {
    Ok(caller.ops.own_second_factor(&caller.signed_in)?.is_none())
}
