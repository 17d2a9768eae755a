//! The relay, through which devices pair (spec/clients.md, 3); it has no rows in the tables.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::rows;
use crate::suite::Call;
use crate::suite::Reply;

/// A device that calls itself so.
struct Device<'a> {
    site: &'a Site,
    id: String,
}

impl<'a> Device<'a> {
    fn new(site: &'a Site, name: &str) -> Self {
        let half = HEXLOWER.encode(&Sha256::digest(name.as_bytes()));
        let id = half.repeat(4);
        Self { site, id }
    }

    fn call(&self, method: &str, path: &str) -> Call<'a> {
        let call = self.site.stranger().call(method, &format!("/jpake/{path}"));
        call.header("X-KeyExchange-Id", &self.id)
    }

    #[track_caller]
    fn get(&self, channel: &str) -> Reply {
        self.call("GET", channel).send()
    }

    #[track_caller]
    fn poll(&self, channel: &str, tag: &str) -> Reply {
        self.call("GET", channel)
            .header("If-None-Match", tag)
            .send()
    }

    #[track_caller]
    fn put(&self, channel: &str, condition: (&str, &str), message: &str) -> Reply {
        let call = self.call("PUT", channel).header(condition.0, condition.1);
        call.body(message).send()
    }

    /// A new channel.
    #[track_caller]
    fn open(&self) -> String {
        let reply = self.get("new_channel");
        let channel = reply.ok().json().as_str().unwrap_or_default().to_owned();
        let plain = |byte: u8| b"23456789abcdefghijkmnpqrstuvwxyz".contains(&byte);
        reply.need(
            channel.len() == 4 && channel.bytes().all(plain),
            "a channel",
        );
        reply.body(&format!("\"{channel}\""));
        reply.header("X-KeyExchange-Channel", &channel);
        channel
    }
}

#[track_caller]
fn tag(reply: &Reply) -> String {
    let tag = reply.maybe("ETag").unwrap_or_default();
    reply.need(
        tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
        "an ETag",
    );
    tag.to_owned()
}

const EMPTY: (&str, &str) = ("If-None-Match", "*");

rows! {
    relay_messages_take_turns(Plain) |site| {
        let (one, two) = (Device::new(site, "one"), Device::new(site, "two"));
        let channel = one.open();
        one.get(&channel).answers(json!({})).need(one.get(&channel).maybe("ETag").is_none(), "no tag");
        let first = r#"{"type":"receiver1","version":3,"payload":{"gx1":"é"}}"#;
        let put = one.put(&channel, EMPTY, first);
        let own = tag(put.ok());
        two.put(&channel, EMPTY, "{}").is(412);
        for _ in 0..3 {
            one.poll(&channel, &own).is(304).body("").header("ETag", &own);
        }
        let got = two.poll(&channel, "\"0123\"");
        got.says(first).header("ETag", &own);
        got.need(got.kind() == "application/json", "application/json");
        two.put(&channel, ("If-Match", "\"0123\""), "{}").is(412);
        let answer = two.put(&channel, ("If-Match", &own), r#"{"type":"sender1"}"#);
        let theirs = tag(answer.ok());
        // The refused message's own tag, which nobody can confuse with that of the one there.
        let late = one.put(&channel, ("If-Match", &own), first);
        late.is(412).header("ETag", &own);
        one.poll(&channel, &own).says(r#"{"type":"sender1"}"#).header("ETag", &theirs);
        one.put(&channel, ("If-Match", "*"), "{}").ok();
        one.call("PUT", &channel).body("unconditional").send().ok();
        two.get(&format!("{channel}/")).says("unconditional");
    }

    relay_ten_messages_are_given_out(Plain) |site| {
        let (one, two) = (Device::new(site, "one"), Device::new(site, "two"));
        let channel = one.open();
        let own = tag(&one.put(&channel, EMPTY, "{}"));
        for _ in 0..10 {
            one.poll(&channel, &own).is(304);
            two.get(&channel).says("{}");
        }
        two.get(&channel).is(404);
        one.poll(&channel, &own).is(404);
        one.put(&channel, ("If-Match", &own), "{}").is(404);
    }

    relay_a_third_device_ends_it(Plain) |site| {
        let (one, two) = (Device::new(site, "one"), Device::new(site, "two"));
        let channel = one.open();
        two.put(&channel, EMPTY, "{}").ok();
        Device::new(site, "three").get(&channel).is(400);
        for device in [&one, &two] {
            device.get(&channel).is(404);
        }
    }

    relay_devices_say_who_they_are(Plain) |site| {
        let one = Device::new(site, "one");
        for id in ["", "a", &"a".repeat(255), &"a".repeat(257), &" a".repeat(128)] {
            let odd = Device { site, id: id.to_owned() };
            odd.get("new_channel").is(400);
            odd.call("POST", "report").body("").send().is(400);
            let channel = one.open();
            odd.get(&channel).is(400);
            one.get(&channel).is(404);
        }
        let nobody = site.stranger();
        nobody.call("GET", "/jpake/new_channel").send().is(400);
        let channel = one.open();
        nobody.call("PUT", &format!("/jpake/{channel}")).body("{}").send().is(400);
        one.get(&channel).is(404);
    }

    relay_reports_and_deletions_end_it(Plain) |site| {
        let (one, two) = (Device::new(site, "one"), Device::new(site, "two"));
        let report = |device: &Device<'_>, channel: &str| {
            let call = device.call("POST", "report").header("X-KeyExchange-Cid", channel);
            call.header("X-KeyExchange-Log", "jpake.error.userabort").body("").send()
        };
        let channel = one.open();
        report(&two, &channel).ok();
        one.get(&channel).ok();
        report(&one, &channel).ok();
        one.get(&channel).is(404);
        report(&one, &channel).ok();
        report(&one, "nonsense").ok();
        one.call("POST", "report").body("").send().ok();
        let channel = one.open();
        one.call("DELETE", &channel).send().ok();
        one.get(&channel).is(404);
        one.call("DELETE", &channel).send().is(404);
    }

    relay_messages_have_a_limit(Plain) |site| {
        let one = Device::new(site, "one");
        let channel = one.open();
        one.put(&channel, EMPTY, &"x".repeat(64 * 1024 + 1)).is(413);
        let longest = "x".repeat(64 * 1024);
        one.put(&channel, EMPTY, &longest).ok();
        one.get(&channel).says(&longest);
    }

    relay_other_methods_and_paths(Plain) |site| {
        let one = Device::new(site, "one");
        let channel = one.open();
        for (method, path, status) in [
            ("POST", "new_channel", 405),
            ("PUT", "new_channel", 405),
            ("GET", "report", 405),
            ("DELETE", "", 405),
            ("POST", channel.as_str(), 404),
            ("GET", "2222/x", 404),
            ("GET", "a1id", 404),
            ("GET", "channel", 404),
        ] {
            let call = one.call(method, path);
            let call = if method == "GET" { call } else { call.body("") };
            call.send().is(status);
        }
        let about = site.stranger().call("GET", "/jpake").send();
        about.ok().contains("services.sync.jpake.serverURL");
    }
}
