//! Nothing is found by comparing a sentence of ours: codes and variants are compared, and sentences may be reworded.

use std::{fs, path::Path};

/// Who reads what others write: ffmpeg's lines, the first lines of channel lists, and the errors of the gzip crate.
const OTHERS: [&str; 3] = ["src/media/", "src/domain/channels/m3u", "src/host/packed.rs"];

/// The texts of several words with which a source compares something, its tests left out.
fn compared(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for begin in ["== \"", "!= \"", ".contains(\"", ".starts_with(\"", ".ends_with(\"", ".strip_prefix(\""] {
        for (at, _) in code.match_indices(begin) {
            found.extend(code[at + begin.len()..].split('"').next());
        }
    }
    for line in code.lines().map(str::trim_start).filter(|line| line.starts_with('"')) {
        let arm = line.split(" => ").next().filter(|arm| arm.len() < line.len());
        found.extend(arm.into_iter().flat_map(|arm| arm.split('"').skip(1).step_by(2)));
    }
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_alphabetic() || c == '_');
    found.retain(|text| text.split(' ').filter(|word| is_word(word)).count() > 1);
    found
}

fn walk(folder: &Path, wrong: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, wrong);
            continue;
        }
        let file =
            path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("below the crate").display().to_string();
        if path.extension().is_some_and(|end| end == "rs")
            && !file.ends_with("tests.rs")
            && !OTHERS.iter().any(|other| file.starts_with(other))
        {
            let text = fs::read_to_string(&path).expect("text");
            wrong.extend(compared(&text).into_iter().map(|sentence| format!("{file}: \"{sentence}\"")));
        }
    }
}

#[test]
fn no_sentence_is_compared_with_another() {
    let mut wrong = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut wrong);
    assert!(wrong.is_empty(), "compare a code (docs/codes.md) or a variant instead:\n{}", wrong.join("\n"));
}

#[test]
fn comparisons_of_sentences_are_seen() {
    let source = r#"
        if outcome == "signed in" || words.contains("mag_login_required") { }
        let why = "the stream is not running";
        match reason {
            "wrong password" | "shut out" => 1,
            "banned" => 2,
        }
        #[cfg(test)]
        assert!(why == "no answer");
    "#;
    assert_eq!(compared(source), ["signed in", "wrong password", "shut out"]);
}
