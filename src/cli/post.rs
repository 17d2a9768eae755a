//! Who takes mails, as configured.

use std::sync::Arc;

use super::Failure;
use super::failure::CONFIG;
use crate::config;
#[cfg(feature = "mail")]
use crate::mail::MailError;
use crate::mail::Post;
#[cfg(feature = "mail")]
use crate::mail::Sendmail;
#[cfg(feature = "mail")]
use crate::mail::Smtp;
#[cfg(feature = "mail")]
use crate::mail::SmtpSettings;
#[cfg(feature = "mail")]
use crate::mail::SmtpTls;

/// The mail server or the command; nobody where no sender is configured.
pub(super) fn post(smtp: &config::Smtp) -> Result<Option<Arc<dyn Post>>, Failure> {
    let Some(sender) = &smtp.sender else {
        return Ok(None);
    };
    new(smtp, sender).map(Some)
}

#[cfg(feature = "mail")]
fn new(smtp: &config::Smtp, sender: &str) -> Result<Arc<dyn Post>, Failure> {
    let wrong = |error: MailError| {
        let key = match error {
            MailError::Address(_) => "sender",
            MailError::Certificates { .. } => "ca",
            _ => "host",
        };
        Failure::new(CONFIG, format!("[smtp] {key}: {error}"))
    };
    if let Some((program, arguments)) = smtp.sendmail.split_first() {
        let sendmail = Sendmail::new(sender, program, arguments, smtp.timeout).map_err(wrong)?;
        return Ok(Arc::new(sendmail));
    }
    let password = smtp.password.as_ref().map(config::Secret::expose);
    let settings = SmtpSettings {
        sender: sender.to_owned(),
        host: smtp.host.clone(),
        port: smtp.port,
        tls: match (smtp.tls, smtp.starttls) {
            (true, _) => SmtpTls::On,
            (false, true) => SmtpTls::StartTls,
            (false, false) => SmtpTls::Off,
        },
        ca: smtp.ca.clone(),
        login: smtp.user.clone().zip(password.map(str::to_owned)),
        timeout: smtp.timeout,
    };
    Ok(Arc::new(Smtp::new(&settings).map_err(wrong)?))
}

#[cfg(not(feature = "mail"))]
fn new(_smtp: &config::Smtp, _sender: &str) -> Result<Arc<dyn Post>, Failure> {
    let text = "[smtp] sender: this program was built without mails (cargo feature `mail`)";
    Err(Failure::new(CONFIG, text))
}
