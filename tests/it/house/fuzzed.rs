//! What fuzzing has kept is fed again: no nightly compiler is needed for that.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_corpus_of_every_target_is_small_and_breaks_no_rule() {
    let folder = Path::new(ROOT).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("its manifest");
    let (mut wrong, mut size) = (Vec::new(), 0);
    for (name, target) in linecard::fuzz::TARGETS {
        assert!(
            manifest.contains(&format!("path = \"targets/{name}.rs\"")),
            "{name} is no target of fuzz/Cargo.toml"
        );
        let code = fs::read_to_string(folder.join(format!("targets/{name}.rs"))).expect("its target");
        assert!(code.contains(&format!("\"{name}\"")), "targets/{name}.rs runs another");
        let files: Vec<_> =
            fs::read_dir(folder.join("corpus").join(name)).expect("its corpus").flatten().collect();
        assert!(files.len() >= 3, "{name}: {} files", files.len());
        for file in files {
            let bytes = fs::read(file.path()).expect("a file");
            size += bytes.len();
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                wrong.push(file.path());
            }
        }
        // What nobody would put into a corpus.
        for bytes in [&b""[..], &[0xFF; 4096], &[0; 4096], &[0x47; 4096], "é\u{202E}\0".as_bytes()] {
            if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
                wrong.push(folder.join(format!("{name}: {bytes:?}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(size < 300_000, "the corpus has {size} bytes: keep what is new in it alone");
    let folders = fs::read_dir(folder.join("corpus")).expect("the corpus").count();
    assert_eq!(folders, linecard::fuzz::TARGETS.len(), "a corpus that nobody replays");
}
