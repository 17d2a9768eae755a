//! What is written to people, in the languages that there are.

use std::time::Duration;

use crate::accounts::Day;
use crate::api::Language;

/// A letter's subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct Text {
    pub(in crate::api) subject: &'static str,
    pub(in crate::api) text: String,
}

/// Where somebody sets another password. The link stands alone on the third line, where old tools
/// look for it (spec/user-1.0.md, 6).
pub(in crate::api) fn reset(language: Language, link: &str, lifetime: Duration) -> Text {
    let hours = lifetime.as_secs().div_ceil(3600);
    match language {
        Language::English => Text {
            subject: "Resetting your Sync password",
            text: format!(
                "Somebody, probably you, has asked for another password for your Sync account.\n\
                 You can set one on this page, within {hours} hours and once:\n\
                 {link}\n\
                 \n\
                 If you did not ask for it, do nothing: your password stays as it is.\n\
                 Your recovery key does not change. This server does not know it.\n"
            ),
        },
        Language::German => Text {
            subject: "Neues Passwort für Sync",
            text: format!(
                "Jemand, wahrscheinlich du selbst, hat ein neues Passwort für dein Sync-Konto verlangt.\n\
                 Auf dieser Seite kannst du es setzen, innerhalb von {hours} Stunden und einmal:\n\
                 {link}\n\
                 \n\
                 Wenn du das nicht warst, tu nichts: Dein Passwort bleibt, wie es ist.\n\
                 Dein Wiederherstellungsschlüssel ändert sich nicht. Dieser Server kennt ihn nicht.\n"
            ),
        },
    }
}

/// That what somebody has here goes on a day, unless he comes before.
pub(in crate::api) fn idle(language: Language, address: &str, url: &str, day: Day) -> Text {
    match language {
        Language::English => Text {
            subject: "Your Sync account is not used",
            text: format!(
                "Nobody has used the Sync account of {address} for a long time.\n\
                 On {day} this server deletes what it has of it:\n\
                 {url}\n\
                 \n\
                 To keep it, let one of your browsers sync before that day.\n\
                 Bookmarks and passwords in your browsers stay as they are.\n"
            ),
        },
        Language::German => Text {
            subject: "Dein Sync-Konto wird nicht benutzt",
            text: format!(
                "Das Sync-Konto von {address} hat lange niemand benutzt.\n\
                 Am {day} löscht dieser Server, was er davon hat:\n\
                 {url}\n\
                 \n\
                 Um es zu behalten, lass vorher einen deiner Browser synchronisieren.\n\
                 Lesezeichen und Passwörter in deinen Browsern bleiben, wie sie sind.\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_alone_on_the_third_line() {
        for language in [Language::English, Language::German] {
            let text = reset(language, "https://s/x?a=b", Duration::from_secs(21_600)).text;
            assert_eq!(text.lines().nth(2), Some("https://s/x?a=b"));
            assert!(text.contains(" 6 "), "{text}");
        }
    }
}
