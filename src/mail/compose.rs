//! A letter as it goes over the wire (RFC 5322): plain text in base64, as the original sent it, so
//! that nobody on the way breaks a line in two.

use lettre::Message;
use lettre::message::Body;
use lettre::message::Mailbox;
use lettre::message::header::ContentTransferEncoding;
use lettre::message::header::ContentType;

use super::Letter;
use super::MailError;

/// The address of a sender or a reader, perhaps with a name.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    text.parse()
        .map_err(|_| MailError::Address(text.to_owned()))
}

/// The whole mail.
pub(super) fn compose(sender: &Mailbox, letter: &Letter<'_>) -> Result<Message, MailError> {
    let text = letter.text.replace('\n', "\r\n");
    let body = Body::new_with_encoding(text, ContentTransferEncoding::Base64);
    let failed = |_| MailError::Address(letter.to.to_owned());
    Message::builder()
        .from(sender.clone())
        .to(mailbox(letter.to)?)
        .subject(letter.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body.unwrap_or_else(|text| {
            // Every text can be written in base64.
            Body::dangerous_pre_encoded(text, ContentTransferEncoding::EightBit)
        }))
        .map_err(failed)
}
