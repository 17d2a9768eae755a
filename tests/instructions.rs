//! What the frequent calls cost in instructions, which hang on no other work of the machine: a
//! count that has grown by more than the slack is a call that has become slower.
//!
//! The program is that of the other tests, without optimisation of its own code, so that these are
//! no figures of a release; what they are held to is what they were.

#[cfg(test)]
#[path = "suite/mod.rs"]
mod suite;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::process::Stdio;

    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::HttpRequest;
    use crate::suite::Options;
    use crate::suite::WEAVED;
    use crate::suite::Weaved;
    use crate::suite::basic;
    use crate::suite::name_of;

    /// Thousands of instructions for one call, in the order in which they are asked for.
    const HELD: [(&str, u64); 5] = [
        ("info", 247),
        ("get-newer", 262),
        ("put-one", 503),
        ("post-100", 5970),
        ("get-full", 40120),
    ];

    /// By how much a call may cost more, in percent: compilers and C libraries differ.
    const SLACK: u64 = 10;

    const EMAIL: &str = "johndoe@example.com";
    const PASSWORD: &str = "first-secret";

    /// A weaved of one thread under Valgrind.
    struct Counted {
        weaved: Weaved,
        worker: String,
    }

    impl Counted {
        fn start(home: &Home) -> Self {
            let mut options = Options::new(Gateway::Fcgi, "");
            options.threads = 1;
            let ini = home.configure(&options);
            let mut command = Command::new("valgrind");
            command
                .args(["--tool=callgrind", "--trace-children=yes", "--quiet"])
                .arg(format!(
                    "--callgrind-out-file={}/counted.%p",
                    home.path().display()
                ))
                .args([WEAVED, "serve"])
                .arg(ini)
                .stdin(Stdio::null());
            let weaved = Weaved::run(home.clone(), options, &mut command);
            let [worker] = weaved.all_workers(1)[..] else {
                panic!("more than one worker");
            };
            Self {
                weaved,
                worker: worker.to_string(),
            }
        }

        /// Begins to count (`-z`), or dumps what was counted since then (`-d`).
        fn control(&self, what: &str) {
            let output = Command::new("callgrind_control")
                .args([what, &self.worker])
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        }

        /// The instructions of a dump, with its number from 1.
        fn dumped(&self, folder: &Path, number: usize) -> u64 {
            let file = folder.join(format!("counted.{}.{number}", self.worker));
            let text = fs::read_to_string(&file).unwrap();
            let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
            totals.expect("a dump has totals").trim().parse().unwrap()
        }
    }

    fn payload() -> String {
        let text = format!(
            r#"{{\"ciphertext\":\"{}\",\"IV\":\"{}\",\"hmac\":\"{}\"}}"#,
            "A".repeat(364),
            "B".repeat(24),
            "0".repeat(64)
        );
        format!(r#""sortindex":140,"payload":"{text}""#)
    }

    #[test]
    fn no_call_has_become_slower() {
        if Command::new("valgrind").arg("--version").output().is_err() {
            panic!("this test needs Valgrind: apt-get install valgrind, or `make test`");
        }
        let home = Home::new();
        let counted = Counted::start(&home);
        let client = counted.weaved.direct();
        let name = name_of(EMAIL);
        let send = |method: &str, path: &str, body: &str| {
            let target = format!("/1.1/{name}/{path}");
            let request = HttpRequest::new(method, &target)
                .header("Authorization", &basic(&name, PASSWORD.as_bytes()))
                .header("Accept", "application/newlines");
            let request = match body {
                "" => request,
                body => request.body(body),
            };
            let answer = client.send(&request);
            assert_eq!(answer.status, 200, "{}", answer.text());
        };
        let sign_up = format!(r#"{{"email":"{EMAIL}","password":"{PASSWORD}"}}"#);
        let sign_up = HttpRequest::new("PUT", &format!("/user/1.0/{name}")).body(sign_up);
        assert_eq!(client.send(&sign_up).status, 200);
        let payload = payload();
        let batch = |collection: &str, number: usize| {
            let record = |place| format!(r#"{{"id":"{number:06}{place:06}",{payload}}}"#);
            let records: Vec<String> = (0..100).map(record).collect();
            let body = format!("[{}]", records.join(","));
            send("POST", &format!("storage/{collection}"), &body);
        };
        for number in 0..10 {
            batch("history", number);
        }
        for collection in ["meta", "crypto", "clients", "prefs", "tabs", "forms"] {
            send(
                "PUT",
                &format!("storage/{collection}/a"),
                &format!("{{{payload}}}"),
            );
        }
        let call = |what: &str, number: usize| match what {
            "info" => send("GET", "info/collections", ""),
            "get-newer" => send("GET", "storage/tabs?newer=9000000000.00&full=1", ""),
            "put-one" => {
                send(
                    "PUT",
                    &format!("storage/forms/{number}"),
                    &format!("{{{payload}}}"),
                );
            }
            "post-100" => batch("bookmarks", number),
            "get-full" => send("GET", "storage/history?full=1", ""),
            other => unreachable!("{other}"),
        };
        let (mut told, mut slower) = (Vec::new(), Vec::new());
        for (place, (what, held)) in HELD.into_iter().enumerate() {
            let times = if matches!(what, "post-100" | "get-full") {
                4
            } else {
                20
            };
            // Statements are prepared, caches fill.
            for number in 0..3 {
                call(what, number);
            }
            counted.control("-z");
            for number in 3..3 + times {
                call(what, number);
            }
            counted.control("-d");
            let each = counted.dumped(home.path(), place + 1) / times as u64 / 1000;
            told.push(format!("(\"{what}\", {each})"));
            if each * 100 > held * (100 + SLACK) {
                slower.push(what);
            }
        }
        assert!(
            slower.is_empty(),
            "more instructions than before for {slower:?}; now: {}",
            told.join(", ")
        );
    }
}
