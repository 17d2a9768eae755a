//! A folder with a configuration, and short words for commands in it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::run;

/// A folder with two configuration files, before an empty database.
pub(crate) fn home(kind: Kind) -> Home {
    let home = Home::on(kind);
    home.configure(&Options::new(Gateway::Fcgi, ""));
    home
}

/// What a command said, and how it ended.
pub(crate) struct Said(Output);

impl Said {
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        let ended = self.0.status.code();
        assert_eq!(ended, Some(code), "{}\n{}", self.out(), self.err());
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, wanted: &str) {
        assert_eq!(self.ends(0).out(), wanted);
    }

    #[track_caller]
    pub(crate) fn complains(self, code: i32, wanted: &str) {
        let said = self.ends(code);
        assert!(said.err().contains(wanted), "{wanted} in {}", said.err());
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ends(0).out()).unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }
}

/// Runs a command; the word `FILE` in it is the configuration.
#[track_caller]
pub(crate) fn weaved(home: &Home, line: &str) -> Said {
    let words: Vec<&str> = line
        .split(' ')
        .map(|word| {
            if word == "FILE" {
                "development.ini"
            } else {
                word
            }
        })
        .collect();
    Said(run(&words, "secret-pass\n", home.path()))
}

/// The lines of an archive.
#[track_caller]
pub(crate) fn lines(archive: &Path) -> Vec<Value> {
    let text = fs::read_to_string(archive).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What an archive has, without the moment when it was made.
#[track_caller]
pub(crate) fn contents(archive: &Path) -> Vec<Value> {
    let mut lines = lines(archive);
    lines.remove(0);
    lines.pop();
    lines
}
