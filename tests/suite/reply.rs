//! An answer with everything that a failed test wants to say about it, and the assertions.
//!
//! What holds for every answer of the program is checked when a [`Reply`] is made, so that each
//! row of each table checks it: X-Weave-Timestamp, one-line errors, WWW-Authenticate on a 401,
//! no newline in what clients compare (spec/decisions.md, 1, 5 and 6).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

use super::log::Log;
use super::message::HttpRequest;
use super::message::HttpResponse;

/// A time of the protocol in centiseconds; on the wire always with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    /// How the time looks inside of parsed JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.to_string()).unwrap()
    }

    /// Reads a time that stands in parsed JSON as a number.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let seconds = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "a time near the present")]
        let centis = (seconds * 100.0).round() as i64;
        Some(Self(centis))
    }

    /// The time as text, moved by thousandths of a second, with three decimals.
    pub(crate) fn moved(self, milliseconds: i64) -> String {
        let all = self.0 * 10 + milliseconds;
        format!("{}.{:03}", all / 1000, all % 1000)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match text.split_once('.') {
            Some((seconds, centis)) if digits(seconds) && digits(centis) && centis.len() == 2 => {
                format!("{seconds}{centis}")
                    .parse()
                    .map(Self)
                    .map_err(|error| format!("{error}"))
            }
            _ => Err(format!("not a number with two decimals: {text:?}")),
        }
    }
}

/// One answer.
#[derive(Clone)]
pub(crate) struct Reply {
    what: String,
    response: HttpResponse,
    log: Arc<Log>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn new(request: &HttpRequest, response: HttpResponse, log: &Arc<Log>) -> Self {
        let body = request.body.as_deref().unwrap_or_default();
        let reply = Self {
            what: format!(
                "{} {}\n{}",
                request.method,
                request.target,
                shortened(&String::from_utf8_lossy(body))
            ),
            response,
            log: Arc::clone(log),
        };
        reply.time();
        if reply.status() >= 400 && !reply.kind().starts_with("text/html") {
            let text = reply.text();
            reply.need(
                !text.contains('\n') && !text.contains('\r'),
                "an error of one line",
            );
        }
        if reply.status() == 401 {
            reply.header("WWW-Authenticate", r#"Basic realm="Sync""#);
        }
        if reply.status() == 503 {
            let after = reply
                .maybe("Retry-After")
                .and_then(|value| value.parse::<u32>().ok());
            reply.need(after.is_some(), "a Retry-After in whole seconds");
        }
        reply
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status
    }

    pub(crate) fn text(&self) -> String {
        self.response.text()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.response.body
    }

    pub(crate) fn maybe(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The content type without its parameters.
    pub(crate) fn kind(&self) -> &str {
        let value = self.maybe("Content-Type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// X-Weave-Timestamp, which every answer has.
    #[track_caller]
    pub(crate) fn time(&self) -> Time {
        match self.maybe("X-Weave-Timestamp").map(str::parse) {
            Some(Ok(time)) => time,
            wrong => self.fail(&format!(
                "an X-Weave-Timestamp with two decimals, got {wrong:?}"
            )),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.response.body) {
            Ok(value) => value,
            Err(error) => self.fail(&format!("JSON ({error})")),
        }
    }

    // Assertions; each returns the reply, so that they can be chained.

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        self.need(self.status() == status, &format!("status {status}"))
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> &Self {
        self.is(200)
    }

    /// 200 and this JSON, whatever the order of keys and the spaces.
    #[track_caller]
    pub(crate) fn answers(&self, wanted: impl Into<Value>) -> &Self {
        let wanted = wanted.into();
        self.ok()
            .need(self.kind() == "application/json", "application/json");
        self.need(self.json() == wanted, &format!("{wanted}"))
    }

    /// 200 and this text, byte for byte.
    #[track_caller]
    pub(crate) fn says(&self, wanted: &str) -> &Self {
        self.ok().body(wanted)
    }

    #[track_caller]
    pub(crate) fn body(&self, wanted: &str) -> &Self {
        self.need(self.text() == wanted, &format!("the body {wanted:?}"))
    }

    #[track_caller]
    pub(crate) fn contains(&self, wanted: &str) -> &Self {
        self.need(
            self.text().contains(wanted),
            &format!("{wanted:?} in the body"),
        )
    }

    /// 400 and this number, alone.
    #[track_caller]
    pub(crate) fn code(&self, number: u8) -> &Self {
        self.is(400).body(&number.to_string());
        self.need(self.kind() == "application/json", "application/json")
    }

    /// A list of these ids, in this order.
    #[track_caller]
    pub(crate) fn lists(&self, ids: &[&str]) -> &Self {
        self.answers(ids.to_vec())
    }

    /// A list of these ids, in any order.
    #[track_caller]
    pub(crate) fn holds(&self, ids: &[&str]) -> &Self {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        let mut got = self.ids();
        got.sort_unstable();
        self.need(got == wanted, &format!("the ids {wanted:?}"))
    }

    /// The ids of a list of ids or of objects.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        self.ok();
        let id = |value: &Value| {
            let id = value.get("id").unwrap_or(value).as_str();
            id.map_or_else(|| self.fail("a list of ids"), str::to_owned)
        };
        match self.json() {
            Value::Array(values) => values.iter().map(id).collect(),
            _ => self.fail("a list"),
        }
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str, wanted: &str) -> &Self {
        self.need(
            self.maybe(name) == Some(wanted),
            &format!("{name}: {wanted}"),
        )
    }

    /// The time of a write: the body is a number with two decimals, the same as the header.
    #[track_caller]
    pub(crate) fn written(&self) -> Time {
        self.ok()
            .need(self.kind() == "application/json", "application/json");
        let time = self.time();
        self.body(&time.to_string());
        time
    }

    /// The time of a batch, in the body and in the header; all went well or not.
    #[track_caller]
    pub(crate) fn batch(&self, success: &[&str], failed: impl Into<Value>) -> Time {
        let mut wanted = serde_json::json!({"success": success, "modified": self.time().json()});
        wanted["failed"] = failed.into();
        self.answers(wanted);
        let spelled = format!("{}", self.time());
        self.contains(&spelled);
        self.time()
    }

    #[track_caller]
    pub(crate) fn need(&self, holds: bool, wanted: &str) -> &Self {
        if !holds {
            self.fail(wanted);
        }
        self
    }

    #[track_caller]
    pub(crate) fn fail(&self, wanted: &str) -> ! {
        panic!("{self}\nwanted {wanted}\nlog ends:\n{}\n", self.log.tail());
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\ngot {}", self.what, self.status())?;
        for (name, value) in &self.response.headers {
            writeln!(f, "    {name}: {value}")?;
        }
        f.write_str(&shortened(&self.text()))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(600) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
