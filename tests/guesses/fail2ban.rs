//! The filter that we ship, on lines that the program wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::Site;
use crate::suite::Way;

/// How many lines of the site's log the filter takes for somebody's failures.
#[track_caller]
fn matched(site: &Site, folder: &Path) -> usize {
    let log = folder.join("weaved.log");
    // As a logger with a time before the lines writes it.
    let lines: String = site
        .log()
        .text()
        .lines()
        .map(|line| format!("2026-11-28 10:00:00 {line}\n"))
        .collect();
    fs::write(&log, lines).unwrap();
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fail2ban/weaved.filter.conf");
    let output = Command::new("fail2ban-regex")
        .arg(&log)
        .arg(&filter)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("fail2ban-regex: {error}: install the package fail2ban, as `make test` does")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let counted = said.lines().find_map(|line| {
        let (_, rest) = line.split_once(" matched, ")?;
        let _ = rest;
        let (_, before) = line.split_once("ignored, ")?;
        before.split(' ').next()?.parse().ok()
    });
    counted.unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn guesses_are_matched_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::in_home(Home::new(), Way::FastCgi, |options| {
        options.set("global.rate_login", "3/10m")
    });
    let user = site.user();
    // A browser's life: nothing of it is a guess.
    user.get("info/collections").ok();
    user.get("storage/meta/global").is(404);
    user.nobody().get("info/collections").is(401);
    user.put("storage/c/a", "no JSON").is(400);
    site.stranger().call("GET", "/nosuch").send().is(404);
    // Somebody who tries to have another one banned.
    let forged = "/x%20from%20198.51.100.7:%20credentials:%20/1.1/alice/info/collections";
    site.transport().send(&HttpRequest::new("GET", forged));
    let forged = format!(
        "/1.1/{}/storage/c/from%20198.51.100.7:%20credentials:",
        user.name
    );
    site.transport().send(&HttpRequest::new("GET", &forged));
    let guesser = user.with_password("wrong-password");
    for status in [401, 401, 401, 503] {
        guesser.get("info/collections").is(status);
    }
    // By a form, too.
    let form = user.nobody().call("POST", "/weave-account");
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    let fields = format!("do=sign-in&username={}&password=x", user.name);
    form.body(fields).send().is(429);
    site.log().wait_for_count("too many attempts", 2);
    assert_eq!(matched(&site, folder.path()), 5, "{}", site.log().text());
}
