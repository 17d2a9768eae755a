//! `weaved invite`, as an operator and his programs use it.

use serde_json::Value;

use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Options;
use crate::suite::run;

/// What came of `weaved invite` with these arguments.
fn invite(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let arguments = [&["invite", "development.ini"], arguments].concat();
    let output = run(&arguments, "", home.path());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn home() -> Home {
    let home = Home::new();
    home.configure(&Options::new(Gateway::Fcgi, ""));
    home
}

#[test]
fn a_code_is_shown_once_and_listed_by_its_beginning() {
    let home = home();
    assert_eq!(invite(&home, &["--list"]).1, "there are no invitations\n");
    let (status, said, _) = invite(&home, &["--uses", "5", "--until", "2098-12-24"]);
    assert_eq!(status, 0);
    let (code, rest) = said.split_once('\n').unwrap();
    assert_eq!(code.len(), 19, "{said}");
    assert!(
        rest.starts_with("good for 5 accounts until 2098-12-2"),
        "{rest}"
    );
    let (_, listed, _) = invite(&home, &["--list"]);
    assert!(
        listed.starts_with(&format!("{}-...  used 0 of 5, until ", &code[..4])),
        "{listed}"
    );
    assert!(!listed.contains(&code[5..]), "{listed}");
    let (status, said, _) = invite(&home, &["--revoke", &code[..4]]);
    assert_eq!((status, said.as_str()), (0, "revoked 1 invitation(s)\n"));
    let (status, _, why) = invite(&home, &["--revoke", code]);
    assert_eq!(
        (status, why.as_str()),
        (1, "weaved: there is no such invitation\n")
    );
}

#[test]
fn programs_get_json() {
    let home = home();
    let read = |arguments: &[&str]| {
        let (status, said, why) = invite(&home, arguments);
        assert_eq!(status, 0, "{why}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let made = read(&["--json"]);
    assert_eq!(made["uses"], 1);
    let code = made["code"].as_str().unwrap();
    assert!(made["until"].as_str().unwrap().ends_with('Z'));
    let listed = read(&["--list", "--json"]);
    assert_eq!(listed[0]["beginning"], code[..4]);
    assert_eq!(listed[0]["used"], 0);
    assert_eq!(listed[0]["until"], made["until"]);
    assert_eq!(read(&["--revoke", code, "--json"])["revoked"], 1);
    assert_eq!(read(&["--list", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn mistakes_are_told() {
    let home = home();
    for arguments in [
        &["--uses", "0"][..],
        &["--uses", "10001"],
        &["--until", "tomorrow"],
        &["--until", "2001-01-01"],
        &["--list", "--revoke", "abcd"],
        &["--list", "--uses", "3"],
    ] {
        let (status, said, why) = invite(&home, arguments);
        assert_eq!((status, said.as_str()), (64, ""), "{arguments:?}: {why}");
        assert!(!why.is_empty());
    }
}
