//! The units that we ship, judged by systemd's own tools, which need no running systemd.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;
    use std::process::Command;

    /// The most that `systemd-analyze security` may find: 0 is a locked box, 10 an open door.
    const EXPOSURE: f64 = 2.0;

    fn ours(name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        root.join("examples/systemd").join(name)
    }

    /// Runs a tool that must be there; its whole output.
    #[track_caller]
    fn tool(name: &str, arguments: &[&str]) -> String {
        let output = Command::new(name).args(arguments).output();
        let output = output.unwrap_or_else(|error| {
            panic!("{name}: {error}: install the package systemd, as `make test` does")
        });
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(output.status.success(), "{name} {arguments:?}:\n{text}");
        text
    }

    #[test]
    fn the_units_are_valid() {
        let folder = tempfile::tempdir().unwrap();
        let mut units = Vec::new();
        for name in ["weaved.service", "weaved.socket"] {
            let text = fs::read_to_string(ours(name)).unwrap();
            // The program must be where the unit says, and here it is elsewhere.
            let text = text.replace("/usr/local/sbin/weaved", env!("CARGO_BIN_EXE_weaved"));
            let unit = folder.path().join(name);
            fs::write(&unit, text).unwrap();
            units.push(unit.display().to_string());
        }
        let units: Vec<&str> = units.iter().map(String::as_str).collect();
        let said = tool(
            "systemd-analyze",
            &[&["verify", "--man=no"], &*units].concat(),
        );
        assert!(!said.contains("weaved"), "{said}");
    }

    #[test]
    fn the_service_is_locked_in() {
        let unit = ours("weaved.service").display().to_string();
        let said = tool("systemd-analyze", &["security", "--offline=true", &unit]);
        let exposure = said.lines().find_map(|line| {
            let (_, rest) = line.split_once("Overall exposure level for weaved.service: ")?;
            rest.split(' ').next()?.parse::<f64>().ok()
        });
        let exposure = exposure.unwrap_or_else(|| panic!("{said}"));
        assert!(exposure < EXPOSURE, "{exposure}\n{said}");
    }

    #[test]
    fn the_user_and_the_folders_can_be_made() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let at = format!("--root={}", root.path().display());
        let users = ours("sysusers.d/weaved.conf").display().to_string();
        tool("systemd-sysusers", &[&at, &users]);
        let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
        assert!(users.starts_with("weaved:"), "{users}");
        if !rustix::process::geteuid().is_root() {
            println!("NOT TESTED, for only root can: making folders of another user");
            return;
        }
        let folders = ours("tmpfiles.d/weaved.conf").display().to_string();
        tool("systemd-tmpfiles", &[&at, "--create", &folders]);
        for folder in ["run/weaved", "var/lib/weaved"] {
            assert!(root.path().join(folder).is_dir(), "{folder}");
        }
    }

    /// What the service may write to is what the configuration beside it is about.
    #[test]
    fn the_papers_name_the_same_places() {
        let read = |name: &str| fs::read_to_string(ours(name)).unwrap();
        let (service, socket, readme) = (
            read("weaved.service"),
            read("weaved.socket"),
            read("README.md"),
        );
        assert!(service.contains("\nStateDirectory=weaved\n"));
        assert!(readme.contains("sqlite:////var/lib/weaved/weaved.db"));
        assert!(socket.contains("\nListenStream=/run/weaved/weaved.sock\n"));
        assert!(readme.contains("`/run/weaved/weaved.sock`"));
    }
}
