//! A server of two processes, and crowds before it.

use std::thread;

use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::run;

/// Two processes at one database of this kind.
pub(crate) fn site(kind: Kind, set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(Home::on(kind), Way::FastCgi, |options| {
        set(options.server("processes", "2"))
    })
}

/// The statuses that several get who ask at once, each with a name of his own; in order.
pub(crate) fn crowd(site: &Site, count: usize, ask: impl Fn(&User<'_>) -> u16 + Sync) -> Vec<u16> {
    let mut answers = thread::scope(|scope| {
        let asking: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| ask(&User::invented(site))))
            .collect();
        let answers = asking.into_iter().map(|thread| thread.join().unwrap());
        answers.collect::<Vec<_>>()
    });
    answers.sort_unstable();
    answers
}

/// `weaved invite`: what it printed.
#[track_caller]
pub(crate) fn invite(site: &Site, arguments: &[&str]) -> String {
    let folder = site.home().path();
    let arguments = [&["invite", "development.ini"], arguments].concat();
    let output = run(&arguments, "", folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The code of a new invitation.
#[track_caller]
pub(crate) fn invitation(site: &Site, arguments: &[&str]) -> String {
    let said = invite(site, arguments);
    said.lines().next().unwrap().to_owned()
}

/// The number of accounts.
pub(crate) fn accounts(site: &Site) -> i64 {
    let table = match site.home().ground().uri().split(':').next() {
        Some("mysql" | "pymysql") => "`user`",
        _ => "\"user\"",
    };
    let sql = format!("SELECT COUNT(*) FROM {table}");
    site.home().ground().number(&sql)
}
