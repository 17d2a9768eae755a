//! The question in the frame of a browser's sign-up wizard, which reads two elements of it
//! (spec/clients.md, 1.3).

use crate::judged::judge_framed;
use crate::story::HOST;
use crate::story::URL;
use crate::suite::Browser;
use crate::suite::Home;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::Wizard;
use crate::suite::sign_up_with;

#[test]
fn the_question_can_be_read_and_answered_in_a_frame() {
    let site = Site::in_home(Home::new(), Way::LighttpdFastCgi, |options| {
        options.set("captcha.use", "true")
    });
    let browser = Browser::start("en", HOST, site.endpoint());
    // A page of another origin.
    let page = format!("<iframe src='{URL}misc/1.0/captcha_html'></iframe>");
    browser.open(&format!("data:text/html,{page}"));
    browser.enter("iframe");
    let user = User::invented(&site);
    let shown = Wizard {
        challenge: browser.property("#recaptcha_challenge_field", "value"),
        question: browser.text("label[for=recaptcha_response_field]"),
    };
    browser.fill("#recaptcha_response_field", &shown.answer());
    let typed = browser.property("#recaptcha_response_field", "value");
    sign_up_with(&user, &shown.challenge, &typed).says(&user.name);
    assert_eq!(browser.complaints(), Vec::<String>::new());

    browser.open(&format!("{URL}misc/1.0/captcha_html"));
    judge_framed(&browser, "question");
}
