//! Who is signed in: a page without a [`Caller`] in its signature is public at a glance.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};
use askama::Template;

use super::{
    error::{Back, PageError, Reply, render},
    form::SLIP,
    frame::Frame,
    seen,
    sent::Sent,
};
use crate::{
    domain::{
        Error, Refused, Resource, Result,
        ids::ResellerId,
        people::{actor::Actor, rights::Access},
    },
    ops::{
        Act, Action, Ops,
        people::sign_in::{SignedIn, Tokens},
        slips::{FormOutcome, Slip},
    },
    panel::moved,
    wire::{
        origin::{BaseUrl, hides_scheme, over_tls},
        visitor::Visitor,
    },
};

/// The cookie of the session. It holds a random token and nothing else.
pub const SESSION: &str = "linecard_session";
/// The cookie by which a browser is known in which somebody signed in before. It holds a random token and nothing else.
pub const BROWSER: &str = "linecard_browser";
/// The cookie of a sign-in whose second factor is still to come. It holds a random token and nothing else.
pub const STEP: &str = "linecard_step";
/// Where somebody sets up a second factor.
pub const SECOND_FACTOR: &str = "/panel/account/second-factor";
/// Where somebody signs out.
const LEAVE: &str = "/panel/logout";
/// The cookie that carries the notice of what was done over to the next page.
const NOTICE: &str = "linecard_notice";

/// Somebody who is signed in, and the request.
pub struct Caller {
    /// The use cases.
    pub ops: Ops,
    pub signed_in: SignedIn,
    /// How the server was reached, for links that leave the panel.
    pub origin: Option<BaseUrl>,
    /// Whether a trusted proxy does not say over what the browser reached it: TLS is then not known of.
    pub proxy_hides_scheme: bool,
    path: String,
    notice: Option<Notice>,
}

/// What is said of what was just done.
#[derive(Clone)]
pub struct Notice {
    pub text: String,
    /// The number of the batch that it was, if it can be undone.
    pub batch: Option<i64>,
}

impl FromRequest for Caller {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Caller {
    fn of(request: &HttpRequest) -> Reply<Self> {
        let caller = Self::with_any_password(request)?;
        let (path, who) = (caller.path.as_str(), &caller.signed_in);
        if who.admin.record.must_change_password {
            return if matches!(path, "/panel/account" | LEAVE) {
                Ok(caller)
            } else {
                Err(PageError::ChangePassword)
            };
        }
        if who.must_set_up_second_factor && !matches!(path, SECOND_FACTOR | LEAVE) {
            return Err(PageError::SetUpSecondFactor);
        }
        Ok(caller)
    }

    /// Who is signed in, whatever he may see.
    pub fn signed_in(request: &HttpRequest) -> Option<(Ops, SignedIn)> {
        Self::with_any_password(request).ok().map(|caller| (caller.ops, caller.signed_in))
    }

    /// Whoever is signed in, also with a password that is to be changed first.
    pub fn with_any_password(request: &HttpRequest) -> Reply<Self> {
        let back = if request.method().is_safe() {
            Back::Page(request.uri().to_string())
        } else {
            Back::Form(form_of(request))
        };
        let ops = request.app_data::<Data<Ops>>().ok_or(Error::Busy)?;
        let token = request.cookie(SESSION).ok_or_else(|| PageError::SignIn(back.clone()))?;
        let address = Visitor::of(request).address;
        let signed_in = ops.signed_in(token.value(), address)?.ok_or(PageError::SignIn(back))?;
        let notice = request.cookie(NOTICE).and_then(|cookie| {
            let text = percent_encoding::percent_decode_str(cookie.value()).decode_utf8().ok()?;
            let (text, batch) = text.split_once(BATCH).unwrap_or((&text, ""));
            let notice = Notice { text: text.to_owned(), batch: batch.parse().ok() };
            Some(notice).filter(|notice| !notice.text.is_empty())
        });
        let public_url = ops.snapshot().settings.public_url.clone();
        Ok(Self {
            ops: ops.get_ref().clone(),
            signed_in,
            origin: BaseUrl::of(request, public_url.as_ref().map(|url| url.as_str())),
            proxy_hides_scheme: hides_scheme(request),
            path: request.path().to_owned(),
            notice,
        })
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.signed_in.actor
    }

    /// The reseller to whose own it is confined.
    pub fn reseller(&self) -> Option<ResellerId> {
        self.actor().reseller()
    }

    /// Whether it may look at that.
    pub fn may_read(&self, resource: Resource) -> bool {
        self.actor().may(resource, Access::Read).is_ok()
    }

    /// Whether it may change that.
    pub fn may_write(&self, resource: Resource) -> bool {
        self.actor().may(resource, Access::Write).is_ok()
    }

    /// The slip of a form that was sent to this page.
    ///
    /// # Errors
    /// [`Error::Refused`] without one: nobody could tell whether it was sent before.
    pub fn slip(&self, sent: &Sent) -> Result<Slip> {
        let slip = Some(sent.text(SLIP)).filter(|slip| !slip.is_empty()).ok_or(Refused::FormUnknown)?;
        Ok(Slip {
            key: seen::mark(&format!("{} {} {slip}", self.actor().name(), self.path)),
            fingerprint: seen::mark(&format!("{:?}", sent.0)),
        })
    }

    /// Makes something of a form that was sent to this page, once; the job says id and more of what it made.
    ///
    /// # Errors
    /// As [`Ops::make`], [`Error::Denied`], and [`Error::Refused`] for a form without a slip.
    pub async fn make<T, F>(&self, sent: &Sent, action: Action, job: F) -> Result<FormOutcome<T>>
    where
        T: Send + 'static,
        F: Fn(&Act<'_>) -> Result<(i64, T)> + Send + 'static,
    {
        self.actor().may(action.resource, Access::Write)?;
        self.ops.make(self.actor().clone(), action, self.slip(sent)?, job).await
    }

    /// What this form made when it was sent before, if it was: the id of that.
    ///
    /// # Errors
    /// [`Error::Refused`] for a form without a slip.
    pub async fn made(&self, sent: &Sent) -> Result<Option<i64>> {
        Ok(self.ops.made(&self.slip(sent)?).await)
    }

    /// What surrounds a page of that title.
    pub fn frame(&self, title: impl Into<String>) -> Frame {
        Frame::of(self, title.into(), &self.path, self.notice.clone())
    }

    /// A page; the notice in it is shown once.
    pub fn page(&self, page: &impl Template) -> HttpResponse {
        self.page_with(StatusCode::OK, page)
    }

    /// A page whose form may make something `once`: the browser keeps such a page, so that Back leads to the form that was
    /// sent, which is known again and makes nothing a second time.
    pub fn page_with_form(&self, status: StatusCode, once: bool, page: &impl Template) -> HttpResponse {
        let mut response = self.page_with(status, page);
        if once {
            let kept = header::HeaderValue::from_static("private, no-cache");
            response.headers_mut().insert(header::CACHE_CONTROL, kept);
        }
        response
    }

    /// A page with another status than 200.
    pub fn page_with(&self, status: StatusCode, page: &impl Template) -> HttpResponse {
        let mut response = render(status, page);
        if self.notice.is_some() {
            let mut gone = notice(String::new());
            gone.set_max_age(Duration::ZERO);
            let _ = response.add_cookie(&gone);
        }
        response
    }
}

/// What stands between the text of a notice and the number of its batch.
const BATCH: char = '\n';

/// On to another page, which says what was done, and offers to undo it if it was a batch.
pub fn done_as(batch: impl Into<Option<i64>>, to: &str, text: &str) -> HttpResponse {
    match batch.into() {
        Some(batch) => done(to, &format!("{text}{BATCH}{batch}")),
        None => done(to, text),
    }
}

/// On to another page, which says what was done.
pub fn done(to: &str, text: &str) -> HttpResponse {
    let mut response = moved(to);
    let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    let _ = response.add_cookie(&notice(encoded.to_string()));
    response
}

/// How often a change is tried while others change the same row.
const TRIES: usize = 8;

/// Tries anew when others changed the row between the look at it and the change.
pub async fn anew(attempt: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..TRIES {
        match attempt().await {
            Err(PageError::Error(Error::Changed)) => {}
            outcome => return outcome,
        }
    }
    Err(Error::Busy.into())
}

/// What a use case is called in logs.
pub const fn action(resource: Resource, name: &'static str) -> Action {
    Action { resource, name }
}

fn notice(text: String) -> Cookie<'static> {
    Cookie::build(NOTICE, text)
        .path("/panel")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(60))
        .finish()
}

/// The session's cookie; with an empty token the one that ends it.
pub fn session_cookie(request: &HttpRequest, token: String) -> Cookie<'static> {
    let age = if token.is_empty() { Duration::ZERO } else { Duration::days(30) };
    Cookie::build(SESSION, token)
        .path("/panel")
        .http_only(true)
        .secure(over_tls(request))
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// The cookie of a sign-in whose second factor is still to come; with an empty token the one that ends it.
pub fn step_cookie(request: &HttpRequest, token: String) -> Cookie<'static> {
    let age = if token.is_empty() { Duration::ZERO } else { Duration::minutes(5) };
    Cookie::build(STEP, token)
        .path("/panel/login")
        .http_only(true)
        .secure(over_tls(request))
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// Gives a browser what it is to keep.
pub fn keep(response: &mut HttpResponse, request: &HttpRequest, tokens: Tokens) {
    let known = Cookie::build(BROWSER, tokens.browser)
        .path("/panel/login")
        .http_only(true)
        .secure(over_tls(request))
        .same_site(SameSite::Lax)
        .max_age(Duration::days(90))
        .finish();
    let _ = response.add_cookie(&session_cookie(request, tokens.session));
    let _ = response.add_cookie(&known);
}

/// The page of this panel from which a form was sent, as far as the browser says it.
fn form_of(request: &HttpRequest) -> String {
    let referer = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let path = referer
        .and_then(|address| url::Url::parse(address).ok())
        .map(|address| address[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
    inside(path.as_deref().unwrap_or("/panel/")).to_owned()
}

/// Where to go after signing in: a page of the panel, never another site.
pub fn inside(path: &str) -> &str {
    let plain = path.starts_with("/panel/")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.contains("//");
    if plain { path } else { "/panel/" }
}

/// Keeps pages out of caches that are not the browser's own; used by downloads.
pub fn attachment(
    name: &str,
    kind: &'static str,
    body: impl actix_web::body::MessageBody + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(body)
}
