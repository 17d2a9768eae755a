//! Logging in and the first sync of an account (spec/clients.md, 1.6).

use serde_json::Value;
use serde_json::json;

use super::browser::Browser;
use super::browser::Records;
use super::browser::guid;
use super::crypto::Keys;
use crate::suite::Reply;

/// The engines in the order of their priority, with their versions.
pub(crate) const ENGINES: [(&str, u32); 6] = [
    ("prefs", 2),
    ("passwords", 1),
    ("tabs", 1),
    ("bookmarks", 2),
    ("forms", 1),
    ("history", 1),
];

impl Browser<'_> {
    /// Steps 1 to 7: a fresh server is wiped, and gets `meta/global` and `crypto/keys`.
    pub(crate) fn start_fresh(&mut self) {
        assert!(self.info().is_empty());
        self.ask("GET", "storage/meta/global", None).is(404);
        let confirmed = [("X-Confirm-Delete", "1")];
        self.ask_with("DELETE", "storage", None, &confirmed)
            .written();
        self.put("meta/global", "global", &self.meta(&[]).to_string());
        self.keys = Keys::fresh();
        let clear = json!({
            "default": self.keys.pair(), "collections": {}, "collection": "crypto", "id": "keys",
        });
        let payload = self
            .sync_key
            .bundle(&self.user.name)
            .seal(&clear.to_string());
        let time = self.put("crypto/keys", "keys", &payload);
        assert!(self.info()["crypto"] >= time);
        let back = self.ask("GET", "storage/crypto/keys", None);
        back.answers(json!({"id": "keys", "payload": payload, "modified": time.json()}));
    }

    /// Steps 8 to 11: everything goes up.
    pub(crate) fn upload_everything(&mut self, data: Vec<(&'static str, Records)>) {
        self.info();
        self.replace("clients", Records::from([self.client()]));
        for (engine, records) in data {
            self.replace(engine, records);
        }
        let info = self.info();
        for (engine, time) in &self.last {
            assert_eq!(info.get(engine), Some(time), "{engine}");
        }
        self.put("meta/global", "global", &self.meta(&ENGINES).to_string());
    }

    /// Steps 1 to 7 of a device that comes second.
    pub(crate) fn join(&mut self) {
        let info = self.info();
        assert!(info.contains_key("meta") && info.contains_key("crypto"));
        let meta = self.payload(&self.ask("GET", "storage/meta/global", None));
        let meta: Value = serde_json::from_str(&meta).unwrap();
        assert_eq!(meta["storageVersion"], 5);
        self.ask("GET", "storage/meta/global", None).ok();
        let payload = self.payload(&self.ask("GET", "storage/crypto/keys", None));
        let clear = self
            .sync_key
            .bundle(&self.user.name)
            .open(&payload)
            .unwrap();
        let clear: Value = serde_json::from_str(&clear).unwrap();
        self.keys = Keys::from_pair(&clear["default"]).unwrap();
    }

    /// The device's own record.
    pub(crate) fn client(&self) -> (String, Value) {
        let id = self.guid.clone();
        let clear = json!({
            "id": id, "name": "a device", "type": "desktop", "commands": [],
            "version": "33.0", "protocols": ["1.1"],
        });
        (id, clear)
    }

    /// What an engine does whose version `meta/global` does not name.
    fn replace(&mut self, engine: &str, records: Records) {
        self.ask("DELETE", &format!("storage/{engine}"), None)
            .written();
        self.upload(engine, records);
    }

    fn meta(&self, engines: &[(&str, u32)]) -> Value {
        let engine = |(name, version): &(&str, u32)| {
            (
                (*name).to_owned(),
                json!({"version": version, "syncID": guid()}),
            )
        };
        let engines: serde_json::Map<String, Value> = engines.iter().map(engine).collect();
        json!({"syncID": guid(), "storageVersion": 5, "engines": engines, "declined": []})
    }

    fn payload(&self, reply: &Reply) -> String {
        let text = reply.ok().json()["payload"].as_str().map(str::to_owned);
        text.unwrap_or_else(|| reply.fail("a payload"))
    }
}
