//! A little life with an account: find the node, log in, write a record, read it, delete it.
//!
//! One record of a collection of its own, `weaved_doctor`; nothing else is touched.

use std::time::UNIX_EPOCH;

use data_encoding::BASE64;
use serde_json::Value;
use serde_json::json;

use super::Walk;
use super::client::Reply;
use super::client::Trouble;
use super::shown;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::remedies;

const STEP: &str = "account";

/// What is stored: text that a careless hand on the way would change.
const PAYLOAD: &str = "{\"ciphertext\":\"doctor é \u{1f98a}\\n\"}";

/// Lives, when there is an account and a server that deserves its password.
pub(super) fn live(walk: &mut Walk<'_>) {
    let Some((name, password)) = &walk.options.account else {
        return walk.skip(
            STEP,
            "not tried: say --user NAME to store and delete one record",
        );
    };
    if !walk.is_trusted {
        let why = "not tried: no password goes to a server whose certificate is not trusted";
        return walk.skip(STEP, why);
    }
    let life = Life {
        name,
        authorization: authorization(name, password),
        id: record_id(walk),
    };
    let written = match life.begin(walk) {
        Ok(()) => life.write(walk),
        Err(ended) => Err(ended),
    };
    let ended = written.and_then(|()| {
        let read = life.read(walk);
        // Whatever was read, nothing is left behind.
        let deleted = life.delete(walk);
        read.and(deleted)
    });
    match ended {
        Ok(()) => walk.ok(
            STEP,
            format!("{name}: a record was stored, read and deleted"),
        ),
        Err(Ended { seen, remedy }) => walk.fail(STEP, seen, remedy),
    }
}

struct Life<'a> {
    name: &'a UserName,
    authorization: String,
    id: String,
}

/// Why a life ended early.
struct Ended {
    seen: String,
    remedy: String,
}

impl Ended {
    fn new(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            seen: seen.into(),
            remedy: remedy.into(),
        }
    }

    fn status(what: &str, reply: &Reply) -> Self {
        let seen = format!("{what}: {} {}", reply.status, shown(&reply.text()));
        Self::new(seen, "look into weaved's log, which has a line for it")
    }
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        let remedy = "look into the logs of the web server and of weaved";
        Self::new(trouble.to_string(), remedy)
    }
}

impl Life<'_> {
    fn send(
        &self,
        walk: &Walk<'_>,
        method: &str,
        tail: &str,
        body: Option<&[u8]>,
    ) -> Result<Reply, Trouble> {
        let url = walk.url.join(&format!("1.1/{}/{tail}", self.name));
        let fields = [
            ("Authorization", self.authorization.as_str()),
            ("Accept", "application/newlines"),
        ];
        walk.client.send(method, &url, &fields, body)
    }

    /// The node and the login.
    fn begin(&self, walk: &Walk<'_>) -> Result<(), Ended> {
        let user = walk.url.join(&format!("user/1.0/{}", self.name));
        let known = walk.client.get(&user)?;
        if known.body != b"1" {
            let seen = format!("there is no account {}", self.name);
            return Err(Ended::new(
                seen,
                "give the address or name it was made with",
            ));
        }
        let node = walk.client.get(&format!("{user}/node/weave"))?;
        if node.body != walk.url.as_str().as_bytes() {
            let seen = format!("its node is {}", shown(&node.text()));
            let remedy = format!("set public_url = {} in [global]", walk.url);
            return Err(Ended::new(seen, remedy));
        }
        let info = self.send(walk, "GET", "info/collections", None)?;
        match info.status {
            200 => Ok(()),
            401 => Err(Ended::new(
                "the login is refused (401)",
                "give the right password; `weaved user passwd` sets another",
            )),
            _ => Err(Ended::status("the login fails", &info)),
        }
    }

    fn path(&self) -> String {
        format!("storage/weaved_doctor/{}", self.id)
    }

    fn write(&self, walk: &Walk<'_>) -> Result<(), Ended> {
        let body = json!({"id": self.id, "payload": PAYLOAD, "ttl": 3600}).to_string();
        let written = self.send(walk, "PUT", &self.path(), Some(body.as_bytes()))?;
        if written.status != 200 {
            return Err(Ended::status("a record cannot be stored", &written));
        }
        if written.field("x-weave-timestamp") != Some(written.text().as_str()) {
            let remedy = walk.remedy(remedies::Trouble::Headers);
            return Err(Ended::new(
                "the time of a write is changed on its way",
                remedy,
            ));
        }
        Ok(())
    }

    fn read(&self, walk: &Walk<'_>) -> Result<(), Ended> {
        let listed = format!("storage/weaved_doctor?full=1&ids={}", self.id);
        let read = self.send(walk, "GET", &listed, None)?;
        if read.status != 200 {
            return Err(Ended::status("a record cannot be read", &read));
        }
        let remedy = walk.remedy(remedies::Trouble::Headers);
        let kind = read.field("content-type").unwrap_or_default();
        if !kind.starts_with("application/newlines") {
            let seen = "collections change their Content-Type on their way";
            return Err(Ended::new(seen, remedy));
        }
        let record: Value = serde_json::from_slice(&read.body).unwrap_or_default();
        let payload = record.get("payload").and_then(Value::as_str);
        if payload != Some(PAYLOAD) || !read.body.ends_with(b"\n") {
            let seen = "a record comes back changed";
            return Err(Ended::new(seen, "let nothing rewrite bodies on their way"));
        }
        Ok(())
    }

    fn delete(&self, walk: &Walk<'_>) -> Result<(), Ended> {
        let deleted = self.send(walk, "DELETE", &self.path(), None)?;
        if deleted.status == 200 {
            return Ok(());
        }
        Err(Ended::status("a record cannot be deleted", &deleted))
    }
}

fn authorization(name: &UserName, password: &Password) -> String {
    let mut credentials = format!("{name}:").into_bytes();
    credentials.extend_from_slice(password.as_bytes());
    format!("Basic {}", BASE64.encode(&credentials))
}

/// An id that nobody else writes.
fn record_id(walk: &Walk<'_>) -> String {
    let since = (walk.options.now)().duration_since(UNIX_EPOCH);
    format!("doctor-{:x}", since.unwrap_or_default().as_nanos())
}
