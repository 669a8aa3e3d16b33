//! The first ten minutes of the README, as they are written there.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::support::{KEY, TestServer};

/// The blocks of a language below a heading of the README, for a server on another port and folder.
fn blocks(heading: &str, language: &str, server: &TestServer) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).expect("README.md");
    let (_, below) = text.split_once(&format!("**{heading}")).unwrap_or_else(|| panic!("no {heading}"));
    let step = below.split("\n**").next().unwrap_or_default();
    let begin = format!("```{language}\n");
    let whole: String = step.split(&begin).skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(!whole.is_empty(), "{heading}: no {language}");
    whole
        .replace("http://127.0.0.1:8080", &server.url)
        .replace("data/media", &server.data().join("media").display().to_string())
}

fn shell(script: &str, folder: &Path) -> Output {
    let script = format!("set -e\nKEY={KEY}\n{script}");
    Command::new("bash").arg("-c").arg(script).current_dir(folder).output().expect("bash")
}

#[test]
fn its_php_works_as_written() {
    let server = TestServer::start();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("create.php"), blocks("3. ", "php", &server)).unwrap();
    let output = shell(&blocks("3. ", "sh", &server), folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "line 1 is peter\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn its_first_stream_plays_and_its_reseller_sells() {
    let server = TestServer::start();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let steps = format!("{}{}", blocks("4. ", "sh", &server), blocks("5. ", "sh", &server));
    let plays = "timeout 60 ffprobe -v error -show_entries stream=codec_name -of csv=p=0";
    let output = shell(&steps.replace("ffplay", plays), checkout);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\nh264\naac\n"), "{said}");
    assert!(!said.contains("\"result\":false") || said.matches("Not enough credits").count() == 1, "{said}");
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 25);
}
