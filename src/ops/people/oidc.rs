//! Signing in at an OpenID Connect provider: the browser is sent there, comes back with a code, and that becomes a person here.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{
    identities, passwords,
    sign_in::{From, Outcome, Rejected, SignedIn},
    steps::Step,
};
use crate::{
    domain::{
        Error, Given, Resource, Result,
        fields::{sealed::Sealed, text::OidcSecret, time::UnixTime},
        ids::AdminId,
        people::{
            actor::{Actor, Who},
            api_key::KeyHash,
            audit::MASK,
            oidc::Account,
            pending::Pending,
            steps::First,
        },
    },
    host::oidc::{Failure, Own, Provider, Secrets},
    ops::{Act, Action, Ops, blocking, clock, random},
};

pub use crate::store::people::identities::Identity;

const SIGN_IN: Action = Action { resource: Resource::Administrators, name: "sign_in_by_provider" };
const CONNECT: Action = Action { resource: Resource::Administrators, name: "connect_account" };
const DISCONNECT: Action = Action { resource: Resource::Administrators, name: "disconnect_account" };

/// What its secret is sealed for.
const PURPOSE: &str = "oidc_client_secret";
/// Where a provider sends browsers back to, behind `panel_url`.
const BACK: &str = "/panel/login/oidc/back";
/// Where browsers come to that have signed out at a provider.
const LEFT: &str = "/panel/login";

/// So long does somebody have for signing in at the provider.
const LASTS: Duration = Duration::from_mins(10);
/// What a provider says of itself is asked for again after that.
const FRESH: Duration = Duration::from_hours(1);
/// A key that is not known is asked for, but no more often than this.
const KEYS_AGAIN: Duration = Duration::from_secs(2);
/// A provider that did not answer is left alone for a moment: nobody waits in a queue to hear the same.
const DOWN: Duration = Duration::from_secs(5);
/// Sign-ins for which a provider is asked at the same moment.
const AT_ONCE: usize = 8;

/// What is known of the provider, and whom the server waits for.
pub struct Oidc {
    waiting: Mutex<Pending<Waiting>>,
    known: tokio::sync::Mutex<Known>,
    turns: Semaphore,
    /// The last that went wrong, and when.
    trouble: Mutex<Option<(UnixTime, String)>>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Pending::new(LASTS)),
            known: tokio::sync::Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
            trouble: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct Known {
    issuer: String,
    provider: Option<(Instant, Arc<Provider>)>,
    failed: Option<(Instant, String)>,
}

/// Why a browser was sent to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To connect an account with somebody who is signed in.
    Connect(AdminId),
}

struct Waiting {
    purpose: Purpose,
    secrets: Secrets,
    issuer: String,
    next: String,
}

/// Where a browser is sent, and what it keeps meanwhile.
pub struct Sent {
    /// At the provider.
    pub url: String,
    /// The provider's host.
    pub host: String,
    /// The token by which the browser is known when it comes back.
    pub browser: String,
}

/// What a browser brings back.
pub struct Back<'a> {
    pub state: &'a str,
    pub code: &'a str,
    /// Why there is no code; empty if there is one.
    pub error: &'a str,
    /// Who says so; empty if it does not.
    pub issuer: &'a str,
    /// What it was known by.
    pub browser: &'a str,
}

/// What came of it.
pub enum Came {
    /// The sign-in goes on, or is done; where somebody wanted to go.
    Passed(Step, String),
    /// An account is connected.
    Connected,
}

/// Why somebody does not get in by a provider.
#[derive(Debug)]
pub enum NotIn {
    /// It is not set up.
    Off,
    /// The provider does not do its part; what went wrong, as sentences.
    Provider(String),
    /// Nobody waits for that: it is too old, was used, or is another browser's.
    NotAsked,
    /// The sign-in does not go on.
    Rejected(Rejected),
    /// A rule forbids it, or something failed.
    Failed(Error),
}

impl std::convert::From<Error> for NotIn {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The settings of the provider, where all that are needed are there.
struct Setup {
    issuer: String,
    panel: String,
    claim: String,
    own: Own,
}

impl Ops {
    /// The host of the provider at which people may sign in; none if there is none.
    pub fn oidc_host(&self) -> Option<String> {
        let settings = &self.snapshot().settings;
        let is_on = settings.panel_url.is_some() && !settings.oidc_client_id.as_str().is_empty();
        let issuer = settings.oidc_issuer.as_ref().filter(|_| is_on)?;
        url::Url::parse(issuer.as_str()).ok()?.host_str().map(str::to_owned)
    }

    /// The address that is to be registered at the provider; none without `panel_url`.
    pub fn oidc_redirect(&self) -> Option<String> {
        let settings = &self.snapshot().settings;
        settings.panel_url.as_ref().map(|url| format!("{}{BACK}", url.as_str()))
    }

    /// The last that went wrong with a provider since the start of the program, and when.
    pub fn oidc_trouble(&self) -> Option<(UnixTime, String)> {
        self.oidc.trouble.lock().clone()
    }

    /// Whether the secret has to be typed again: it was sealed with a key that is no longer there.
    pub fn oidc_secret_is_lost(&self) -> bool {
        let sealed = &self.snapshot().settings.oidc_client_secret;
        !sealed.is_none() && self.host.sealing.open(PURPOSE, sealed.as_str()).is_none()
    }

    /// A secret that was sent for the settings, as they keep it; the mask that is shown for it leaves it as it is. Not part of the
    /// transaction: no two seals are alike.
    ///
    /// # Errors
    /// [`Error::Busy`] if it cannot be sealed.
    pub fn seal_oidc_secret(&self, given: &Given<OidcSecret>) -> Result<Given<Sealed>> {
        Ok(match given {
            Given::Absent => Given::Absent,
            Given::Empty => Given::Empty,
            Given::Value(secret) if secret.as_str() == MASK => Given::Absent,
            Given::Value(secret) => {
                Given::Value(Sealed::of(self.host.sealing.seal(PURPOSE, secret.as_str())?))
            }
        })
    }

    /// Sends the browser of somebody who is signed in, and knows his password, to the provider: the account that he signs in with
    /// there is then connected.
    ///
    /// # Errors
    /// [`NotIn`]; [`Error::Invalid`] in it for a wrong password.
    pub async fn begin_connecting(
        &self,
        who: &SignedIn,
        password: String,
        from: &From<'_>,
    ) -> Result<Sent, NotIn> {
        self.check_own_password(who, "password", password).await?;
        self.begin_oidc(Purpose::Connect(who.admin.id), "", from).await
    }

    /// Sends a browser to the provider; `next` is where somebody wants to go afterwards.
    ///
    /// # Errors
    /// [`NotIn`].
    pub async fn begin_oidc(&self, purpose: Purpose, next: &str, from: &From<'_>) -> Result<Sent, NotIn> {
        let setup = self.oidc_setup()?;
        let provider = self.provider(&setup.issuer, FRESH).await?;
        let long = || Ok::<_, Error>(format!("{}{}", random::token()?, random::token()?));
        let secrets = Secrets { state: long()?, nonce: long()?, verifier: long()? };
        let url = provider.sign_in_url(&setup.own, &secrets, &setup.claim);
        let url = url.map_err(|why| self.troubled(why))?;
        let browser = random::token()?;
        let keys = (KeyHash::of(&secrets.state), KeyHash::of(&browser));
        let host = self.oidc_host().unwrap_or_default();
        let waiting = Waiting { purpose, secrets, issuer: setup.issuer, next: next.to_owned() };
        self.oidc.waiting.lock().begin(keys.0, keys.1, from.address, Instant::now(), waiting);
        Ok(Sent { url, host, browser })
    }

    /// Takes up a browser that comes back; `who` is signed in there, if anybody is.
    ///
    /// # Errors
    /// [`NotIn`].
    pub async fn end_oidc(
        &self,
        back: &Back<'_>,
        from: &From<'_>,
        who: Option<&SignedIn>,
    ) -> Result<Came, NotIn> {
        let setup = self.oidc_setup()?;
        let (state, browser) = (KeyHash::of(back.state), KeyHash::of(back.browser));
        let waited = self.oidc.waiting.lock().take(&state, &browser, Instant::now());
        let waiting = waited.filter(|waiting| waiting.issuer == setup.issuer).ok_or(NotIn::NotAsked)?;
        if !back.issuer.is_empty() && back.issuer != setup.issuer {
            return Err(self.troubled("The browser came back from another provider.".into()));
        }
        if back.code.is_empty() {
            return Err(NotIn::Provider(not_given(back.error)));
        }
        let account = self.account_of_code(&setup, back.code, waiting.secrets).await?;
        match waiting.purpose {
            Purpose::SignIn => {
                let step = self.sign_in_with(account, from).await?;
                Ok(Came::Passed(step, waiting.next))
            }
            Purpose::Connect(id) => {
                let who = who.filter(|who| who.admin.id == id).ok_or(NotIn::NotAsked)?;
                let job = move |act: &Act<'_>| identities::connect(act, id, &account);
                self.write_own(who.actor.clone(), CONNECT, job).await?;
                Ok(Came::Connected)
            }
        }
    }

    /// Where somebody signs out at the provider as well; none if it has no such address, or has not been asked yet.
    pub async fn oidc_way_out(&self) -> Option<String> {
        let setup = self.oidc_setup().ok()?;
        let known = self.oidc.known.lock().await;
        let (_, provider) = known.provider.as_ref().filter(|_| known.issuer == setup.issuer)?;
        provider.end_session_url(&setup.own, &format!("{}{LEFT}", setup.panel))
    }

    /// The accounts of whoever is signed in.
    ///
    /// # Errors
    /// A database error.
    pub fn own_identities(&self, who: &SignedIn) -> Result<Vec<Identity>> {
        self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.identities(who.admin.id))
    }

    /// Disconnects one of one's own accounts.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none.
    pub async fn disconnect_own_identity(&self, who: &SignedIn, identity: i64) -> Result<()> {
        let own = who.admin.id;
        let job = move |act: &Act<'_>| identities::disconnect(act, own, identity);
        self.write_own(who.actor.clone(), DISCONNECT, job).await
    }

    fn oidc_setup(&self) -> Result<Setup, NotIn> {
        let settings = &self.snapshot().settings;
        let (Some(issuer), Some(panel), id) =
            (&settings.oidc_issuer, &settings.panel_url, settings.oidc_client_id.as_str())
        else {
            return Err(NotIn::Off);
        };
        if id.is_empty() {
            return Err(NotIn::Off);
        }
        let sealed = &settings.oidc_client_secret;
        let secret = if sealed.is_none() {
            None
        } else {
            let lost =
                "oidc_client_secret was sealed with another key: type it again, or put the key file back.";
            let opened = self.host.sealing.open(PURPOSE, sealed.as_str());
            Some(opened.ok_or_else(|| self.troubled(lost.into()))?)
        };
        let panel = panel.as_str().to_owned();
        let own = Own { id: id.to_owned(), secret, redirect: format!("{panel}{BACK}") };
        let claim = settings.oidc_claim.as_str().to_owned();
        Ok(Setup { issuer: issuer.as_str().to_owned(), panel, claim, own })
    }

    /// What the provider says of itself, as of not longer ago than that.
    async fn provider(&self, issuer: &str, fresh: Duration) -> Result<Arc<Provider>, NotIn> {
        let mut known = self.oidc.known.lock().await;
        if known.issuer != issuer {
            *known = Known { issuer: issuer.to_owned(), ..Known::default() };
        }
        if let Some((at, provider)) = &known.provider
            && at.elapsed() < fresh
        {
            return Ok(provider.clone());
        }
        if let Some((at, why)) = &known.failed
            && at.elapsed() < DOWN
        {
            return Err(NotIn::Provider(why.clone()));
        }
        let (ops, asked) = (self.clone(), issuer.to_owned());
        match blocking(move || ops.host.oidc.discover(&asked)).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                known.provider = Some((Instant::now(), provider.clone()));
                known.failed = None;
                Ok(provider)
            }
            Err(why) => {
                known.failed = Some((Instant::now(), why.clone()));
                Err(self.troubled(why))
            }
        }
    }

    /// Whose account a code is.
    async fn account_of_code(&self, setup: &Setup, code: &str, secrets: Secrets) -> Result<Account, NotIn> {
        let _turn = self.oidc.turns.try_acquire().map_err(|_| Error::Busy)?;
        let provider = self.provider(&setup.issuer, FRESH).await?;
        let (ops, own, code) = (self.clone(), setup.own.clone(), code.to_owned());
        let (asked, sent) = (provider.clone(), secrets.clone());
        let tokens = blocking(move || ops.host.oidc.exchange(&asked, &own, &code, &sent)).await;
        let tokens = Arc::new(tokens.map_err(|why| self.troubled(why))?);
        let look = async |provider: Arc<Provider>| {
            let (ops, own, claim) = (self.clone(), setup.own.clone(), setup.claim.clone());
            let (tokens, secrets, now) = (tokens.clone(), secrets.clone(), clock::now());
            blocking(move || ops.host.oidc.account(&provider, &own, &tokens, &secrets, &claim, now)).await
        };
        let seen = match look(provider).await {
            // It may sign with a new key.
            Err(Failure::UnknownKey) => look(self.provider(&setup.issuer, KEYS_AGAIN).await?).await,
            seen => seen,
        };
        seen.map_err(|failure| match failure {
            Failure::UnknownKey => {
                self.troubled("Its token is signed with a key that it does not publish.".into())
            }
            Failure::Told(why) => self.troubled(why),
        })
    }

    async fn sign_in_with(&self, account: Account, from: &From<'_>) -> Result<Step, NotIn> {
        let password = passwords::nobodys().ok_or(Error::Busy)?;
        let actor = Actor { who: Who::Linecard, address: Some(from.address) };
        let (shown, first) =
            (account.shown().to_owned(), First::Provider { several_factors: account.several_factors });
        let job = move |act: &Act<'_>| identities::admit(act, &account, &password);
        match self.write_own(actor, SIGN_IN, job).await {
            Ok(admin) => {
                let known = self.known(admin.id, from)?;
                self.passed(admin, first, known, from).await.map_err(NotIn::Rejected)
            }
            Err(error) => {
                if matches!(error, Error::Refused(_)) {
                    self.note_sign_in(&shown, from.address, Outcome::NotHere).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Remembers what went wrong, for the page of its settings.
    fn troubled(&self, why: String) -> NotIn {
        log::warn!("the OpenID Connect provider: {why}");
        *self.oidc.trouble.lock() = Some((clock::now(), why.clone()));
        NotIn::Provider(why)
    }
}

/// Why a provider gave no code, in words.
fn not_given(error: &str) -> String {
    match error {
        "access_denied" => "It did not let you in, or you turned back there.".into(),
        "temporarily_unavailable" | "server_error" => {
            "It cannot do it just now: try again in a moment.".into()
        }
        other => {
            let code: String =
                other.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(60).collect();
            let code = if code.is_empty() { "nothing".into() } else { code };
            format!("It sent no code, but: {code}. Look at what is registered there for this panel.")
        }
    }
}
