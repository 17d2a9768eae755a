//! The INI syntax of Python 2's ConfigParser, with line numbers (spec/config.md, 1.1 and 1.2).
//!
//! In go bytes, out come sections, keys and values in the order of the file, and a list of the
//! lines that are no INI at all. No interpolation, no conversion, no merging with `[DEFAULT]`:
//! those differ between the two files.
//!
//! On purpose more lenient than Python in one point: a comment may be indented.

/// The name of the section whose keys are visible in all others.
pub(super) const DEFAULT: &str = "DEFAULT";

/// What happens to upper case in keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyCase {
    /// Kept, as PasteDeploy does.
    Kept,
    /// Folded to lower case, as `sync.conf` wants.
    Lower,
}

/// A file, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ini {
    /// In file order; a section that is opened again is continued.
    pub(super) sections: Vec<Section>,
}

/// A section and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Between the brackets, as written.
    pub(super) name: String,
    /// Where it was opened first, counted from 1.
    pub(super) line: usize,
    /// In file order, each key once: the last one of a name counts.
    pub(super) entries: Vec<Entry>,
    /// What does not count, because its key is set again.
    pub(super) repeated: Vec<Repeated>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Without blanks around it.
    pub(super) key: String,
    /// The line of the key, counted from 1.
    pub(super) line: usize,
    /// Without blanks around it; continued lines are joined by a newline, empty ones are left out.
    pub(super) value: String,
}

/// A key that is set again in its section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// The key.
    pub(super) key: String,
    /// The line of the value that is lost, counted from 1.
    pub(super) line: usize,
    /// The line of the value that takes its place.
    pub(super) again: usize,
}

/// A line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Counted from 1.
    pub(super) line: usize,
    /// Why, and what a line should be.
    pub(super) reason: &'static str,
}

impl Ini {
    /// A section by its exact name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

impl Section {
    /// An entry by its exact key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Takes a file apart; what can be understood is kept even if other lines cannot.
pub(super) fn parse(bytes: &[u8], case: KeyCase) -> (Ini, Vec<BadLine>) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut parser = Parser {
        ini: Ini::default(),
        bad: Vec::new(),
        case,
        section: None,
        entry: None,
    };
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        parser.line(line, index + 1);
    }
    (parser.ini, parser.bad)
}

struct Parser {
    ini: Ini,
    bad: Vec<BadLine>,
    case: KeyCase,
    /// The index of the open section.
    section: Option<usize>,
    /// The index, in the open section, of the entry that an indented line continues.
    entry: Option<usize>,
}

impl Parser {
    fn line(&mut self, bytes: &[u8], number: usize) {
        let comment = bytes.trim_ascii_start().first();
        if matches!(comment, None | Some(b'#' | b';')) {
            return;
        }
        let Ok(line) = str::from_utf8(bytes) else {
            return self.refuse(number, "the line is not UTF-8 text");
        };
        let trimmed = line.trim();
        if trimmed.is_empty() || is_rem(line) {
            return;
        }
        if line.starts_with(char::is_whitespace)
            && let Some(entry) = self.open_entry()
        {
            if !entry.value.is_empty() {
                entry.value.push('\n');
            }
            entry.value.push_str(trimmed);
            return;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            self.entry = None;
            match rest.split_once(']') {
                Some((name, _)) if !name.is_empty() => self.open_section(name, number),
                _ => self.refuse(number, "a section is written [name]"),
            }
            return;
        }
        let Some(at) = trimmed.find(['=', ':']) else {
            return self.refuse(
                number,
                "neither a [section], nor key = value, nor a # comment",
            );
        };
        let (key, value) = trimmed.split_at(at);
        let key = match self.case {
            KeyCase::Kept => key.trim().to_owned(),
            KeyCase::Lower => key.trim().to_lowercase(),
        };
        if key.is_empty() {
            return self.refuse(number, "there is no key before the = or :");
        }
        let value = without_comment(value.get(1..).unwrap_or_default()).trim();
        let value = if value == "\"\"" { "" } else { value };
        self.set(Entry {
            key,
            line: number,
            value: value.to_owned(),
        });
    }

    fn refuse(&mut self, line: usize, reason: &'static str) {
        self.entry = None;
        self.bad.push(BadLine { line, reason });
    }

    fn open_entry(&mut self) -> Option<&mut Entry> {
        let section = self.ini.sections.get_mut(self.section?)?;
        section.entries.get_mut(self.entry?)
    }

    fn open_section(&mut self, name: &str, line: usize) {
        let sections = &mut self.ini.sections;
        let known = sections.iter().position(|section| section.name == name);
        self.section = Some(known.unwrap_or_else(|| {
            sections.push(Section {
                name: name.to_owned(),
                line,
                entries: Vec::new(),
                repeated: Vec::new(),
            });
            sections.len() - 1
        }));
    }

    fn set(&mut self, entry: Entry) {
        let open = self.section.and_then(|at| self.ini.sections.get_mut(at));
        let Some(section) = open else {
            return self.refuse(entry.line, "a key before the first [section]");
        };
        let same = |other: &Entry| other.key == entry.key;
        if let Some(at) = section.entries.iter().position(same) {
            let lost = section.entries.remove(at);
            section.repeated.push(Repeated {
                key: lost.key,
                line: lost.line,
                again: entry.line,
            });
        }
        section.entries.push(entry);
        self.entry = Some(section.entries.len() - 1);
    }
}

/// Python takes a line that begins with the word `rem` for a comment.
fn is_rem(line: &str) -> bool {
    let word = line.split(char::is_whitespace).next().unwrap_or_default();
    word.eq_ignore_ascii_case("rem")
}

/// Cuts an inline comment off: the first `;`, if a blank is before it. Later ones are text.
fn without_comment(value: &str) -> &str {
    match value.split_once(';') {
        Some((before, _)) if before.ends_with(char::is_whitespace) => before,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &str)]) {
        let (ini, bad) = parse(text.as_bytes(), KeyCase::Kept);
        assert_eq!(bad, [], "{text}");
        let mut found = Vec::new();
        for section in &ini.sections {
            for entry in &section.entries {
                found.push((&*section.name, &*entry.key, &*entry.value));
            }
        }
        assert_eq!(found, expected, "{text}");
    }

    #[track_caller]
    fn refused(text: &[u8], line: usize) {
        let (_, bad) = parse(text, KeyCase::Kept);
        let lines: Vec<_> = bad.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [line]);
    }

    #[test]
    fn lines_are_read_as_python_reads_them() {
        check("[a]\nk = v\nl: w", &[("a", "k", "v"), ("a", "l", "w")]);
        check("[a]\r\nk=v\r\n", &[("a", "k", "v")]);
        check("\u{feff}[a]\nk=v", &[("a", "k", "v")]);
        check("# x\n; y\nREM z\n[a] rest\nk=v", &[("a", "k", "v")]);
        check("[a]\nK = v", &[("a", "K", "v")]);
        check("[a]\nset k = v", &[("a", "set k", "v")]);
        check(
            "[a]\nurl = http://h:1/p?a=b",
            &[("a", "url", "http://h:1/p?a=b")],
        );
        check("[a]\nk =", &[("a", "k", "")]);
        check("[a]\nk = \"\"", &[("a", "k", "")]);
    }

    #[test]
    fn a_semicolon_after_a_blank_starts_a_comment() {
        check("[a]\nk = v ; c", &[("a", "k", "v")]);
        check("[a]\nk = v;c", &[("a", "k", "v;c")]);
        check("[a]\nk = v;c ; d", &[("a", "k", "v;c ; d")]);
        check("[a]\nk = v # c", &[("a", "k", "v # c")]);
    }

    #[test]
    fn indented_lines_continue_a_value() {
        check("[a]\nk = v\n  w\n\n\tx = y", &[("a", "k", "v\nw\nx = y")]);
        check("[a]\nk =\n  w\n  # c\n  x", &[("a", "k", "w\nx")]);
        check("[a]\n  k = v", &[("a", "k", "v")]);
    }

    #[test]
    fn the_last_of_two_keys_and_of_two_sections_counts() {
        check(
            "[a]\nk=1\nl=2\n[b]\nm=3\n[a]\nk=4",
            &[("a", "l", "2"), ("a", "k", "4"), ("b", "m", "3")],
        );
    }

    #[test]
    fn a_line_that_is_no_ini_is_told_with_its_number() {
        refused(b"[a]\nwhat", 2);
        refused(b"k = v", 1);
        refused(b"[a]\n= v", 2);
        refused(b"[b]\n[a\nk : v", 2);
        refused(b"[a]\nk = \xff", 2);
    }

    #[test]
    fn entries_know_their_lines() {
        let (ini, _) = parse(b"\n[a]\n\nKey = v\n w\n", KeyCase::Lower);
        let section = ini.section("a").unwrap();
        assert_eq!(section.line, 2);
        assert_eq!(section.entry("key").unwrap().line, 4);
    }

    fn write(ini: &Ini) -> String {
        let mut text = String::new();
        for section in &ini.sections {
            writeln!(text, "[{}]", section.name).unwrap();
            for entry in &section.entries {
                writeln!(text, "{} = {}", entry.key, entry.value.replace('\n', "\n ")).unwrap();
            }
        }
        text
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            parse(&bytes, KeyCase::Lower);
        }

        #[test]
        fn arbitrary_lines_never_panic(text in "([\\[\\]=:;# \ta-c\n\r]|\\PC){0,200}") {
            parse(text.as_bytes(), KeyCase::Kept);
        }

        #[test]
        fn what_is_written_is_read_back(
            names in prop::collection::btree_map(
                "[a-zA-Z][a-z :]{0,6}[a-z]",
                prop::collection::btree_map(
                    "[a-qs-z][a-zA-Z_.]{0,8}",
                    "([!-:<-~][ !-:<-~é]{0,12}[!-:<-~](\n[!\\$-:<-~][!-:<-~é]{0,8}){0,2})?",
                    0..5,
                ),
                0..5,
            )
        ) {
            let mut line = 0;
            let mut sections = Vec::new();
            for (name, keys) in &names {
                line += 1;
                let mut section = Section { name: name.clone(), line, entries: Vec::new(), repeated: Vec::new() };
                for (key, value) in keys {
                    // Means nothing, also at the head of several lines.
                    if value.lines().next() == Some("\"\"") {
                        continue;
                    }
                    line += 1;
                    let (key, value) = (key.clone(), value.clone());
                    let lines = value.matches('\n').count();
                    section.entries.push(Entry { key, line, value });
                    line += lines;
                }
                sections.push(section);
            }
            let ini = Ini { sections };
            let (read, bad) = parse(write(&ini).as_bytes(), KeyCase::Kept);
            prop_assert_eq!(bad, []);
            prop_assert_eq!(read, ini);
        }
    }
}
