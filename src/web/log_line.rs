//! One line of log for a request: who asked for what, and how it ended.
//!
//! Never credentials, payloads, queries or raw paths: a path that leads nowhere is shown with
//! everything unusual escaped, and cut.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::error::Weight;
use crate::message::Request;

/// The target under which every request is logged, when that is asked for.
const ACCESS: &str = "weaved::access";

/// How much of a reason is shown, in characters: parts of it may be a client's.
const MAX_REASON: usize = 2000;

/// How much of a path is shown, in bytes.
const MAX_PATH: usize = 160;

/// A request's number and when it came; what it was is put into words only for a line that is
/// really written.
#[derive(Clone, Copy)]
pub(super) struct LogLine {
    number: u32,
    started: Instant,
}

impl LogLine {
    pub(super) fn begin() -> Self {
        static REQUESTS: AtomicU32 = AtomicU32::new(0);
        Self {
            number: REQUESTS.fetch_add(1, Ordering::Relaxed),
            started: Instant::now(),
        }
    }

    /// What the client may be told, so that somebody can find the line.
    pub(super) fn id(self) -> String {
        format!("{}-{:x}", std::process::id(), self.number)
    }

    /// Writes the line of a refused or failed request.
    ///
    /// The README shows it: fail2ban's filter reads it.
    pub(super) fn refused(
        self,
        request: &Request,
        client: Option<IpAddr>,
        status: u16,
        weight: Weight,
        reason: &str,
    ) {
        let level = match weight {
            Weight::Failed => log::Level::Error,
            Weight::Refused => log::Level::Info,
            Weight::Suspicious => log::Level::Warn,
            Weight::Usual => log::Level::Debug,
        };
        let reason: String = reason.chars().take(MAX_REASON).collect();
        log::log!(
            level,
            "{status} {}: {reason} (id {})",
            described(request, client),
            self.id()
        );
    }

    /// Writes the line that every request gets when that is asked for.
    pub(super) fn access(self, request: &Request, client: Option<IpAddr>, status: u16) {
        let millis = self.started.elapsed().as_millis();
        let (request, id) = (described(request, client), self.id());
        log::info!(target: ACCESS, "{status} {request} {millis} ms (id {id})");
    }
}

/// Method, path and client, in the words of a log: three words without blanks in them, whatever a
/// client has chosen.
fn described(request: &Request, client: Option<IpAddr>) -> String {
    let mut text = String::new();
    let method = request.method.as_bytes();
    push_escaped(
        method.get(..method.len().min(16)).unwrap_or_default(),
        &mut text,
    );
    text.push(' ');
    match &request.path {
        Some(path) => {
            // Found out from the request where no mount is configured, so as long as that.
            for (place, segment) in path.prefix.split('/').enumerate() {
                if place > 0 {
                    text.push('/');
                }
                push_escaped(segment.as_bytes(), &mut text);
                if text.len() > MAX_PATH {
                    text.push_str("...");
                    break;
                }
            }
            if path.segments.is_empty() {
                text.push('/');
            }
            for segment in &path.segments {
                text.push('/');
                push_escaped(segment, &mut text);
                if text.len() > MAX_PATH {
                    text.push_str("...");
                    break;
                }
            }
        }
        None => text.push_str("(outside the mount)"),
    }
    if let Some(client) = client {
        // A string takes everything.
        let _ = write!(text, " from {client}");
    }
    text
}

/// A path that a client chose, as it may stand in a log.
pub(super) fn shown(path: &str) -> String {
    let mut text = String::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        text.push('/');
        push_escaped(segment.as_bytes(), &mut text);
        if text.len() > MAX_PATH {
            text.push_str("...");
            break;
        }
    }
    if text.is_empty() {
        text.push('/');
    }
    text
}

fn push_escaped(bytes: &[u8], out: &mut String) {
    let shown = bytes.get(..bytes.len().min(MAX_PATH)).unwrap_or_default();
    for byte in shown {
        if byte.is_ascii_alphanumeric() || b"._~-".contains(byte) {
            out.push(char::from(*byte));
        } else {
            // A string takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Path;

    #[test]
    fn paths_are_shown_escaped_and_cut() {
        let path = Path {
            prefix: "/y".to_owned(),
            segments: vec![b"a\nb".to_vec(), vec![b'x'; 1000], b"z".to_vec()],
            trailing_slash: false,
        };
        let request = Request {
            method: "GET".to_owned(),
            path: Some(path),
            ..Request::default()
        };
        assert_eq!(
            described(&request, Some(IpAddr::from([127, 0, 0, 1]))),
            format!("GET /y/a%0Ab/{}... from 127.0.0.1", "x".repeat(160))
        );
    }

    #[track_caller]
    fn check_path(prefix: &str, segments: &[&str], expected: &str) {
        let path = Path {
            prefix: prefix.to_owned(),
            segments: segments
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect(),
            trailing_slash: false,
        };
        let request = Request {
            method: "GET".to_owned(),
            path: Some(path),
            ..Request::default()
        };
        assert_eq!(described(&request, None), format!("GET {expected}"));
    }

    #[test]
    fn a_prefix_that_the_client_chose_is_cut() {
        let (long, cut) = (format!("/{}", "a".repeat(60_000)), "a".repeat(160));
        check_path(&long, &["1.1", "alice"], &format!("/{cut}.../1.1..."));
        check_path(
            "/x from 192.0.2.1: credentials: ",
            &["1.1"],
            "/x%20from%20192.0.2.1%3A%20credentials%3A%20/1.1",
        );
    }

    #[test]
    fn the_root_is_shown() {
        check_path("", &[], "/");
        check_path("/y", &[], "/y/");
    }
}
