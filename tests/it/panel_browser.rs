//! The panel in a real browser: what people do from the first start to the last credit, and every page
//! without an error in the console, a request that fails, or a violation of accessibility.

use super::support::{TestServer, browser::Browser};

/// The password that the first start printed.
fn generated(server: &TestServer) -> String {
    let line = server.greeting.lines().find(|line| line.trim().starts_with("password"));
    line.and_then(|line| line.split_whitespace().nth(1)).expect("a password in the greeting").to_owned()
}

#[test]
fn the_first_login_asks_for_a_password_of_ones_own() {
    let server = TestServer::start();
    let browser = Browser::on(&server.url);
    browser.open("/panel/plans");
    assert_eq!(browser.path(), "/panel/login?next=%2Fpanel%2Fplans");
    assert_eq!(browser.problems(), [""; 0]);
    browser.fill("username", "admin");
    browser.fill("password", "not the password");
    browser.press("Sign in");
    browser.sees("Wrong username or password.");
    assert_eq!(browser.console().len(), 1, "the refusal itself");
    browser.fill("password", &generated(&server));
    browser.press("Sign in");
    browser.sees("Choose a password of your own first");
    browser.open("/panel/plans");
    assert_eq!(browser.path(), "/panel/account");
    assert_eq!(browser.problems(), [""; 0]);

    browser.fill("old_password", &generated(&server));
    browser.fill("new_password", "my own password");
    browser.fill("again", "my own pasword");
    browser.press("Change password");
    browser.sees("Not the same as above");
    assert_eq!(browser.console().len(), 1, "the refusal itself");
    browser.fill("old_password", &generated(&server));
    browser.fill("new_password", "my own password");
    browser.fill("again", "my own password");
    browser.press("Change password");
    browser.console();
    browser.open("/panel/plans");
    browser.press("Sign out");
    browser.sign_in("admin", "my own password");
    browser.console();
    browser.open("/panel/plans");
    browser.sees("Subscription plans");
    assert_eq!(browser.problems(), [""; 0]);
}
