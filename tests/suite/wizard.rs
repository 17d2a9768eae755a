//! The page of a browser's sign-up on which somebody proves that he is none of the robots.

use serde_json::json;

use super::reply::Reply;
use super::site::Site;
use super::user::User;

/// What the page in the frame holds.
pub(crate) struct Wizard {
    pub(crate) challenge: String,
    /// The words beside the field.
    pub(crate) question: String,
}

impl Wizard {
    /// Shows the page, as the browser does, and looks for the elements that it reads.
    #[track_caller]
    pub(crate) fn shown(site: &Site) -> Self {
        let call = site.stranger().call("GET", "/misc/1.0/captcha_html");
        let page = call.header("Accept-Language", "en-US,en;q=0.5").send();
        page.ok().need(page.kind() == "text/html", "text/html");
        let policy = page.maybe("Content-Security-Policy").unwrap_or_default();
        page.need(policy.contains("default-src 'none'"), "a policy");
        // It stands in a frame.
        page.need(!policy.contains("frame-ancestors"), "may be framed");
        page.need(page.maybe("X-Frame-Options").is_none(), "may be framed");
        let text = page.text();
        page.need(!text.contains("<script"), "no scripts");
        let element = |id: &str| {
            let mut tags = text.split('<');
            let tag = tags.find(|tag| tag.contains(&format!("id=\"{id}\"")));
            tag.unwrap_or_else(|| page.fail(id)).to_owned()
        };
        element("recaptcha_response_field");
        let challenge = element("recaptcha_challenge_field");
        Self {
            challenge: between(&challenge, "value=\"", "\"").to_owned(),
            question: between(&text, "<label for=\"recaptcha_response_field\">", "<").to_owned(),
        }
    }

    /// The answer of somebody who can read and count.
    #[track_caller]
    pub(crate) fn answer(&self) -> String {
        let sum = between(&self.question, "How much is ", "?");
        let answer = match sum.split_once(" plus ") {
            Some((a, b)) => number(a) + number(b),
            None => sum
                .split_once(" minus ")
                .map(|(a, b)| number(a) - number(b))
                .unwrap(),
        };
        answer.to_string()
    }
}

/// Signs up with what was entered on the page.
#[track_caller]
pub(crate) fn sign_up_with(user: &User<'_>, challenge: &str, response: &str) -> Reply {
    let form = json!({
        "email": user.email, "password": user.password,
        "captcha-challenge": challenge, "captcha-response": response,
    });
    user.nobody().user("PUT", "").body(form.to_string()).send()
}

fn number(words: &str) -> u32 {
    const WORDS: [&str; 28] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
    ];
    words
        .split('-')
        .map(
            |word| match WORDS.iter().position(|w| *w == word).unwrap() {
                small @ ..20 => u32::try_from(small).unwrap(),
                tens => u32::try_from(tens - 18).unwrap() * 10,
            },
        )
        .sum()
}

#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split_once(end));
    found.unwrap_or_else(|| panic!("no {start}: {text}")).0
}
