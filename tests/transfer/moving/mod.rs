//! Moving in from other servers, with the real program from their files to a browser's login.

mod fsyncms;
mod server_full;
mod weave_minimal;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::run;

/// Where people move to.
struct House {
    home: Home,
    ini: PathBuf,
}

impl House {
    fn new(kind: Kind) -> Self {
        let home = Home::on(kind);
        let ini = home.configure(&Options::new(Gateway::Http, ""));
        Self { home, ini }
    }

    /// `weaved import` with this kind of server, and what follows the configuration; also the
    /// exit code, the output and what went to the error output.
    fn import(&self, from: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut all = vec!["import", from, self.ini.to_str().unwrap()];
        all.extend(arguments);
        let output = run(&all, "", self.home.path());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// The same with `--json`: what became of everybody, by name.
    #[track_caller]
    fn report(&self, from: &str, arguments: &[&str]) -> Vec<Value> {
        let (code, out, error) = self.import(from, &[arguments, &["--json"]].concat());
        assert!(code.is_some_and(|code| code < 2), "{out}{error}");
        let Value::Array(all) = serde_json::from_str(&out).unwrap() else {
            panic!("{out}");
        };
        all
    }

    /// A server for those who have moved in.
    fn serve(&self) -> Site {
        Site::in_home(self.home.clone(), Way::Http, |options| options)
    }
}

/// What the report says of somebody.
#[track_caller]
fn of<'a>(report: &'a [Value], name: &str) -> &'a Value {
    let mut all = report.iter().filter(|moved| moved["name"] == name);
    let found = all.next();
    found.unwrap_or_else(|| panic!("no {name} in {report:?}"))
}

/// A browser that logs in with a plain user name.
fn browser<'a>(site: &'a Site, name: &str, password: &str) -> User<'a> {
    User::named(site, name, password)
}

/// A record as a browser gets it.
#[track_caller]
fn record(user: &User<'_>, path: &str) -> Value {
    user.get(&format!("storage/{path}")).ok().json()
}

/// All bytes of a folder's files, by name.
fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}
