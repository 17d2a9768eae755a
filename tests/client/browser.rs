//! One device: its keys, its records, and the requests it makes.

use std::collections::BTreeMap;

use data_encoding::BASE64URL;
use serde_json::Value;
use serde_json::json;

use super::crypto::Keys;
use super::crypto::SyncKey;
use super::crypto::random;
use crate::suite::Reply;
use crate::suite::Time;
use crate::suite::User;

/// Whose habits a device has (spec/clients.md, marks D and A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Android,
    Desktop,
}

/// The records of one engine in the clear, by id.
pub(crate) type Records = BTreeMap<String, Value>;

/// A browser that syncs.
pub(crate) struct Browser<'a> {
    pub(crate) user: User<'a>,
    pub(crate) style: Style,
    pub(crate) guid: String,
    pub(crate) sync_key: SyncKey,
    pub(crate) keys: Keys,
    /// The time of the last sync of each engine, as the server said it.
    pub(crate) last: BTreeMap<String, Time>,
    pub(crate) store: BTreeMap<String, Records>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(user: &User<'a>, style: Style, sync_key: SyncKey) -> Self {
        Self {
            user: user.clone(),
            style,
            guid: guid(),
            sync_key,
            keys: Keys::fresh(),
            last: BTreeMap::new(),
            store: BTreeMap::new(),
        }
    }

    /// A storage request with the headers of this kind of browser.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Reply {
        self.ask_with(method, path, body, &[])
    }

    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut call = self.user.storage(method, path);
        let usual: &[(&str, &str)] = match self.style {
            Style::Android => &[("User-Agent", "Firefox AndroidSync 1.28.0.0 (Firefox)")],
            Style::Desktop => &[
                (
                    "User-Agent",
                    "PaleMoon/33.0.0 FxSync/1.54.0.20240101000000.desktop",
                ),
                ("Accept-Language", "en-US,en;q=0.5"),
                ("Accept-Encoding", "gzip, deflate"),
                ("Pragma", "no-cache"),
                ("Cache-Control", "no-cache"),
            ],
        };
        for (name, value) in usual {
            call = call.header(name, value);
        }
        let accepts = headers.iter().any(|(name, _)| *name == "Accept");
        if self.style == Style::Desktop && !accepts {
            let all = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
            call = call.header("Accept", all);
        }
        if self.style == Style::Android && method == "DELETE" {
            call = call.header("x-confirm-delete", "1");
        }
        for (name, value) in headers {
            call = call.header(name, value);
        }
        if let Some(body) = body {
            let kind = match self.style {
                Style::Android => "application/json",
                Style::Desktop => "text/plain",
            };
            call = call.header("Content-Type", kind).body(body);
        }
        call.send()
    }

    /// `info/collections`: numbers, and nothing but numbers.
    pub(crate) fn info(&self) -> BTreeMap<String, Time> {
        let path = match self.style {
            Style::Android => "info/collections/",
            Style::Desktop => "info/collections?v=1.54.0",
        };
        let reply = self.ask("GET", path, None);
        let info = reply.ok().json();
        let time = |(name, value): (&String, &Value)| {
            let time = Time::from_json(value);
            let time = time.unwrap_or_else(|| reply.fail("numbers"));
            // The same digits as everywhere else.
            reply.contains(&time.to_string());
            (name.clone(), time)
        };
        info.as_object()
            .unwrap_or_else(|| reply.fail("an object"))
            .iter()
            .map(time)
            .collect()
    }

    pub(crate) fn put(&self, path: &str, id: &str, payload: &str) -> Time {
        let body = json!({"payload": payload, "id": id}).to_string();
        self.ask("PUT", &format!("storage/{path}"), Some(&body))
            .written()
    }

    /// Encrypts records and sends them in batches; remembers them as its own.
    pub(crate) fn upload(&mut self, engine: &str, records: Records) {
        let batch = match self.style {
            Style::Android => 50,
            Style::Desktop => 100,
        };
        let sealed: Vec<(String, String)> = records
            .iter()
            .map(|(id, clear)| (id.clone(), self.wbo(engine, id, clear)))
            .collect();
        for part in sealed.chunks(batch) {
            let texts: Vec<&str> = part.iter().map(|(_, text)| text.as_str()).collect();
            let body = match self.style {
                Style::Android => format!("[\n{}\n]\n", texts.join(",\n")),
                Style::Desktop => format!("[{}]", texts.join(",")),
            };
            let reply = self.ask("POST", &format!("storage/{engine}"), Some(&body));
            let ids: Vec<&str> = part.iter().map(|(id, _)| id.as_str()).collect();
            let time = reply.batch(&ids, json!({}));
            self.last.insert(engine.to_owned(), time);
        }
        let own = self.store.entry(engine.to_owned()).or_default();
        for (id, clear) in records {
            keep(own, id, clear);
        }
    }

    /// The record as it goes over the wire.
    pub(crate) fn wbo(&self, engine: &str, id: &str, clear: &Value) -> String {
        let mut wbo = json!({"id": id, "payload": self.keys.seal(&clear.to_string())});
        let index = clear["index"].as_i64();
        if let Some(index) = index {
            wbo["sortindex"] = index.into();
        }
        let ttl = match engine {
            "clients" => Some(1_814_400),
            "forms" | "history" => Some(5_184_000),
            // Later Gecko trees; more than the original allowed.
            "tabs" => Some(31_622_400),
            _ => None,
        };
        if let Some(ttl) = ttl {
            wbo["ttl"] = ttl.into();
        }
        wbo.to_string()
    }

    /// What is new of an engine; the ids that came.
    pub(crate) fn download(&mut self, engine: &str) -> Vec<String> {
        let query = self.query(engine);
        self.fetch(engine, &query)
    }

    /// The query of a download since the last sync, in the client's own spelling.
    fn query(&self, engine: &str) -> String {
        let last = self.last.get(engine);
        match self.style {
            Style::Android => {
                let newer = last.map_or("0.000".to_owned(), |time| time.moved(0));
                let limit = if engine == "history" {
                    "&limit=250&sort=index"
                } else {
                    ""
                };
                format!("full=1&newer={newer}{limit}")
            }
            Style::Desktop => {
                let newer = last.map(|time| {
                    let digits = time.to_string();
                    let digits = digits.trim_end_matches('0').trim_end_matches('.');
                    format!("newer={digits}&")
                });
                let more = match engine {
                    "bookmarks" => "&sort=index",
                    "history" => "&limit=5000",
                    _ => "",
                };
                format!("{}full=1{more}", newer.unwrap_or_default())
            }
        }
    }

    /// Downloads, decrypts and applies records.
    pub(crate) fn fetch(&mut self, engine: &str, query: &str) -> Vec<String> {
        let path = format!("storage/{engine}?{query}");
        let reply = self.ask_with("GET", &path, None, &[("Accept", "application/newlines")]);
        reply.ok().need(
            reply.kind() == "application/newlines",
            "application/newlines",
        );
        // The desktop's parser: what stands before a newline is a record. What is left is lost.
        let mut rest = reply.text();
        let mut ids = Vec::new();
        let mut newest = self.last.get(engine).copied();
        while let Some(end) = rest.find('\n').filter(|end| *end > 0) {
            let wbo: Value = serde_json::from_str(&rest[..end])
                .unwrap_or_else(|error| reply.fail(&format!("a record a line ({error})")));
            rest.drain(..=end);
            let text = |name: &str| wbo[name].as_str().unwrap_or_else(|| reply.fail(name));
            let time = Time::from_json(&wbo["modified"]).unwrap_or_else(|| reply.fail("a time"));
            let index = &wbo["sortindex"];
            reply.need(
                index.is_null() || index.is_i64(),
                "a whole sortindex or none",
            );
            let clear = self.keys.open(text("payload"));
            let clear = clear.unwrap_or_else(|error| reply.fail(&format!("its record: {error}")));
            let clear: Value = serde_json::from_str(&clear).unwrap();
            let id = text("id").to_owned();
            reply.need(clear["id"] == id.as_str(), "the id of the clear text");
            newest = newest.max(Some(time));
            keep(
                self.store.entry(engine.to_owned()).or_default(),
                id.clone(),
                clear,
            );
            ids.push(id);
        }
        reply.need(rest.is_empty(), "a newline after the last record");
        reply.header("X-Weave-Records", &ids.len().to_string());
        // The desktop goes on from the newest record, Android from the time of the answer.
        let next = match self.style {
            Style::Android => Some(reply.time()),
            Style::Desktop => newest,
        };
        if let Some(next) = next {
            self.last.insert(engine.to_owned(), next);
        }
        ids
    }

    /// Whether both devices hold the same records.
    #[track_caller]
    pub(crate) fn agrees_with(&self, other: &Self, engine: &str) {
        assert_eq!(self.store.get(engine), other.store.get(engine), "{engine}");
    }
}

fn keep(records: &mut Records, id: String, clear: Value) {
    if clear["deleted"] == true {
        records.remove(&id);
    } else {
        records.insert(id, clear);
    }
}

/// An id as browsers make them.
pub(crate) fn guid() -> String {
    BASE64URL.encode(&random::<9>())
}
