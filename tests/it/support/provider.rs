//! An OpenID Connect provider that says what a test wants it to, the wrong things too.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the panel is called there, and its secret.
pub const CLIENT: (&str, &str) = ("linecard-panel", "client-secret-0123");

/// One that runs until the test ends.
pub struct Provider {
    /// How it calls itself.
    pub issuer: String,
    state: Arc<Mutex<State>>,
}

/// What it does.
pub struct State {
    /// How many were answered, by path.
    pub asked: HashMap<String, usize>,
    /// Every secret that it gave out or was sent.
    pub secrets: Vec<String>,
    /// Laid over the claims of the next tokens.
    pub wrong: Value,
    /// How they are signed: ES256, HS256 or none.
    pub alg: &'static str,
    /// Whether tokens are signed with a key that has the name of the published one.
    pub forged: bool,
    /// Claims that are not in tokens, but told when it is asked for them.
    pub told_apart: bool,
    codes: HashMap<String, Code>,
    key: Key,
}

struct Code {
    claims: Value,
    nonce: String,
    challenge: String,
    redirect: String,
}

struct Key {
    name: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        Self { name: name.into(), pair: pair.expect("a key") }
    }

    fn published(&self) -> Value {
        let point = &self.pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.name, "x": BASE64.encode(x),
                "y": BASE64.encode(y) })
    }
}

impl Provider {
    /// Starts one.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("its address"));
        let state = Arc::new(Mutex::new(State {
            asked: HashMap::new(),
            secrets: vec![CLIENT.1.to_owned()],
            wrong: json!({}),
            alg: "ES256",
            forged: false,
            told_apart: false,
            codes: HashMap::new(),
            key: Key::new("first"),
        }));
        let (own, named) = (state.clone(), issuer.clone());
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (state, issuer) = (own.clone(), named.clone());
                thread::spawn(move || answer(socket, &issuer, &state));
            }
        });
        Self { issuer, state }
    }

    /// Changes what it does.
    pub fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("its state"))
    }

    /// It signs with another key from now on.
    pub fn rotate(&self, name: &str) {
        self.set(|state| state.key = Key::new(name));
    }

    /// Somebody with those claims signs in where a browser was sent: the query with which it is sent back.
    pub fn signs_in(&self, sent_to: &str, claims: &Value) -> String {
        let url = url::Url::parse(sent_to).unwrap_or_else(|error| panic!("{sent_to}: {error}"));
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(format!("{}/authorize", self.issuer), sent_to.split('?').next().unwrap_or_default());
        let of = |name: &str| asked.get(name).unwrap_or_else(|| panic!("{name}: {sent_to}")).clone();
        assert_eq!((of("client_id").as_str(), of("response_type").as_str()), (CLIENT.0, "code"));
        assert_eq!(of("code_challenge_method"), "S256");
        assert!(of("scope").starts_with("openid"), "{sent_to}");
        let code = format!("code-{}", random());
        let kept = Code {
            claims: claims.clone(),
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect: of("redirect_uri"),
        };
        self.set(|state| {
            state.secrets.push(code.clone());
            state.codes.insert(code.clone(), kept);
        });
        format!("code={code}&state={}", of("state"))
    }
}

fn random() -> String {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut bytes).expect("bytes");
    BASE64.encode(bytes)
}

/// Unix seconds.
#[allow(clippy::disallowed_methods, reason = "tests read the clock that the server reads")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

fn answer(socket: TcpStream, issuer: &str, state: &Mutex<State>) {
    let Some((path, head, body)) = request(&socket) else { return };
    let mut state = state.lock().expect("its state");
    *state.asked.entry(path.clone()).or_default() += 1;
    let (status, body) = match path.as_str() {
        "/.well-known/openid-configuration" => ("200 OK", described(issuer)),
        "/keys" => ("200 OK", json!({ "keys": [state.key.published()] })),
        "/token" => match token(&mut state, issuer, &head, &body) {
            Ok(answer) => ("200 OK", answer),
            Err(why) => ("400 Bad Request", json!({ "error": why, "error_description": "more of it" })),
        },
        "/about" => ("200 OK", about(&state, &head)),
        _ => ("404 Not Found", json!({})),
    };
    let body = body.to_string();
    let _ = write!(
        &socket,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn request(socket: &TcpStream) -> Option<(String, Vec<String>, String)> {
    let mut reader = BufReader::new(socket);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head.first()?.split(' ').nth(1)?.split('?').next()?.to_owned();
    Some((path, head, String::from_utf8_lossy(&body).into_owned()))
}

fn header<'h>(head: &'h [String], name: &str) -> Option<&'h str> {
    let pairs = head.iter().filter_map(|line| line.split_once(':'));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn described(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/about"),
        "end_session_endpoint": format!("{issuer}/end"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "profile", "groups"],
        // It would sign in every way that it is asked for.
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    })
}

fn token(state: &mut State, issuer: &str, head: &[String], body: &str) -> Result<Value, &'static str> {
    let sent: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let login = base64::prelude::BASE64_STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1));
    if header(head, "authorization") != Some(&format!("Basic {login}")) {
        return Err("invalid_client");
    }
    let of = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
    state.secrets.push(of("code_verifier").to_owned());
    let code = state.codes.remove(of("code")).ok_or("invalid_grant")?;
    let proof = BASE64.encode(Sha256::digest(of("code_verifier")));
    if proof != code.challenge || of("redirect_uri") != code.redirect {
        return Err("invalid_grant");
    }
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT.0, "exp": now() + 300, "iat": now(), "nonce": code.nonce,
    });
    let told_apart = state.told_apart;
    let laid = |over: &Value, claims: &mut Value| {
        for (name, value) in over.as_object().into_iter().flatten() {
            if !told_apart || name == "sub" {
                claims[name] = value.clone();
            }
        }
    };
    laid(&code.claims, &mut claims);
    for (name, value) in state.wrong.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let access = BASE64.encode(code.claims.to_string());
    let id = signed(state, &claims);
    state.secrets.extend([access.clone(), id.clone()]);
    Ok(json!({ "access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": id }))
}

fn signed(state: &State, claims: &Value) -> String {
    let mut head = json!({ "alg": state.alg, "typ": "JWT", "kid": state.key.name });
    if state.alg == "none" {
        head["kid"] = Value::Null;
    }
    let text = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
    let signature = match state.alg {
        "none" => String::new(),
        "HS256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT.1.as_bytes());
            BASE64.encode(hmac::sign(&key, text.as_bytes()))
        }
        _ => {
            let forger = Key::new("forger");
            let pair = if state.forged { &forger.pair } else { &state.key.pair };
            BASE64.encode(pair.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature"))
        }
    };
    format!("{text}.{signature}")
}

/// The access token is what it gives access to.
fn about(state: &State, head: &[String]) -> Value {
    let token =
        header(head, "authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let claims = BASE64.decode(token).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let mut claims = claims.unwrap_or_default();
    if let Some(other) = state.wrong.get("about") {
        claims["sub"] = other.clone();
    }
    claims
}
