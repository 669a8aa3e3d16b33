//! OpenID Connect providers: what is asked of them, and how much of their answers is believed. Over the same client as everything
//! that is fetched; their addresses are the operator's, and may be in private networks.

mod exchange;
mod words;

use std::{sync::OnceLock, time::Duration};

use openidconnect::{
    AdditionalClaims, AuthType, AuthenticationFlow, Client as Generic, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenFields, IssuerUrl, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope, StandardErrorResponse,
    StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use ureq::{Agent, Body, http};

use super::fetch::{self, Limits};

pub use exchange::Failure;

/// What one request may take: somebody waits for it at the login page.
const LIMITS: Limits = Limits {
    bytes: 256 << 10,
    redirects: 0,
    connect: Duration::from_secs(4),
    silence: Duration::from_secs(8),
    whole: Duration::from_secs(8),
};

/// Claims beside the standard ones, among them that of groups.
#[derive(Clone, Debug, Default)]
struct Others(Map<String, Value>);

impl<'de> Deserialize<'de> for Others {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Others {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl AdditionalClaims for Others {}

/// What a token endpoint answers.
type Answer = StandardTokenResponse<
    IdTokenFields<
        Others,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// This panel as a client of a provider whose addresses are known.
type Client = Generic<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What a request fails with: a sentence without its subject.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

/// What this panel is at a provider.
#[derive(Clone, Debug)]
pub struct Own {
    pub id: String,
    /// None for a client without one.
    pub secret: Option<String>,
    /// Where the provider sends the browser back to.
    pub redirect: String,
}

/// The random texts of one sign-in, each 43 characters at least.
#[derive(Clone)]
pub struct Secrets {
    /// What comes back with the browser.
    pub state: String,
    /// What stands in the token.
    pub nonce: String,
    /// What proves that whoever brings the code has asked for it.
    pub verifier: String,
}

/// A provider, as it describes itself, with its keys.
#[derive(Clone, Debug)]
pub struct Provider(ProviderMetadataWithLogout);

/// Asks providers.
#[derive(Default)]
pub struct Oidc(OnceLock<Result<Agent, String>>);

impl Oidc {
    /// Reads what a provider says of itself, and its keys. Blocks, for 16 seconds at most.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn discover(&self, issuer: &str) -> Result<Provider, String> {
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| "Its address is no URL.".to_owned())?;
        let found = ProviderMetadataWithLogout::discover(&issuer, &|request| self.send(request));
        let found = found.map_err(|error| words::of_discovery(&error))?;
        let secure = issuer.url().scheme() == "https";
        let endpoints = [
            Some(found.authorization_endpoint().url()),
            found.token_endpoint().map(|url| url.url()),
            found.userinfo_endpoint().map(|url| url.url()),
            found.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url()),
        ];
        let is_web = |url: &url::Url| url.scheme() == "https" || (!secure && url.scheme() == "http");
        if !endpoints.into_iter().flatten().all(is_web) {
            return Err("It names an address that is not https.".into());
        }
        Ok(Provider(found))
    }

    /// Sends a request; nothing is followed, and little is read.
    fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let agent = self.0.get_or_init(|| fetch::agent(None, true, &LIMITS)).as_ref();
        let agent = agent.map_err(|why| NoAnswer(why.clone()))?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let failed = |error: ureq::Error| NoAnswer(format!("{host}: {}", fetch::words(&error)));
        let answer = if request.method() == http::Method::GET {
            agent.run(request.map(|_| ()))
        } else {
            agent.run(request)
        };
        let (head, mut body): (_, Body) = answer.map_err(&failed)?.into_parts();
        let bytes = body.with_config().limit(LIMITS.bytes).read_to_vec().map_err(&failed)?;
        Ok(http::Response::from_parts(head, bytes))
    }
}

impl Provider {
    /// Where the browser is sent to sign in. `claim` is that of groups: a provider that knows a scope of that name is asked for it.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn sign_in_url(&self, own: &Own, secrets: &Secrets, claim: &str) -> Result<String, String> {
        let Secrets { state, nonce, verifier } = secrets.clone();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let client = self.client(own)?;
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(challenge);
        let claim = claim.split('.').next().unwrap_or_default();
        let offered = self.0.scopes_supported();
        let offers =
            |name: &str| offered.is_some_and(|scopes| scopes.iter().any(|scope| scope.as_str() == name));
        for scope in ["email", "profile", claim].into_iter().filter(|scope| !scope.is_empty()) {
            if offers(scope) || (offered.is_none() && scope != claim) {
                request = request.add_scope(Scope::new(scope.to_owned()));
            }
        }
        let (url, ..) = request.url();
        Ok(url.into())
    }

    /// Where somebody ends what he has open at the provider, and comes back from to `back`; none if it has no such address.
    pub fn end_session_url(&self, own: &Own, back: &str) -> Option<String> {
        let address = self.0.additional_metadata().end_session_endpoint.clone()?;
        let request = LogoutRequest::from(address)
            .set_client_id(ClientId::new(own.id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.to_owned()).ok()?);
        Some(request.http_get_url().into())
    }

    fn client(&self, own: &Own) -> Result<Client, String> {
        let redirect = RedirectUrl::new(own.redirect.clone());
        let redirect = redirect.map_err(|_| "panel_url is no URL.".to_owned())?;
        let secret = own.secret.clone().map(ClientSecret::new);
        let client = Client::from_provider_metadata(self.0.clone(), ClientId::new(own.id.clone()), secret);
        let ways = self.0.token_endpoint_auth_methods_supported();
        let has = |way: &CoreClientAuthMethod| ways.is_some_and(|ways| ways.contains(way));
        let posted =
            has(&CoreClientAuthMethod::ClientSecretPost) && !has(&CoreClientAuthMethod::ClientSecretBasic);
        let way = if posted { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_auth_type(way).set_redirect_uri(redirect))
    }
}
