//! How errors look in a browser.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
};
use askama::Template;

use super::{
    assets,
    caller::{Caller, SECOND_FACTOR},
    frame::Frame,
};
use crate::{
    domain::{Error, Failure},
    panel::moved,
};

/// Why a page is not shown.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in: to the login page, and back.
    SignIn(Back),
    /// A new password comes first.
    ChangePassword,
    /// A second factor comes first.
    SetUpSecondFactor,
    /// An error of a use case.
    Error(Error),
    /// The request cannot be read; why.
    Malformed(String),
}

/// Where somebody wanted to go who is not signed in.
#[derive(Clone, Debug)]
pub enum Back {
    Page(String),
    /// Nowhere: a form was sent from this page after the end of the session, and nothing was done.
    Form(String),
}

/// The result of every handler.
pub type Reply<T = HttpResponse> = Result<T, PageError>;

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(_) => f.write_str("sign in first"),
            Self::SetUpSecondFactor => f.write_str("set up a second factor first"),
            Self::ChangePassword => f.write_str("choose a new password first"),
            Self::Error(error) => write!(f, "{error}"),
            Self::Malformed(why) => f.write_str(why),
        }
    }
}

impl ResponseError for PageError {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignIn(back) => {
                let (page, ended) = match back {
                    Back::Page(page) => (page, ""),
                    Back::Form(page) => (page, "&not_done=1"),
                };
                moved(&format!("/panel/login?next={}{ended}", form_urlencoded(page)))
            }
            Self::ChangePassword => moved("/panel/account"),
            Self::SetUpSecondFactor => moved(SECOND_FACTOR),
            Self::Malformed(why) => page(StatusCode::BAD_REQUEST, UNREADABLE, why),
            Self::Error(error) => of(error),
        }
    }
}

const UNREADABLE: &str = "This request cannot be read";

const FORM_ONLY: &str = "There is no page here";
const FORM_ONLY_TEXT: &str =
    "This address only takes forms: it is not a page. Nothing was changed: go back, or choose a page above.";

/// The page of a refusal between the navigation.
#[derive(Template)]
#[template(path = "not_done.html")]
struct NotDone {
    frame: Frame,
    text: String,
    back: String,
}

/// Puts the page of a refusal between the navigation, for whoever is signed in.
pub async fn framed(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    let response = next.call(request).await?;
    let refused = response.response().error().and_then(|error| error.as_error::<PageError>());
    let only_takes_forms = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let told = match refused {
        Some(PageError::Malformed(why)) => Some((UNREADABLE, why.clone())),
        Some(PageError::Error(error)) => Some(told(error, true)),
        None if only_takes_forms => Some((FORM_ONLY, FORM_ONLY_TEXT.into())),
        _ => None,
    };
    let caller = told.as_ref().and_then(|_| Caller::with_any_password(response.request()).ok());
    let (Some((title, text)), Some(caller)) = (told, caller) else {
        if only_takes_forms {
            let page = page(StatusCode::METHOD_NOT_ALLOWED, FORM_ONLY, FORM_ONLY_TEXT);
            return Ok(response.into_response(page).map_into_right_body());
        }
        return Ok(response.map_into_left_body());
    };
    // What was not deleted is still there.
    let back = response.request().path().strip_suffix("/delete").unwrap_or("/panel/").to_owned();
    let mut page = caller.page_with(response.status(), &NotDone { frame: caller.frame(title), text, back });
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    Ok(response.into_response(page).map_into_right_body())
}

/// What is said of an error, to somebody who is signed in or not: a title and a sentence.
fn told(error: &Error, is_signed_in: bool) -> (&'static str, String) {
    let text = error.to_string();
    match error {
        Error::NoSuch { .. } => ("Not found", text),
        Error::Denied(_) => ("Not allowed", text),
        Error::Busy => ("Busy", text),
        Error::Database(_) if error.is_busy() => (
            "Busy",
            "Another program is writing to the database just now. Nothing was changed: try again in a moment.".into(),
        ),
        Error::Database(fault) if fault.what == Failure::DiskFull => (
            "The disk is full",
            format!(
                "Nothing was changed{}: the operator has to free space on the disk of the data folder.",
                if is_signed_in { "" } else { ", and nobody can be signed in" }
            ),
        ),
        // Nobody gets to a log that is in what is gone or broken.
        Error::Database(fault) if fault.what.is_of_the_file() => (
            "The database cannot be used",
            format!("Nothing was changed: {}. The operator finds more in the log of the server.", fault.what),
        ),
        Error::Database(fault) => (
            "Something failed",
            format!(
                "Nothing was changed. The operator finds the reason in Logs -> Panel Error Log, entry {}.",
                fault.reference
            ),
        ),
        _ => ("Not done", text),
    }
}

/// The page of an error.
fn of(error: &Error) -> HttpResponse {
    let (title, text) = told(error, false);
    let status = match error {
        Error::NoSuch { .. } => StatusCode::NOT_FOUND,
        Error::Denied(_) => StatusCode::FORBIDDEN,
        busy if busy.is_busy() => StatusCode::SERVICE_UNAVAILABLE,
        Error::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => status(error),
    };
    let mut response = page(status, title, &text);
    if error.is_busy() {
        response.headers_mut().insert(header::RETRY_AFTER, 2.into());
    }
    response
}

/// The status of a refusal that leads back to a form.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Taken { .. } | Error::Refused(_) | Error::NotEnoughCredits | Error::Changed => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A write that came from another site.
pub fn cross_site() -> HttpResponse {
    page(
        StatusCode::FORBIDDEN,
        "Request refused",
        "Another site asked your browser to change something in the panel. Nothing was changed. If it was you, go back, \
         reload the page and try again.",
    )
}

/// An address where nothing is.
pub async fn no_such_page(request: HttpRequest) -> HttpResponse {
    drop(request);
    no_page()
}

/// What is said of an address where nothing is.
pub fn no_page() -> HttpResponse {
    page(StatusCode::NOT_FOUND, "Not found", "There is no page at this address.")
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    style: String,
    favicon: String,
    title: &'a str,
    text: &'a str,
}

fn page(status: StatusCode, title: &str, text: &str) -> HttpResponse {
    let page = ErrorPage { style: assets::STYLE.url(), favicon: assets::FAVICON.url(), title, text };
    render(status, &page)
}

pub fn render(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
        Err(error) => {
            log::error!("a page cannot be rendered: {error}");
            HttpResponse::InternalServerError().body("This page cannot be shown: see the server's log")
        }
    }
}

/// A text as it stands in a query.
pub fn form_urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
