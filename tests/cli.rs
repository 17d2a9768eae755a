//! The command line as people and scripts see it: texts, data and exit codes.
//!
//! Exit codes: spec/conventions.md; 0 fine, 1 no, 64 usage, 69 a database is away, 78 the
//! configuration is wrong.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;
    use std::process::Output;

    use serde_json::json;

    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::Kind;
    use crate::suite::Options;
    use crate::suite::SECRET;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::WEAVED;
    use crate::suite::Way;
    use crate::suite::name_of;
    use crate::suite::on_every_database;
    use crate::suite::run;

    on_every_database! {
        accounts_are_looked_after_by_hand
        what_accounts_may_not_be
        a_running_server_sees_changes_at_once
        expired_records_are_purged
    }

    /// What a command said, and how it ended.
    struct Said(Output);

    impl Said {
        #[track_caller]
        fn ends(&self, code: i32) -> &Self {
            assert_eq!(
                self.0.status.code(),
                Some(code),
                "{}\n{}",
                self.out(),
                self.err()
            );
            self
        }

        #[track_caller]
        fn prints(&self, wanted: &str) -> &Self {
            self.ends(0);
            assert_eq!(self.out(), wanted);
            self
        }

        /// Ends so, with this line on stderr and nothing on stdout.
        #[track_caller]
        fn complains(&self, code: i32, wanted: &str) -> &Self {
            self.ends(code);
            assert_eq!((self.out().as_str(), self.err().as_str()), ("", wanted));
            self
        }

        fn out(&self) -> String {
            String::from_utf8_lossy(&self.0.stdout).into_owned()
        }

        fn err(&self) -> String {
            String::from_utf8_lossy(&self.0.stderr).into_owned()
        }
    }

    /// A folder with two configuration files that nobody else can read.
    fn home(kind: Kind, options: &Options) -> Home {
        let home = Home::on(kind);
        home.configure(options);
        for file in ["development.ini", "sync.conf"] {
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(home.path().join(file), private).unwrap();
        }
        home
    }

    fn plain() -> Home {
        home(Kind::Sqlite, &Options::new(Gateway::Fcgi, ""))
    }

    fn weaved(home: &Home, arguments: &[&str], input: &str) -> Said {
        Said(run(arguments, input, home.path()))
    }

    fn user(home: &Home, command: &[&str], input: &str) -> Said {
        let (verb, rest) = command.split_first().unwrap();
        let arguments = [&["user", verb, "development.ini"], rest].concat();
        weaved(home, &arguments, input)
    }

    #[test]
    fn version_and_help() {
        let home = plain();
        let version = format!("weaved {}\n", env!("CARGO_PKG_VERSION"));
        weaved(&home, &["--version"], "").prints(&version);
        let help = weaved(&home, &["--help"], "");
        help.ends(0);
        let mut commands = vec!["serve", "check", "user", "migrate", "purge"];
        commands.extend(cfg!(feature = "doctor").then_some("doctor"));
        for command in commands {
            assert!(
                help.out().contains(&format!("  {command} ")),
                "{}",
                help.out()
            );
        }
        for help in [help, weaved(&home, &["serve", "--help"], "")] {
            help.ends(0);
            let lines = help.out().lines().map(str::len).max();
            assert!(
                lines <= Some(100) && help.out().lines().count() <= 24,
                "help fits a screen: {}",
                help.out()
            );
        }
    }

    #[test]
    fn wrong_usage_is_64() {
        let home = plain();
        let wrong: [&[&str]; 8] = [
            &[],
            &["nonsense"],
            &["serve"],
            &["serve", "development.ini", "no-value"],
            &["serve", "--nonsense", "development.ini"],
            &["check"],
            &["user"],
            &["user", "add", "development.ini"],
        ];
        for arguments in wrong {
            let said = weaved(&home, arguments, "");
            said.ends(64);
            assert!(
                said.out().is_empty() && !said.err().is_empty(),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn a_good_configuration_is_described() {
        let options = Options::new(Gateway::Scgi, "/yourpath");
        let home = home(Kind::Sqlite, &options.set("global.shared_secret", SECRET));
        let said = weaved(&home, &["check", "development.ini"], "");
        said.ends(0);
        let out = said.out();
        for (key, value) in [
            ("use", "scgi"),
            ("mount", "/yourpath"),
            ("batch_max_count", "100"),
        ] {
            let line = out
                .lines()
                .find(|line| line.starts_with(&format!("{key} = ")));
            assert!(
                line.is_some_and(|line| line.contains(value)),
                "{key} in\n{out}"
            );
        }
        // Where each value comes from.
        assert!(
            out.contains("# default") && out.contains("# sync.conf:"),
            "{out}"
        );
        assert!(!out.contains(SECRET) && out.contains("***"), "{out}");
        assert!(!said.err().contains(SECRET));
        // Nothing was made.
        assert!(!home.database().exists());
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let options = Options::new(Gateway::Fcgi, "")
            .set("storage.quota_size", "five")
            .set("storage.sqluri", "oracle://scott:tiger@db/sync")
            .set("auth.allow_new_users", "perhaps")
            .set("global.shared_secret", "short");
        let home = home(Kind::Sqlite, &options);
        for command in ["check", "serve"] {
            let said = weaved(&home, &[command, "development.ini"], "");
            said.ends(78);
            let err = said.err();
            for key in ["quota_size", "sqluri", "allow_new_users", "shared_secret"] {
                let told = |line: &str| line.contains("sync.conf:") && line.contains(key);
                assert!(err.lines().any(told), "{key} in\n{err}");
            }
            assert!(
                !err.contains("tiger") && !err.contains("\"short\""),
                "{err}"
            );
        }
    }

    /// Whoever checks has not yet decided to let weaved have the file.
    #[test]
    fn check_changes_no_database() {
        let home = plain();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases");
        let old = fs::read(fixtures.join("server-full-2011.sqlite")).unwrap();
        fs::write(home.database(), &old).unwrap();
        weaved(&home, &["check", "development.ini"], "").ends(0);
        assert!(
            fs::read(home.database()).unwrap() == old,
            "the file was changed"
        );
        fs::write(home.database(), "no database".repeat(100)).unwrap();
        let said = weaved(&home, &["check", "development.ini"], "");
        said.ends(69);
        assert!(
            said.out().contains("the file is no SQLite database"),
            "{}",
            said.out()
        );
    }

    #[test]
    fn check_says_where_log_lines_go_and_whether_they_can() {
        let home = plain();
        let ini = home.path().join("development.ini");
        let plain = fs::read_to_string(&ini).unwrap();
        let said = weaved(&home, &["check", "development.ini"], "");
        said.ends(0);
        assert!(
            said.out().contains("\nlog: the error output\n"),
            "{}",
            said.out()
        );
        for (path, wanted) in [("log", "log\n"), ("none/log", "none/log: No such file")] {
            let logging = format!(
                "\n[loggers]\nkeys = root\n[logger_root]\nhandlers = file\n\
                 [handler_file]\nclass = FileHandler\nargs = ('%(here)s/{path}',)\n"
            );
            fs::write(&ini, format!("{plain}{logging}")).unwrap();
            let said = weaved(&home, &["check", "development.ini"], "");
            said.ends(0);
            let line = format!("\nlog: {}/{wanted}", home.path().display());
            assert!(said.out().contains(&line), "{line:?} in {}", said.out());
            assert!(!home.path().join("log").exists(), "check makes no files");
        }
    }

    #[test]
    fn a_missing_configuration_is_78() {
        for command in ["check", "serve", "purge"] {
            let said = weaved(&plain(), &[command, "nosuch.ini"], "");
            said.ends(78);
            assert!(said.err().contains("nosuch.ini"), "{}", said.err());
        }
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_69() {
        let home = plain();
        fs::write(
            home.database(),
            "this is not a database, and long enough to be none",
        )
        .unwrap();
        for command in ["check", "purge"] {
            let said = weaved(&home, &[command, "development.ini"], "");
            said.ends(69);
            assert!(
                (said.out() + &said.err()).contains("sync.db"),
                "{}",
                said.err()
            );
        }
    }

    fn accounts_are_looked_after_by_hand(kind: Kind) {
        let home = home(kind, &Options::new(Gateway::Fcgi, ""));
        let alice = name_of("alice@example.com");
        let made = format!("made account {alice}, user 1\n");
        user(&home, &["add", "alice@example.com"], "secret-pass\n").prints(&made);
        user(&home, &["add", "bob"], "secret-pass\n").prints("made account bob, user 2\n");
        user(
            &home,
            &["add", "carol", "--email", "c@example.net"],
            "secret-pass\n",
        )
        .ends(0);
        let list = format!(
            "1\t{alice}\tactive\talice@example.com\tDAY\t0\t0\n\
            2\tbob\tactive\t-\tDAY\t0\t0\n\
            3\tcarol\tactive\tc@example.net\tDAY\t0\t0\n"
        );
        let said = user(&home, &["list"], "").out();
        let day = said.split('\t').nth(4).unwrap();
        assert_eq!(said.replace(day, "DAY"), list);
        user(&home, &["show", "bob"], "").prints(&format!(
            "name: bob\nid: 2\nstate: active\ne-mail: -\nlast use: {day}\nused: 0 KB\n"
        ));
        user(&home, &["show", "alice@example.com"], "").ends(0);
        user(&home, &["passwd", "bob"], "other-pass\n").prints("changed the password of bob\n");
        user(&home, &["disable", "bob"], "").prints("bob is disabled\n");
        let show = user(&home, &["show", "bob"], "");
        assert!(show.out().contains("state: disabled"), "{}", show.out());
        user(&home, &["enable", "bob"], "").prints("bob is active\n");
        // Dangerous: shown first, done only when it is said twice.
        let asked = user(&home, &["delete", "bob"], "");
        asked.ends(1);
        assert!(
            asked.err().contains("bob") && asked.err().contains("--yes"),
            "{}",
            asked.err()
        );
        user(&home, &["show", "bob"], "").ends(0);
        user(&home, &["delete", "bob", "--yes"], "").prints("deleted bob\n");
        user(&home, &["show", "bob"], "").complains(1, "weaved: there is no account bob\n");
    }

    /// Nobody who pipes into `head` wants to read of a panic.
    #[test]
    fn an_output_that_takes_no_more_is_no_panic() {
        let home = plain();
        for command in [
            ["check", "development.ini"].as_slice(),
            &["user", "list", "development.ini"],
        ] {
            user(&home, &["add", "bob"], "secret-pass\n");
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut weaved = Command::new(WEAVED);
            let weaved = weaved.args(command).current_dir(home.path());
            let said = Said(weaved.stdout(writer).output().unwrap());
            said.complains(0, "");
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let said = Said(weaved.stdout(full).output().unwrap());
            said.ends(71);
            assert!(
                said.err().starts_with("weaved: cannot write: "),
                "{}",
                said.err()
            );
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let mut weaved = Command::new(WEAVED);
            let weaved = weaved.args(["serve", "nosuch.ini"]).stderr(full);
            assert_eq!(weaved.status().unwrap().code(), Some(78));
        }
    }

    fn what_accounts_may_not_be(kind: Kind) {
        let home = home(kind, &Options::new(Gateway::Fcgi, ""));
        user(&home, &["add", "bob"], "secret-pass\n").ends(0);
        user(&home, &["add", "bob"], "secret-pass\n").ends(1);
        user(&home, &["add", "weak"], "short\n").ends(1);
        user(&home, &["add", "none"], "").ends(1);
        user(&home, &["add", "odd", "--email", "bad"], "secret-pass\n").ends(64);
        user(&home, &["passwd", "bob"], "short\n").ends(1);
        for verb in ["show", "passwd", "disable", "enable", "delete"] {
            user(&home, &[verb, "nobody"], "secret-pass\n")
                .complains(1, "weaved: there is no account nobody\n");
        }
        let list = user(&home, &["list"], "").out();
        assert!(list.starts_with("1\tbob\tactive\t-\t") && list.lines().count() == 1);
    }

    /// What is done by hand counts at once in a server that runs.
    fn a_running_server_sees_changes_at_once(kind: Kind) {
        let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
        let home = site.home().clone();
        user(&home, &["add", "alice@example.com"], "secret-pass\n").ends(0);
        let alice = User::named(&site, "alice@example.com", "secret-pass");
        alice.get("info/collections").answers(json!({}));
        user(&home, &["disable", &alice.name], "").ends(0);
        alice.get("info/collections").is(401);
        user(&home, &["enable", &alice.name], "").ends(0);
        alice.get("info/collections").ok();
        user(&home, &["passwd", &alice.name], "other-pass\n").ends(0);
        alice.get("info/collections").is(401);
        let alice = alice.with_password("other-pass");
        alice.put("storage/c/i", r#"{"payload":"x"}"#).written();
        user(&home, &["delete", &alice.name, "--yes"], "").ends(0);
        alice.get("info/collections").is(401);
        alice.sign_up().ok();
        alice.get("info/collections").answers(json!({}));
    }

    fn expired_records_are_purged(kind: Kind) {
        let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
        let home = site.home().clone();
        let user = site.user();
        user.put("storage/c/kept", r#"{"payload":"x"}"#).written();
        user.put("storage/c/long", r#"{"payload":"x","ttl":1000}"#)
            .written();
        for n in 0..3 {
            user.put(&format!("storage/c/gone{n}"), r#"{"payload":"x","ttl":0}"#)
                .written();
        }
        let count = || home.ground().number("SELECT COUNT(*) FROM wbo");
        // The server may have been quick in a quiet moment.
        let said = weaved(&home, &["purge", "development.ini"], "");
        said.ends(0);
        assert!(said.out().starts_with("purged ") && said.out().ends_with(" expired records\n"));
        assert_eq!(count(), 2);
        user.get("storage/c").holds(&["kept", "long"]);
        weaved(&home, &["purge", "development.ini"], "").prints("purged 0 expired records\n");
    }

    /// A line to copy from, a port of its own, and a clean end: what scripts rely on.
    #[test]
    fn serving_begins_with_a_line_and_ends_with_0() {
        let options = Options::new(Gateway::Http, "");
        let first = crate::suite::Weaved::start(options.clone());
        let second = crate::suite::Weaved::start(options);
        assert_ne!(first.endpoint(), second.endpoint());
        for server in [first, second] {
            assert_eq!(server.stop().code(), Some(0));
            assert!(
                !server.log().text().contains("panic"),
                "{}",
                server.log().text()
            );
        }
    }

    /// A web server that starts us has no use for our error output.
    #[test]
    fn a_start_that_fails_is_told_in_the_log_file_too() {
        let home = plain();
        fs::write(home.database(), "no database, and long enough to be none").unwrap();
        let ini = home.path().join("development.ini");
        let logging = "\n[loggers]\nkeys = root\n[logger_root]\nhandlers = file\n\
            [handler_file]\nclass = FileHandler\nargs = ('%(here)s/log',)\n";
        fs::write(&ini, fs::read_to_string(&ini).unwrap() + logging).unwrap();
        weaved(&home, &["serve", "development.ini"], "").ends(69);
        let log = fs::read_to_string(home.path().join("log")).unwrap();
        assert!(log.contains("ERROR") && log.contains("sync.db"), "{log}");
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let home = plain();
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let ini = fs::read_to_string(home.path().join("development.ini")).unwrap();
        let ini = ini.replace("port = 0", &format!("port = {port}"));
        fs::write(home.path().join("development.ini"), ini).unwrap();
        let said = weaved(&home, &["serve", "development.ini"], "");
        said.ends(71);
        assert!(said.err().contains(&port), "{}", said.err());
    }
}
