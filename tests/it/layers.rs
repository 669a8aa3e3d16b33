//! Dependencies point one way: reads the sources and fails on an import that points up or sideways.

use std::{fs, path::Path};

/// The modules of each layer, and the layers that it may import (`../shared/design/architecture.md`).
const LAYERS: [(&[&str], &[&str]); 5] = [
    (&["domain"], &[]),
    (&["store", "media", "host", "wire"], &["domain"]),
    (&["ops"], &["domain", "media", "store", "host"]),
    (&["api", "panel", "player", "portal", "delivery"], &["ops", "wire", "domain"]),
    (
        &["main", "lib", "cli", "app", "jobs", "config"],
        &[
            "api", "panel", "player", "portal", "delivery", "ops", "media", "store", "host", "wire",
            "domain", "cli", "app", "jobs", "config",
        ],
    ),
];

/// Crates that only these modules may name.
const CRATES: [(&str, &[&str]); 19] = [
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("actix_web", &["wire", "api", "panel", "player", "portal", "delivery", "app", "cli", "jobs"]),
    ("awc", &["host", "cli"]),
    ("maxminddb", &["host"]),
    ("procfs", &["host"]),
    ("actix_http", &["wire"]),
    ("actix_server", &["wire"]),
    ("actix_service", &["wire"]),
    ("rustix", &["host", "media", "store", "wire"]),
    ("socket2", &["media"]),
    ("clap", &["cli"]),
    ("argon2", &["ops"]),
    ("tokio_rustls", &["media"]),
    ("rustls_native_certs", &["media"]),
    ("httparse", &["media"]),
    ("digest_auth", &["media"]),
    ("icu_normalizer", &["domain"]),
];

#[test]
fn imports_only_point_down() {
    let mut wrong = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |module, file, text| {
        let (_, allowed) =
            LAYERS.iter().find(|(modules, _)| modules.contains(&module)).unwrap_or_else(|| {
                panic!(
                    "src/{module} has no layer: give it one in tests/it/layers.rs and docs/architecture.md"
                )
            });
        for (_, rest) in text.match_indices("crate::").map(|(at, _)| text.split_at(at + "crate::".len())) {
            for target in targets(rest) {
                let is_module = LAYERS.iter().any(|(modules, _)| modules.contains(&target));
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
