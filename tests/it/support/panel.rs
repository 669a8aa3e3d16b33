//! The panel as a browser meets it: somebody signs in, keeps the cookies, opens pages and sends forms.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use super::{TestServer, http};

/// The password of `admin` on a server of [`server`].
pub const PASSWORD: &str = "panel-test-password";

/// A server whose `admin` signs in with [`PASSWORD`] and need not change it.
pub fn server() -> TestServer {
    server_with(&[])
}

/// The same, with further arguments of `serve`.
pub fn server_with(arguments: &[&str]) -> TestServer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    TestServer::with(folder, arguments, &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))])
}

/// A browser with cookies of its own.
pub struct Panel<'s> {
    server: &'s TestServer,
    cookies: tempfile::NamedTempFile,
    headers: Vec<String>,
}

/// What the server answered.
pub struct Page {
    /// The status.
    pub status: u16,
    /// The status line and the headers as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Page {
    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// Where it sends the browser; empty if nowhere.
    pub fn location(&self) -> &str {
        self.header("location").first().copied().unwrap_or_default()
    }
}

impl<'s> Panel<'s> {
    /// A browser in which nobody is signed in.
    pub fn nobody(server: &'s TestServer) -> Self {
        let cookies = tempfile::NamedTempFile::new().expect("a temporary file");
        Self { server, cookies, headers: Vec::new() }
    }

    /// A browser in which somebody has signed in.
    pub fn of(server: &'s TestServer, username: &str, password: &str) -> Self {
        let panel = Self::nobody(server);
        let page = panel.sign_in(username, password);
        assert_eq!(page.status, 303, "{}", page.body);
        panel
    }

    /// A browser in which `admin` of [`server`] has signed in.
    pub fn admin(server: &'s TestServer) -> Self {
        Self::of(server, "admin", PASSWORD)
    }

    /// With a header that it sends from now on.
    pub fn with_header(mut self, header: &str) -> Self {
        self.headers.push(header.to_owned());
        self
    }

    /// The file with its cookies.
    pub fn cookies(&self) -> &Path {
        self.cookies.path()
    }

    /// Sends the login form.
    pub fn sign_in(&self, username: &str, password: &str) -> Page {
        self.post("/panel/login", &[("username", username), ("password", password)])
    }

    /// Asks for an address, whatever the answer is.
    pub fn ask(&self, path: &str) -> Page {
        self.send(path, None)
    }

    fn send(&self, path: &str, form: Option<&str>) -> Page {
        let url = format!("{}{path}", self.server.url);
        let answer = http::ask_with_cookies(&url, &self.headers, form, self.cookies.path());
        Page { status: answer.status, head: answer.head, body: answer.body }
    }

    /// Opens a page that must be there; its body.
    pub fn get(&self, path: &str) -> String {
        let page = self.ask(path);
        assert_eq!(page.status, 200, "{path} -> {}\n{}", page.location(), page.body);
        page.body
    }

    /// Sends a form or presses a button as it stands on a page that was opened just before, whatever the answer is.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let (path, marks) = self.opened(path);
        let mut fields = fields.to_vec();
        for (name, value) in &marks {
            if !fields.iter().any(|(given, _)| given == name) {
                fields.push((name, value));
            }
        }
        self.post_bare(&path, &fields)
    }

    /// The address and the hidden marks of the form or button for that address, where a page has one.
    pub fn opened(&self, path: &str) -> (String, Vec<(String, String)>) {
        let (place, query) = path.split_once('?').unwrap_or((path, ""));
        let above = |path: &str| path.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned());
        let one_above = above(place);
        for page in [path, &one_above, &above(&one_above)] {
            if !page.starts_with("/panel") || page.starts_with("/panel/login") || place == "/panel/logout" {
                continue;
            }
            let html = self.ask(page).body;
            for form in html.split("action=\"").skip(1) {
                let Some((action, rest)) = form.split_once('"') else { continue };
                let action = action.replace("&#38;", "&");
                let (to, told) = action.split_once('?').unwrap_or((&action, ""));
                let says = |wanted: &str| wanted.is_empty() || told.split('&').any(|told| told == wanted);
                if to == place && query.split('&').all(says) {
                    // Those of a list stand beside its rows.
                    let form = rest.split_once("</form>").map_or(rest, |(form, _)| form);
                    let rows = hidden(&html).into_iter().filter(|(name, _)| name.starts_with("seen["));
                    return (action.clone(), marks_of(form).into_iter().chain(rows).collect());
                }
            }
        }
        (path.to_owned(), Vec::new())
    }

    /// Sends a form of somebody's own making, whatever the answer is.
    pub fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        if body.len() > http::LONGEST {
            return self.curl(&["--data-binary", "@-"], Some(&body), path);
        }
        self.send(path, Some(&body))
    }

    /// Sends a form that must succeed; the page to which it leads, with the notice of what was done.
    pub fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.post(path, fields);
        assert_eq!(page.status, 303, "{path} {fields:?}\n{}", page.body);
        assert!(!page.location().starts_with("/panel/login"), "{path}: nobody is signed in");
        self.get(page.location())
    }

    /// Sends a form that must be refused with that status; the page that says why.
    pub fn refused(&self, path: &str, fields: &[(&str, &str)], status: u16) -> String {
        let page = self.post(path, fields);
        assert_eq!(page.status, status, "{path} {fields:?} -> {}\n{}", page.location(), page.body);
        page.body
    }

    /// Listens for so many seconds to what an open page is told of its changes.
    pub fn told(&self, page: &str, seconds: u8) -> Page {
        let html = self.get(page);
        let address = html.split_once("data-events=\"").and_then(|(_, rest)| rest.split_once('"'));
        let address = address.unwrap_or_else(|| panic!("{page} changes: {html}")).0.replace("&#38;", "&");
        self.curl(&["-N", "--max-time", &seconds.to_string()], None, &address)
    }

    /// Asks with further arguments of curl, and a body for `@-`.
    pub fn curl(&self, arguments: &[&str], body: Option<&str>, path: &str) -> Page {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-g", "-i", "-H", "Expect:", "-b"]).arg(self.cookies.path());
        curl.arg("-c").arg(self.cookies.path());
        for header in &self.headers {
            curl.args(["-H", header]);
        }
        curl.args(arguments).arg(format!("{}{path}", self.server.url));
        let mut curl = curl
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl is installed: scripts/test does that");
        let mut input = curl.stdin.take().expect("its input");
        // An answer that comes before the whole body was read closes the pipe.
        let _ = input.write_all(body.unwrap_or_default().as_bytes());
        drop(input);
        let output = curl.wait_with_output().expect("curl ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Page { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// What a form sends to say what it showed, and which form it is.
fn marks_of(form: &str) -> Vec<(String, String)> {
    let is_mark = |name: &str| name == "seen" || name == "slip" || name.ends_with("_held");
    hidden(form).into_iter().filter(|(name, _)| is_mark(name)).collect()
}

/// The hidden fields of a page or a part of it.
fn hidden(html: &str) -> Vec<(String, String)> {
    let fields = html.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|input| {
        let (name, rest) = input.split_once('"')?;
        let value = rest.split_once("value=\"")?.1.split_once('"')?.0;
        Some((name.to_owned(), value.to_owned()))
    });
    fields.collect()
}
