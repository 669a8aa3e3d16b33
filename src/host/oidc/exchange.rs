//! The code that a browser brings back becomes an account: what of the provider's tokens is believed, and when not.

use chrono::DateTime;
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, EndUserEmail, EndUserUsername, Nonce, OAuth2TokenResponse,
    PkceCodeVerifier, SignatureVerificationError, UserInfoClaims,
    core::{CoreGenderClaim, CoreJwsSigningAlgorithm},
};

use super::{Answer, Client, Oidc, Others, Own, Provider, Secrets, words};
use crate::domain::{
    fields::{text::Email, time::UnixTime},
    people::oidc::{Account, texts_of},
};

/// By so many seconds may the provider's clock be off.
const SKEW: i64 = 60;
/// A longer text of a provider is cut, in characters.
const LONGEST: usize = 200;
/// Groups that are looked at of one account.
const GROUPS: usize = 1_000;

/// How tokens may be signed: by keys that the provider alone has.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why a code did not become an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The token was signed with a key that is not known: the provider may have another by now.
    UnknownKey,
    /// Anything else, as a sentence.
    Told(String),
}

/// The tokens of a sign-in. They are never shown.
pub struct Tokens(Answer);

impl Oidc {
    /// Gives a code to the provider, once, for its tokens. Blocks, for 8 seconds at most.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn exchange(
        &self,
        provider: &Provider,
        own: &Own,
        code: &str,
        secrets: &Secrets,
    ) -> Result<Tokens, String> {
        let client = provider.client(own)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|_| "It names no address for tokens.".to_owned())?;
        let answer = request
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier.clone()))
            .request(&|request| self.send(request));
        answer.map(Tokens).map_err(|error| words::of_exchange(&error))
    }

    /// Whose tokens those are, at that time; `claim` names the groups, empty for none. Asks the provider for what is not in them.
    /// Blocks, for 8 seconds at most.
    ///
    /// # Errors
    /// [`Failure`]; tokens may be looked at again with newer keys.
    pub fn account(
        &self,
        provider: &Provider,
        own: &Own,
        tokens: &Tokens,
        secrets: &Secrets,
        claim: &str,
        now: UnixTime,
    ) -> Result<Account, Failure> {
        let told = |why: &str| Failure::Told(why.to_owned());
        let client = provider.client(own).map_err(Failure::Told)?;
        let token = tokens.0.extra_fields().id_token().ok_or_else(|| told("It sent no ID token."))?;
        // A token is good until it ends and a little longer, and from a little before it was made.
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let (late, early) = (at(now.seconds() - SKEW), at(now.seconds() + SKEW));
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(SIGNED_BY)
            .set_time_fn(move || late)
            .set_issue_time_verifier_fn(move |made| {
                if made <= early { Ok(()) } else { Err("made in the future".into()) }
            });
        let claims =
            token.claims(&verifier, &Nonce::new(secrets.nonce.clone())).map_err(|error| match error {
                ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
                    Failure::UnknownKey
                }
                error => Failure::Told(words::of_token(&error)),
            })?;
        if claims.authorized_party().is_some_and(|party| party.as_str() != own.id) {
            return Err(told("Its token is for another client."));
        }
        let mut account = Account {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: email(claims.email()),
            email_verified: claims.email_verified() == Some(true),
            name: name(claims.preferred_username()),
            groups: texts_of(claim, &claims.additional_claims().0),
            several_factors: claims
                .auth_method_refs()
                .is_some_and(|methods| methods.iter().any(|method| method.as_str() == "mfa")),
        };
        if account.subject.is_empty() || account.subject.chars().count() > LONGEST + 55 {
            return Err(told("Its token says of nobody whose it is."));
        }
        let wants_groups = !claim.is_empty() && account.groups.is_none();
        if wants_groups || account.email.is_none() {
            match self.more(&client, tokens, claims.subject()) {
                Ok(Some(more)) => add(&mut account, &more, claim),
                Ok(None) => {}
                Err(why) if wants_groups => return Err(Failure::Told(why)),
                Err(_) => {}
            }
        }
        // A claim that is not there names no group.
        account.groups = (!claim.is_empty()).then(|| account.groups.unwrap_or_default());
        if let Some(groups) = &mut account.groups {
            groups.truncate(GROUPS);
        }
        Ok(account)
    }

    /// What the provider says of the account beside its token; none if it has no address for that.
    fn more(
        &self,
        client: &Client,
        tokens: &Tokens,
        subject: &openidconnect::SubjectIdentifier,
    ) -> Result<Option<UserInfoClaims<Others, CoreGenderClaim>>, String> {
        let Ok(request) = client.user_info(tokens.0.access_token().clone(), Some(subject.clone())) else {
            return Ok(None);
        };
        request.request(&|request| self.send(request)).map(Some).map_err(|error| words::of_user_info(&error))
    }
}

/// What its token did not say.
fn add(account: &mut Account, more: &UserInfoClaims<Others, CoreGenderClaim>, claim: &str) {
    if account.email.is_none() {
        account.email = email(more.email());
        account.email_verified = more.email_verified() == Some(true);
    }
    if account.name.is_empty() {
        account.name = name(more.preferred_username());
    }
    if account.groups.is_none() {
        account.groups = texts_of(claim, &more.additional_claims().0);
    }
}

fn email(claimed: Option<&EndUserEmail>) -> Option<Email> {
    claimed.and_then(|email| Email::new(email.as_str()).ok())
}

fn name(claimed: Option<&EndUserUsername>) -> String {
    let text = claimed.map(|name| name.as_str()).unwrap_or_default();
    text.chars().filter(|c| !crate::domain::fields::hidden::is_hidden(*c)).take(LONGEST).collect()
}
