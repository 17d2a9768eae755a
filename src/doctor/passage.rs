//! What web servers do to requests and answers on their way.
//!
//! Each step sends what clients send and compares what arrived, as weaved's page tells it.

use std::time::UNIX_EPOCH;

use super::Walk;
use super::arrival::ECHO;
use super::arrival::Echo;
use super::client::Reply;
use super::client::Trouble;
use super::shown;
use crate::remedies;

/// A body that every web server must let through, in bytes: some limits are at 128 KiB and 1 MiB.
const USUAL_BODY: u64 = 1_500_000;

/// The longest query that clients send: a hundred ids of 64 characters.
const LONG_QUERY: usize = 7_000;

/// Credentials that belong to nobody.
const CREDENTIALS: &str = "Basic d2VhdmVkOmRvY3Rvcg==";

/// How much the clocks may differ, in seconds, before conflicts are decided wrongly.
const CLOCKS: u64 = 60;

/// Walks through everything; `arrived` is the answer to a plain request.
pub(super) fn pass(walk: &mut Walk<'_>, arrived: &(Reply, Echo)) {
    let (reply, echo) = arrived;
    probe(walk);
    node(walk, echo);
    scheme(walk, echo);
    answer_fields(walk, reply);
    clock(walk, reply);
    request_fields(walk);
    door(walk);
    query(walk);
    encoding(walk);
    methods(walk);
    bodies(walk);
    error_pages(walk);
}

/// What a browser asks of a URL before it takes it for a server.
fn probe(walk: &mut Walk<'_>) {
    let step = "sign-up";
    match walk.client.get(&walk.url.join("user/1.0/a")) {
        Ok(reply) if matches!(reply.body.as_slice(), b"0" | b"1") => {
            walk.ok(step, "browsers will take the URL for a server");
        }
        Ok(reply) if reply.is_ours() => {
            let remedy = match reply.status {
                503 => "look into weaved's log: the database cannot be used",
                _ => "look into weaved's log; `serves` in [app:main] may leave the user API out",
            };
            let text = shown(&reply.text());
            let seen = format!(
                "browsers will call the URL invalid: {} {text}",
                reply.status
            );
            walk.fail(step, seen, remedy);
        }
        Ok(reply) => {
            let seen = format!(
                "below user/ something else answers ({}), so browsers will call the URL invalid",
                reply.status
            );
            let remedy = walk.remedy(remedies::Trouble::Prefix);
            walk.fail(step, seen, remedy);
        }
        Err(trouble) => broken(walk, step, &trouble),
    }
}

/// Where clients are sent for their records.
fn node(walk: &mut Walk<'_>, echo: &Echo) {
    let (step, url) = ("node", walk.url.as_str());
    let set =
        format!("set public_url = {url} in [global] of sync.conf, and no other fallback_node");
    match &echo.node {
        Some(node) if node == url => walk.ok(step, format!("clients are sent to {node}")),
        Some(node) => {
            let differs = walk.url.differs(node);
            let node = shown(node);
            let why = if echo.is_configured {
                "as public_url or fallback_node says"
            } else {
                "as the web server has passed it on"
            };
            let seen = format!("clients are sent to {node}, {why}: {differs}");
            if differs == "only the spelling differs" {
                walk.warn(step, seen, set);
            } else {
                walk.fail(step, seen, set);
            }
        }
        None if echo.is_configured => {
            walk.fail(step, "clients are told that there is no node", set);
        }
        None => walk.fail(step, "the web server passes no host on", set),
    }
}

/// Whether weaved knows that TLS was spoken.
fn scheme(walk: &mut Walk<'_>, echo: &Echo) {
    let called = if walk.url.is_https { "https" } else { "http" };
    if echo.scheme == called {
        return walk.ok(
            "scheme",
            format!("weaved knows that the client came by {called}"),
        );
    }
    let seen = format!(
        "weaved believes that the client came by {}",
        shown(&echo.scheme)
    );
    let remedy = walk.remedy(remedies::Trouble::Https);
    walk.warn("scheme", seen, remedy);
}

/// What is left of the head of an answer.
fn answer_fields(walk: &mut Walk<'_>, reply: &Reply) {
    let step = "answers";
    let lost: Vec<&str> = ["X-Weave-Timestamp", "X-Weave-Records", "Content-Type"]
        .into_iter()
        .filter(|name| reply.field(name).is_none())
        .collect();
    let is_json = reply
        .field("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    let remedy = walk.remedy(remedies::Trouble::Headers);
    if !lost.is_empty() {
        let seen = format!("answers lose {} on their way", lost.join(" and "));
        walk.fail(step, seen, remedy);
    } else if !is_json {
        walk.fail(
            step,
            "answers change their Content-Type on their way",
            remedy,
        );
    } else {
        walk.ok(step, "answers keep X-Weave-Timestamp and their type");
    }
}

/// Whether the clocks agree: conflicts are decided by age.
fn clock(walk: &mut Walk<'_>, reply: &Reply) {
    let theirs = reply
        .field("x-weave-timestamp")
        .and_then(|text| text.split('.').next()?.parse::<u64>().ok());
    let Some(theirs) = theirs else {
        return;
    };
    let since = (walk.options.now)().duration_since(UNIX_EPOCH);
    let ours = since.unwrap_or_default().as_secs();
    let (apart, word) = (
        ours.abs_diff(theirs),
        if theirs < ours { "behind" } else { "ahead" },
    );
    if apart > CLOCKS {
        walk.warn(
            "clock",
            format!("the server's clock is {apart} seconds {word} of this machine's"),
            "let both machines take their time from the network (NTP)",
        );
    } else {
        walk.ok("clock", "the clocks agree");
    }
}

/// Which fields of a request arrive.
fn request_fields(walk: &mut Walk<'_>) {
    let sent = [
        ("Authorization", CREDENTIALS),
        ("X-If-Unmodified-Since", "1300000000.00"),
        ("X-Confirm-Delete", "1"),
        ("Accept", "application/newlines"),
    ];
    let url = walk.url.join(ECHO);
    let echo = match walk.client.send("GET", &url, &sent, None) {
        Ok(reply) => Echo::read(&reply).ok_or(reply),
        Err(trouble) => return broken(walk, "login", &trouble),
    };
    let echo = match echo {
        Ok(echo) => echo,
        Err(reply) => {
            let seen = format!(
                "a request with credentials does not reach weaved ({})",
                reply.status
            );
            let remedy = walk.remedy(remedies::Trouble::OwnLogin);
            return walk.fail("login", seen, remedy);
        }
    };
    let has = |name: &str| {
        echo.fields
            .iter()
            .any(|field| field.eq_ignore_ascii_case(name))
    };
    if has("Authorization") {
        walk.ok("login", "the header Authorization arrives");
    } else {
        let remedy = walk.remedy(remedies::Trouble::Authorization);
        walk.fail(
            "login",
            "the header Authorization does not arrive, so every login fails (401)",
            remedy,
        );
    }
    let lost: Vec<&str> = sent
        .iter()
        .skip(1)
        .map(|(name, _)| *name)
        .filter(|name| !has(name))
        .collect();
    if lost.is_empty() {
        walk.ok("requests", "the other header fields of clients arrive");
    } else {
        let seen = format!("{} of requests does not arrive", lost.join(" and "));
        let remedy = "let the web server pass all header fields of requests on";
        walk.fail("requests", seen, remedy);
    }
}

/// Who refuses a request for records without credentials.
fn door(walk: &mut Walk<'_>) {
    let step = "refusals";
    let url = walk.url.join("1.1/weaved-doctor/info/collections");
    match walk.client.get(&url) {
        Ok(reply) if reply.status == 401 && reply.is_ours() => {
            walk.ok(step, "weaved itself asks for credentials");
        }
        Ok(reply) if reply.status == 401 => {
            let remedy = walk.remedy(remedies::Trouble::OwnLogin);
            let seen = "the web server asks for a password of its own below 1.1/ (401)";
            walk.fail(step, seen, remedy);
        }
        Ok(reply) => {
            let remedy = if reply.is_ours() {
                "look into weaved's log; `serves` in [app:main] may leave the storage API out"
            } else {
                walk.remedy(remedies::Trouble::Prefix)
            };
            let seen = format!("below 1.1/ the answer is {} instead of 401", reply.status);
            walk.fail(step, seen, remedy);
        }
        Err(trouble) => broken(walk, step, &trouble),
    }
}

/// What follows the `?`, also when it is long.
fn query(walk: &mut Walk<'_>) {
    let step = "query";
    let short = "newer=1300000000.12&full=1&ids=a,b%7Bc%7D";
    let long = format!("full=1&ids={}", "x".repeat(LONG_QUERY));
    for query in [short, &long] {
        let url = walk.url.join(&format!("{ECHO}?{query}"));
        let is_long = query.len() > short.len();
        match walk.client.get(&url) {
            Err(trouble) => return broken(walk, step, &trouble),
            Ok(reply) => match Echo::read(&reply) {
                Some(echo) if echo.query == query => {}
                Some(_) => {
                    let remedy = walk.remedy(remedies::Trouble::Query);
                    return walk.fail(step, "what follows the ? is lost or changed", remedy);
                }
                None if is_long => {
                    let seen = format!("a URL of 7 KB is refused ({})", reply.status);
                    let remedy = walk.remedy(remedies::Trouble::LongUrl);
                    return walk.fail(step, seen, remedy);
                }
                None => {
                    let seen = format!("a URL with a query is refused ({})", reply.status);
                    let remedy = walk.remedy(remedies::Trouble::Query);
                    return walk.fail(step, seen, remedy);
                }
            },
        }
    }
    walk.ok(step, "queries arrive, also of 7 KB");
}

/// Characters that clients encode in paths.
fn encoding(walk: &mut Walk<'_>) {
    // What is written, what must arrive, and whether clients of today need it.
    let cases: [(&str, &[&str], bool); 2] = [
        ("%7Ba%20b%7D/%C3%A9~%25", &["{a b}", "é~%"], true),
        ("a%2Fb", &["a/b"], false),
    ];
    let mut is_fine = true;
    for (written, wanted, needed) in cases {
        let url = walk.url.join(&format!("{ECHO}/{written}"));
        let seen = match walk.client.get(&url) {
            Err(trouble) => return broken(walk, "encoding", &trouble),
            Ok(reply) => match Echo::read(&reply) {
                Some(echo) if echo.segments == wanted => continue,
                Some(echo) => format!(
                    "{written} in a path arrives as {}",
                    shown(&echo.segments.join("/"))
                ),
                None => format!("{written} in a path is refused ({})", reply.status),
            },
        };
        is_fine = false;
        let remedy = walk.remedy(remedies::Trouble::Encoding);
        if needed {
            walk.fail("encoding", seen, remedy);
        } else {
            walk.warn("encoding", seen, remedy);
        }
    }
    if is_fine {
        walk.ok("encoding", "encoded characters arrive, %2F and UTF-8 too");
    }
}

fn methods(walk: &mut Walk<'_>) {
    let step = "methods";
    let url = walk.url.join(ECHO);
    for method in ["PUT", "POST", "DELETE"] {
        let body = (method != "DELETE").then_some(&b"[]"[..]);
        let fields = [("Content-Type", "text/plain")];
        match walk.client.send(method, &url, &fields, body) {
            Err(trouble) => return broken(walk, step, &trouble),
            Ok(reply) if Echo::read(&reply).is_some_and(|echo| echo.method == method) => {}
            Ok(reply) => {
                let seen = format!("{method} does not arrive ({})", reply.status);
                let remedy = walk.remedy(remedies::Trouble::Methods);
                return walk.fail(step, seen, remedy);
            }
        }
    }
    walk.ok(step, "PUT, POST and DELETE arrive");
}

/// Bodies of the size that clients send, and of the size that is configured.
fn bodies(walk: &mut Walk<'_>) {
    if body(walk, USUAL_BODY)
        && let Some(size) = walk.options.max_body.filter(|size| *size > USUAL_BODY)
    {
        body(walk, size);
    }
}

fn body(walk: &mut Walk<'_>, size: u64) -> bool {
    let step = "bodies";
    let shown_size = format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10);
    let bytes = vec![b'x'; usize::try_from(size).unwrap_or(usize::MAX)];
    let url = walk.url.join(ECHO);
    let fields = [("Content-Type", "text/plain")];
    let limit = walk.remedy(remedies::Trouble::Body);
    let answer = walk.client.send("POST", &url, &fields, Some(&bytes));
    let (seen, remedy) = match answer {
        Ok(reply) => match Echo::read(&reply) {
            Some(echo) if echo.body == size => {
                walk.ok(step, format!("a body of {shown_size} arrives"));
                return true;
            }
            Some(echo) => (
                format!("of a body of {shown_size} only {} bytes arrive", echo.body),
                limit,
            ),
            None if reply.is_ours() && reply.status == 413 => (
                format!("weaved itself refuses a body of {shown_size} (413)"),
                "raise max_body in [global] of sync.conf",
            ),
            None if reply.is_ours() && reply.status == 400 => (
                format!("a body of {shown_size} is cut on its way (400)"),
                limit,
            ),
            None if reply.is_ours() => (
                format!("weaved answers {} to a body of {shown_size}", reply.status),
                "look into weaved's log; body_memory in [global] may be used up",
            ),
            None => (
                format!(
                    "the web server refuses a body of {shown_size} ({})",
                    reply.status
                ),
                limit,
            ),
        },
        Err(Trouble::Broken(_)) => (
            format!("the web server breaks the connection at a body of {shown_size}"),
            limit,
        ),
        Err(Trouble::TimedOut) => {
            let seen = format!(
                "a body of {shown_size} takes more than {} seconds",
                walk.options.timeout.as_secs()
            );
            let remedy = "if the line is slow give more with --timeout; else look into the logs";
            walk.warn(step, seen, remedy);
            return false;
        }
        Err(trouble) => {
            broken(walk, step, &trouble);
            return false;
        }
    };
    walk.fail(step, seen, remedy);
    false
}

/// Whether errors are answered in our words: clients stumble over pages of many lines.
fn error_pages(walk: &mut Walk<'_>) {
    let step = "errors";
    let url = walk.url.join("misc/1.0/no-such-page");
    match walk.client.get(&url) {
        Ok(reply) if reply.status == 404 && reply.is_ours() && !reply.body.contains(&b'\n') => {
            walk.ok(step, "errors are told in weaved's words");
        }
        Ok(reply) => {
            let seen = format!(
                "the web server puts a page of its own in the place of an error ({}): clients \
                 cannot read it",
                reply.status
            );
            let remedy = walk.remedy(remedies::Trouble::ErrorPages);
            walk.fail(step, seen, remedy);
        }
        Err(trouble) => broken(walk, step, &trouble),
    }
}

/// There was no answer to something that differs little from what was answered before.
fn broken(walk: &mut Walk<'_>, step: &'static str, trouble: &Trouble) {
    let remedy = "look into the logs of the web server and of weaved";
    walk.fail(step, trouble.to_string(), remedy);
}
