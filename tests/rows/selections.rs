//! Storage, rows 52 to 63: which records, in which order and form.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::rows;
use crate::suite::Reply;
use crate::suite::Server;
use crate::suite::Time;
use crate::suite::User;

/// Records `0` to `3`, written one after the other; the times of the writes.
fn four(u: &User<'_>) -> Vec<Time> {
    let put = |n: usize| {
        // Farther apart than what rounding a time to centiseconds can move it.
        thread::sleep(Duration::from_millis(20));
        u.put(&format!("storage/c/{n}"), r#"{"payload":"x"}"#)
            .written()
    };
    (0..4).map(put).collect()
}

fn accepting(u: &User<'_>, kind: &str, path: &str) -> Reply {
    u.storage("GET", path).header("Accept", kind).send()
}

rows! {
    row_52_newer_and_older_are_strict(Plain) |site| {
        let u = site.user();
        let t = four(&u);
        u.get(&format!("storage/c?newer={}", t[1])).holds(&["2", "3"]);
        u.get(&format!("storage/c?older={}", t[1])).holds(&["0"]);
        let both = u.get(&format!("storage/c?newer={}&older={}", t[1], t[3]));
        both.holds(&["2"]).header("X-Weave-Records", "1");
    }

    row_53_times_are_rounded(Plain) |site| {
        let u = site.user();
        let t = four(&u);
        u.get(&format!("storage/c?newer={}", t[1].moved(-1))).holds(&["2", "3"]);
        u.get(&format!("storage/c?newer={}", t[1].moved(4))).holds(&["2", "3"]);
        u.get(&format!("storage/c?newer={}", t[1].moved(-6))).holds(&["1", "2", "3"]);
        u.get(&format!("storage/c?newer={}", t[1].moved(-10))).holds(&["1", "2", "3"]);
        for zero in ["0", "0.000", "0.0", "-5", "1e3"] {
            u.get(&format!("storage/c?newer={zero}")).holds(&["0", "1", "2", "3"]);
        }
        // How JavaScript prints a time: no zeros at the end.
        let trimmed = t[3].to_string();
        let trimmed = trimmed.trim_end_matches('0').trim_end_matches('.');
        u.get(&format!("storage/c?newer={trimmed}")).lists(&[]);
    }

    row_54_values_that_are_none(Plain) |site| {
        let u = site.user();
        let bad = ["newer=abc", "newer=", "limit=x", "limit=2.0", "offset=x", "index_above=x"];
        for query in bad {
            u.get(&format!("storage/c?{query}")).is(400);
            u.delete(&format!("storage/c?{query}")).is(400);
        }
        // spec/storage-1.1.md, 2.4 and 10, row 28.
        for query in ["newer=nan", "older=inf", "index_above="] {
            u.get(&format!("storage/c?{query}")).is(400);
        }
        // lighttpd answers 400 itself, as a page.
        if site.server() != Server::Lighttpd {
            u.get("storage/c?ids=%ff").is(400);
        }
        for query in ["newer=1e17", "limit=99999999999999999999"] {
            u.get(&format!("storage/c?{query}")).ok();
        }
    }

    row_55_sort_index(Plain) |site| {
        let u = site.user();
        for (id, index) in [("0", "3"), ("1", "5"), ("2", "1"), ("3", "null")] {
            let body = format!(r#"{{"payload":"x","sortindex":{index}}}"#);
            u.put(&format!("storage/c/{id}"), body).written();
        }
        u.get("storage/c?sort=index").lists(&["1", "0", "2", "3"]);
        u.get("storage/c?index_above=2").holds(&["0", "1"]);
        u.get("storage/c?index_below=4").holds(&["0", "2"]);
        u.get("storage/c?index_above=1&index_below=4").holds(&["0"]);
    }

    row_56_sort_limit_and_offset(Plain) |site| {
        let u = site.user();
        four(&u);
        u.get("storage/c?sort=newest&limit=2").lists(&["3", "2"]).header("X-Weave-Records", "2");
        u.get("storage/c?sort=newest&limit=2&offset=2").lists(&["1", "0"]);
        u.get("storage/c?sort=newest&limit=2&offset=1").lists(&["2", "1"]);
        u.get("storage/c?sort=oldest").lists(&["0", "1", "2", "3"]);
        for query in ["offset=1", "limit=0", "limit=-1", "sort=bogus"] {
            u.get(&format!("storage/c?{query}")).holds(&["0", "1", "2", "3"]);
        }
    }

    row_57_full(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let object = json!([{"id": "i", "payload": "x", "modified": t.json()}]);
        for query in ["full=1", "full=0"] {
            u.get(&format!("storage/c?{query}")).answers(object.clone());
        }
        for query in ["full=", "full"] {
            u.get(&format!("storage/c?{query}")).lists(&["i"]);
        }
    }

    row_58_ids(Plain) |site| {
        let u = site.user();
        four(&u);
        u.get("storage/c?ids=0,2").holds(&["0", "2"]);
        u.get("storage/c?ids=0%2C2").holds(&["0", "2"]);
        u.get("storage/c?ids=").lists(&[]);
        u.get("storage/c?ids=0,,1").holds(&["0", "1"]);
        u.get("storage/c?ids=0,0,nosuch").holds(&["0"]);
        u.get("storage/c?ids=0&ids=1").lists(&["1"]);
    }

    row_59_parents(Plain) |site| {
        let u = site.user();
        u.put("storage/c/0", r#"{"payload":"x","parentid":"A"}"#).written();
        u.put("storage/c/1", r#"{"payload":"x","predecessorid":"x"}"#).written();
        u.get("storage/c?parentid=A").lists(&["0"]);
        u.get("storage/c?predecessorid=x").lists(&["1"]);
        u.get("storage/c?parentid=").lists(&[]);
        u.get("storage/c?foo=bar").holds(&["0", "1"]);
    }

    row_60_newlines(Plain) |site| {
        let u = site.user();
        u.post("storage/c", r#"[{"id":"i0","payload":"x"},{"id":"i1","payload":"x"}]"#).ok();
        let reply = accepting(&u, "application/newlines", "storage/c?sort=oldest");
        reply.says("\"i0\"\n\"i1\"\n").header("X-Weave-Records", "2");
        reply.need(reply.kind() == "application/newlines", "application/newlines");
        let reply = accepting(&u, "application/newlines", "storage/c?full=1");
        let text = reply.text();
        reply.ok().need(text.ends_with("}\n") && text.lines().count() == 2, "two lines");
        let none = accepting(&u, "application/newlines", "storage/never?full=1");
        none.says("").header("Content-Type", "application/newlines");
    }

    large_collections_come_whole(Plain) |site| {
        let u = site.user();
        let payload = "x".repeat(20 * 1024);
        let record = |n: u32| json!({"id": format!("{n:02}"), "payload": payload});
        let records: Vec<_> = (0..30).map(record).collect();
        u.post("storage/c", json!(records).to_string()).ok();
        for (query, first, count) in [
            ("", 0, 30), ("&limit=31", 0, 30), ("&limit=30", 0, 30), ("&limit=29", 0, 29),
            ("&offset=1&limit=40", 1, 29), ("&offset=1&limit=20", 1, 20), ("&newer=0", 0, 30),
        ] {
            let path = format!("storage/c?full=1&sort=oldest{query}");
            let reply = accepting(&u, "application/newlines", &path);
            let lines: Vec<_> = reply.text().lines().map(str::to_owned).collect();
            reply.ok().header("X-Weave-Records", &count.to_string());
            reply.need(lines.len() == count, "as many lines");
            for (n, line) in (first..).zip(lines) {
                let came: serde_json::Value = serde_json::from_str(&line).unwrap();
                let sent = record(n);
                let is_same = came["id"] == sent["id"] && came["payload"] == sent["payload"];
                reply.need(is_same, "the records in order");
            }
            let reply = u.get(&path);
            reply.ok().header("X-Weave-Records", &count.to_string());
            reply.need(reply.json().as_array().map(Vec::len) == Some(count), "the same as JSON");
        }
    }

    row_61_whoisi(Plain) |site| {
        let u = site.user();
        u.post("storage/c", r#"[{"id":"i0","payload":"x"},{"id":"i1","payload":"x"}]"#).ok();
        let reply = accepting(&u, "application/whoisi", "storage/c?sort=oldest");
        reply.ok().need(reply.kind() == "application/whoisi", "application/whoisi");
        reply.need(reply.bytes() == b"\0\0\0\x04\"i0\"\0\0\0\x04\"i1\"", "length and id, twice");
    }

    row_62_other_types_are_json(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        u.get("storage/c").lists(&["i"]);
        let types = [
            "text/html", "*/*", "application/*", "application/newlines;q=0", "", "rubbish",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json;q=0.9,*/*;q=0.2",
        ];
        for kind in types {
            accepting(&u, kind, "storage/c").lists(&["i"]);
        }
        accepting(&u, "application/newlines, application/whoisi", "storage/c").says("\"i\"\n");
    }

    /// spec/storage-1.1.md, 10, row 42: JSON as well where the original lost the values.
    row_63_one_record_is_always_json(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let newlines = |path| accepting(&u, "application/newlines", path);
        newlines("storage/c/i").answers(json!({"id": "i", "payload": "x", "modified": t.json()}));
        newlines("info/collections").answers(json!({"c": t.json()}));
        newlines("info/collection_counts").answers(json!({"c": 1}));
    }
}
