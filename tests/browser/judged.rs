//! What holds for every page: nothing that axe-core finds, HTML without a fault, room on a small
//! screen, and nothing that the policy has to forbid. Pictures of all go to
//! `target/screenshots`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::suite::Browser;
use crate::suite::Endpoint;
use crate::suite::shipped;

/// What tidy warns of though HTML has it: attributes that are younger than tidy, and a tag that
/// may be left out.
const KNOWN: &[&str] = &[
    "proprietary attribute \"autocapitalize\"",
    "proprietary attribute \"inputmode\"",
    "proprietary attribute \"minlength\"",
    "inserting implicit <body>",
];

/// A telephone's width, and a desk's.
const WIDTHS: [(u32, &str); 2] = [(360, "narrow"), (1280, "wide")];

/// Looks at the page that the browser shows, which goes by this name in pictures and messages.
#[track_caller]
pub(crate) fn judge(browser: &Browser, name: &str) {
    judge_by(browser, name, "{}");
}

/// The same for what stands in a frame, where headings and landmarks are the outer page's.
#[track_caller]
pub(crate) fn judge_framed(browser: &Browser, name: &str) {
    let norms = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}";
    judge_by(browser, name, norms);
}

#[track_caller]
fn judge_by(browser: &Browser, name: &str, rules: &str) {
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
    let html = browser.bytes();
    assert_eq!(faults(&html), Vec::<String>::new(), "{name}");
    browser.run(&axe());
    for scheme in ["light", "dark"] {
        for (width, called) in WIDTHS {
            browser.look(width, scheme);
            let room = browser.run("return document.documentElement.scrollWidth - innerWidth");
            assert!(room.as_i64().unwrap() <= 0, "{name}: too wide for {width}");
            let picture = format!("{name}-{called}-{scheme}.png");
            browser.screenshot(&pictures().join(picture));
        }
        assert_eq!(
            violations(browser, rules),
            Vec::<String>::new(),
            "{name}, {scheme}"
        );
    }
}

fn axe() -> String {
    fs::read_to_string(shipped("tests/fixtures/axe/axe.min.js")).unwrap()
}

fn pictures() -> PathBuf {
    // Beside the profile's folder, in which the program lies.
    let program = Path::new(env!("CARGO_BIN_EXE_weaved"));
    program.ancestors().nth(2).unwrap().join("screenshots")
}

/// What axe-core finds in the page.
#[track_caller]
fn violations(browser: &Browser, rules: &str) -> Vec<String> {
    let found = browser.run_until_called(&format!(
        "const done = arguments[0];
         axe.run({rules}).then(done, error => done({{error: String(error)}}))"
    ));
    let passed = found["passes"].as_array();
    let passed = passed.unwrap_or_else(|| panic!("axe-core did not run: {found}"));
    // It must have had something to look at.
    let looked = |rule: &str| passed.iter().any(|pass| pass["id"] == rule);
    assert!(
        looked("color-contrast") && looked("document-title"),
        "{passed:?}"
    );
    let violations = found["violations"].as_array().unwrap().iter();
    let line = |found: &Value| {
        let nodes = found["nodes"].as_array().unwrap().iter();
        let nodes: Vec<_> = nodes.map(|node| node["html"].to_string()).collect();
        format!("{}: {} {nodes:?}", found["id"], found["help"])
    };
    violations.map(line).collect()
}

/// What tidy finds in the HTML.
#[track_caller]
fn faults(html: &[u8]) -> Vec<String> {
    let tidy = Command::new("tidy")
        .args(["-e", "-q", "-utf8"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut tidy = tidy.expect("these tests need tidy: apt-get install tidy, or `make test`");
    tidy.stdin.take().unwrap().write_all(html).unwrap();
    let output = tidy.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let unknown = |line: &&str| !KNOWN.iter().any(|known| line.contains(known));
    said.lines().filter(unknown).map(str::to_owned).collect()
}

#[test]
fn the_judges_are_not_blind() {
    let good = "<!DOCTYPE html><html lang=\"en\"><title>x</title><p>x</p></html>";
    assert_eq!(faults(good.as_bytes()), [""; 0]);
    assert!(!faults(b"<!DOCTYPE html><title>x</title><p><b>x</p><dl></p>").is_empty());

    let nobody = Endpoint::parse("127.0.0.1:9").unwrap();
    let browser = Browser::start("en", "sync.example.org", &nobody);
    browser.open(
        "data:text/html,<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">\
         <title>x</title><p>plain</p><p style='color:gray;background:silver'>pale</p><input>\
         <script>1</script>",
    );
    assert_eq!(browser.complaints().len(), 1, "the script");
    browser.run(&axe());
    let found = violations(&browser, "{}");
    for rule in ["color-contrast", "html-has-lang", "label"] {
        let prefix = format!("\"{rule}\": ");
        assert!(
            found.iter().any(|line| line.starts_with(&prefix)),
            "{rule} in {found:?}"
        );
    }
}
