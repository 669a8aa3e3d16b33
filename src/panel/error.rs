//! How errors look in a browser.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use askama::Template;

use super::{assets, moved};
use crate::domain::Error;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Refused {
    /// Nobody is signed in: to the login page, and back to that address.
    SignIn(String),
    /// A new password comes first.
    ChangePassword,
    /// An error of a use case.
    Error(Error),
    /// The request cannot be read; why.
    Malformed(String),
}

/// The result of every handler.
pub type Reply<T = HttpResponse> = Result<T, Refused>;

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(_) => f.write_str("sign in first"),
            Self::ChangePassword => f.write_str("choose a new password first"),
            Self::Error(error) => write!(f, "{error}"),
            Self::Malformed(why) => f.write_str(why),
        }
    }
}

impl ResponseError for Refused {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignIn(back) => {
                let query = form_urlencoded(back);
                moved(&format!("/panel/login?next={query}"))
            }
            Self::ChangePassword => moved("/panel/account"),
            Self::Malformed(why) => page(StatusCode::BAD_REQUEST, "This request cannot be read", why),
            Self::Error(error) => of(error),
        }
    }
}

/// The page of an error.
fn of(error: &Error) -> HttpResponse {
    let text = error.to_string();
    match error {
        Error::NoSuch { .. } => page(StatusCode::NOT_FOUND, "Not found", &text),
        Error::Denied(_) => page(StatusCode::FORBIDDEN, "Not allowed", &text),
        Error::Busy => {
            let mut response = page(StatusCode::SERVICE_UNAVAILABLE, "Busy", &text);
            response.headers_mut().insert(header::RETRY_AFTER, 2.into());
            response
        }
        Error::Database(fault) => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something failed",
            &format!(
                "Nothing was changed. The operator finds the reason in Logs -> Panel Error Log, entry {}.",
                fault.reference
            ),
        ),
        _ => page(status(error), "Not done", &text),
    }
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
        "Not from here",
        "Another site asked your browser to change something in the panel. Nothing was changed. If it was you, go back, \
         reload the page and try again.",
    )
}

/// An address where nothing is.
pub async fn no_such_page(request: HttpRequest) -> HttpResponse {
    drop(request);
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

/// A rendered template.
pub fn render(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
        Err(error) => {
            log::error!("a page cannot be rendered: {error}");
            HttpResponse::InternalServerError().body("This page cannot be shown: see the server's log")
        }
    }
}

fn form_urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
