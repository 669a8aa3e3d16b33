//! What goes wrong with a provider, for people: never a token, and of what it says itself only its codes.

use std::error::Error;

use openidconnect::{
    ClaimsVerificationError, DiscoveryError, RequestTokenError, SignatureVerificationError,
    StandardErrorResponse, UserInfoError, core::CoreErrorResponseType,
};

use super::NoAnswer;

/// Of what it says of itself.
pub fn of_discovery(error: &DiscoveryError<NoAnswer>) -> String {
    match error {
        DiscoveryError::Request(why) => sentence(why),
        DiscoveryError::Response(status, ..) => format!(
            "It answered with status {} where it should describe itself: look at oidc_issuer.",
            status.as_u16()
        ),
        DiscoveryError::Parse(_) => "What it says of itself cannot be read: look at oidc_issuer.".into(),
        DiscoveryError::Validation(_) => {
            "It calls itself by another name: type oidc_issuer to the letter as the provider does.".into()
        }
        _ => "It does not describe itself: look at oidc_issuer.".into(),
    }
}

/// Of a code.
pub fn of_exchange(
    error: &RequestTokenError<NoAnswer, StandardErrorResponse<CoreErrorResponseType>>,
) -> String {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                "It does not know this panel: look at oidc_client_id and oidc_client_secret.".into()
            }
            CoreErrorResponseType::InvalidGrant => {
                "It does not take the code any more, or not for this address: sign in again.".into()
            }
            other => format!("It gave no token: {}.", code(other.as_ref())),
        },
        RequestTokenError::Request(why) => sentence(why),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            "What it answered for the code cannot be read.".into()
        }
    }
}

/// Of an ID token.
pub fn of_token(error: &ClaimsVerificationError) -> String {
    let said = match error {
        ClaimsVerificationError::Expired(_) => "has expired: look at the clocks of both machines",
        ClaimsVerificationError::InvalidAudience(_) => "is for another client",
        ClaimsVerificationError::InvalidIssuer(_) => "is from another provider",
        ClaimsVerificationError::InvalidNonce(_) => "is the answer to another sign-in",
        ClaimsVerificationError::SignatureVerification(why) => match why {
            SignatureVerificationError::NoSignature => "is not signed",
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                "is signed in a way that is not safe here: let it sign with RS256 or ES256"
            }
            SignatureVerificationError::AmbiguousKeyId(_) => {
                "does not say with which of its keys it is signed"
            }
            _ => "has a wrong signature",
        },
        ClaimsVerificationError::Unsupported(_) => "is of a kind that is not known here",
        _ => "is from another time: look at the clocks of both machines",
    };
    format!("Its token {said}.")
}

/// Of what it says of an account.
pub fn of_user_info(error: &UserInfoError<NoAnswer>) -> String {
    match error {
        UserInfoError::Request(why) => sentence(why),
        UserInfoError::Response(status, ..) => {
            format!("It answered with status {} when asked about the account.", status.as_u16())
        }
        UserInfoError::ClaimsVerification(_) => "It spoke of another account than its token.".into(),
        _ => "What it says of the account cannot be read.".into(),
    }
}

/// A code that a provider sent, as far as it is one.
pub fn code(text: &str) -> String {
    let word: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(60).collect();
    if word.is_empty() { "no code".into() } else { word }
}

fn sentence(why: &dyn Error) -> String {
    let mut text = why.to_string();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}
