//! What the pages say, in one place: a text that is missing in a language does not compile.
//!
//! Some of the original's words stand in every language, because old tools look for them
//! (spec/user-1.0.md, 7).

mod english;
mod german;

use crate::api::Language;

pub(super) use english::ENGLISH;
pub(super) use german::GERMAN;

/// The texts in one language.
#[derive(Debug)]
pub(super) struct Texts {
    /// The language's tag.
    pub(super) tag: &'static str,
    /// What the list of pages is called, to those who hear it.
    pub(super) pages: &'static str,
    pub(super) home: &'static str,
    pub(super) works_title: &'static str,
    /// The doctor looks for the English one.
    pub(super) works: &'static str,
    pub(super) url_is: &'static str,
    pub(super) url_is_this: &'static str,
    pub(super) takes_nobody: &'static str,
    /// Goes before the URL by which the page was opened.
    pub(super) opened_as: &'static str,
    /// Goes after it.
    pub(super) opened_otherwise: &'static str,
    pub(super) others: &'static str,
    /// The browser's words.
    pub(super) pair: &'static str,
    pub(super) pair_what: &'static str,
    pub(super) your_account: &'static str,
    pub(super) account: &'static str,
    pub(super) account_what: &'static str,
    pub(super) with_invitation: &'static str,
    pub(super) sign_up: &'static str,
    pub(super) sign_up_what: &'static str,
    pub(super) make_account: &'static str,
    pub(super) account_made: &'static str,
    pub(super) sign_up_closed: &'static str,
    /// Asks for an invitation.
    pub(super) invitation: &'static str,
    pub(super) or_invitation: &'static str,
    pub(super) taken: &'static str,
    pub(super) bad_email: &'static str,
    pub(super) bad_answer: &'static str,
    pub(super) name: &'static str,
    /// What the browser calls itself.
    pub(super) user_name: &'static str,
    pub(super) email: &'static str,
    pub(super) password: &'static str,
    pub(super) password_again: &'static str,
    pub(super) password_rule: &'static str,
    pub(super) current_password: &'static str,
    pub(super) new_password: &'static str,
    /// Old tools look for "at least 8".
    pub(super) weak: &'static str,
    /// Old tools look for "do not match".
    pub(super) differ: &'static str,
    pub(super) forgotten: &'static str,
    pub(super) reset_what: &'static str,
    pub(super) recovery_key: &'static str,
    pub(super) send_mail: &'static str,
    /// Old tools look for "next 6 hours".
    pub(super) mail_sent: &'static str,
    /// Old tools look for it.
    pub(super) no_name: &'static str,
    /// Old tools look for it.
    pub(super) no_password: &'static str,
    /// Old tools look for it.
    pub(super) wrong_key: &'static str,
    pub(super) set_password: &'static str,
    /// Old tools look for it.
    pub(super) password_changed: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) sign_in_what: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) expired: &'static str,
    /// Old tools look for it.
    pub(super) bad_credentials: &'static str,
    /// Old tools look for it.
    pub(super) missing_data: &'static str,
    pub(super) too_often: &'static str,
    pub(super) data: &'static str,
    pub(super) data_what: &'static str,
    pub(super) no_data: &'static str,
    pub(super) collection: &'static str,
    pub(super) records: &'static str,
    pub(super) size: &'static str,
    pub(super) changed: &'static str,
    pub(super) download: &'static str,
    pub(super) wipe: &'static str,
    pub(super) wipe_what: &'static str,
    pub(super) everything: &'static str,
    pub(super) sure: &'static str,
    pub(super) wiped: &'static str,
    pub(super) change: &'static str,
    pub(super) change_password: &'static str,
    pub(super) change_email: &'static str,
    pub(super) change_email_what: &'static str,
    pub(super) email_changed: &'static str,
    pub(super) read_only: &'static str,
    pub(super) not_here: &'static str,
    pub(super) delete: &'static str,
    pub(super) delete_what: &'static str,
    /// Old tools look for it.
    pub(super) deleted: &'static str,
    pub(super) foreign: &'static str,
    /// What to do in the browser, one after the other.
    pub(super) steps: [&'static str; 3],
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}
