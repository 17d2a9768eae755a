//! Configurations in temporary folders, and what is told of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use weaved::config;
use weaved::config::Config;
use weaved::config::Problems;

/// The smallest second file.
pub(crate) const SECOND: &str = "[storage]\nsqluri = sqlite://\n";

/// A folder with configuration files.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(first: &str, second: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("development.ini", first);
        folder.write("sync.conf", second);
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn load(&self, vars: &[(&str, &str)]) -> Result<Config, Problems> {
        let vars: Vec<_> = vars
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        config::load(&self.path().join("development.ini"), &vars)
    }

    /// Lines without the name of the temporary folder, which is all that varies.
    pub(crate) fn lines(&self, text: &str) -> Vec<String> {
        let folder = format!("{}/", self.path().display());
        text.replace(&folder, "")
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[track_caller]
pub(crate) fn errors(first: &str, second: &str, expected: &[&str]) {
    let folder = Folder::new(first, second);
    let problems = folder.load(&[]).unwrap_err();
    let errors: Vec<_> = problems.errors().map(ToString::to_string).collect();
    assert_eq!(folder.lines(&errors.join("\n")), expected);
}

#[track_caller]
pub(crate) fn notes(first: &str, second: &str, expected: &[&str]) -> Config {
    let folder = Folder::new(first, second);
    let config = folder
        .load(&[])
        .unwrap_or_else(|problems| panic!("{problems}"));
    let list = config.notes.clone();
    let notes = Problems { list }.to_string();
    assert_eq!(folder.lines(&notes), expected);
    config
}
