//! Whatever is cited is there: no comment, page or script names a document that the repository does not hold.

use std::{fs, path::Path};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The documents that a text names, by their paths as they are written.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(".md").filter(move |(at, end)| is_end(&text[at + end.len()..])).filter_map(
        move |(at, end)| {
            let begin = text[..at]
                .rfind(|c| !is_path(c))
                .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
            let is_elsewhere = text[..begin].ends_with(':') && text[begin..].starts_with("//");
            (begin < at && !is_elsewhere).then_some(&text[begin..at + end.len()])
        },
    )
}

/// Whether a document is there, as seen from the file that names it or from the root.
fn is_there(name: &str, file: &Path) -> bool {
    let beside = file.parent().unwrap_or(Path::new(ROOT)).join(name);
    beside.is_file() || Path::new(ROOT).join(name).is_file()
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            let is_made = ["target", ".git", "node_modules", "data"].iter().any(|made| name == *made);
            if !is_made {
                walk(&path, visit);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            visit(&path, &text);
        }
    }
}

#[test]
fn every_document_that_is_cited_is_in_the_repository() {
    let (mut wrong, mut found) = (Vec::new(), 0);
    walk(Path::new(ROOT), &mut |file, text| {
        for name in cited(text) {
            found += 1;
            if !is_there(name, file) {
                wrong.push(format!("{} cites {name}", file.strip_prefix(ROOT).unwrap_or(file).display()));
            }
        }
    });
    assert!(found > 100, "only {found} citations");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn citations_are_seen_in_comments_links_and_at_the_beginning() {
    let gone = ["portal", "md"].join(".");
    let text = format!(
        "{gone} row by row; ({gone}, B.4) [api](docs/{gone}#x) é{gone} https://a.example/{gone} x.mdb .md"
    );
    assert_eq!(cited(&text).collect::<Vec<_>>(), [&gone, &gone, &format!("docs/{gone}"), &gone]);
    assert!(!is_there(&gone, Path::new(file!())) && is_there("docs/api.md", Path::new(file!())));
}
