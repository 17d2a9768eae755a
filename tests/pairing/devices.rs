//! Two devices pair through two servers at one database, as browsers do (spec/clients.md, 3).

use std::thread;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::crypto::Keys;
use crate::crypto::random;
use crate::jpake::Party;
use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::HttpResponse;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::Way;
use crate::suite::on_every_database;

on_every_database! {
    two_devices_pair
    a_wrong_pin_is_noticed
}

/// What a browser sends so that the other one can tell that both have the same keys.
const CHECK: &str = "0123456789ABCDEF";

/// How long a device waits between polls; browsers wait a second.
const PAUSE: Duration = Duration::from_millis(5);

/// A browser's patience, in polls.
const POLLS: usize = 2000;

/// One device at one server.
struct Device<'a> {
    site: &'a Site,
    id: String,
    channel: String,
    role: (&'static str, &'static str),
    party: Party,
    own_tag: Option<String>,
    their_tag: Option<String>,
}

impl<'a> Device<'a> {
    /// The new device: gets a channel, and shows a PIN, which ends in it.
    fn receiver(site: &'a Site) -> (Self, String) {
        let secret = "b3d5f7h9";
        let mut device = Self::new(site, ("receiver", "sender"), secret);
        let reply = device.send("GET", "new_channel", None, &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        device.channel = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(device.channel.len(), 4);
        assert_eq!(
            reply.header("X-KeyExchange-Channel"),
            Some(device.channel.as_str())
        );
        // Nobody types so fast that this message is not there.
        device.put(1, &device.party.one());
        let pin = format!("{secret}{}", device.channel);
        (device, pin)
    }

    /// The device where the PIN is typed.
    fn sender(site: &'a Site, pin: &str) -> Self {
        let mut device = Self::new(site, ("sender", "receiver"), &pin[..8]);
        device.channel = pin[8..].to_owned();
        device
    }

    fn new(site: &'a Site, role: (&'static str, &'static str), secret: &str) -> Self {
        Self {
            site,
            id: data_encoding::HEXLOWER.encode(&random::<128>()),
            channel: String::new(),
            role,
            party: Party::new(role.0, role.1, secret),
            own_tag: None,
            their_tag: None,
        }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        fields: &[(&str, &str)],
    ) -> HttpResponse {
        let mut request = HttpRequest::new(method, &format!("/jpake/{path}"));
        request = request.header("X-KeyExchange-Id", &self.id);
        for (name, value) in fields {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        self.site.transport().send(&request)
    }

    fn put(&mut self, number: u8, payload: &Value) {
        let kind = format!("{}{number}", self.role.0);
        let message = json!({"type": kind, "version": 3, "payload": payload});
        let condition = match &self.their_tag {
            Some(tag) => ("If-Match", tag.as_str()),
            None => ("If-None-Match", "*"),
        };
        let reply = self.send("PUT", &self.channel, Some(&message), &[condition]);
        assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
        self.own_tag = Some(reply.header("ETag").unwrap().to_owned());
    }

    /// Polls until the other's message is there; the status where there will be none.
    fn get(&mut self, number: u8) -> Result<Value, u16> {
        for _ in 0..POLLS {
            let fields: Vec<_> = self
                .own_tag
                .iter()
                .map(|tag| ("If-None-Match", tag.as_str()))
                .collect();
            let reply = self.send("GET", &self.channel, None, &fields);
            match reply.status {
                304 => thread::sleep(PAUSE),
                200 => {
                    self.their_tag = Some(reply.header("ETag").unwrap().to_owned());
                    let message: Value = serde_json::from_slice(&reply.body).unwrap();
                    assert_eq!(message["type"], format!("{}{number}", self.role.1));
                    assert_eq!(message["version"], 3);
                    return Ok(message["payload"].clone());
                }
                status => return Err(status),
            }
        }
        panic!("{}: message {number} did not come", self.role.0);
    }

    /// Receives what the other sends, or the status by which it learns that the other gave up.
    fn receives(mut self) -> Result<Value, u16> {
        let one = self.get(1)?;
        let two = self.party.two(&one).unwrap();
        self.put(2, &two);
        let two = self.get(2)?;
        let keys = self.party.keys(&two).unwrap();
        self.put(3, &sealed(&keys, CHECK, random()));
        let payload = self.get(3)?;
        let clear = keys.open(&payload.to_string()).unwrap();
        Ok(serde_json::from_str(&clear).unwrap())
    }

    /// Sends this, unless the keys are different.
    fn sends(mut self, credentials: &Value) -> Result<(), &'static str> {
        let one = self.get(1).unwrap();
        self.put(1, &self.party.one());
        let second = self.party.two(&one).unwrap();
        let two = self.get(2).unwrap();
        self.put(2, &second);
        let keys = self.party.keys(&two).unwrap();
        let check = self.get(3).unwrap();
        let iv = data_encoding::BASE64.decode(check["IV"].as_str().unwrap().as_bytes());
        let expected = sealed(&keys, CHECK, iv.unwrap().try_into().unwrap());
        if expected["ciphertext"] != check["ciphertext"] {
            let fields = [
                ("X-KeyExchange-Cid", self.channel.as_str()),
                ("X-KeyExchange-Log", "jpake.error.keymismatch"),
            ];
            let reply = self.send("POST", "report", None, &fields);
            assert_eq!(reply.status, 200, "{}", reply.text());
            return Err("the keys are different");
        }
        self.put(3, &sealed(&keys, &credentials.to_string(), random()));
        Ok(())
    }
}

fn sealed(keys: &Keys, clear: &str, iv: [u8; 16]) -> Value {
    serde_json::from_str(&keys.seal_with(clear, iv)).unwrap()
}

/// Two machines at one database, with different ways to them.
fn two_servers(kind: Kind) -> (Site, Site) {
    let home = Home::on(kind);
    let ground = home.ground().uri();
    let one = Site::in_home(home.clone(), Way::Http, |options| options);
    let other = Site::in_home(home.elsewhere(), Way::FastCgi, |options| {
        options.database(ground)
    });
    (one, other)
}

fn two_devices_pair(kind: Kind) {
    let (one, other) = two_servers(kind);
    let credentials = json!({
        "account": "a@example.com", "password": "pässwörd", "synckey": "abcde",
        "serverURL": "https://www.example.net/yourpath/",
    });
    let (receiver, pin) = Device::receiver(&one);
    let (received, sent) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receiver.receives());
        let sent = Device::sender(&other, &pin).sends(&credentials);
        (receiver.join().unwrap(), sent)
    });
    assert_eq!(sent, Ok(()));
    assert_eq!(received, Ok(credentials));
    for site in [&one, &other] {
        let log = site.log().text();
        // What went well is nothing to tell anybody.
        assert!(!log.contains("jpake") && !log.contains("pairing"), "{log}");
    }
}

fn a_wrong_pin_is_noticed(kind: Kind) {
    let (one, other) = two_servers(kind);
    let (receiver, pin) = Device::receiver(&one);
    let wrong = pin.replacen('b', "c", 1);
    let (received, sent) = thread::scope(|scope| {
        let receiver = scope.spawn(|| receiver.receives());
        let sent = Device::sender(&other, &wrong).sends(&json!({}));
        (receiver.join().unwrap(), sent)
    });
    assert_eq!(sent, Err("the keys are different"));
    assert_eq!(received, Err(404));
    let log = other.log();
    let wanted = "a pairing ended: jpake.error.keymismatch";
    let told = log.wait_for(|line| line.contains(wanted).then_some(()));
    assert!(told.is_some(), "{}", log.text());
}

/// An operator may want none.
#[test]
fn without_a_relay_there_is_nothing() {
    let without = |options: Options| options.set("pairing.use", "false");
    let site = Site::in_home(Home::new(), Way::Http, without);
    for path in ["/jpake/", "/jpake/new_channel", "/jpake/a7id"] {
        let request = HttpRequest::new("GET", path).header("X-KeyExchange-Id", &"a".repeat(256));
        assert_eq!(site.transport().send(&request).status, 404, "{path}");
    }
}

/// Who looks for channels of others soon has to wait; two devices beside him pair all the same.
#[test]
fn guessing_channels_is_slow() {
    let few = |options: Options| options.set("global.rate_client", "5/10m");
    let site = Site::in_home(Home::new(), Way::Http, few);
    let guess = |channel: &str| {
        let request = HttpRequest::new("GET", &format!("/jpake/{channel}"));
        let request = request.header("X-KeyExchange-Id", &"a".repeat(256));
        site.transport().send(&request).status
    };
    let (receiver, pin) = Device::receiver(&site);
    let mut sender = Device::sender(&site, &pin);
    let first = sender.get(1).unwrap();
    let statuses: Vec<u16> = ["2222", "2223", "2224", "2225", "2226", "2227", &pin[8..]]
        .into_iter()
        .map(guess)
        .collect();
    assert_eq!(statuses, [404, 404, 404, 404, 404, 503, 503]);
    let log = site.log();
    let told = log.wait_for(|line| {
        line.contains("503 GET /jpake/2227 from 127.0.0.1")
            .then_some(())
    });
    assert!(told.is_some(), "{}", log.text());
    sender.put(1, &sender.party.one());
    assert!(sender.party.two(&first).is_ok());
    let mut receiver = receiver;
    assert!(receiver.get(1).is_ok());
}
