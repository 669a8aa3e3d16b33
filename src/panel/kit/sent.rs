//! What the browser sent: the fields of a form, or the parameters of an address.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev, web::Payload};
use futures_util::future::LocalBoxFuture;
use indexmap::IndexMap;

use super::error::PageError;
use crate::wire::{
    body::{self, BodyError},
    form::{self, Node},
};

/// The fields of a form.
pub struct Sent(pub IndexMap<String, Node>);

impl FromRequest for Sent {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), Payload::from_request(request, payload));
        Box::pin(async move {
            let payload = payload.await.map_err(|error| PageError::Malformed(error.to_string()))?;
            let read = body::read(&request, payload).await;
            read.map(Self).map_err(|error| match error {
                BodyError::TooLarge => PageError::Malformed("It is over 1 MiB: send less.".into()),
                BodyError::Late => PageError::Malformed("It took too long: send it again.".into()),
                BodyError::Malformed(why) => PageError::Malformed(why),
            })
        })
    }
}

impl Sent {
    /// A single text; empty if it is not there.
    pub fn text(&self, name: &str) -> &str {
        text(&self.0, name)
    }

    /// The text that was sent as `map[name]`; empty if it is not there.
    pub fn within(&self, map: &str, name: &str) -> &str {
        match self.0.get(map) {
            Some(Node::Map(map)) => text(map, name),
            _ => "",
        }
    }

    /// The texts of a list, without empty ones.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            None | Some(Node::Flag(_)) => Vec::new(),
            Some(Node::Text(text)) => vec![text.clone()],
            Some(Node::Map(map)) => {
                let texts = map.values().filter_map(|node| match node {
                    Node::Text(text) if !text.is_empty() => Some(text.clone()),
                    _ => None,
                });
                texts.collect()
            }
        }
    }
}

/// The parameters of an address.
#[derive(Default)]
pub struct Query(pub IndexMap<String, Node>);

impl FromRequest for Query {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let parsed = form::parse_form(request.query_string().as_bytes());
        ready(parsed.map(Self).map_err(|form::Malformed(why)| PageError::Malformed(why)))
    }
}

impl Query {
    /// A single text; empty if it is not there.
    pub fn text(&self, name: &str) -> &str {
        text(&self.0, name)
    }

    /// Whether the parameter was sent, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn text<'m>(map: &'m IndexMap<String, Node>, name: &str) -> &'m str {
    match map.get(name) {
        Some(Node::Text(text)) => text,
        _ => "",
    }
}
