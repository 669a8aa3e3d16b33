//! Databases of every version of the schema, opened by this program.

use std::{fs, path::Path};

use crate::support::{TestServer, linecard};

#[test]
fn a_database_of_every_version_is_taken_over_and_goes_on_being_used() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let mut versions = 0;
    for entry in fs::read_dir(fixtures).expect("fixtures").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        if !name.starts_with("schema-") {
            continue;
        }
        versions += 1;
        let folder = tempfile::tempdir().expect("a folder");
        let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
        file.execute_batch(&fs::read_to_string(entry.path()).expect("text")).expect("a database");
        drop(file);

        let server = TestServer::on(folder, &[]);
        assert_eq!(server.done("line/list", "")["total"], 3, "{name}");
        assert_eq!(server.done("line/info", "username=carol-3")["line_info"]["notes"], "notes 3", "{name}");
        assert_eq!(server.done("mag/list", "")["total"], 3, "{name}");
        for list in ["streams", "bouquets", "administrators", "resellers", "servers", "groups"] {
            assert_eq!(server.done(&format!("{list}/list"), "")["total"], 3, "{name}: {list}");
        }
        server.done("line/update", "username=anna&data[notes]=changed");
        server.done("line/new", "data[username]=newcomer&data[subscription_plan_id]=3");
        server.done("mag/delete", "mac_address=00:1A:79:00:00:02");

        let folder = server.stop();
        let (code, said, complaint) = linecard(folder.path(), &["check"]);
        assert_eq!(code, 0, "{name}: {said}{complaint}");
        let server = TestServer::on(folder, &[]);
        assert_eq!(server.done("line/info", "username=anna")["line_info"]["notes"], "changed", "{name}");
    }
    assert!(versions >= 6, "{versions} fixtures");
}
