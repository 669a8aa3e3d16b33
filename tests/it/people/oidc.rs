//! Signing in to the panel at an OpenID Connect provider.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    browser::Browser,
    panel::{PASSWORD, Page, Panel, server},
    provider::{self, CLIENT, Provider},
};

/// A server whose people sign in there.
fn with(provider: &Provider) -> TestServer {
    let server = server();
    server.done(
        "settings/update",
        &format!(
            "data[panel_url]={}&data[oidc_issuer]={}&data[oidc_client_id]={}&data[oidc_client_secret]={}",
            server.url, provider.issuer, CLIENT.0, CLIENT.1
        ),
    );
    server
}

fn person(server: &TestServer, name: &str, more: &str) -> i64 {
    let data = format!("data[username]={name}&data[email]={name}@a.example&data[password]={PASSWORD}{more}");
    server.done("administrators/new", &data)["created_id"].as_i64().expect("an id")
}

/// The row of the person with that name.
fn named(server: &TestServer, name: &str) -> Value {
    let all = server.done("administrators/list", "");
    let rows = all["administrators"].as_array().expect("rows");
    rows.iter().find(|row| row["username"] == name).unwrap_or_else(|| panic!("{name}: {all}")).clone()
}

/// Goes to the provider, signs in there with those claims, and comes back.
fn comes_back(panel: &Panel<'_>, provider: &Provider, claims: &Value) -> Page {
    let sent = panel.ask("/panel/login/oidc?next=%2Fpanel%2Faccount");
    assert_eq!(sent.status, 303, "{}", sent.body);
    let back = provider.signs_in(sent.location(), claims);
    panel.ask(&format!("/panel/login/oidc/back?{back}"))
}

fn is_signed_in(panel: &Panel<'_>) -> bool {
    panel.ask("/panel/account").status == 200
}

#[test]
fn people_sign_in_at_a_provider_by_a_verified_address_and_then_by_their_account() {
    let provider = Provider::start();
    let server = server();
    assert!(!Panel::nobody(&server).get("/panel/login").contains("/panel/login/oidc"));
    assert_eq!(Panel::nobody(&server).ask("/panel/login/oidc").status, 404);
    drop(server);
    let server = with(&provider);
    assert!(Panel::nobody(&server).get("/panel/login").contains("Sign in with 127.0.0.1"));
    let id = person(&server, "ann", "&data[group_id]=1");
    server.done("resellers/new", "data[name]=Shop");
    person(&server, "sold", "&data[group_id]=2&data[reseller_id]=1");

    let panel = Panel::nobody(&server);
    let unverified = json!({ "sub": "7", "email": "ann@a.example" });
    let page = comes_back(&panel, &provider, &unverified);
    assert!(page.status == 403 && page.body.contains("Nobody here has this account"), "{}", page.body);
    let resellers = json!({ "sub": "8", "email": "sold@a.example", "email_verified": true });
    assert_eq!(comes_back(&panel, &provider, &resellers).status, 403);
    assert!(!is_signed_in(&panel));

    let verified =
        json!({ "sub": "7", "email": "ANN@a.example", "email_verified": true, "preferred_username": "Ann" });
    let page = comes_back(&panel, &provider, &verified);
    assert_eq!((page.status, page.location()), (303, "/panel/account"), "{}", page.body);
    let account = panel.get("/panel/account");
    assert!(account.contains(">ann<") && account.contains(">Ann<"), "{account}");
    // From now on the account counts, whatever its address is.
    let moved = json!({ "sub": "7", "email": "other@b.example" });
    let other = Panel::nobody(&server);
    assert_eq!(comes_back(&other, &provider, &moved).status, 303);
    let left = other.post("/panel/logout", &[]);
    assert_eq!(left.location(), "/panel/login?left=1");
    let way_out = format!("{}/end?client_id={}&#38;post_logout_redirect_uri=", provider.issuer, CLIENT.0);
    assert!(other.get(left.location()).contains(&way_out));

    server.done("administrators/update", &format!("id={id}&data[disabled]=1"));
    let page = comes_back(&other, &provider, &moved);
    assert!(page.status == 403 && page.body.contains("is disabled"), "{}", page.body);
    let log = server.done("logs/list", "kind=login").to_string();
    for outcome in ["account of nobody here", "signed in", "disabled"] {
        assert!(log.contains(outcome), "{outcome}: {log}");
    }
    let secrets = provider.set(|state| state.secrets.clone());
    let written = format!("{}{log}", server.log());
    assert!(
        secrets.len() > 8 && !secrets.iter().any(|secret| written.contains(secret.as_str())),
        "{written}"
    );
    assert_eq!(provider.set(|state| state.asked["/keys"]), 1, "what is known is not asked for again");
}

#[test]
fn an_account_is_connected_by_hand_with_the_password_and_disconnected() {
    let provider = Provider::start();
    let server = with(&provider);
    server.done("resellers/new", "data[name]=Shop");
    person(&server, "sold", "&data[group_id]=2&data[reseller_id]=1");
    let (panel, claims) =
        (Panel::of(&server, "sold", PASSWORD), json!({ "sub": "11", "email": "x@b.example" }));
    let page = panel.refused("/panel/account/oidc", &[("password", "a wrong one")], 422);
    assert!(page.contains("Not the password that you signed in with"), "{page}");
    let connects = |panel: &Panel<'_>| {
        let page = panel.post("/panel/account/oidc", &[("password", PASSWORD)]);
        let url = page.body.split("content=\"0;url=").nth(1).and_then(|rest| rest.split('"').next());
        url.unwrap_or_else(|| panic!("{}", page.body)).replace("&#38;", "&")
    };
    let back = provider.signs_in(&connects(&panel), &claims);
    // Somebody else's browser brings nothing back, and takes nothing away.
    let stranger = Panel::admin(&server);
    assert_eq!(stranger.ask(&format!("/panel/login/oidc/back?{back}")).status, 400);
    assert_eq!(panel.ask(&format!("/panel/login/oidc/back?{back}")).location(), "/panel/account");
    assert!(panel.get("/panel/account").contains("x@b.example"));
    assert_eq!(panel.ask(&format!("/panel/login/oidc/back?{back}")).status, 400, "each is good once");

    let back = provider.signs_in(&connects(&stranger), &claims);
    let page = stranger.ask(&format!("/panel/login/oidc/back?{back}"));
    assert!(page.status == 403 && page.body.contains("Somebody else here has this account"), "{}", page.body);

    let other = Panel::nobody(&server);
    assert_eq!(comes_back(&other, &provider, &claims).status, 303);
    assert!(other.get("/panel/account").contains(">sold<"));
    panel.done("/panel/account/oidc/1/disconnect", &[]);
    assert_eq!(panel.post("/panel/account/oidc/1/disconnect", &[]).status, 409);
    assert_eq!(comes_back(&Panel::nobody(&server), &provider, &claims).status, 403);
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=sold").to_string();
    assert!(audit.contains("connect_account") && audit.contains("disconnect_account"), "{audit}");
}

#[test]
fn tokens_that_prove_nothing_let_nobody_in() {
    let provider = Provider::start();
    let server = with(&provider);
    person(&server, "ann", "&data[group_id]=1");
    let claims = json!({ "sub": "7", "email": "ann@a.example", "email_verified": true });
    let now = provider::now();
    let cases = [
        (json!({ "nonce": "another" }), "ES256", "is the answer to another sign-in"),
        (json!({ "aud": "another" }), "ES256", "is for another client"),
        (json!({ "aud": [CLIENT.0, "another"] }), "ES256", "is for another client"),
        (json!({ "azp": "another" }), "ES256", "is for another client"),
        (json!({ "iss": "https://id.example" }), "ES256", "is from another provider"),
        (json!({ "exp": now - 120 }), "ES256", "has expired"),
        (json!({ "iat": now + 300 }), "ES256", "look at the clocks"),
        (json!({}), "none", "is not signed"),
        (json!({}), "HS256", "is signed in a way that is not safe"),
    ];
    let refused = |words: &str| {
        let panel = Panel::nobody(&server);
        let page = comes_back(&panel, &provider, &claims);
        assert!(page.status == 502 && page.body.contains(words), "{words}: {} {}", page.status, page.body);
        assert!(!is_signed_in(&panel), "{words}");
    };
    for (wrong, alg, words) in cases {
        provider.set(|state| (state.wrong, state.alg) = (wrong, alg));
        refused(words);
    }
    provider.set(|state| (state.wrong, state.alg, state.forged) = (json!({}), "ES256", true));
    refused("has a wrong signature");
    provider.set(|state| state.forged = false);
    // A clock that is off by less than a minute is none of these.
    provider.set(|state| state.wrong = json!({ "exp": now - 20, "iat": now + 20 }));
    let panel = Panel::nobody(&server);
    assert_eq!(comes_back(&panel, &provider, &claims).status, 303);
    provider.set(|state| state.wrong = json!({}));

    // A code is good once, and for whoever has asked for it.
    let panel = Panel::nobody(&server);
    let sent = panel.ask("/panel/login/oidc");
    let back = provider.signs_in(sent.location(), &claims);
    let code = back.split('&').next().unwrap_or_default().to_owned();
    assert_eq!(panel.ask(&format!("/panel/login/oidc/back?{back}")).location(), "/panel/");
    let again = panel.ask("/panel/login/oidc");
    let state =
        again.location().split("state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let page = panel.ask(&format!("/panel/login/oidc/back?{code}&state={state}"));
    assert!(page.status == 502 && page.body.contains("does not take the code any more"), "{}", page.body);
    for bad in ["", "?state=none&code=x", "?error=access_denied", "?state[]=1&code[]=2"] {
        assert_eq!(Panel::nobody(&server).ask(&format!("/panel/login/oidc/back{bad}")).status, 400, "{bad}");
    }
    // Another provider cannot be passed off as this one.
    let sent = panel.ask("/panel/login/oidc");
    let back = provider.signs_in(sent.location(), &claims);
    let page = panel.ask(&format!("/panel/login/oidc/back?{back}&iss=https%3A%2F%2Fid.example"));
    assert!(page.body.contains("another provider"), "{}", page.body);
    let sent = panel.ask("/panel/login/oidc");
    let state =
        sent.location().split("state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let page = panel
        .ask(&format!("/panel/login/oidc/back?state={state}&error=access_denied&error_description=%3Cb%3E"));
    assert!(page.body.contains("did not let you in") && !page.body.contains("<b>"), "{}", page.body);
}

#[test]
fn a_provider_changes_its_key_and_nobody_is_led_elsewhere() {
    let provider = Provider::start();
    let server = with(&provider);
    person(&server, "ann", "&data[group_id]=1");
    let claims = json!({ "sub": "7", "email": "ann@a.example", "email_verified": true });
    assert_eq!(comes_back(&Panel::nobody(&server), &provider, &claims).status, 303);
    for next in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fpanel%2F%2Fevil.example"] {
        let panel = Panel::nobody(&server);
        let sent = panel.ask(&format!("/panel/login/oidc?next={next}"));
        let back = provider.signs_in(sent.location(), &claims);
        assert_eq!(panel.ask(&format!("/panel/login/oidc/back?{back}")).location(), "/panel/", "{next}");
    }
    // Under another name the browser comes to panel_url first, where its cookie counts.
    let named = Panel::nobody(&server).with_header("Host: evil.example");
    let first = named.ask("/panel/login/oidc?next=%2Fpanel%2Flines");
    assert_eq!(first.location(), format!("{}/panel/login/oidc?here=1&next=%2Fpanel%2Flines", server.url));
    let sent = named.ask("/panel/login/oidc?here=1");
    assert!(
        sent.location()
            .contains(&format!("redirect_uri={}", server.url.replace(':', "%3A").replace('/', "%2F")))
    );

    // Keys are asked for again when there is a new one.
    provider.rotate("second");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(15);
    while comes_back(&Panel::nobody(&server), &provider, &claims).status != 303 {
        assert!(std::time::Instant::now() < until, "the new key is not taken up");
    }
    assert_eq!(provider.set(|state| state.asked["/keys"]), 2);
}

#[test]
fn groups_of_the_provider_are_groups_here() {
    let provider = Provider::start();
    let server = with(&provider);
    let support = server.done("groups/new", "data[name]=Support&data[rights][]=line")["created_id"].clone();
    server.done("resellers/new", "data[name]=Shop");
    person(&server, "sold", "&data[group_id]=2&data[reseller_id]=1");
    server.done("settings/update", "data[oidc_claim]=groups");
    let claims = |groups: Value| json!({ "sub": "20", "email": "new@b.example", "preferred_username": "New One", "groups": groups });
    let panel = Panel::nobody(&server);
    for groups in [json!([]), json!(["Resellers"]), json!("nothing"), Value::Null] {
        let page = comes_back(&panel, &provider, &claims(groups));
        assert!(
            page.status == 403 && page.body.contains("None of the groups of this account"),
            "{}",
            page.body
        );
    }
    // Also where it is told only when asked.
    provider.set(|state| state.told_apart = true);
    assert_eq!(comes_back(&panel, &provider, &claims(json!(["staff", "support"]))).status, 303);
    provider.set(|state| state.told_apart = false);
    let found = |name: &str| named(&server, name);
    assert_eq!(
        (&found("NewOne")["group_id"], &found("NewOne")["email"]),
        (&support, &json!("new@b.example"))
    );
    assert_eq!(panel.ask("/panel/streams").status, 403);
    assert_eq!(comes_back(&panel, &provider, &claims(json!(["Support", "Administrators"]))).status, 303);
    assert_eq!((found("NewOne")["group_id"].as_i64(), panel.ask("/panel/streams").status), (Some(1), 200));
    assert_eq!(comes_back(&panel, &provider, &claims(json!(["Support"]))).status, 303);
    assert_eq!(found("NewOne")["group_id"], support);
    assert_eq!(comes_back(&Panel::nobody(&server), &provider, &claims(json!(["gone"]))).status, 403);

    // Whoever has the address is not taken over by it, and without one nobody is made.
    let taken =
        json!({ "sub": "21", "email": "sold@a.example", "email_verified": true, "groups": "Support" });
    let page = comes_back(&Panel::nobody(&server), &provider, &taken);
    assert!(page.body.contains("Somebody here has the e-mail address"), "{}", page.body);
    let page = comes_back(&Panel::nobody(&server), &provider, &json!({ "sub": "22", "groups": "Support" }));
    assert!(page.body.contains("gave no e-mail address"), "{}", page.body);
    // The last who may do everything stays.
    let admin = found("admin")["email"].clone();
    let last = json!({ "sub": "23", "email": admin, "email_verified": true, "groups": "Support" });
    let page = comes_back(&Panel::nobody(&server), &provider, &last);
    assert!(page.status == 403 && page.body.contains("The last full administrator"), "{}", page.body);
    assert_eq!(found("admin")["group_id"], 1);
    assert_eq!(Panel::nobody(&server).sign_in("admin", PASSWORD).status, 303, "the password works as before");
    // A token that speaks of another account than its provider is nobody's.
    provider.set(|state| (state.told_apart, state.wrong) = (true, json!({ "about": "99" })));
    let page = comes_back(&Panel::nobody(&server), &provider, &claims(json!(["Support"])));
    assert!(page.status == 502 && page.body.contains("spoke of another account"), "{}", page.body);
    // Somebody new can sign in with no password at all.
    assert_eq!(Panel::nobody(&server).sign_in("NewOne", "").status, 401);
}

#[test]
fn a_provider_that_is_down_keeps_nobody_from_the_login_page() {
    let server = server();
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    server.done(
        "settings/update",
        &format!("data[panel_url]={}&data[oidc_issuer]=http://{closed}&data[oidc_client_id]=x", server.url),
    );
    let panel = Panel::nobody(&server);
    assert!(panel.get("/panel/login").contains("Sign in with 127.0.0.1"));
    let page = panel.ask("/panel/login/oidc");
    assert!(page.status == 502 && page.body.contains("the connection was refused"), "{}", page.body);
    assert!(page.body.contains("Your password works as before"), "{}", page.body);
    let settings = Panel::admin(&server).get("/panel/settings/sign-in");
    assert!(settings.contains("a sign-in failed: 127.0.0.1: the connection was refused"), "{settings}");
}

#[test]
fn the_settings_of_a_provider_are_for_those_with_every_right_and_its_secret_is_never_shown() {
    let server = server();
    let panel = Panel::admin(&server);
    let path = "/panel/settings/sign-in";
    assert!(panel.get(path).contains("Nobody can sign in at a provider yet"));
    let wrong = [("oidc_issuer", "http://id.example"), ("oidc_client_id", "x")];
    let page = panel.refused(path, &wrong, 422);
    assert!(page.contains("as the provider calls itself"), "{page}");
    let typed = [
        ("oidc_issuer", "https://id.example/realms/tv/"),
        ("oidc_client_id", "panel"),
        ("oidc_client_secret", "s3cret-text"),
        ("oidc_claim", "groups"),
    ];
    panel.done(path, &typed);
    server.done("settings/update", "data[panel_url]=https://panel.example");
    let page = panel.get(path);
    assert!(
        page.contains("https://panel.example/panel/login/oidc/back") && !page.contains("s3cret-text"),
        "{page}"
    );
    let get = || server.done("settings/get", "")["settings"].clone();
    assert_eq!((&get()["oidc_client_secret"], &get()["oidc_issuer"]), (&json!("***"), &json!(typed[0].1)));
    server.done("settings/update", "data[oidc_client_secret]=***");
    assert_eq!(get()["oidc_client_secret"], "***");
    panel.done(path, &[("oidc_issuer", typed[0].1), ("oidc_client_id", "panel"), ("remove_secret", "1")]);
    assert_eq!(get()["oidc_client_secret"], "");
    let key =
        server.done("settings/api_key_new", "data[name]=less&data[scope][]=settings")["api_key"].clone();
    let body = format!("api_key={}&data[oidc_claim]=role", key.as_str().expect("a key"));
    let (_, answer) = server.post("settings/update", &body);
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("oidc_claim cannot be changed without the right full"), "{answer}");
}

/// A real provider: oidc-provider of npm, with its own pages.
struct RealProvider {
    child: Child,
    /// What it says goes here: it ends if nobody listens.
    _output: BufReader<ChildStdout>,
    issuer: String,
}

impl RealProvider {
    fn start(redirect: &str) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/oidc-provider.mjs");
        // What it imports is looked for beside it.
        let copy = format!("{folder}/oidc-provider.mjs");
        std::fs::copy(script, &copy).expect("target/browser: scripts/test makes it");
        let mut child = Command::new("node")
            .arg(&copy)
            .args([&port.to_string(), redirect])
            .env("GROUPS", "staff,Support")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node: scripts/test installs it");
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut said).expect("text");
        assert_eq!(said, "ready\n", "npm ci in target/browser: scripts/test does that");
        Self { child, _output: output, issuer: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_browser_signs_in_at_a_real_provider_connects_an_account_and_signs_out() {
    let server = server();
    let provider = RealProvider::start(&format!("{}/panel/login/oidc/back", server.url));
    server.done("groups/new", "data[name]=Support&data[rights][]=read_only");
    server.done(
        "settings/update",
        &format!(
            "data[panel_url]={}&data[oidc_issuer]={}&data[oidc_client_id]={}&data[oidc_client_secret]={}&data[oidc_claim]=groups",
            server.url, provider.issuer, CLIENT.0, CLIENT.1
        ),
    );
    let browser = Browser::on(&server.url);
    browser.open("/panel/login");
    assert_eq!(browser.problems(), Vec::<String>::new());
    browser.press("Sign in with 127.0.0.1");
    browser.fill("login", "cleo");
    browser.fill("password", "anything");
    browser.press("Sign-in");
    browser.press("Continue");
    browser.until("the panel", || browser.path().starts_with("/panel/"));
    browser.open("/panel/account");
    browser.sees("cleo");
    // The provider's own pages ask for fonts that are nowhere.
    let own = |problems: Vec<String>| -> Vec<String> {
        let strange = |problem: &String| problem.starts_with("console:") && !problem.contains(&server.url);
        problems.into_iter().filter(|problem| !strange(problem)).collect()
    };
    assert_eq!(own(browser.problems()), Vec::<String>::new());
    let person = named(&server, "cleo");
    assert_eq!((&person["email"], &person["group_id"]), (&json!("cleo@a.example"), &json!(3)));
    browser.press("Sign out");
    browser.sees("You have signed out here.");
    browser.press("Sign out at 127.0.0.1 as well");
    browser.press("Yes, sign me out");
    browser.until("the login page", || browser.path().starts_with("/panel/login"));

    browser.sign_in("admin", PASSWORD);
    browser.open("/panel/account");
    browser.fill_at("#password", PASSWORD);
    browser.press("Connect an account");
    // The page in between leads on by itself.
    browser.fill("login", "boss");
    browser.fill("password", "anything");
    browser.press("Sign-in");
    browser.press("Continue");
    browser.sees("The account is connected");
    assert_eq!(own(browser.console()), Vec::<String>::new());
}
