//! A player's request taken apart: parameters, credentials, from where.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web::{Data, Payload},
};
use indexmap::IndexMap;
use url::form_urlencoded;

use crate::{
    ops::{
        Ops,
        people::lockouts::Face,
        viewing::{Client, Credentials, Refusal, Subscriber, Way},
    },
    wire::{
        body::{self, BodyError},
        cors,
        form::{self, Node},
        https,
        origin::BaseUrl,
        visitor::Visitor,
    },
};

/// A request of a player.
pub struct PlayerRequest {
    /// The use cases.
    pub ops: Data<Ops>,
    /// Under which address the server was asked.
    pub origin: BaseUrl,
    /// The port of the scheme that the player did not use.
    pub other_port: u16,
    fields: IndexMap<String, Node>,
    from: Client,
}

impl PlayerRequest {
    /// Reads path, query and body; what stands in the path wins, then the body.
    ///
    /// # Errors
    /// The reply: 204 for a browser's question whether it may ask, 400 for a Host that is none, 405, 408, 413.
    pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, HttpResponse> {
        let Some(ops) = request.app_data::<Data<Ops>>().cloned() else {
            return Err(empty(StatusCode::INTERNAL_SERVER_ERROR));
        };
        if *request.method() == Method::OPTIONS {
            return Err(cors::preflight());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
            let mut refused = empty(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = header::HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
            refused.headers_mut().insert(header::ALLOW, allowed);
            return Err(refused);
        }
        // Bytes that are no UTF-8 make wrong credentials, not a wrong request; so does a body that cannot be read.
        let query = form_urlencoded::parse(request.query_string().as_bytes()).take(form::MAX_VALUES);
        let mut fields: IndexMap<String, Node> =
            query.map(|(name, value)| (name.into_owned(), Node::Text(value.into_owned()))).collect();
        let Visitor { address, agent } = Visitor::of(request);
        if *request.method() == Method::POST {
            let blocked = ops.lockouts.address_blocked(Face::Player, address);
            let body = body::read(request, payload);
            let body = if blocked.is_some() { body::at_once(body).await } else { body.await };
            match (body, blocked) {
                (Ok(body), _) => fields.extend(body),
                (Err(BodyError::Late), Some(left)) => return Err(refused(&Refusal::Blocked(left))),
                (Err(BodyError::Late), None) => return Err(empty(StatusCode::REQUEST_TIMEOUT)),
                (Err(BodyError::TooLarge), _) => return Err(empty(StatusCode::PAYLOAD_TOO_LARGE)),
                (Err(BodyError::Malformed(_)), _) => {}
            }
        }
        for (name, value) in request.match_info().iter() {
            fields.insert(name.to_owned(), Node::Text(value.to_owned()));
        }
        let settings = &ops.snapshot().settings;
        let public_url = settings.public_url.as_ref().map(|url| url.as_str());
        let origin = BaseUrl::of(request, public_url).ok_or_else(|| empty(StatusCode::BAD_REQUEST))?;
        let other_port = https::other_port(request, &origin, public_url.is_some());
        Ok(Self { ops, origin, other_port, fields, from: Client { address, agent: agent.into() } })
    }

    /// A parameter; empty if it was not sent or is no text.
    pub fn text(&self, name: &str) -> &str {
        match self.fields.get(name) {
            Some(Node::Text(text)) => text,
            Some(Node::Flag(_) | Node::Map(_)) | None => "",
        }
    }

    /// The line of the credentials, whatever its state, if it may be used from there.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn subscriber(&self) -> Result<Subscriber, Refusal> {
        let who = self.ops.viewing.subscriber(self.credentials(), Way::Plain, &self.from)?;
        self.ops.viewing.may_list(&who, &self.from)?;
        Ok(who)
    }

    /// What the player sent; a token comes before username and password.
    pub fn credentials(&self) -> Credentials<'_> {
        match self.text("token") {
            "" => Credentials::Password { username: self.text("username"), password: self.text("password") },
            token => Credentials::Token(token),
        }
    }
}

/// A builder of an answer that a player in a browser may read.
pub fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    response
}

/// An answer that says all with its status.
pub fn empty(status: StatusCode) -> HttpResponse {
    answer(status).finish()
}

/// The status of a refusal, where there is no JSON to say it in.
pub fn refused(refusal: &Refusal) -> HttpResponse {
    match refusal {
        Refusal::Credentials => empty(StatusCode::UNAUTHORIZED),
        Refusal::Blocked(left) => {
            answer(StatusCode::FORBIDDEN).insert_header((header::RETRY_AFTER, left.as_secs() + 1)).finish()
        }
        Refusal::Failed(error) if error.is_busy() => empty(StatusCode::SERVICE_UNAVAILABLE),
        Refusal::Failed(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        _ => empty(StatusCode::FORBIDDEN),
    }
}
