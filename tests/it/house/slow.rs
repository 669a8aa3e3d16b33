//! The tests that `scripts/test --quick` leaves out are there.

use std::{fs, path::Path};

#[test]
fn every_slow_test_is_a_test() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it"));
    let list = fs::read_to_string(folder.join("slow.txt")).expect("scripts/slow-tests makes it");
    let is_test = |name: &&str| {
        let (module, test) = name.rsplit_once("::").unwrap_or_default();
        let file = folder.join(module.replace("::", "/")).with_extension("rs");
        fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {test}()")))
    };
    let gone: Vec<&str> = list.lines().filter(|name| !is_test(name)).collect();
    assert!(gone.is_empty(), "renamed or deleted: also in tests/it/slow.txt: {gone:#?}");
    assert!(list.lines().count() > 50);
}
