//! Forms are decoded as the installed `php` decodes them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use linecard::wire::form::{Node, parse_form};
use proptest::prelude::*;
use proptest::sample::select;

/// Bodies per start of php, which costs far more than decoding does.
const BATCH: usize = 50;

/// One body per line comes in as hex; one line of JSON per body goes out.
const SCRIPT: &str = r#"
foreach (explode("\n", stream_get_contents(STDIN)) as $line) {
    parse_str(hex2bin($line), $tree);
    echo json_encode($tree, JSON_FORCE_OBJECT | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES
        | JSON_UNESCAPED_LINE_TERMINATORS | JSON_THROW_ON_ERROR), "\n";
}
"#;

/// Opening and closing in every shape, each piece with at most one bracket that opens.
const PIECES: &[&str] = &[
    "a", "b", "0", "5", "05", "é", "%C3%A9", "[", "[", "]", "]", "[]", "[]", "[ ]", "[+]", "[%09]", "[%0b]",
    "[x]", "[0]", "[7]", "[07]", "[x.y]", "[ x]", "[x ]", "%5B", "%5b", "%5D", "%5B%5D", ".", " ", "+",
    "%20", "%2E", "%2B", "%09", "%25", "%x", "%4x", "%%5B", "%%5D", "%3D", "%26", ";", "_", "__Host-",
    "Host-", "Secure-",
];

/// Few, so that a body repeats them.
const BASES: &[&str] = &["a", "b", "+a", "a.b", "7", "__Host-"];

/// Brackets that are mostly whole, so that names meet in the same maps.
const KEYS: &[&str] = &[
    "[]",
    "[]",
    "[]",
    "[0]",
    "[1]",
    "[3]",
    "[12]",
    "[03]",
    "[x]",
    "[x]",
    "[y.z]",
    "[+]",
    "%5B%5D",
    "[x",
    "[",
    "[9223372036854775806]",
    "[9223372036854775807]",
    "[9223372036854775808]",
    "[x]y",
    "[__Host-]",
    "[x]]",
];

/// What may end a name or a value: broken percents, broken whatever follows.
const ENDS: &[&str] = &["", "", "", "", "%", "%4"];

fn joined(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(select(pieces), 0..=most).prop_map(|parts| parts.concat())
}

/// Never beyond eight brackets, which is one of the documented differences from PHP.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (select(BASES), joined(KEYS, 4)).prop_map(|(base, keys)| base.to_owned() + &keys),
        2 => (joined(PIECES, 8), select(ENDS)).prop_map(|(name, end)| name + end),
    ]
}

fn pair() -> impl Strategy<Value = String> {
    let value = (joined(PIECES, 4), select(ENDS)).prop_map(|(value, end)| value + end);
    prop_oneof![
        8 => (name(), value).prop_map(|(name, value)| format!("{name}={value}")),
        1 => name(),
        1 => select(&["", "=", "==", "=&="][..]).prop_map(str::to_owned),
    ]
}

fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(pair(), 0..12).prop_map(|pairs| pairs.join("&"))
}

/// What php makes of each body, as JSON text.
fn php(bodies: &[String]) -> Vec<String> {
    let lines: Vec<String> = bodies.iter().map(|body| hex(body)).collect();
    let mut child = Command::new("php")
        .args(["-n", "-d", "max_input_vars=20000", "-r", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test compares with real PHP: install the php command line (package php-cli)");
    // php reads everything before it answers, so neither side can wait for the other; the drop closes stdin.
    child.stdin.take().expect("stdin is piped").write_all(lines.join("\n").as_bytes()).expect("php reads");
    let output = child.wait_with_output().expect("php ends");
    let text = String::from_utf8(output.stdout).expect("php answers in UTF-8");
    assert!(output.status.success(), "php failed: {text}");
    text.lines().map(str::to_owned).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes any text");
        hex
    })
}

/// A tree as PHP's `json_encode` writes it, every array as an object.
fn json<'a>(members: impl IntoIterator<Item = (&'a String, &'a Node)>) -> String {
    let members = members.into_iter().map(|(key, node)| match node {
        Node::Text(text) => format!("{}:{}", quoted(key), quoted(text)),
        Node::Flag(flag) => format!("{}:{flag}", quoted(key)),
        Node::Map(map) => format!("{}:{}", quoted(key), json(map)),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forms_decode_as_php_decodes_them(bodies in prop::collection::vec(body(), BATCH)) {
        let expected = php(&bodies);
        prop_assert_eq!(expected.len(), bodies.len());
        for (body, expected) in bodies.iter().zip(expected) {
            let tree = parse_form(body.as_bytes());
            let ours = tree.as_ref().map(json).map_err(ToString::to_string);
            prop_assert_eq!(ours, Ok(expected), "body {:?}", body);
        }
    }
}
