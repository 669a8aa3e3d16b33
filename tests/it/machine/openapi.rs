//! The API description: served as committed, and true about which calls there are.

use std::path::Path;

use serde_json::Value;

use crate::{
    engine::effects::{SENT, stage},
    support::{KEY, TestServer, panel::Panel},
};

fn committed() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("docs/openapi.json")).expect("JSON")
}

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let server = TestServer::start();
    let (status, served) = server.curl("/api/openapi.json", &[]);
    assert_eq!(status, 200);
    // To renew it: curl -s HOST/api/openapi.json | python3 -m json.tool > docs/openapi.json
    assert!(served == committed(), "docs/openapi.json is not what the server says: renew it");
}

#[test]
fn every_described_call_is_there_with_every_method_described() {
    let server = TestServer::start();
    let document = committed();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 40, "{}", paths.len());
    for (path, item) in paths {
        for method in item.as_object().expect("an object").keys().filter(|name| *name != "parameters") {
            let method = method.to_uppercase();
            let address = path.replace("{api_key}", KEY).replace("{id}", "1");
            let bearer = format!("Authorization: Bearer {KEY}");
            let (status, answer) = server.curl(&address, &["-X", &method, "-H", &bearer]);
            assert_eq!(status, 200, "{method} {address}: {answer}");
            assert!(answer["result"].is_boolean(), "{method} {address}: {answer}");
        }
    }
}

/// The schema of what a call takes.
fn taken<'d>(document: &'d Value, item: &Value) -> &'d Value {
    let name = &item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let name = name.as_str().and_then(|name| name.rsplit('/').next()).expect("a name");
    &document["components"]["schemas"][name]
}

/// Something that each parameter may be.
fn plausible(name: &str) -> &'static str {
    match name {
        "mac_address" => "00:1A:79:00:00:01",
        "username" => "bob",
        "password" => "secret-of-bob",
        "address" => "192.0.2.1",
        "kind" => "audit",
        "event" => "reboot",
        "parent_pin" => "1234",
        "output" => "ts",
        "types" => "line.*",
        "name" => "first key",
        "changed_since" | "limit" | "credits" => "1",
        _ => "1",
    }
}

#[test]
fn what_a_call_takes_beside_data_is_what_is_described() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=bob&data[password]=secret-of-bob");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let document = committed();
    // Of these pairs a call takes one or the other.
    let apart =
        ["after", "offset", "username", "name", "stream_id", "mac_address", "reference", "state", "event_id"];
    let mut compared = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let schema = &taken(&document, item)["properties"];
        let mut described: Vec<&str> =
            schema.as_object().expect("properties").keys().map(String::as_str).collect();
        // Whether it is a dry run is known before its fields are looked at.
        described.retain(|name| !["data", "dry_run"].contains(name));
        described.sort_unstable();
        let call = path.strip_prefix("/api/").expect("a call");
        // An unknown field is told with those that there are, once what must be there is.
        let told = |sent: &[&str]| {
            let fields: Vec<String> = sent.iter().map(|name| format!("{name}={}", plausible(name))).collect();
            let answer = server.call(call, &format!("zzz=1&{}", fields.join("&")));
            answer["error"].as_str().unwrap_or_default().to_owned()
        };
        let one: Vec<&str> = described.iter().copied().filter(|name| !apart.contains(name)).collect();
        let attempts =
            [Vec::new(), described.clone(), one, vec!["username"], vec!["mac_address"], vec!["id"]];
        let text =
            attempts.iter().map(|sent| told(sent)).find(|text| text.starts_with("Unknown field: zzz. "));
        let Some(text) = text else { continue };
        let mut taken: Vec<&str> =
            text.split_once("The fields here are: ").map_or(vec![], |(_, names)| names.split(", ").collect());
        taken.sort_unstable();
        taken.dedup();
        if call == "logs/list" {
            // Each kind has columns of its own.
            assert!(taken.iter().all(|name| described.contains(name)), "{text}");
            continue;
        }
        // It reads `after` to say why there is none.
        taken.retain(|name| !["security/blocks", "guide/channels"].contains(&call) || *name != "after");
        assert_eq!(taken, described, "{path}: {text}");
        compared += 1;
    }
    assert!(compared > 50, "only {compared} calls told what they take");
}

/// What is wrong with a value by a schema, in the words of the description that we use: empty if it is as described.
fn wrong(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        let row = &document["components"]["schemas"][name];
        assert!(row.is_object(), "{at}: there is no schema {name}");
        return wrong(document, row, value, at);
    }
    if let Some(either) = schema["oneOf"].as_array() {
        let tries: Vec<Vec<String>> = either.iter().map(|one| wrong(document, one, value, at)).collect();
        let fitting = tries.iter().filter(|wrong| wrong.is_empty()).count();
        return if fitting == 1 { Vec::new() } else { tries.concat() };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = kinds.is_empty() || kinds.contains(&is) || (is == "integer" && kinds.contains(&"number"));
    let mut found = Vec::new();
    if !fits {
        found.push(format!("{at}: {value} is no {kinds:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                found.push(format!("{at} has no {name}"));
            }
        }
        for (name, member) in object {
            match schema["properties"].get(name) {
                Some(schema) => found.extend(wrong(document, schema, member, &format!("{at}.{name}"))),
                None if schema["additionalProperties"] == false => {
                    found.push(format!("{at}.{name} is not described"));
                }
                None => {}
            }
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(wrong(document, &schema["items"], item, &format!("{at}[{place}]")));
    }
    found
}

/// The schema of an answer with that status.
fn answer_schema<'d>(document: &'d Value, path: &str, method: &str, status: u16) -> &'d Value {
    let response = &document["paths"][path][method]["responses"][status.to_string()];
    assert!(response.is_object(), "{path} does not say that it answers {status}");
    &response["content"]["application/json"]["schema"]
}

/// Calls that only read, each with what finds something after the writing calls of its resource.
const READ: &[(&str, &str)] = &[
    ("line/info", "username=bob"),
    ("line/list", ""),
    ("line/explain", "username=bob&stream_id=1"),
    ("mag/info", "mac_address=00:1A:79:00:00:02"),
    ("mag/list", ""),
    ("mag/explain", "mac_address=00:1A:79:00:00:02"),
    ("administrators/list", ""),
    ("administrators/sessions", ""),
    ("resellers/list", ""),
    ("resellers/statement", "id=1"),
    ("servers/info", "id=1"),
    ("servers/list", ""),
    ("streams/info", "id=1"),
    ("streams/list", ""),
    ("streams/online", ""),
    ("streams/offline", ""),
    ("archive/list", ""),
    ("subscription_plans/info", "id=1"),
    ("subscription_plans/list", ""),
    ("bouquets/info", "id=1"),
    ("bouquets/list", ""),
    ("categories/info", "id=1"),
    ("categories/list", ""),
    ("groups/info", "id=1"),
    ("groups/list", ""),
    ("guide_sources/info", "id=1"),
    ("guide_sources/list", ""),
    ("guide/channels", ""),
    ("guide/matches", ""),
    ("guide/programmes", "stream_id=1"),
    ("settings/get", ""),
    ("settings/whitelist_list", ""),
    ("settings/api_key_list", ""),
    ("connections/list", ""),
    ("events/list", "limit=1000"),
    ("webhooks/info", "id=1"),
    ("webhooks/list", ""),
    ("webhooks/deliveries", "id=1"),
    ("backups/list", ""),
    ("jobs/list", ""),
    ("message_targets/info", "id=1"),
    ("message_targets/list", ""),
    ("messages/list", ""),
    ("security/blocks", ""),
    ("batches/list", ""),
    ("batches/info", "id=1"),
];

#[test]
fn every_answer_is_as_described() {
    let (server, _watching) = stage();
    let _signed_in = Panel::admin(&server);
    let document = committed();
    let mut problems = Vec::new();
    let mut succeeded = std::collections::BTreeSet::new();
    let mut check = |call: &str, body: &str| {
        let answer = server.call(call, body);
        let path = format!("/api/{call}");
        let schema = answer_schema(&document, &path, "post", 200);
        problems.extend(
            wrong(&document, schema, &answer, call).into_iter().map(|wrong| format!("{body}: {wrong}")),
        );
        if answer["result"] == true {
            succeeded.insert(path);
        }
    };
    for (call, body) in READ {
        check(call, body);
    }
    for (call, body) in SENT {
        check(call, body);
        let (resource, _) = call.split_once('/').expect("RESOURCE/ACTION");
        for (call, body) in READ.iter().filter(|(call, _)| call.split('/').next() == Some(resource)) {
            check(call, body);
        }
    }
    for kind in ["error", "audit", "login", "connection", "refusal", "api"] {
        check("logs/list", &format!("kind={kind}"));
    }
    // A refusal of each call.
    for path in document["paths"].as_object().expect("paths").keys() {
        check(path.trim_start_matches("/api/"), "no_such_field=1");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let all = document["paths"].as_object().expect("paths").keys();
    let missing: Vec<&String> = all.filter(|path| !succeeded.contains(*path)).collect();
    assert!(missing.is_empty(), "nobody has seen these succeed: {missing:?}");
}

#[test]
fn what_is_wrong_with_a_request_has_a_described_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.0/8"]);
    let document = committed();
    let ask = |path: &str, arguments: &[&str], expected: u16| {
        let (status, answer) = server.curl(path, arguments);
        assert_eq!(status, expected, "{path} {arguments:?}: {answer}");
        let described = if document["paths"][path].is_object() { path } else { "/api/line/info" };
        let schema = answer_schema(&document, described, "post", status);
        assert_eq!(wrong(&document, schema, &answer, path), Vec::<String>::new());
    };
    let bearer = format!("Authorization: Bearer {KEY}");
    for (path, item) in document["paths"].as_object().expect("paths") {
        ask(path, &["-d", "x=1"], 401);
        if item["get"].is_null() {
            ask(path, &["-H", &bearer], 405);
        }
    }
    ask("/api/line/info", &["-H", &bearer, "-X", "PUT"], 405);
    ask("/api/line/info", &["-H", &bearer, "-d", "data[a"], 200);
    ask("/api/line/info", &["-H", &bearer, "-H", "Content-Type: application/json", "-d", "{"], 400);
    ask("/api/line/info", &["-H", "X-Forwarded-For: 203.0.113.9", "-d", "x=1"], 403);
    ask("/api/line/none", &["-H", &bearer, "-d", "x=1"], 404);
    let large = server.data().join("large");
    std::fs::write(&large, vec![b'a'; (1 << 20) + 1]).expect("a file");
    let body = format!("@{}", large.display());
    ask("/api/line/info", &["-H", &bearer, "-H", "Expect:", "--data-binary", &body], 413);
    for status in [[401; 10].as_slice(), &[429]].concat() {
        ask("/api/line/info", &["-d", "api_key=wrong-key-0123456789"], status);
    }
}

/// Asks for a page as an address may that may call nothing; head and text.
fn page(server: &TestServer, path: &str, more: &[&str]) -> (String, String) {
    let output = std::process::Command::new("curl")
        .args(["-sS", "-i", "-H", "X-Forwarded-For: 203.0.113.9"])
        .args(more)
        .arg(format!("{}{path}", server.url))
        .output()
        .expect("curl");
    let text = String::from_utf8(output.stdout).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn the_page_of_the_description_has_every_call_for_everybody_and_loads_nothing_from_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.0/8"]);
    let (head, text) = page(&server, "/api/docs", &[]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let policy = "content-security-policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'\r\n";
    assert!(head.contains(policy) && head.contains("x-content-type-options: nosniff"), "{head}");
    for inline in ["<script", "<style", "style=", "onclick=", "src=", "javascript:"] {
        assert!(!text.contains(inline), "{inline}");
    }
    let document = committed();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let anchor = path.trim_start_matches("/api/").replace('/', "-");
        let (_, rest) = text.split_once(&format!("<article aria-labelledby=\"{anchor}\">")).expect(path);
        let article = rest.split_once("</article>").expect("its end").0;
        let methods = if item["get"].is_null() { "POST" } else { "GET, POST" };
        assert!(article.contains(&format!(">{methods}</span> <code>{path}</code>")), "{path}");
        let body = &taken(&document, item)["properties"];
        let names = |schema: &Value| {
            schema.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let mut expected: Vec<String> = names(body).into_iter().filter(|name| name != "data").collect();
        expected.extend(names(&body["data"]["properties"]).iter().map(|name| format!("data[{name}]")));
        let answer = &answer_schema(&document, path, "post", 200)["oneOf"][0]["$ref"];
        let answer = answer.as_str().and_then(|name| name.rsplit('/').next()).expect("a name");
        expected.extend(names(&document["components"]["schemas"][answer]["properties"]));
        for name in expected {
            assert!(article.contains(&format!("<code>{name}</code>")), "{path}: {name}");
        }
        for language in ["curl", "php", "python"] {
            assert!(article.contains(&format!("<code class=\"{language}\">")), "{path}: {language}");
        }
    }
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    let again = page(&server, "/api/docs", &["-H", &format!("If-None-Match: {tag}")]);
    assert!(again.0.starts_with("http/1.1 304") && again.1.is_empty());
    assert_eq!(page(&server, "/api/docs", &["--compressed"]).1, text);
    assert!(page(&server, "/api/docs.css", &[]).0.contains("content-type: text/css"));
    assert!(page(&server, "/api/openapi.json", &[]).0.starts_with("http/1.1 200"));
}

/// The examples of a language, with the address and key of a server.
fn examples(server: &TestServer, text: &str, language: &str) -> Vec<String> {
    let begins = format!("<code class=\"{language}\">");
    let codes = text.split(&begins).skip(1).filter_map(|rest| rest.split_once("</code>"));
    let plain = |code: &str| {
        let signs = [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
        let code = signs.iter().fold(code.to_owned(), |code, (sign, plain)| code.replace(sign, plain));
        code.replace("http://tv.example:8080", &server.url).replace("YOUR_KEY", KEY)
    };
    codes.map(|(code, _)| plain(code)).collect()
}

#[test]
fn every_example_of_the_page_runs_in_curl_php_and_python() {
    for (language, end, program) in [
        ("curl", "echo\n", &["bash", "-s"][..]),
        ("php", "echo json_encode($answer), \"\\n\";\n", &["php"]),
        ("python", "print(json.dumps(answer))\n", &["python3", "-"]),
    ] {
        let (server, _watching) = stage();
        let _signed_in = Panel::admin(&server);
        let found = examples(&server, &page(&server, "/api/docs", &[]).1, language);
        let calls = committed()["paths"].as_object().expect("paths").len();
        assert_eq!(found.len(), calls, "{language}");
        let begin = if language == "php" { "<?php\n" } else { "" };
        let script: Vec<String> = found.iter().map(|code| format!("{code}\n{end}")).collect();
        let script = script.concat();
        let file = server.data().join("examples");
        std::fs::write(&file, format!("{begin}{script}").replace("curl http", "curl -sS http"))
            .expect("a file");
        let output = std::process::Command::new(program[0])
            .args(&program[1..])
            .stdin(std::fs::File::open(&file).expect("the file"))
            .output()
            .expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{language}: {errors}");
        let said = String::from_utf8(output.stdout).expect("text");
        let answers: Vec<Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        assert_eq!(answers.len(), calls, "{language}");
        for (code, answer) in found.iter().zip(&answers) {
            let error = answer["error"].as_str().unwrap_or_default();
            let is_wrong =
                ["Unknown field", "Missing field", "Invalid "].iter().any(|begin| error.starts_with(begin));
            assert!(answer["result"].is_boolean() && !is_wrong, "{answer}\n{code}");
        }
        let done = answers.iter().filter(|answer| answer["result"] == true).count();
        assert!(done > calls / 2, "{language}: only {done} of {calls} were done");
    }
}
