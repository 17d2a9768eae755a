//! Where the programs of a database server lie.

use std::env;
use std::path::Path;
use std::path::PathBuf;

/// The first of these programs in the folders, else in the PATH, else where Debian keeps what is
/// not for ordinary users. A missing one is a failure of the tests, never a reason to test less.
#[track_caller]
pub(super) fn find(names: &[&str], folders: &[PathBuf], package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = folders.to_vec();
    places.extend(env::split_paths(&path));
    places.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|program| Path::is_file(program))
        .unwrap_or_else(|| {
            let name = names[0];
            panic!("these tests need {name}: apt-get install {package}, or `make test`")
        })
}
