//! Dependencies point one way, and everything has its place in the plan of the house: reads docs/architecture.md and the
//! sources, and fails on an import that points up or sideways and on a file that is not drawn.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The plan of the house.
const PLAN: &str = include_str!("../../../docs/architecture.md");

/// The modules of each layer and those that it may import, as the table of the plan says.
fn layers() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let quoted = |cell: &'static str| -> Vec<&'static str> { cell.split('`').skip(1).step_by(2).collect() };
    let table = PLAN.split_once("## Layers").expect("a chapter").1.split_once("\n\n|").expect("a table").1;
    let rows: Vec<Vec<&str>> = table
        .split("\n\n")
        .next()
        .expect("its rows")
        .lines()
        .skip(2)
        .map(|row| row.trim_matches('|').split('|').collect())
        .collect();
    let all: Vec<&str> = rows.iter().flat_map(|row| quoted(row[1])).collect();
    rows.iter()
        .map(|row| {
            let may = if row[2].trim() == "all below" { all.clone() } else { quoted(row[2]) };
            (quoted(row[1]), may)
        })
        .collect()
}

/// Crates that only these modules may name.
const CRATES: [(&str, &[&str]); 33] = [
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("actix_web", &["wire", "api", "classic", "panel", "player", "portal", "delivery", "app", "cli", "jobs"]),
    ("maxminddb", &["host"]),
    ("procfs", &["host"]),
    // Counted where it happens, shown by the use case.
    ("prometheus_client", &["ops", "store"]),
    ("actix_http", &["wire"]),
    ("actix_server", &["wire"]),
    ("actix_service", &["wire"]),
    ("rustix", &["host", "media", "store", "wire"]),
    ("socket2", &["media"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("sd_notify", &["host"]),
    ("argon2", &["ops"]),
    // Sources of streams are read by a client of their own; what people type the address of, by ureq. Callers over TLS come to wire.
    ("tokio_rustls", &["host", "media", "wire"]),
    ("x509_parser", &["host"]),
    ("rustls_native_certs", &["host", "media"]),
    ("ureq", &["host"]),
    ("lettre", &["host"]),
    // With its blank, for other names end alike. The domain knows what a public key looks like.
    (" age", &["domain", "host"]),
    ("rusty_s3", &["host"]),
    ("openidconnect", &["host"]),
    ("chrono", &["host"]),
    ("liblzma", &["host"]),
    ("quick_xml", &["ops"]),
    ("strsim", &["domain"]),
    ("httparse", &["media"]),
    ("digest_auth", &["media"]),
    ("icu_normalizer", &["domain"]),
    ("strum", &["domain", "ops"]),
];

#[test]
fn imports_only_point_down() {
    let mut wrong = Vec::new();
    let layers = layers();
    assert!(layers.len() == 5 && layers[4] == (vec!["domain"], vec![]), "{layers:?}");
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |module, file, text| {
        let (_, allowed) =
            layers.iter().find(|(modules, _)| modules.contains(&module)).unwrap_or_else(|| {
                panic!("src/{module} has no layer: give it one in the table of docs/architecture.md")
            });
        for (_, rest) in text.match_indices("crate::").map(|(at, _)| text.split_at(at + "crate::".len())) {
            for target in targets(rest) {
                let is_module = layers.iter().any(|(modules, _)| modules.contains(&target));
                if is_module && target != module && !allowed.contains(&target) {
                    wrong.push(format!("{file} imports crate::{target}"));
                }
            }
        }
        for (name, modules) in CRATES {
            if text.contains(&format!("{name}::")) && !modules.contains(&module) {
                wrong.push(format!("{file} names {name}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_pages_are_made_of_knows_no_page() {
    let rooms = [
        "people",
        "subscribers",
        "channels",
        "viewing",
        "guide",
        "portal",
        "events",
        "machine",
        "middleware",
    ];
    let mut wrong = Vec::new();
    let mut seen = 0;
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/panel/kit")), &mut |_, file, text| {
        seen += 1;
        for (_, rest) in text.match_indices("panel::").map(|(at, _)| text.split_at(at + "panel::".len())) {
            let named = targets(rest).into_iter().filter(|target| rooms.contains(target));
            wrong.extend(named.map(|room| format!("{file} imports crate::panel::{room}")));
        }
    });
    assert!(seen > 10 && wrong.is_empty(), "the pages hand in what they have: {}", wrong.join("\n"));
}

/// The first segments after `crate::`, also of a group in braces.
fn targets(rest: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let Some(group) = rest.strip_prefix('{') else { return vec![&rest[..word(rest)]] };
    let mut depth = 0_i32;
    let mut found = Vec::new();
    let mut begins = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && c.is_alphanumeric() => {
                found.push(&group[at..at + word(&group[at..])]);
                begins = false;
            }
            _ => {}
        }
    }
    found
}

fn sources(folder: &Path, visit: &mut impl FnMut(&str, &str, &str)) {
    for entry in fs::read_dir(folder).expect("src").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, visit);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let shown =
                path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("below the crate").display().to_string();
            let module = shown.split('/').nth(1).expect("src/MODULE").trim_end_matches(".rs").to_owned();
            visit(&module, &shown, &fs::read_to_string(&path).expect("text"));
        }
    }
}

#[test]
fn the_layer_test_sees_groups_and_single_imports() {
    assert_eq!(targets("store::Read;"), ["store"]);
    assert_eq!(targets("{\n    domain::{Error, Result},\n    ops,\n};"), ["domain", "ops"]);
}

/// The declarations of use cases that faces can see and that name a transaction of the store.
fn open_doors(text: &str) -> Vec<&str> {
    let begins = |line: &&str| ["pub ", "pub(crate) "].iter().any(|seen| line.trim_start().starts_with(seen));
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = &text[at..];
        at += line.len();
        if !begins(&line) {
            continue;
        }
        let is_use = line.contains("pub use ") || line.contains("pub(crate) use ");
        let is_function = line.contains("fn ");
        let end =
            rest.find(|c| c == ';' || (c == '{' && is_function) || (c == '\n' && !is_use && !is_function));
        let declared = &rest[..end.unwrap_or(rest.len())];
        let words: Vec<&str> = declared.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let named = ["Read<", "Write<"].iter().any(|name| declared.contains(name))
            || (is_use && ["Read", "Write", "Store"].iter().any(|name| words.contains(name)));
        if named {
            found.push(declared);
        }
    }
    found
}

#[test]
fn use_cases_hand_no_transaction_to_the_faces() {
    let mut wrong = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops")), &mut |_, file, text| {
        wrong.extend(open_doors(text).into_iter().map(|found| format!("{file}: {found}")));
    });
    assert!(wrong.is_empty(), "Faces read through a Look and write through an Act:\n{}", wrong.join("\n"));
}

#[test]
fn the_test_of_transactions_sees_arguments_fields_closures_and_exports() {
    let open = [
        "pub fn list(read: &Read<'_>) {",
        "    pub tx: &'a Write<'a>,",
        "pub async fn read<F>(job: F)\nwhere\n    F: FnOnce(&Read<'_>),\n{",
        "pub use crate::store::{Context, Store};",
    ];
    let closed = [
        "pub(super) fn list(read: &Read<'_>) {",
        "    pub(super) tx: &'a Write<'a>,",
        "fn find(read: &Read<'_>) {",
        "pub fn list(look: &Look<'_>) {\n    let read: &Read<'_> = look.read;",
        "pub use crate::store::Table;",
    ];
    assert!(open.iter().all(|text| open_doors(text).len() == 1), "{open:?}");
    assert!(closed.iter().all(|text| open_doors(text).is_empty()), "{closed:?}");
}

fn is_source(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "rs")
}

/// The names of each folder of `src` in the tree of the plan: what stands deeper than a folder's line is in it.
fn drawn() -> BTreeMap<String, BTreeSet<String>> {
    let tree = PLAN.split_once("## The tree").expect("a chapter").1.split("```").nth(1).expect("the tree");
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut found = BTreeMap::new();
    for line in tree.lines().skip(1) {
        let depth = line.len() - line.trim_start().len();
        while open.last().is_some_and(|(outer, _)| *outer >= depth) {
            open.pop();
        }
        if let Some(name) = line.split_whitespace().next().and_then(|first| first.strip_suffix('/')) {
            let path = open.last().map_or_else(|| name.to_owned(), |(_, outer)| format!("{outer}/{name}"));
            open.push((depth, path));
        }
        let Some((_, folder)) = open.last() else { continue };
        let names: &mut BTreeSet<String> = found.entry(folder.clone()).or_default();
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
        names.extend(words.filter(|word| is_source(word)).map(str::to_owned));
    }
    found
}

#[test]
fn every_file_and_folder_stands_in_the_tree_of_the_plan_and_nothing_else() {
    // Both stand for their folder.
    let of_itself = |name: &str| name == "mod.rs" || name == "tests.rs";
    let drawn = drawn();
    let mut wrong = Vec::new();
    let mut folders = vec!["src".to_owned()];
    while let Some(folder) = folders.pop() {
        let mut there = BTreeSet::new();
        let mut holds_more = false;
        for entry in
            fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).expect("a folder").flatten()
        {
            let name = entry.file_name().into_string().expect("a name");
            holds_more |= name != "tests.rs";
            if entry.path().is_dir() {
                folders.push(format!("{folder}/{name}"));
            } else if is_source(&name) && !of_itself(&name) {
                there.insert(name);
            }
        }
        let Some(names) = drawn.get(&folder) else {
            if holds_more {
                wrong.push(format!("{folder}/ is not drawn"));
            }
            continue;
        };
        let missing = there
            .iter()
            .filter(|name| !names.contains(*name))
            .map(|name| format!("{folder}/{name} is not drawn"));
        wrong.extend(missing);
        let stale = names.iter().filter(|name| !there.contains(*name) && !of_itself(name));
        wrong.extend(stale.map(|name| format!("{folder}/{name} is drawn and not there")));
    }
    let strays = drawn.keys().filter(|folder| {
        folder.starts_with("src/") && !Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).is_dir()
    });
    wrong.extend(strays.map(|folder| format!("{folder}/ is drawn and not there")));
    assert!(wrong.is_empty(), "docs/architecture.md, The tree:\n{}", wrong.join("\n"));
}
