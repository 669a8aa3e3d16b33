//! HTTPS beside HTTP: which certificate is served, and what becomes of one that is replaced, broken or missing.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::support::{
    KEY, TestServer, linecard,
    panel::{PASSWORD, Panel},
    tls::{self, Authority, ask, curl, hang_up, put, roots},
    tv::within,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A server with HTTPS whose pages are read in clear: as if by a proxy.
fn with_proxy(authority: &Authority) -> TestServer {
    let folder = folder();
    authority.sign(&["localhost", "127.0.0.1"]).put(folder.path());
    tls::start_with(folder, &["--trusted-proxies", "127.0.0.1"])
}

/// What the dashboard says of certificates.
fn tile(server: &TestServer) -> String {
    let page = Panel::admin(server).get("/panel/");
    let from = page.find("Certificates of HTTPS").expect("a tile");
    page[from..].split("</section>").next().expect("its end").to_owned()
}

#[test]
fn each_name_has_its_certificate_and_every_face_is_there_over_tls_too() {
    let authority = Authority::new();
    let folder = folder();
    let other = authority.sign(&["*.other.example"]);
    authority.sign(&["localhost", "127.0.0.1"]).put(folder.path());
    put(&folder.path().join("other.crt"), &other.certificate);
    put(&folder.path().join("other.key"), &other.key);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificates, keys) = (
        format!("{},{}", file("tls.crt"), file("other.crt")),
        format!("{},{}", file("tls.key"), file("other.key")),
    );
    let arguments = [
        "--tls-listen",
        "127.0.0.1:0",
        "--tls-cert",
        &certificates,
        "--tls-key",
        &keys,
        "--trusted-proxies",
        "127.0.0.1",
    ];
    let server = TestServer::with(folder, &arguments, &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);
    let roots = roots(&server, &authority);
    let get = |path: &str, more: &[&str]| curl(&server, &roots, path, more);

    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        let (code, told) = get("/healthz", &version);
        assert!(code == 0 && told.starts_with(r#"{"status":"ok""#), "{version:?}: {code} {told}");
    }
    // Whoever offers more is answered in HTTP/1.1: a viewer is cut with his connection.
    let version = ["--http2", "-o", "/dev/null", "-w", "%{http_version}"];
    assert_eq!(get("/healthz", &version), (0, "1.1".to_owned()));
    let called = get("/api/line/list", &["-d", &format!("api_key={KEY}")]);
    assert!(called.1.starts_with(r#"{"result":true"#), "{called:?}");
    assert!(get("/panel/login", &[]).1.contains("<form"));

    let named = |name: &str| {
        let url = format!("https://{name}:{}/healthz", tls::port(&server));
        let resolve = format!("{name}:{}:127.0.0.1", tls::port(&server));
        let mut asked = Command::new("curl");
        asked.args(["-sS", "--cacert"]).arg(&roots).args(["--resolve", &resolve, &url]);
        asked.output().expect("curl").status.code()
    };
    assert_eq!(named("a.other.example"), Some(0));
    // The first one is served to whoever asks for something else.
    assert_eq!(named("third.example"), Some(60));
    let told = tile(&server);
    for words in ["localhost, 127.0.0.1", "*.other.example", "ends in 8", "signed by Test Authority"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // What is no handshake is closed and harms nobody.
    assert_ne!(
        server.curl("/healthz", &["--connect-to", &format!("::127.0.0.1:{}", tls::port(&server))]).0,
        200
    );
    assert_eq!(get("/healthz", &[]).0, 0);
}

#[test]
fn a_replaced_certificate_is_served_at_once_and_a_broken_one_never() {
    let authority = Authority::new();
    let server = with_proxy(&authority);
    let roots = roots(&server, &authority);
    let mut before = authority.connect(&server);
    assert_eq!(ask(&mut before, "/healthz").0, 200);
    let names = || {
        let asked = curl(&server, &roots, "/healthz", &["-v", "-o", "/dev/null", "--stderr", "-"]);
        if asked.0 == 0 { asked.1 } else { panic!("{asked:?}") }
    };
    assert!(!names().contains("new.example"));

    // Half of it is there: the other half may follow.
    let new = authority.sign(&["new.example", "localhost"]);
    put(&server.data().join("tls.crt"), &new.certificate);
    hang_up(&server);
    within(10, "it is told", || server.log().contains("does not belong to the first certificate in"));
    assert!(!names().contains("new.example"));
    let told = tile(&server);
    assert!(
        told.contains("does not belong to the first certificate") && told.contains("ends in 8"),
        "{told}"
    );

    put(&server.data().join("tls.key"), &new.key);
    hang_up(&server);
    within(10, "it is served", || server.log().contains("for new.example, localhost is served, valid until"));
    let told = tile(&server);
    assert!(told.contains("new.example") && !told.contains("does not belong"), "{told}");
    let mut after = authority.connect(&server);
    assert_eq!(ask(&mut after, "/healthz").0, 200);
    assert_eq!(ask(&mut before, "/healthz").0, 200, "no connection is dropped");

    for (file, text, words) in [
        ("tls.key", "", "has no private key that can be used"),
        ("tls.crt", "no certificate", "has no certificate in PEM form"),
    ] {
        put(&server.data().join(file), text);
        hang_up(&server);
        within(10, words, || server.log().contains(words));
        assert_eq!(curl(&server, &roots, "/healthz", &[]).0, 0, "what was read before stays");
    }
    // Told once, however often it is looked at.
    hang_up(&server);
    hang_up(&server);
    assert_eq!(server.log().matches("has no certificate in PEM form").count(), 1, "{}", server.log());
    let secret: String = new.key.lines().nth(1).expect("a line").chars().take(20).collect();
    assert!(!server.log().contains(&secret));
}

#[test]
fn without_a_certificate_players_go_on_and_https_follows() {
    let authority = Authority::new();
    let server = tls::start_with(folder(), &["--trusted-proxies", "127.0.0.1"]);
    let roots = roots(&server, &authority);
    assert_eq!(server.curl("/healthz", &[]).0, 200);
    assert_ne!(curl(&server, &roots, "/healthz", &[]).0, 0);
    assert!(server.log().contains("there is no file"), "{}", server.log());
    let told = tile(&server);
    assert!(told.contains("there is none") && told.contains("put it there"), "{told}");

    authority.sign_until(&["localhost"], -3).put(server.data());
    let key = server.data().join("tls.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    hang_up(&server);
    within(10, "it is served", || server.log().contains("is served, valid until"));
    let told = tile(&server);
    assert!(told.contains("ended 3 days ago") || told.contains("ended 2 days ago"), "{told}");
    assert!(told.contains("everybody on this machine can read the private key: chmod 600"), "{told}");
    assert_eq!(curl(&server, &roots, "/healthz", &["-k"]).0, 0, "an old one is better than none");

    authority.sign(&["localhost"]).put(server.data());
    hang_up(&server);
    within(10, "it is valid", || curl(&server, &roots, "/healthz", &[]).0 == 0);
}

#[test]
fn what_is_missing_of_the_arguments_is_said() {
    let folder = folder();
    for (arguments, says) in [
        (
            &["--tls-listen", "127.0.0.1:0"][..],
            "--tls-listen needs a certificate: name it with --tls-cert FILE --tls-key FILE",
        ),
        (&["--tls-cert", "a", "--tls-key", "b"], "name where to listen, as --tls-listen 0.0.0.0:443"),
        (
            &["--tls-listen", "127.0.0.1:0", "--tls-cert", "a,b", "--tls-key", "c"],
            "each certificate needs its key",
        ),
    ] {
        let (code, _, told) =
            linecard(folder.path(), &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        assert!(code == 1 && told.contains(says), "{arguments:?}: {told}");
    }
}

/// Status and the values of a header of what curl is answered.
fn head(url: &str, arguments: &[&str], name: &str) -> (u16, Vec<String>) {
    let output = Command::new("curl").args(["-sS", "-k", "-i", "-o", "-"]).args(arguments).arg(url).output();
    let text = String::from_utf8_lossy(&output.expect("curl").stdout).into_owned();
    let (head, _) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{url}: {text}"));
    let values = head.lines().filter_map(|line| line.split_once(": "));
    let values = values.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned());
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), values.collect())
}

#[test]
fn the_panel_leads_to_https_and_nothing_else_does() {
    let authority = Authority::new();
    let server = tls::serve(&authority, folder());
    let (plain, port) = (server.url.clone(), tls::port(&server));
    let to = |path: &str, arguments: &[&str]| head(&format!("{plain}{path}"), arguments, "location");
    let led = |to: String| (302, vec![to]);
    for path in
        ["/", "/panel", "/panel/", "/panel/lines?search=a&page=2", "/panel/assets/none.css", "/panel/login"]
    {
        assert_eq!(to(path, &[]), led(format!("https://127.0.0.1:{port}{path}")));
    }
    assert_eq!(
        to("/panel/login", &["-H", "Host: tv.example:8080"]),
        led(format!("https://tv.example:{port}/panel/login"))
    );
    // What was typed in clear is not sent on.
    let typed = to("/panel/login", &["-d", "username=admin&password=x"]);
    assert_eq!(typed, (303, vec![format!("https://127.0.0.1:{port}/panel/")]));
    for path in [
        "/healthz",
        "/player_api.php?username=a&password=b",
        "/get.php",
        "/c/",
        "/api/docs",
        "/api/line/list",
    ] {
        let (status, location) = to(path, &[]);
        assert!(!(300..400).contains(&status) && location.is_empty(), "{path}: {status} {location:?}");
    }
    server.done("line/new", "data[username]=bob&data[password]=pw");
    let told = server.curl("/player_api.php?username=bob&password=pw", &[]).1["server_info"].clone();
    let own = plain.rsplit(':').next().expect("a port");
    assert_eq!(
        (&told["port"], &told["https_port"], &told["server_protocol"]),
        (&own.into(), &port.to_string().into(), &"http".into())
    );
    let over_tls =
        curl(&server, &roots(&server, &authority), "/player_api.php?username=bob&password=pw", &[]).1;
    let told: serde_json::Value = serde_json::from_str(&over_tls).expect("JSON");
    let told = &told["server_info"];
    assert_eq!(
        (&told["port"], &told["https_port"], &told["server_protocol"]),
        (&own.into(), &port.to_string().into(), &"https".into())
    );

    let login = format!("https://localhost:{port}/panel/login");
    let strict = || head(&login, &[], "strict-transport-security");
    assert_eq!(strict(), (200, vec![]), "players' ports are others");
    server.done("settings/update", "data[hsts]=1");
    assert_eq!(strict(), (200, vec!["max-age=2592000".to_owned()]));
    assert_eq!(
        head(&format!("https://localhost:{port}/get.php"), &[], "strict-transport-security").1,
        Vec::<String>::new()
    );
    assert_eq!(
        head(&format!("{plain}/panel/login"), &[], "strict-transport-security").1,
        Vec::<String>::new()
    );
    let (_, set) = head(&login, &["-d", &format!("username=admin&password={PASSWORD}")], "set-cookie");
    assert!(
        set.len() > 1 && set.iter().all(|cookie| cookie.starts_with("__Host-") && cookie.contains("Secure")),
        "{set:?}"
    );

    server.done("settings/update", "data[panel_url]=https://panel.example");
    assert_eq!(to("/panel/lines", &[]), led("https://panel.example/panel/lines".into()));
    server.done("settings/update", "data[panel_url]=http://panel.example:8080");
    assert_eq!(
        to("/panel/lines", &[]),
        led(format!("https://127.0.0.1:{port}/panel/lines")),
        "never into a circle"
    );
}

#[test]
fn behind_a_proxy_that_ends_tls_and_without_a_certificate_nobody_is_led_elsewhere() {
    let without = tls::start(folder());
    assert_eq!(head(&format!("{}/panel/login", without.url), &[], "location"), (200, vec![]));
    let authority = Authority::new();
    let server = with_proxy(&authority);
    for proto in ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Nothing: 1"] {
        let (status, location) = head(&format!("{}/panel/login", server.url), &["-H", proto], "location");
        assert_eq!((status, location), (200, vec![]), "{proto}");
    }
    let over_tls = format!("https://localhost:{}/player_api.php?username=a&password=b", tls::port(&server));
    assert_eq!(head(&over_tls, &["-H", "X-Forwarded-Proto: http"], "location").1, Vec::<String>::new());
}
