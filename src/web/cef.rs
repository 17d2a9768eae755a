//! What a machine that watches over many servers is told, in the words of the original
//! (`[cef]`, spec/config.md, 3; ArcSight's Common Event Format).

use std::borrow::Cow;
use std::net::IpAddr;

use super::error::Event;
use crate::message::Request;

/// The target of such lines in the log, which go where `[cef]` says and nowhere else.
pub const TARGET: &str = "weaved::cef";

/// How much of what a client says of itself is shown, in characters: the original's lines have
/// 1024 at most, and who it was comes last.
const MAX_TEXT: usize = 160;

/// The header of every line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cef {
    /// The format's version.
    pub version: String,
    /// Who made the device.
    pub vendor: String,
    /// What it is.
    pub product: String,
    /// Its version.
    pub device_version: String,
}

impl Cef {
    pub(super) fn write(&self, event: Event, request: &Request, client: Option<IpAddr>) {
        log::error!(target: TARGET, "{}", self.line(event, request, client));
    }

    fn line(&self, event: Event, request: &Request, client: Option<IpAddr>) -> String {
        let header = |text| escaped(text, &['|', '\\']);
        let value = |text: &str| {
            let shown: String = text.chars().take(MAX_TEXT).collect();
            escaped(&shown, &['=', '\\']).into_owned()
        };
        let text = |name| value(request.headers.text(name).unwrap_or("none"));
        let mut path = String::new();
        for segment in request.path.iter().flat_map(|path| &path.segments) {
            path.push('/');
            path.push_str(&String::from_utf8_lossy(segment));
        }
        let user = user_of(request);
        format!(
            "CEF:{}|{}|{}|{}|{}|{}|{}|cs1Label=requestClientApplication cs1={} requestMethod={} \
             request={} src={} dest={} suser={}",
            header(&self.version),
            header(&self.vendor),
            header(&self.product),
            header(&self.device_version),
            event.signature,
            header(event.name),
            event.severity,
            text("user-agent"),
            value(&request.method),
            value(if path.is_empty() { "/" } else { &path }),
            client.map_or_else(|| "none".to_owned(), |client| client.to_string()),
            text("host"),
            value(user.unwrap_or("none")),
        )
    }
}

/// The name in the path of a call.
fn user_of(request: &Request) -> Option<&str> {
    let segments = &request.path.as_ref()?.segments;
    let name = match segments.first()?.as_slice() {
        b"user" => segments.get(2)?,
        b"1.0" | b"1.1" | b"1" => segments.get(1)?,
        _ => return None,
    };
    std::str::from_utf8(name).ok()
}

/// A text in which nothing ends a field or the line.
fn escaped<'a>(text: &'a str, special: &[char]) -> Cow<'a, str> {
    if !text.contains(|c: char| c.is_control() || special.contains(&c)) {
        return Cow::Borrowed(text);
    }
    let mut made = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            made.push('\\');
        }
        made.push(if c.is_control() { ' ' } else { c });
    }
    Cow::Owned(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Path;

    #[test]
    fn a_long_line_still_says_who_it_was() {
        let cef = Cef {
            version: "0".to_owned(),
            vendor: "mozilla".to_owned(),
            product: "weave".to_owned(),
            device_version: "1.3".to_owned(),
        };
        let path = Path {
            segments: vec![b"=".repeat(5000)],
            ..Path::default()
        };
        let mut request = Request {
            path: Some(path),
            ..Request::default()
        };
        request.headers.add("user-agent", &b"=".repeat(5000));
        let event = Event {
            signature: "AuthFail",
            name: "Authentication Failed",
            severity: 5,
        };
        let line = cef.line(event, &request, Some(IpAddr::from([192, 0, 2, 1])));
        assert!(
            line.ends_with(" src=192.0.2.1 dest=none suser=none"),
            "{line}"
        );
        assert!(line.len() < 1024, "{}", line.len());
    }

    #[test]
    fn nothing_ends_a_field_but_its_end() {
        let cef = Cef {
            version: "0".to_owned(),
            vendor: "moz|illa".to_owned(),
            product: "weave".to_owned(),
            device_version: "1.3".to_owned(),
        };
        let segments = ["user", "1.0", "joe", "x=|\\\n"];
        let path = Path {
            segments: segments.map(|text| text.as_bytes().to_vec()).to_vec(),
            ..Path::default()
        };
        let request = Request {
            method: "GET".to_owned(),
            path: Some(path),
            ..Request::default()
        };
        let event = Event {
            signature: "AuthFail",
            name: "Authentication Failed",
            severity: 5,
        };
        assert_eq!(
            cef.line(event, &request, Some(IpAddr::from([192, 0, 2, 1]))),
            "CEF:0|moz\\|illa|weave|1.3|AuthFail|Authentication Failed|5|\
             cs1Label=requestClientApplication cs1=none requestMethod=GET \
             request=/user/1.0/joe/x\\=|\\\\  src=192.0.2.1 dest=none suser=joe"
        );
    }
}
