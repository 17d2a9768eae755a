//! Storage, rows 1 to 13 and 78 to 80: who may come in, and where the doors are.

use serde_json::json;

use super::rows;
use crate::suite::User;
use crate::suite::basic;

rows! {
    /// An empty account.
    row_01_info_of_an_empty_account(Plain) |site| {
        let reply = site.user().get("info/collections");
        reply.answers(json!({})).header("X-Weave-Records", "0");
    }

    /// `/1.0/u`, `/1/u` and trailing slashes are the same.
    row_02_other_spellings_of_the_same(Plain) |site| {
        let u = site.user();
        for version in ["1.0", "1", "1.1"] {
            for end in ["", "/", "//"] {
                let target = format!("/{version}/{}/info/collections{end}", u.name);
                u.call("GET", &target).send().answers(json!({}));
            }
        }
    }

    row_03_unknown_paths_are_404(Plain) |site| {
        let u = site.user();
        u.call("GET", &format!("/1.2/{}/info/collections", u.name)).send().is(404);
        u.get("info/x").is(404);
        u.call("GET", &format!("/1.1/{}", u.name)).send().is(404);
        u.call("GET", &format!("/1x0/{}/info/collections", u.name)).send().is(404);
    }

    /// The server's own address, in a browser: that it works, and what to type where.
    row_03_the_root_is_a_page_for_people(Plain) |site| {
        for method in ["GET", "HEAD"] {
            let page = site.stranger().call(method, "/").send();
            page.ok().header("Content-Type", "text/html; charset=UTF-8");
            let policy = page.maybe("Content-Security-Policy").unwrap_or_default();
            let strict = policy.starts_with("default-src 'none';");
            page.need(strict && policy.ends_with("frame-ancestors 'none'"), "a strict policy");
            let text = page.text();
            assert_eq!(text.contains("This Sync server works"), method == "GET", "{text}");
        }
        site.stranger().call("POST", "/").body("").send().is(404);
    }

    row_04_other_methods_are_405(Plain) |site| {
        let u = site.user();
        u.post("info/collections", "").is(405);
        let reply = u.storage("HEAD", "info/collections").send();
        reply.is(405).body("");
        u.get("storage").is(405);
        u.get("storage/").is(405);
        u.post("storage/c/i", "{}").is(405);
    }

    /// A path that nobody serves is told before anybody is asked for a password.
    row_05_unknown_paths_need_no_credentials(Plain) |site| {
        site.stranger().get("nosuch").is(404);
    }

    row_06_no_credentials(Plain) |site| {
        site.user().nobody().get("info/collections").is(401);
    }

    row_07_wrong_password(Plain) |site| {
        let u = site.user();
        u.with_password("wrong").get("info/collections").is(401);
        u.with_password("").get("info/collections").is(401);
    }

    row_08_credentials_of_somebody_else(Plain) |site| {
        let (u, v) = (site.user(), site.user());
        let theirs = v.authorization.unwrap_or_default();
        u.authorized(&theirs).get("info/collections").is(401);
    }

    row_09_other_schemes_and_rubbish(Plain) |site| {
        let u = site.user();
        let name_alone = data_encoding::BASE64.encode(u.name.as_bytes());
        for value in ["Digest x", "Basic !!!", "Basic ", "Basic", &format!("Basic {name_alone}")] {
            u.authorized(value).get("info/collections").is(401);
        }
    }

    row_10_scheme_in_lower_case(Plain) |site| {
        let u = site.user();
        let value = u.authorization.clone().unwrap_or_default();
        u.authorized(&value.replace("Basic", "basic")).get("info/collections").ok();
    }

    row_11_passwords_are_utf8(Plain) |site| {
        let u = User::invented(site).with_password("pw:é€:ü-long");
        u.sign_up().ok();
        u.get("info/collections").ok();
        let v = User::invented(site).with_password("pässwörd");
        v.sign_up().ok();
        let latin1: Vec<u8> = "pässwörd".chars().map(|c| u8::try_from(c).unwrap()).collect();
        v.authorized(&basic(&v.name, &latin1)).get("info/collections").is(401);
        v.get("info/collections").ok();
    }

    /// The row is written as another program would: behind the server's back.
    row_12_disabled_account(Plain) |site| {
        let u = site.user();
        u.get("info/collections").ok();
        let disable = "UPDATE \"user\" SET \"accountStatus\" = 0";
        site.home().ground().run_sql(&format!("{disable} WHERE username = '{}'", u.name));
        u.get("info/collections").is(401);
    }

    row_13_heartbeat(Plain) |site| {
        let nobody = site.stranger();
        for method in ["GET", "HEAD"] {
            nobody.call(method, "/__heartbeat__").send().says("");
        }
    }

    row_78_needless_queries_are_ignored(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let item = json!({"id": "i", "payload": "x", "modified": t.json()});
        u.get("storage/c/i?foo=1").answers(item);
        u.get("info/quota?x=1").ok();
        u.get("info/collections?v=1.54.0").answers(json!({"c": t.json()}));
        let wipe = u.storage("DELETE", "storage?x=1").header("X-Confirm-Delete", "1");
        wipe.send().written();
    }

    row_79_ids_are_percent_decoded(Plain) |site| {
        let u = site.user();
        let ids = [("a%23b", "a#b"), ("a%3Fb", "a?b"), ("a~b", "a~b"), ("a%5Cb", "a\\b")];
        for (spelled, id) in ids {
            u.put(&format!("storage/c/{spelled}"), r#"{"payload":"x"}"#).written();
            let reply = u.get(&format!("storage/c/{spelled}"));
            reply.ok().need(reply.json()["id"] == id, id);
        }
        u.get("storage/c").holds(&["a#b", "a?b", "a~b", "a\\b"]);
    }

    row_80_other_characters_are_404(Plain) |site| {
        let u = site.user();
        for path in ["storage/c/a%20b", "storage/c/a@b", "storage/c/a%2Bb", "storage/a%20b/i"] {
            u.put(path, r#"{"payload":"x"}"#).is(404);
            // Also without credentials: the path is looked at first.
            u.nobody().put(path, r#"{"payload":"x"}"#).is(404);
        }
    }

    /// spec/storage-1.1.md, 10, row 39; spec/decisions.md, 10.
    long_names_are_refused(Plain) |site| {
        let u = site.user();
        let (c32, c33) = ("c".repeat(32), "c".repeat(33));
        u.put(&format!("storage/{c32}/i"), r#"{"payload":"x"}"#).written();
        u.put(&format!("storage/{c33}/i"), r#"{"payload":"x"}"#).code(13);
        u.post(&format!("storage/{c33}"), "[]").code(13);
        let (i64, i65) = ("i".repeat(64), "i".repeat(65));
        u.put(&format!("storage/c/{i64}"), r#"{"payload":"x"}"#).written();
        u.put(&format!("storage/c/{i65}"), r#"{"payload":"x"}"#).code(8);
    }
}
