//! Who gets into the panel while strangers guess at it, and with which passwords.

use crate::support::{
    TestServer, linecard,
    panel::{PASSWORD, Panel, server, server_with},
};

fn from<'s>(server: &'s TestServer, address: &str) -> Panel<'s> {
    Panel::nobody(server).with_header(&format!("X-Forwarded-For: {address}"))
}

#[test]
fn strangers_who_guess_at_a_name_keep_nobody_out_who_is_known() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/update", "data[failure_limit]=3");
    let browser = from(&server, "198.51.100.1");
    assert_eq!(browser.sign_in("admin", PASSWORD).status, 303);
    let guess = |address: &str| from(&server, address).sign_in("admin", "a wrong guess").status;
    for n in 0..3 {
        assert_eq!(guess(&format!("192.0.2.{n}")), 401);
    }
    let (right, wrong) = (
        from(&server, "203.0.113.1").sign_in("Admin", PASSWORD),
        from(&server, "203.0.113.1").sign_in("admin", "a wrong guess"),
    );
    assert_eq!((right.status, wrong.status), (429, 429), "a stranger learns nothing");
    let wait: u64 = right.header("retry-after")[0].parse().expect("seconds");
    assert!((1..=6).contains(&wait), "the name is not locked: {wait}");
    // The same browser elsewhere, and another browser at the same address.
    let moved = browser.with_header("X-Forwarded-For: 203.0.113.2");
    assert_eq!(moved.sign_in("admin", PASSWORD).status, 303);
    assert_eq!(from(&server, "198.51.100.1").sign_in("admin", PASSWORD).status, 303);
    std::thread::sleep(std::time::Duration::from_secs(wait));
    assert_eq!(from(&server, "203.0.113.3").sign_in("admin", PASSWORD).status, 303, "waiting is enough");
    assert_eq!(guess("192.0.2.77"), 401);
    let longer = from(&server, "192.0.2.78").sign_in("admin", "a wrong guess");
    let longer: u64 = longer.header("retry-after")[0].parse().expect("seconds");
    assert!((7..=11).contains(&longer), "waiting grows: {longer}");
}

#[test]
fn a_known_browser_goes_on_where_its_address_is_shut_out_until_it_guesses_itself() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/update", "data[failure_limit]=3");
    let known = from(&server, "198.51.100.1");
    assert_eq!(known.sign_in("admin", PASSWORD).status, 303);
    let known = known.with_header("X-Forwarded-For: 203.0.113.9");
    for n in 0..3 {
        from(&server, "203.0.113.9").sign_in(&format!("name{n}"), "a wrong guess");
    }
    assert_eq!(from(&server, "203.0.113.9").sign_in("admin", PASSWORD).status, 429);
    assert_eq!(known.sign_in("admin", PASSWORD).status, 303);
    for _ in 0..3 {
        assert_eq!(known.sign_in("admin", "a wrong guess").status, 401);
    }
    assert_eq!(known.sign_in("admin", PASSWORD).status, 429);
    server.done("security/unblock", "username=admin");
    assert_eq!(known.sign_in("admin", PASSWORD).status, 303);
}

#[test]
fn a_flood_of_sign_ins_leaves_a_known_browser_its_place() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let known = from(&server, "198.51.100.1");
    assert_eq!(known.sign_in("admin", PASSWORD).status, 303);
    let over = std::sync::atomic::AtomicBool::new(false);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        for thread in 0..6 {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                for n in 0.. {
                    if over.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    from(server, &format!("192.0.{thread}.{n}")).sign_in(&format!("n{n}"), "a wrong guess");
                }
            });
        }
        let statuses = (0..5).map(|_| known.sign_in("admin", PASSWORD).status).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        statuses
    });
    assert_eq!(statuses, [303; 5]);
}

#[test]
fn passwords_that_are_guessed_first_are_refused_everywhere() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("settings/update", "data[operator_name]=Nord TV");
    let new = |password: &str| {
        let fields = "data[username]=nina.reed&data[email]=nina@example.com&data[group_id]=1";
        server.call("administrators/new", &format!("{fields}&data[password]={password}"))
    };
    for weak in
        ["password", "12345678", "linecard", "P%40ssw0rd1!", "nina.reed", "NinaReed2026", "nordtv2026"]
    {
        let answer = new(weak);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.starts_with("Invalid password: not "), "{weak}: {answer}");
    }
    server.done("resellers/new", "data[name]=Zibbelnox");
    server.done("groups/new", "data[name]=Night Shift&data[rights][]=line");
    for (who, weak) in [
        ("tom", "reseller1"),
        ("tom", "streams1"),
        ("tom", "zibbelnox"),
        ("tom", "nightshift1"),
        ("tom", "pass%20word"),
        ("tom", "drag0n123"),
        ("tom", "t-o-m-t-o-m"),
        ("bo", "bo123456"),
        ("tom", "%EF%BD%90%EF%BD%81%EF%BD%93%EF%BD%93%EF%BD%97%EF%BD%8F%EF%BD%92%EF%BD%84"),
    ] {
        let fields =
            format!("data[username]={who}&data[email]=x@mail.example&data[group_id]=3&data[reseller_id]=1");
        let error = server.refused("administrators/new", &format!("{fields}&data[password]={weak}"));
        assert!(error.starts_with("Invalid password: not "), "{weak}: {error}");
    }
    assert_eq!(new("7chars!")["error"], "Invalid password: at least 8 characters");
    assert_eq!(new("quiet-harbour-41")["result"], true);
    let error = server.refused("administrators/update", "username=nina.reed&data[password]=nina-reed-1");
    assert!(error.starts_with("Invalid password: not made of"), "{error}");
    let set = [("password", "sunshine1"), ("choose_anew", "0")];
    assert!(panel.refused("/panel/administrators/2/password", &set, 422).contains("most common"));
    // The names of those for whom somebody works count with whatever sets the password.
    let sells = "data[username]=tom&data[email]=x@mail.example&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{sells}&data[password]=quiet-harbour-41"));
    server.refused("administrators/update", "username=tom&data[password]=zibbelnox");
    let set = [("password", "zibbelnox"), ("choose_anew", "0")];
    assert!(panel.refused("/panel/administrators/3/password", &set, 422).contains("the reseller"));
    let own = [("old_password", PASSWORD), ("new_password", "administrator1"), ("again", "administrator1")];
    panel.refused("/panel/account", &own, 422);
    let data = server.data().to_owned();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linecard"));
    command.env("LINECARD_DATA", &data).args(["admin", "password", "tom"]);
    let output = command.env("LINECARD_ADMIN_PASSWORD", "zibbelnox").output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not made of"), "{output:?}");
    panel.get("/panel/account");
    let (code, _, _) = linecard(&data, &["admin", "list"]);
    assert_eq!(code, 0);
}

#[test]
fn a_new_password_renews_the_session_and_makes_other_browsers_strangers() {
    let server = server();
    let panel = Panel::admin(&server);
    let stolen = std::fs::read_to_string(panel.cookies()).expect("the cookies");
    let cookie = stolen.lines().find_map(|line| line.split_once("linecard_session_")).expect("a session").1;
    let cookie = format!("Cookie: linecard_session_{}", cookie.replace('\t', "="));
    let thief = Panel::nobody(&server).with_header(&cookie);
    thief.get("/panel/account");
    let new = "quiet-harbour-41";
    panel.done("/panel/account", &[("old_password", PASSWORD), ("new_password", new), ("again", new)]);
    assert_eq!((panel.ask("/panel/account").status, thief.ask("/panel/account").status), (200, 303));
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    let browsers: i64 =
        file.query_row("SELECT count(*) FROM panel_browsers", [], |row| row.get(0)).expect("a count");
    assert_eq!(browsers, 1);
}

#[test]
fn one_person_has_twenty_sessions_at_most() {
    let server = server();
    let first = Panel::admin(&server);
    let others: Vec<Panel<'_>> = (0..20).map(|_| Panel::admin(&server)).collect();
    assert_eq!(server.done("administrators/sessions", "")["total"], 20);
    assert_eq!(first.ask("/panel/account").status, 303, "the oldest ends");
    assert_eq!(others[0].get("/panel/account").matches("/end\"").count(), 19);
}
