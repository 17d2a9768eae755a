//! `man/weaved.8`: the options from the definition of the command line, the tables from README.
//!
//! `UPDATE=1 cargo test --test manual` writes the page anew.

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    use clap::Arg;
    use clap::ArgAction;
    use clap::Command;
    use roff::Inline;
    use roff::Roff;
    use roff::bold;
    use roff::italic;
    use roff::roman;

    const DESCRIPTION: &str = "weaved keeps bookmarks, passwords, history, tabs and settings of \
        Pale Moon, Basilisk, SeaMonkey and old Firefox in sync. It speaks the Weave protocol \
        (storage API 1.1, user API 1.0) over FastCGI or SCGI behind lighttpd, Apache or nginx, \
        and keeps everything in a database. The data are encrypted by the browsers.";

    const FILES: [(&str, &str); 5] = [
        (
            "/etc/weaved/development.ini",
            "The first configuration file: how the web server reaches weaved, and where log lines \
             go.",
        ),
        (
            "/etc/weaved/sync.conf",
            "The second one, named by the first: databases, accounts, limits. Every key is \
             explained in the samples that come with weaved; weaved check shows what is in \
             effect.",
        ),
        (
            "paster.pid, paster.log",
            "In the current directory: the PID file and the log of a server in the background, \
             unless --pid-file and --log-file name others. The PID file is locked as long as the \
             server lives.",
        ),
        (
            "/var/lib/weaved",
            "The database, where the systemd unit lets it be.",
        ),
        (
            "/run/weaved/weaved.sock",
            "The socket of weaved.socket, and the one that the samples propose.",
        ),
    ];

    const ENVIRONMENT: [(&str, &str); 4] = [
        (
            "WEAVED_CONFIG",
            "The first configuration file where serve is given none.",
        ),
        (
            "FCGI_WEB_SERVER_ADDRS",
            "IP addresses that may connect by TCP, separated by commas.",
        ),
        (
            "LISTEN_FDS, LISTEN_PID",
            "Set by systemd: the socket to serve on instead of the configured one.",
        ),
        (
            "NOTIFY_SOCKET, WATCHDOG_USEC",
            "Set by systemd: where to tell that the server is ready, reloads, stops and lives.",
        ),
    ];

    const SEE_ALSO: &str = "lighttpd(8), apache2(8), nginx(8), spawn-fcgi(1), systemd.service(5)";

    #[test]
    fn the_manual_tells_the_truth() {
        let path = ours("man/weaved.8");
        let wanted = page();
        // Elsewhere the environment belongs to `config`; here it is the tester's wish.
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &wanted).unwrap();
            return;
        }
        let found = fs::read_to_string(&path).unwrap();
        assert_eq!(found, wanted, "UPDATE=1 cargo test --test manual");
    }

    #[test]
    fn the_manual_names_every_option() {
        let page = page();
        let mut commands = Vec::new();
        leaves(&weaved(), &mut commands);
        assert!(commands.len() >= 9, "{}", commands.len());
        for command in commands {
            for long in shown(&command).filter_map(Arg::get_long) {
                let written = format!("\\-\\-{}", long.replace('-', "\\-"));
                assert!(page.contains(&written), "{written}");
            }
        }
    }

    fn ours(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    fn weaved() -> Command {
        let mut command = weaved::cli::command();
        command.build();
        command
    }

    fn page() -> String {
        let command = weaved();
        let mut commands = Vec::new();
        leaves(&command, &mut commands);
        let mut page = Roff::new();
        page.control("TH", ["WEAVED", "8", "", "weaved", "System administration"]);
        section(&mut page, "NAME");
        page.text([roman(format!("weaved - {}", lower(&about(&command))))]);
        section(&mut page, "SYNOPSIS");
        for (number, command) in commands.iter().enumerate() {
            if number > 0 {
                page.control("br", []);
            }
            page.text(synopsis(command));
        }
        section(&mut page, "DESCRIPTION");
        page.text([roman(DESCRIPTION)]);
        section(&mut page, "COMMANDS");
        page.text([roman(
            "An argument is explained at the first command that has it; it means the same at the \
             others.",
        )]);
        let mut explained = Vec::new();
        for command in &commands {
            page.control("SS", [name(command).as_str()]);
            page.text([roman(format!("{}.", about(command)))]);
            for argument in shown(command) {
                let text = format!("{}.", help(argument));
                if !explained.contains(&text) {
                    entry(&mut page, header(argument), &text);
                    explained.push(text);
                }
            }
        }
        section(&mut page, "SIGNALS");
        page.text([roman(
            "To the process whose number is in the PID file; systemctl reload sends HUP, \
             systemctl stop sends TERM.",
        )]);
        for (signal, meaning) in table("| signal | what weaved does |") {
            entry(&mut page, vec![bold(signal)], &meaning);
        }
        section(&mut page, "EXIT STATUS");
        for (code, meaning) in table("| exit code | what it means |") {
            entry(&mut page, vec![bold(code)], &meaning);
        }
        section(&mut page, "FILES");
        for (file, text) in FILES {
            entry(&mut page, vec![italic(file)], text);
        }
        section(&mut page, "ENVIRONMENT");
        for (variable, text) in ENVIRONMENT {
            entry(&mut page, vec![bold(variable)], text);
        }
        section(&mut page, "SEE ALSO");
        page.text([roman(SEE_ALSO)]);
        page.to_roff()
    }

    fn section(page: &mut Roff, title: &str) {
        page.control("SH", [title]);
    }

    fn entry(page: &mut Roff, head: Vec<Inline>, text: &str) {
        page.control("TP", []);
        page.text(head);
        page.text([roman(text)]);
    }

    /// The commands that do something, `user add` among them.
    fn leaves(command: &Command, into: &mut Vec<Command>) {
        let visible = |sub: &&Command| !sub.is_hide_set();
        if command.has_subcommands() {
            for sub in command.get_subcommands().filter(visible) {
                leaves(sub, into);
            }
        } else {
            into.push(command.clone());
        }
    }

    /// What a person may write, but for `--help`; of what is hidden, what old scripts write.
    fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
        command.get_arguments().filter(|argument| {
            let old = help(argument).starts_with("For old scripts");
            (old || !argument.is_hide_set()) && argument.get_id() != "help"
        })
    }

    fn name(command: &Command) -> String {
        command.get_bin_name().unwrap().to_owned()
    }

    fn about(command: &Command) -> String {
        command.get_about().unwrap().to_string()
    }

    fn help(argument: &Arg) -> String {
        argument.get_help().unwrap().to_string().replace('`', "")
    }

    /// As a page is named in the index.
    fn lower(text: &str) -> String {
        let (first, rest) = text.split_at(1);
        first.to_lowercase() + rest
    }

    /// As a sentence begins and ends.
    fn sentence(text: &str) -> String {
        let (first, rest) = text.split_at(1);
        first.to_uppercase() + rest + "."
    }

    fn synopsis(command: &Command) -> Vec<Inline> {
        let name = name(command);
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        vec![
            bold(name.clone()),
            roman(usage.strip_prefix(&name).unwrap().to_owned()),
        ]
    }

    fn header(argument: &Arg) -> Vec<Inline> {
        let value = argument.get_value_names().unwrap_or_default().join(" ");
        if argument.is_positional() {
            return vec![italic(value)];
        }
        let mut head = Vec::new();
        if let Some(short) = argument.get_short() {
            head.extend([bold(format!("-{short}")), roman(", ")]);
        }
        head.push(bold(format!("--{}", argument.get_long().unwrap())));
        let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
        if takes_value {
            head.extend([roman(" "), italic(value)]);
        }
        head
    }

    /// Two columns of the README's table with this head.
    #[track_caller]
    fn table(head: &str) -> Vec<(String, String)> {
        let readme = fs::read_to_string(ours("README.md")).unwrap();
        let rows = readme.lines().skip_while(|line| *line != head).skip(2);
        let rows = rows.map_while(|line| {
            let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
            let (left, right) = line.split_once(" | ")?;
            Some((left.replace('`', ""), sentence(&right.replace('`', ""))))
        });
        let rows: Vec<_> = rows.collect();
        assert!(!rows.is_empty(), "README has no table {head}");
        rows
    }
}
