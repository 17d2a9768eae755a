//! The ways by which mails leave.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::reset::site;
use crate::suite::Home;
use crate::suite::Mail;
use crate::suite::SmtpSink;
use crate::suite::Wants;

const LOGIN: Wants = Wants {
    login: Some(("mailer", "mail-secret")),
    nothing: false,
    refuses: None,
};

#[test]
fn a_server_that_wants_tls_and_a_login_gets_them() {
    let sink = SmtpSink::start(LOGIN);
    let certificate = sink.certificate();
    let site = site(Home::new(), &sink, |options| {
        let options = options
            .set("smtp.starttls", "true")
            .set("smtp.ca", certificate);
        options
            .set("smtp.user", "mailer")
            .set("smtp.password", "mail-secret")
    });
    let user = site.user();
    user.nobody()
        .user("GET", "/password_reset")
        .send()
        .says("success");
    assert_eq!(sink.mail(0).to, user.email);
    assert_eq!(site.log().count("mail-secret"), 0);
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let sink = SmtpSink::start(LOGIN);
    let site = site(Home::new(), &sink, |options| {
        let options = options.set("smtp.starttls", "true");
        options
            .set("smtp.user", "mailer")
            .set("smtp.password", "mail-secret")
    });
    let user = site.user();
    user.nobody().user("GET", "/password_reset").send().is(503);
    let trouble = |line: &str| line.contains("invalid peer certificate").then_some(());
    site.log().wait_for(trouble).unwrap();
    assert_eq!(sink.count(), 0);
}

#[test]
fn a_command_takes_mails_as_well() {
    let home = Home::new();
    let script = home.path().join("sendmail");
    let taken = home.path().join("taken");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" > {0}.args\ncat > {0}.part && mv {0}.part {0}\n",
        taken.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let sink = SmtpSink::start(Wants::default());
    let command = format!("/bin/sh {} -x", script.display());
    let site = site(home, &sink, |options| options.set("smtp.sendmail", command));
    let user = site.user();
    user.nobody()
        .user("GET", "/password_reset")
        .send()
        .says("success");
    let mail = fs::read_to_string(&taken).unwrap().replace("\r\n", "\n");
    let mail = Mail::read("", &user.email, &mail);
    assert!(mail.link().contains(&user.name));
    let arguments = fs::read_to_string(format!("{}.args", taken.display())).unwrap();
    assert_eq!(
        arguments,
        format!("-x -i -f sync@example.org -- {}\n", user.email)
    );
    assert_eq!(sink.count(), 0);
    // It fails: so does the call, and the log says why.
    fs::write(&script, "#!/bin/sh\necho 'no room left' >&2\nexit 75\n").unwrap();
    user.nobody().user("GET", "/password_reset").send().is(503);
    let why = |line: &str| line.contains("has failed: no room left").then_some(());
    site.log().wait_for(why).unwrap();
}

#[test]
fn a_command_that_hangs_is_ended() {
    let home = Home::new();
    let script = home.path().join("sendmail");
    fs::write(&script, "cat > /dev/null\nexec sleep 600\n").unwrap();
    let sink = SmtpSink::start(Wants::default());
    let command = format!("/bin/sh {}", script.display());
    let site = site(home, &sink, |options| {
        options
            .set("smtp.sendmail", command)
            .set("smtp.timeout", "1")
    });
    let user = site.user();
    for _ in 0..2 {
        user.nobody().user("GET", "/password_reset").send().is(503);
    }
    site.log().wait_for_count("it has not ended within 1 s", 2);
}
