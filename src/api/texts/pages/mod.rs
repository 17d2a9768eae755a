//! What the pages say, in one place: a text that is missing in a language does not compile.
//!
//! Some of the original's words stand in every language, because old tools look for them
//! (spec/user-1.0.md, 7).

mod english;
mod german;

use crate::api::Language;

pub(in crate::api) use english::ENGLISH;
pub(in crate::api) use german::GERMAN;

/// The texts in one language.
#[derive(Debug)]
pub(in crate::api) struct Texts {
    /// The language's tag.
    pub(in crate::api) tag: &'static str,
    /// What the list of pages is called, to those who hear it.
    pub(in crate::api) pages: &'static str,
    pub(in crate::api) home: &'static str,
    pub(in crate::api) works_title: &'static str,
    /// The doctor looks for the English one.
    pub(in crate::api) works: &'static str,
    pub(in crate::api) url_is: &'static str,
    pub(in crate::api) url_is_this: &'static str,
    pub(in crate::api) takes_nobody: &'static str,
    /// Goes before the URL by which the page was opened.
    pub(in crate::api) opened_as: &'static str,
    /// Goes after it.
    pub(in crate::api) opened_otherwise: &'static str,
    pub(in crate::api) others: &'static str,
    /// The browser's words.
    pub(in crate::api) pair: &'static str,
    pub(in crate::api) pair_what: &'static str,
    pub(in crate::api) your_account: &'static str,
    pub(in crate::api) account: &'static str,
    pub(in crate::api) account_what: &'static str,
    pub(in crate::api) with_invitation: &'static str,
    pub(in crate::api) sign_up: &'static str,
    pub(in crate::api) sign_up_what: &'static str,
    pub(in crate::api) make_account: &'static str,
    pub(in crate::api) account_made: &'static str,
    pub(in crate::api) sign_up_closed: &'static str,
    /// Asks for an invitation.
    pub(in crate::api) invitation: &'static str,
    pub(in crate::api) or_invitation: &'static str,
    pub(in crate::api) taken: &'static str,
    pub(in crate::api) bad_email: &'static str,
    pub(in crate::api) bad_answer: &'static str,
    pub(in crate::api) name: &'static str,
    /// What the browser calls itself.
    pub(in crate::api) user_name: &'static str,
    pub(in crate::api) email: &'static str,
    pub(in crate::api) password: &'static str,
    pub(in crate::api) password_again: &'static str,
    pub(in crate::api) password_rule: &'static str,
    pub(in crate::api) current_password: &'static str,
    pub(in crate::api) new_password: &'static str,
    /// Old tools look for "at least 8".
    pub(in crate::api) weak: &'static str,
    /// Old tools look for "do not match".
    pub(in crate::api) differ: &'static str,
    pub(in crate::api) forgotten: &'static str,
    pub(in crate::api) reset_what: &'static str,
    pub(in crate::api) recovery_key: &'static str,
    pub(in crate::api) send_mail: &'static str,
    /// Old tools look for "next 6 hours".
    pub(in crate::api) mail_sent: &'static str,
    /// Old tools look for it.
    pub(in crate::api) no_name: &'static str,
    /// Old tools look for it.
    pub(in crate::api) no_password: &'static str,
    /// Old tools look for it.
    pub(in crate::api) wrong_key: &'static str,
    pub(in crate::api) set_password: &'static str,
    /// Old tools look for it.
    pub(in crate::api) password_changed: &'static str,
    pub(in crate::api) sign_in: &'static str,
    pub(in crate::api) sign_in_what: &'static str,
    pub(in crate::api) sign_out: &'static str,
    pub(in crate::api) signed_out: &'static str,
    pub(in crate::api) expired: &'static str,
    /// Old tools look for it.
    pub(in crate::api) bad_credentials: &'static str,
    /// Old tools look for it.
    pub(in crate::api) missing_data: &'static str,
    pub(in crate::api) too_often: &'static str,
    pub(in crate::api) data: &'static str,
    pub(in crate::api) data_what: &'static str,
    pub(in crate::api) no_data: &'static str,
    pub(in crate::api) collection: &'static str,
    pub(in crate::api) records: &'static str,
    pub(in crate::api) size: &'static str,
    pub(in crate::api) changed: &'static str,
    pub(in crate::api) download: &'static str,
    pub(in crate::api) wipe: &'static str,
    pub(in crate::api) wipe_what: &'static str,
    pub(in crate::api) everything: &'static str,
    pub(in crate::api) sure: &'static str,
    pub(in crate::api) wiped: &'static str,
    pub(in crate::api) change: &'static str,
    pub(in crate::api) change_password: &'static str,
    pub(in crate::api) change_email: &'static str,
    pub(in crate::api) change_email_what: &'static str,
    pub(in crate::api) email_changed: &'static str,
    pub(in crate::api) read_only: &'static str,
    pub(in crate::api) not_here: &'static str,
    pub(in crate::api) delete: &'static str,
    pub(in crate::api) delete_what: &'static str,
    /// Old tools look for it.
    pub(in crate::api) deleted: &'static str,
    pub(in crate::api) foreign: &'static str,
    /// What to do in the browser, one after the other.
    pub(in crate::api) steps: [&'static str; 3],
}

impl Texts {
    pub(in crate::api) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}
