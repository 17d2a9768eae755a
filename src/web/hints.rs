//! What an operator should change, told when requests show it.
//!
//! In: requests and how they ended. Out: lines in the log that name what was seen and what to
//! write where. Each kind is told at once and then at growing intervals, so that nothing fills
//! the log; nothing grows in memory. A hint never changes an answer.
//! Spec: spec/users.md, 1 to 7; spec/gateway.md, 1 and 4.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use super::log_line;
use crate::api::Difference;
use crate::api::Node;
use crate::api::Origin;
use crate::message::Path;
use crate::message::Request;
use crate::remedies::Trouble;
use crate::remedies::remedy;

/// How long a kind of hint is silent after its first line; twice as long after each further one.
const SILENCE: Duration = Duration::from_secs(600);

/// The longest silence.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Calls of the storage without credentials after which somebody is told: some clients ask once
/// without (spec/users.md, 7).
const WITHOUT: u32 = 2;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Whether any request ever came with credentials.
    has_credentials: AtomicBool,
    /// Calls of the storage without credentials, as long as none came with some.
    without: AtomicU32,
    authorization: Rare,
    node: Rare,
    prefix: Rare,
}

impl Hints {
    /// Looks at every request for the header that web servers like to keep.
    pub(super) fn see(&self, request: &Request) {
        if !self.has_credentials.load(Ordering::Relaxed)
            && request.headers.get("authorization").is_some()
        {
            self.has_credentials.store(true, Ordering::Relaxed);
        }
    }

    /// Notes a call of the storage that came without credentials.
    pub(super) fn no_credentials(&self, request: &Request) {
        if self.has_credentials.load(Ordering::Relaxed) {
            return;
        }
        let count = self.without.fetch_add(1, Ordering::Relaxed);
        if count.saturating_add(1) >= WITHOUT && self.authorization.is_due(Instant::now()) {
            log::warn!(
                "no request has had an Authorization header so far, so nobody can log in: {}",
                remedy(Trouble::Authorization, request.web_server)
            );
        }
    }

    /// Notes where a client was told to go, and from where it asked.
    pub(super) fn node(&self, node: &Node, origin: Origin<'_>) {
        let Node::Url(url) = node else {
            return;
        };
        let Some(difference) = origin.differs(url) else {
            return;
        };
        if !self.node.is_due(Instant::now()) {
            return;
        }
        let called = origin.url();
        let called = called.as_deref().unwrap_or("a URL without a host");
        match difference {
            Difference::Host | Difference::Path | Difference::Port | Difference::Scheme => {
                log::warn!(
                    "a client that came by {called} was sent to {url}, as public_url or \
                     fallback_node says: set it to the URL that people type into their browsers"
                );
            }
            Difference::PathOrCut => log::warn!(
                "a client that came by {called} was sent to {url}, as public_url or fallback_node \
                 says: right only if the web server cuts that path off"
            ),
            Difference::SchemeOrUntold => log::info!(
                "a client that came by {called} was sent to {url}, as public_url or fallback_node \
                 says: right only if TLS ends at a proxy that is not in trusted_proxies"
            ),
        }
    }

    /// Notes a request that leads nowhere.
    pub(super) fn nowhere(&self, request: &Request) {
        let (mount, below) = match (&request.path, &request.outside) {
            (Some(path), _) => match call_within(path) {
                Some(below) => (path.prefix.as_str(), below),
                None => return,
            },
            (None, Some(path)) if call_at(path, 0) => ("another path", path.prefix.clone()),
            _ => return,
        };
        if !self.prefix.is_due(Instant::now()) {
            return;
        }
        let mount = if mount.is_empty() { "/" } else { mount };
        log::warn!(
            "a client asks below {}, but weaved is mounted at {mount}: set mount in \
             [server:main] to the path that browsers use, or {}",
            log_line::shown(&below),
            remedy(Trouble::Prefix, request.web_server)
        );
    }
}

/// The path below which a call of a client is found that does not begin where it should.
fn call_within(path: &Path) -> Option<String> {
    let at = (1..path.segments.len().min(8)).find(|&at| call_at(path, at))?;
    let mut below = path.prefix.clone();
    for segment in path.segments.iter().take(at) {
        below.push('/');
        below.push_str(&String::from_utf8_lossy(segment));
    }
    Some(below)
}

/// Whether the segments from `at` on are what only a client of Sync asks for.
fn call_at(path: &Path, at: usize) -> bool {
    let segments = path.segments.get(at..).unwrap_or_default();
    let mut words = segments.iter().map(Vec::as_slice);
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let third = words.next().unwrap_or_default();
    match first {
        b"user" => matches!(second, b"1.0" | b"1") && !third.is_empty(),
        b"1.0" | b"1.1" | b"1" => matches!(third, b"info" | b"storage"),
        _ => false,
    }
}

/// A line that is written at once, and then ever more rarely.
#[derive(Debug, Default)]
struct Rare(Mutex<Option<Silence>>);

#[derive(Clone, Copy, Debug)]
struct Silence {
    until: Instant,
    length: Duration,
}

impl Rare {
    /// Whether the line is to be written now; then it is taken as written.
    fn is_due(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = match *state {
            Some(silence) if now < silence.until => return false,
            Some(silence) => silence.length.saturating_mul(2).min(LONGEST),
            None => SILENCE,
        };
        *state = Some(Silence {
            until: now + length,
            length,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_comes_ever_more_rarely() {
        let (rare, start) = (Rare::default(), Instant::now());
        let minutes: Vec<u32> = (0..10_000)
            .filter(|minute| rare.is_due(start + Duration::from_secs(60) * *minute))
            .collect();
        assert_eq!(
            minutes,
            [
                0, 10, 30, 70, 150, 310, 630, 1270, 2550, 3990, 5430, 6870, 8310, 9750
            ]
        );
    }

    fn path(prefix: &str, text: &str) -> Path {
        Path {
            prefix: prefix.to_owned(),
            segments: text
                .split('/')
                .map(|part| part.as_bytes().to_vec())
                .collect(),
            trailing_slash: false,
        }
    }

    #[test]
    fn calls_of_clients_are_known_where_they_do_not_belong() {
        for (text, below) in [
            ("yourpath/user/1.0/alice", Some("/p/yourpath")),
            ("a/b/1.1/alice/info/collections", Some("/p/a/b")),
            ("index.php/1.1/alice/storage", Some("/p/index.php")),
            ("1.1/alice/info/nosuch", None),
            ("wp-login.php", None),
            ("user/1.0", None),
            ("user/1.0/alice/nosuch", None),
        ] {
            assert_eq!(call_within(&path("/p", text)).as_deref(), below, "{text}");
        }
    }
}
