//! Storage, rows 64 to 72: preconditions and deletions.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::rows;
use crate::suite::Reply;
use crate::suite::Server;
use crate::suite::Time;
use crate::suite::User;

const HEADER: &str = "X-If-Unmodified-Since";

fn guarded(u: &User<'_>, method: &str, path: &str, since: impl ToString, body: &str) -> Reply {
    u.storage(method, path)
        .header(HEADER, since)
        .body(body)
        .send()
}

/// Records `0` to `3` with what the filters look at, and the times of the writes.
fn four(u: &User<'_>) -> Vec<Time> {
    let put = |n: usize| {
        thread::sleep(Duration::from_millis(20));
        let body = format!(r#"{{"payload":"x","sortindex":{n},"parentid":"p{n}"}}"#);
        u.put(&format!("storage/c/{n}"), body).written()
    };
    (0..4).map(put).collect()
}

rows! {
    row_64_unmodified_since(Plain) |site| {
        let u = site.user();
        // (from a write at t) moved by, and the status
        for (milliseconds, status) in [(0, 200), (-10, 412), (-4, 200), (-6, 412)] {
            let t = u.put("storage/c/i", r#"{"payload":"old"}"#).written();
            let since = t.moved(milliseconds);
            let reply = guarded(&u, "PUT", "storage/c/i", since, r#"{"payload":"new"}"#);
            reply.is(status);
            let payload = if status == 200 { "new" } else { "old" };
            let kept = u.get("storage/c/i");
            kept.ok().need(kept.json()["payload"] == payload, payload);
        }
        let exact = u.put("storage/c/j", r#"{"payload":"x"}"#).written();
        guarded(&u, "PUT", "storage/c/i", exact, r#"{"payload":"x"}"#).written();
    }

    row_65_which_calls_look_at_it(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let old = t.moved(-1000);
        guarded(&u, "POST", "storage/c", &old, r#"[{"id":"j","payload":"x"}]"#).is(412);
        guarded(&u, "DELETE", "storage/c", &old, "").is(412);
        guarded(&u, "DELETE", "storage/c/i", &old, "").is(412);
        u.get("storage/c").lists(&["i"]);
        guarded(&u, "PUT", "storage/empty/i", &old, r#"{"payload":"x"}"#).written();
        u.storage("GET", "storage/c/i").header(HEADER, &old).send().ok();
    }

    row_66_a_value_that_is_none(Plain) |site| {
        let u = site.user();
        guarded(&u, "PUT", "storage/c/i", "abc", r#"{"payload":"x"}"#).is(400);
        guarded(&u, "DELETE", "storage/c", "abc", "").is(400);
        u.get("info/collections").answers(json!({}));
    }

    row_67_the_precondition_comes_before_the_body(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        guarded(&u, "PUT", "storage/c/i", t.moved(-1000), "{").is(412);
    }

    row_68_deleting_nothing_is_fine(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        u.delete("storage/c/none").written();
        u.delete("storage/never").written();
        u.delete("storage/never/none").written();
        u.get("storage/c").lists(&["i"]);
    }

    row_69_only_what_was_selected_goes(Plain) |site| {
        // Which records go, and those that stay; 1 stands for the time of record 1.
        let cases: [(&str, &[&str]); 5] = [
            ("ids=0,2", &["1", "3"]),
            ("newer=@", &["0", "1"]),
            ("older=@", &["1", "2", "3"]),
            ("parentid=p0", &["1", "2", "3"]),
            ("index_above=1", &["0", "1"]),
        ];
        let u = site.user();
        for (query, left) in cases {
            let t = four(&u);
            let query = query.replace('@', &t[1].to_string());
            let gone = u.delete(&format!("storage/c?{query}")).written();
            assert!(gone > t[3], "{gone} after {}", t[3]);
            u.get("storage/c").holds(left);
            // spec/decisions.md, 13: other devices notice.
            u.get("info/collections").answers(json!({"c": gone.json()}));
        }
    }

    row_70_newer_and_older_are_both_meant(Plain) |site| {
        let u = site.user();
        let t = four(&u);
        u.delete(&format!("storage/c?newer={}&older={}", t[1], t[2])).written();
        u.get("storage/c").holds(&["0", "1", "2", "3"]);
        u.delete(&format!("storage/c?newer={}&older={}", t[1], t[3])).written();
        u.get("storage/c").holds(&["0", "1", "3"]);
    }

    row_71_sort_and_limit_are_meant(Plain) |site| {
        let u = site.user();
        four(&u);
        u.delete("storage/c?sort=newest&limit=2").written();
        u.get("storage/c").holds(&["0", "1"]);
        four(&u);
        u.delete("storage/c?sort=oldest&limit=1&offset=1").written();
        u.get("storage/c").holds(&["0", "2", "3"]);
    }

    row_72_deleting_everything_wants_a_confirmation(Plain) |site| {
        let u = site.user();
        // lighttpd does not pass on a header without a value.
        let other = if site.server() == Server::Lighttpd { "true" } else { "" };
        for value in ["1", other] {
            u.put("storage/c/i", r#"{"payload":"x"}"#).written();
            u.put("storage/d/i", r#"{"payload":"x"}"#).written();
            u.delete("storage").code(4);
            u.get("info/collection_counts").answers(json!({"c": 1, "d": 1}));
            u.storage("DELETE", "storage").header("X-Confirm-Delete", value).send().written();
            u.get("info/collections").answers(json!({}));
            u.get("storage/c").answers(json!([]));
        }
        // spec/clients.md, 4, no. 19; the account itself stays.
        u.storage("DELETE", "storage/").header("x-confirm-delete", "true").send().written();
    }

    /// spec/decisions.md, 13.
    an_emptied_collection_is_gone(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        u.delete("storage/c/i").written();
        u.get("info/collections").answers(json!({}));
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        u.put("storage/d/i", r#"{"payload":"x"}"#).written();
        u.delete("storage/c").written();
        let d = u.get("info/collections");
        d.ok().need(d.json().get("c").is_none() && d.json().get("d").is_some(), "d alone");
    }

    /// spec/clients.md, 1.9: every write of a user is later than all before it.
    times_grow_with_every_write(Plain) |site| {
        let u = site.user();
        let mut last = Time(0);
        for n in 0..20 {
            let reply = match n % 4 {
                0 => u.put("storage/c/i", r#"{"payload":"x"}"#),
                1 => u.post("storage/d", r#"[{"id":"j","payload":"x"}]"#),
                2 => u.delete("storage/c/i"),
                _ => u.delete("storage/d"),
            };
            let t = reply.ok().time();
            assert!(t > last, "{t} after {last}");
            last = t;
        }
    }
}
