//! Several hosts on one database whose server dies under load: the examples, in short.
//!
//! They start everything themselves, and judge it: nothing confirmed is lost, no follower misses
//! a record, times only grow.

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    /// Seconds of load before the failure, and after it.
    const SECONDS: &str = "2";

    #[track_caller]
    fn try_out(example: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let output = Command::new("python3")
            .arg("-B")
            .arg(folder.join(example).join("try.py"))
            .args([env!("CARGO_BIN_EXE_weaved"), SECONDS])
            .output()
            .expect("these tests need python3: apt-get install python3, or `make test`");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let text = format!("{}{}", said(&output.stdout), said(&output.stderr));
        assert!(
            output.status.success(),
            "{example}: {}\n{text}",
            output.status
        );
        assert!(
            text.contains("confirmed records lost:               0"),
            "{text}"
        );
    }

    #[test]
    fn the_cluster_goes_on_without_a_node() {
        try_out("mariadb-galera");
    }

    #[test]
    fn the_standby_takes_over_from_the_primary() {
        try_out("postgresql-standby");
    }
}
