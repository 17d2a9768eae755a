//! Storage, rows 14 to 25 and 35 to 38: one record's life.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::rows;
use crate::suite::Kind;

/// Does something that a ttl of 2 (which lasts between one second and two) must not end before;
/// again, if the machine was too slow.
fn within_a_second<T>(mut work: impl FnMut() -> T) -> T {
    loop {
        let began = Instant::now();
        let result = work();
        if began.elapsed() < Duration::from_millis(900) {
            return result;
        }
    }
}

rows! {
    row_14_a_write_answers_its_time(Plain) |site| {
        site.user().put("storage/c/i", r#"{"payload":"abc"}"#).written();
    }

    row_15_a_record_comes_back_with_exactly_its_fields(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"abc"}"#).written();
        let reply = u.get("storage/c/i");
        reply.answers(json!({"id": "i", "payload": "abc", "modified": t.json()}));
        // Two decimals always: clients compare digits.
        reply.contains(&t.to_string());
    }

    row_16_info_collections_has_the_time_of_the_write(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"abc"}"#).written();
        let reply = u.get("info/collections");
        reply.answers(json!({"c": t.json()})).header("X-Weave-Records", "1");
        reply.contains(&t.to_string());
    }

    row_17_a_missing_record_is_404(Plain) |site| {
        let u = site.user();
        u.get("storage/c/none").is(404);
        u.put("storage/c/i", r#"{"payload":"abc"}"#).written();
        u.get("storage/c/none").is(404);
    }

    row_18_a_missing_collection_is_empty(Plain) |site| {
        let u = site.user();
        u.get("storage/never").answers(json!([])).header("X-Weave-Records", "0");
        u.get("info/collections").answers(json!({}));
        u.get("info/collection_counts").answers(json!({}));
    }

    row_19_absent_fields_keep_their_values(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"a","sortindex":7,"parentid":"p"}"#).written();
        let t = u.put("storage/c/i", r#"{"payload":"b"}"#).written();
        u.get("storage/c/i").answers(json!({
            "id": "i", "payload": "b", "sortindex": 7, "parentid": "p", "modified": t.json(),
        }));
    }

    /// spec/decisions.md, 4: also a write without a payload moves the time.
    row_20_null_is_as_if_absent(Plain) |site| {
        let u = site.user();
        let first = u.put("storage/c/i", r#"{"payload":"a"}"#).written();
        let t = u.put("storage/c/i", r#"{"payload":null,"sortindex":1}"#).written();
        assert!(t > first, "{t} after {first}");
        u.get("storage/c/i").answers(json!({
            "id": "i", "payload": "a", "sortindex": 1, "modified": t.json(),
        }));
    }

    row_21_a_record_without_payload(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/new", r#"{"sortindex":5}"#).written();
        let reply = u.get("storage/c/new");
        reply.answers(json!({"id": "new", "sortindex": 5, "modified": t.json()}));
        u.get("info/collections").answers(json!({"c": t.json()}));
    }

    row_22_which_a_later_write_completes(Plain) |site| {
        let u = site.user();
        u.put("storage/c/new", r#"{"sortindex":5}"#).written();
        let t = u.put("storage/c/new", r#"{"payload":"x"}"#).written();
        u.get("storage/c/new").answers(json!({
            "id": "new", "sortindex": 5, "payload": "x", "modified": t.json(),
        }));
    }

    row_23_the_id_in_the_url_counts(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"id":"other","payload":"x"}"#).written();
        u.get("storage/c").lists(&["i"]);
    }

    row_24_a_clients_modified_is_ignored(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let t = u.put("storage/c/i", r#"{"modified":12345.678}"#).written();
        let item = json!({"id": "i", "payload": "x", "modified": t.json()});
        u.get("storage/c/i").answers(item);
        let t = u.put("storage/c/i", r#"{"modified":"text","payload":"y"}"#).written();
        let item = json!({"id": "i", "payload": "y", "modified": t.json()});
        u.get("storage/c/i").answers(item);
    }

    row_25_a_record_cannot_be_moved_into_another_account(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let body = r#"{"username":999,"collection":77,"payload_size":1}"#;
        let t = u.put("storage/c/i", body).written();
        let item = json!({"id": "i", "payload": "x", "modified": t.json()});
        u.get("storage/c/i").answers(item);
        u.get("info/collection_counts").answers(json!({"c": 1}));
        u.get("info/collection_usage").answers(json!({"c": 1.0 / 1024.0}));
    }

    row_35_a_ttl_of_0_is_invisible_at_once(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x","ttl":0}"#).written();
        u.get("storage/c/i").is(404);
        u.get("storage/c").answers(json!([]));
        u.get("info/collection_counts").answers(json!({}));
        let info = u.get("info/collections");
        let (with, without) = (json!({"c": t.json()}), json!({}));
        info.ok().need([with, without].contains(&info.json()), "{} or the time of the write");
    }

    row_36_a_ttl_of_2_passes(Plain) |site| {
        let u = site.user();
        let now = within_a_second(|| {
            u.put("storage/c/i", r#"{"payload":"x","ttl":2}"#).written();
            u.get("storage/c/i")
        });
        now.ok().need(now.json().get("ttl").is_none(), "no ttl in an answer");
        // Time itself is what is waited for here.
        thread::sleep(Duration::from_millis(2100));
        u.get("storage/c/i").is(404);
        u.get("storage/c").answers(json!([]));
    }

    row_37_an_expired_record_does_not_come_back(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"old","ttl":0}"#).written();
        u.put("storage/c/i", r#"{"sortindex":1}"#).written();
        let reply = u.get("storage/c/i");
        let gone = reply.status() == 404;
        reply.need(gone || reply.json().get("payload").is_none(), "404, or no payload");
    }

    /// spec/storage-1.1.md, 10, row 22.
    a_change_of_metadata_keeps_the_ttl(Plain) |site| {
        let u = site.user();
        within_a_second(|| {
            u.put("storage/c/i", r#"{"payload":"x","ttl":2}"#).written();
            u.put("storage/c/i", r#"{"sortindex":1}"#).written()
        });
        thread::sleep(Duration::from_millis(2100));
        u.get("storage/c/i").is(404);
    }

    row_38_payloads_are_kept_to_the_character(Plain) |site| {
        let u = site.user();
        let escaped = r#"{"payload":"\u00e9\ud83d\ude00"}"#;
        for body in [escaped, r#"{"payload":"é😀"}"#] {
            u.put("storage/c/i", body).written();
            let reply = u.get("storage/c/i");
            reply.ok().need(reply.json()["payload"] == "é😀", "the same string");
            reply.need(reply.bytes().is_ascii(), "ASCII alone");
        }
        let odd = r#"{"payload":"\u0001\u001f\u007f\u2028 \\/ \\u0041 \" \ud83d\ude00"}"#;
        u.put("storage/c/i", odd).written();
        let reply = u.get("storage/c/i");
        let wanted = "\u{1}\u{1f}\u{7f}\u{2028} \\/ \\u0041 \" 😀";
        reply.ok().need(reply.json()["payload"] == wanted, "the same string");
    }

    /// A character that PostgreSQL has not; nothing is stored without it.
    row_38_the_character_0(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"before"}"#).written();
        let reply = u.put("storage/c/i", r#"{"payload":"\u0000x"}"#);
        let payload = if site.way().facts().database == Kind::POSTGRESQL {
            reply.code(8);
            "before"
        } else {
            reply.written();
            "\u{0}x"
        };
        let reply = u.get("storage/c/i");
        reply.ok().need(reply.json()["payload"] == payload, "this string");
    }
}
