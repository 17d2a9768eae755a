//! Prefix and path of a request: one algorithm for every web server.
//!
//! In: four CGI variables, as they came, and the mount. Out: the mount prefix and the decoded
//! segments below it, or nothing when the request came from outside the mount. SCRIPT_NAME and
//! PATH_INFO differ from server to server and are decoded already, so that an encoded slash is
//! lost in them; REQUEST_URI is raw everywhere but may be what it was before a rewrite. So the
//! raw one counts wherever it says the same as the others. There are no branches for particular
//! servers here, and there must be none elsewhere. Spec: spec/gateway.md, 4, whose steps are
//! named below.

use std::borrow::Cow;

use super::Mount;
use super::percent;
use crate::message::Path;

/// The variables that say where a request goes; absent ones are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// DOCUMENT_URI, which nginx sends.
    pub document_uri: &'a [u8],
    /// PATH_INFO, decoded by the server.
    pub path_info: &'a [u8],
    /// REQUEST_URI: the raw target of the request line.
    pub request_uri: &'a [u8],
    /// SCRIPT_NAME, decoded by the server.
    pub script_name: &'a [u8],
}

/// Where a request that has no path seems to want to go; absent when it has one.
pub(super) fn outside(path: Option<&Path>, target: &Target<'_>) -> Option<Path> {
    match path {
        Some(_) => None,
        None => resolve(target, &Mount::Automatic),
    }
}

/// Finds prefix and path of a request; absent when it came from outside a fixed mount.
#[must_use]
pub fn resolve(target: &Target<'_>, mount: &Mount) -> Option<Path> {
    let raw = raw_path(target.request_uri);
    let routed = routed_path(target);
    let normal = match raw {
        Some(raw) if is_trusted(raw, &routed, target, mount) => {
            Normal::of(raw.split(|&byte| byte == b'/').map(percent::decode))
        }
        _ => normal(&routed),
    };
    let count = match mount {
        Mount::Fixed(prefix) => normal
            .starts_with(prefix.segments())
            .then(|| prefix.segments().len())?,
        Mount::Automatic => automatic_prefix(&normal.segments, target),
    };
    let mut segments = normal.segments.into_iter();
    let mut prefix = String::new();
    match mount {
        Mount::Fixed(fixed) => {
            prefix.push_str(fixed.text());
            segments.by_ref().take(count).for_each(drop);
        }
        Mount::Automatic => {
            for segment in segments.by_ref().take(count) {
                prefix.push('/');
                percent::encode_segment(&segment, &mut prefix);
            }
        }
    }
    Some(Path {
        prefix,
        segments: segments.map(Cow::into_owned).collect(),
        trailing_slash: normal.slash,
    })
}

/// What follows the first `?` of a request target, without a fragment.
pub(super) fn query(uri: &[u8]) -> &[u8] {
    let mut halves = uri.splitn(2, |&byte| byte == b'?');
    let query = halves.nth(1).unwrap_or_default();
    query.split(|&byte| byte == b'#').next().unwrap_or_default()
}

/// Step 1: the path of a target, raw; none when it does not begin with a slash.
fn raw_path(uri: &[u8]) -> Option<&[u8]> {
    let path = without_authority(uri);
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let path = path.get(..end.unwrap_or(path.len())).unwrap_or_default();
    path.starts_with(b"/").then_some(path)
}

fn without_authority(uri: &[u8]) -> &[u8] {
    let Some(colon) = uri.iter().position(|&byte| byte == b':') else {
        return uri;
    };
    let (scheme, rest) = uri.split_at(colon);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let Some(rest) = rest.strip_prefix(b"://").filter(|_| is_scheme) else {
        return uri;
    };
    match rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
    {
        Some(at) if rest.get(at) == Some(&b'/') => rest.get(at..).unwrap_or_default(),
        _ => b"/",
    }
}

/// Step 2: the path that the server says it routed, decoded.
fn routed_path<'a>(target: &Target<'a>) -> Cow<'a, [u8]> {
    let Target {
        document_uri,
        path_info,
        script_name,
        ..
    } = *target;
    if !path_info.is_empty() {
        if script_name.is_empty() || script_name == b"/" {
            return Cow::Borrowed(path_info);
        }
        return Cow::Owned([script_name, path_info].concat());
    }
    let is_longer = document_uri.len() > script_name.len();
    if is_longer && document_uri.starts_with(script_name) || script_name.is_empty() {
        Cow::Borrowed(document_uri)
    } else {
        Cow::Borrowed(script_name)
    }
}

/// Step 4: whether the raw path says the same as the routed one.
fn is_trusted(raw: &[u8], routed: &[u8], target: &Target<'_>, mount: &Mount) -> bool {
    if routed.is_empty() {
        return true;
    }
    let decoded = percent::decode(raw);
    let but_slashes = percent::decode_but_slashes(raw);
    // Equal paths have equal normal forms; most servers send them equal.
    if *decoded == *routed || *but_slashes == *routed {
        return true;
    }
    let raw_forms = [normal(&decoded), normal(&but_slashes)];
    let routed_form = normal(routed);
    if raw_forms.contains(&routed_form) {
        return true;
    }
    if target.path_info.is_empty() && !target.script_name.is_empty() && !routed_form.slash {
        let is_below = |raw: &Normal<'_>| {
            raw.starts_with(&routed_form.segments)
                && (raw.slash || raw.segments.len() > routed_form.segments.len())
        };
        if raw_forms.iter().any(is_below) {
            return true;
        }
    }
    let Mount::Fixed(prefix) = mount else {
        return false;
    };
    // The server may have cut the prefix off.
    let mut whole = Vec::new();
    for segment in prefix.segments() {
        whole.push(b'/');
        whole.extend_from_slice(segment);
    }
    whole.extend_from_slice(routed);
    raw_forms.contains(&normal(&whole))
}

/// Step 6, automatic: how many segments precede the first one where an API begins.
fn automatic_prefix(segments: &[Cow<'_, [u8]>], target: &Target<'_>) -> usize {
    let begins_api = |at: usize| {
        let next = segments.get(at + 1).map(AsRef::as_ref);
        match segments.get(at).map(AsRef::as_ref) {
            Some(b"1.0" | b"1.1") => true,
            Some(b"user") => matches!(next, Some(b"1.0" | b"1")),
            Some(b"misc") => matches!(next, Some(b"1.0")),
            _ => false,
        }
    };
    if let Some(at) = (0..segments.len()).find(|&at| begins_api(at)) {
        return at;
    }
    if target.path_info.is_empty() {
        return 0;
    }
    let script = normal(target.script_name);
    if segments.starts_with(&script.segments) {
        script.segments.len()
    } else {
        0
    }
}

/// Step 3: a path without empty, `.` and `..` segments.
#[derive(Debug, PartialEq, Eq)]
struct Normal<'a> {
    segments: Vec<Cow<'a, [u8]>>,
    /// Whether the path ends in `/`, or in a `.` or `..` that stands for a directory.
    slash: bool,
}

impl<'a> Normal<'a> {
    fn of(parts: impl Iterator<Item = Cow<'a, [u8]>>) -> Self {
        let mut segments = Vec::with_capacity(8);
        let mut slash = false;
        for part in parts {
            slash = true;
            match part.as_ref() {
                b"" | b"." => {}
                b".." => drop(segments.pop()),
                _ => {
                    segments.push(part);
                    slash = false;
                }
            }
        }
        Self { segments, slash }
    }

    fn starts_with<S: AsRef<[u8]>>(&self, prefix: &[S]) -> bool {
        prefix.len() <= self.segments.len()
            && prefix
                .iter()
                .zip(&self.segments)
                .all(|(mine, theirs)| mine.as_ref() == theirs.as_ref())
    }
}

fn normal(path: &[u8]) -> Normal<'_> {
    if path.is_empty() {
        return Normal {
            segments: Vec::new(),
            slash: false,
        };
    }
    Normal::of(path.split(|&byte| byte == b'/').map(Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments below the prefix, after the prefix and a `|`.
    #[track_caller]
    fn check(target: [&str; 4], mount: Option<&str>, expected: Option<&str>) {
        let [script_name, path_info, document_uri, request_uri] = target.map(str::as_bytes);
        let target = Target {
            document_uri,
            path_info,
            request_uri,
            script_name,
        };
        let mount = mount.map_or(Mount::Automatic, |mount| mount.parse().unwrap());
        let shown = resolve(&target, &mount).map(|path| {
            let segments: Vec<_> = path
                .segments
                .iter()
                .map(|s| String::from_utf8_lossy(s).into_owned())
                .collect();
            let slash = if path.trailing_slash { "/" } else { "" };
            format!("{}|{}{slash}", path.prefix, segments.join(" "))
        });
        assert_eq!(shown.as_deref(), expected, "{target:?} {mount:?}");
    }

    #[test]
    fn an_absolute_url_is_cut_to_its_path() {
        check(["", "", "", "http://h/1.1/a?x"], None, Some("|1.1 a"));
        check(["", "", "", "http://h"], None, Some("|/"));
        check(["", "", "", "http://h?x=/1.1/a"], None, Some("|/"));
        check(["", "", "", "/1.1/http://x"], None, Some("|1.1 http: x"));
    }

    #[test]
    fn a_target_that_is_no_path_leaves_the_routed_one() {
        check(["", "", "", "*"], None, Some("|"));
        check(["/y", "/1.1/a", "", "*"], None, Some("/y|1.1 a"));
        check(["", "", "", ""], Some("/y"), None);
    }

    #[test]
    fn a_prefix_that_is_no_text_is_encoded() {
        check(
            ["", "", "", "/a%20b%2Fc/1.1/x"],
            None,
            Some("/a%20b%2Fc|1.1 x"),
        );
    }

    #[test]
    fn apis_are_found_by_their_first_segments() {
        check(
            ["", "", "", "/user/user/1.0/a"],
            None,
            Some("/user|user 1.0 a"),
        );
        check(["", "", "", "/user/1/a"], None, Some("|user 1 a"));
        check(["", "", "", "/misc/1/a"], None, Some("|misc 1 a"));
        check(["", "", "", "/x/misc/1.0/a"], None, Some("/x|misc 1.0 a"));
    }

    #[test]
    fn a_rewritten_path_counts_as_routed() {
        check(
            ["/yourpath", "/1.1/a/s/a+b~", "", "/old/1.1/a/s/a%2Bb%7E"],
            None,
            Some("/yourpath|1.1 a s a+b~"),
        );
        check(
            ["/yourpath", "/1.1/a/s/a%41", "", "/yourpath/1.1/a/s/a%2541"],
            None,
            Some("/yourpath|1.1 a s a%41"),
        );
    }

    #[test]
    fn a_path_the_server_stripped_is_served_below_the_mount() {
        check(
            ["", "/1.1/alice/x", "", "/yourpath/1.1/alice/x"],
            Some("/yourpath"),
            Some("/yourpath|1.1 alice x"),
        );
        check(
            ["", "/1.1/alice/x", "", "/yourpath/1.1/alice/x"],
            None,
            Some("|1.1 alice x"),
        );
    }

    #[test]
    fn dots_cannot_climb_above_the_root() {
        check(["", "", "", "/../../%2e%2e/1.1/a/.."], None, Some("|1.1/"));
        check(["", "", "", "/yourpath/../1.1/a"], Some("/yourpath"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_variables_make_it_panic_or_climb(
            script_name in "[/.%2Faby1é]{0,12}", path_info in "[/.%2Faby1é]{0,12}",
            document_uri in "[/.%2Faby1é]{0,12}", request_uri in "[/.%2Faby1é?#:h]{0,16}",
        ) {
            let target = Target {
                document_uri: document_uri.as_bytes(), path_info: path_info.as_bytes(),
                request_uri: request_uri.as_bytes(), script_name: script_name.as_bytes(),
            };
            for mount in [Mount::Automatic, "/a".parse().unwrap(), "".parse().unwrap()] {
                if let Some(path) = resolve(&target, &mount) {
                    proptest::prop_assert!(!path.prefix.ends_with('/'));
                    for segment in &path.segments {
                        proptest::prop_assert!(!matches!(segment.as_slice(), b"" | b"." | b".."));
                    }
                }
            }
        }
    }
}
