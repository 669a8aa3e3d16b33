//! The pages that many have in common: a list, a form, a question before something goes.

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use super::{caller::Caller, form::Form, frame::Frame, seen, table::Listing};

/// A page that is a list.
#[derive(Template)]
#[template(path = "list_page.html")]
pub struct ListPage {
    /// What surrounds it.
    pub frame: Frame,
    /// A sentence above the list; empty for none.
    pub about: &'static str,
    pub listing: Listing,
}

/// A page that is a form.
#[derive(Template)]
#[template(path = "form_page.html")]
pub struct FormPage {
    /// What surrounds it.
    pub frame: Frame,
    pub form: Form,
}

/// A question before something goes.
#[derive(Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    /// What surrounds it.
    pub frame: Frame,
    /// What goes, and what goes with it.
    pub text: String,
    /// Where the answer is posted.
    pub action: String,
    /// What the button says.
    pub submit: &'static str,
    /// Where "Cancel" leads.
    pub cancel: String,
    /// What tells whether others have changed what it is about by the time it is answered; empty if nothing does.
    pub seen: String,
    /// Whether it is asked again because they have.
    pub changed: bool,
    /// Whether it cannot be done now: the text says why, and what to do first.
    pub barred: bool,
}

impl ConfirmPage {
    /// Before the row of that address is deleted: the reseller, North, and what goes with it; and as what it is seen.
    pub fn deletion(
        caller: &Caller,
        one: &str,
        name: &str,
        goes_with: &str,
        href: String,
        seen: String,
    ) -> Self {
        Self {
            frame: caller.frame(format!("Delete {name}?")),
            text: format!(
                "The {one} {name} will be deleted. It can be brought back for 24 hours. {goes_with}"
            ),
            action: format!("{href}/delete"),
            submit: "Delete",
            cancel: href,
            seen,
            changed: false,
            barred: false,
        }
    }

    /// The same where something keeps the row: what does, and where to move that.
    #[must_use]
    pub fn barred(self, name: &str, used: &str, first: &str) -> Self {
        Self { text: format!("{name} cannot be deleted now. {used} {first}"), barred: true, ..self }
    }

    /// Shows it; `changed` if it is asked again.
    pub fn shown(self, caller: &Caller, changed: bool) -> HttpResponse {
        let status = if changed { StatusCode::CONFLICT } else { StatusCode::OK };
        caller.page_with(status, &Self { changed, ..self })
    }
}
