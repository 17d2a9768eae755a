//! Storage, rows 81 to 85: locked databases, crowds, and databases of the original server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use serde_json::json;

use super::rows;
use crate::suite::Home;
use crate::suite::Reply;
use crate::suite::Setup;
use crate::suite::Time;
use crate::suite::User;
use crate::suite::Way;

/// 503 with the configured wait (Setup::ShortWait).
#[track_caller]
fn is_away(reply: &Reply) {
    reply.is(503).header("Retry-After", "1800");
}

/// Every record of a fixture is served as the original server served it.
fn reads_the_fixture(way: Way, era: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases");
    let wanted = fs::read(folder.join(format!("server-full-{era}.json"))).unwrap();
    let wanted: Value = serde_json::from_slice(&wanted).unwrap();
    let home = Home::new();
    fs::copy(
        folder.join(format!("server-full-{era}.sqlite")),
        home.database(),
    )
    .unwrap();
    let standard = wanted["standard_collections"].to_string();
    let site = Site::in_home(home, way, |options| {
        options.set("storage.standard_collections", standard)
    });
    for account in wanted["users"].as_array().unwrap() {
        let text = |key: &str| account[key].as_str().unwrap();
        let user = User::named(&site, text("email"), text("password"));
        assert_eq!(user.name, text("username"));
        has_everything(&user, account);
    }
}

fn has_everything(user: &User<'_>, account: &Value) {
    let counts = user.get("info/collection_counts");
    counts.answers(account["collection_counts"].clone());
    user.get("info/collection_usage").ok();
    user.get("info/quota").ok();
    let info = user.get("info/collections");
    info.ok();
    for (name, time) in account["info_collections"].as_object().unwrap() {
        let got = info.json()[name].clone();
        // Where the original had no time at all, a number or nothing: never null.
        let same = if time.is_null() {
            !info.text().contains("null")
        } else {
            got == *time
        };
        info.need(same, &format!("{name} at {time}"));
    }
    for (name, records) in account["collections"].as_object().unwrap() {
        let records = records.as_object().unwrap();
        let reply = user.get(&format!("storage/{name}?full=1"));
        let id = |record: &Value| record["id"].as_str().unwrap_or_default().to_owned();
        let list = reply.ok().json();
        let got: BTreeMap<String, &Value> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|record| (id(record), record))
            .collect();
        assert_eq!(
            got.len(),
            list.as_array().unwrap().len(),
            "{name} lists no record twice"
        );
        reply.need(
            got.keys().eq(records.keys()),
            &format!("{:?}", records.keys()),
        );
        for (id, wanted) in records {
            let same = without_null_time(got[id]) == *wanted;
            reply.need(same, &format!("{wanted}, got {}", got[id]));
        }
        // One by one as well, where an id can stand in a URL.
        for (id, wanted) in records.iter().filter(|(id, _)| plain(id)).take(5) {
            let one = user.get(&format!("storage/{name}/{id}"));
            one.ok().need(
                without_null_time(&one.json()) == *wanted,
                &wanted.to_string(),
            );
        }
    }
}

/// A record without a time may say so (0.00) or be silent, as the original was.
fn without_null_time(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut()
        && fields.get("modified").and_then(Value::as_f64) == Some(0.0)
    {
        fields.remove("modified");
    }
    record
}

fn plain(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

rows! {
    row_81_a_locked_database_is_a_503(Plain) |site| {
        let site = Site::private(site.way(), Setup::ShortWait);
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let lock = site.home().ground().lock();
        is_away(&u.put("storage/c/i", r#"{"payload":"y"}"#));
        is_away(&u.post("storage/c", r#"[{"id":"j","payload":"y"}]"#));
        is_away(&u.delete("storage/c/i"));
        // A writer elsewhere keeps nobody from reading.
        u.get("storage/c").lists(&["i"]);
        drop(lock);
        u.put("storage/c/i", r#"{"payload":"y"}"#).written();
    }

    row_81_lost_accounts_are_a_503(Plain) |site| {
        let site = Site::private(site.way(), Setup::ShortWait);
        let u = site.user();
        u.get("info/collections").ok();
        site.home().ground().run_sql("ALTER TABLE \"user\" RENAME TO elsewhere");
        is_away(&u.get("info/collections"));
        is_away(&u.put("storage/c/i", r#"{"payload":"y"}"#));
        site.home().ground().run_sql("ALTER TABLE elsewhere RENAME TO \"user\"");
        u.get("info/collections").ok();
    }

    row_82_remote_user_is_ignored(Plain) |site| {
        let u = site.user();
        for name in [u.name.as_str(), "somebody", ""] {
            let call = u.storage("GET", "info/collections").variable("REMOTE_USER", name);
            call.send().answers(json!({}));
            let nobody = u.nobody();
            nobody.storage("GET", "info/collections").variable("REMOTE_USER", name).send().is(401);
        }
    }

    row_83_ten_clients_write_one_record(Plain) |site| {
        let u = site.user();
        let times = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let time: Time = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
                    times.lock().unwrap().push(time);
                });
            }
        });
        let mut times = times.into_inner().unwrap();
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 10, "ten different times: {times:?}");
        let last = times.last().unwrap().json();
        u.get("storage/c/i").answers(json!({"id": "i", "payload": "x", "modified": last}));
        u.get("info/collections").answers(json!({"c": last}));
    }

    /// spec/storage-1.1.md, 4: the test and the write are one.
    only_one_of_many_guarded_writes_wins(Plain) |site| {
        let u = site.user();
        let since = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let statuses = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for n in 0..10 {
                let (u, statuses) = (&u, &statuses);
                scope.spawn(move || {
                    let path = format!("storage/c/{n}");
                    let call = u.storage("PUT", &path).header("X-If-Unmodified-Since", since);
                    let reply = call.body(r#"{"payload":"x"}"#).send();
                    statuses.lock().unwrap().push(reply.status());
                });
            }
        });
        let mut statuses = statuses.into_inner().unwrap();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412, 412, 412]);
        assert_eq!(u.get("storage/c").ids().len(), 2);
    }

    /// spec/storage-1.1.md, 4: the original made two collections of one name.
    a_new_collection_is_made_once(Plain) |site| {
        let u = site.user();
        thread::scope(|scope| {
            for n in 0..10 {
                let (u, path) = (&u, format!("storage/c/{n}"));
                scope.spawn(move || u.put(&path, r#"{"payload":"x"}"#).written());
            }
        });
        u.get("info/collection_counts").answers(json!({"c": 10}));
        assert_eq!(u.get("storage/c").ids().len(), 10);
    }

    /// spec/decisions.md, 9.
    a_body_beyond_the_limit_is_a_413(SmallBody) |site| {
        let u = site.user();
        let call = u.storage("POST", "storage/c").body("x".repeat(1_500_000));
        let response = site.transport().send(&call.request);
        assert_eq!(response.status, 413, "{}", response.text());
        assert!(!response.text().contains('\n'), "{}", response.text());
        assert!(response.header("X-Weave-Timestamp").is_some(), "every answer has one");
        // The connection of a web server is as good as before.
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
    }

    row_84_a_database_of_2011(SqliteFile) |site| {
        reads_the_fixture(site.way(), "2011");
    }

    row_84_a_database_of_2012(SqliteFile) |site| {
        reads_the_fixture(site.way(), "2012");
    }

    row_84_a_database_of_2013(SqliteFile) |site| {
        reads_the_fixture(site.way(), "2013");
    }

    /// NULL times and ids of collections without a name, as the original left them.
    row_84_rows_that_are_not_whole(Plain) |site| {
        let site = Site::private(site.way(), Setup::Plain);
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        site.home()
            .ground()
            .run_sql(
                "INSERT INTO wbo (id, username, collection, payload, payload_size, ttl)
                     SELECT 'orphan', username, 4711, 'y', 1, 2100000000 FROM wbo WHERE id = 'i';
                 INSERT INTO wbo (id, username, collection, payload, payload_size)
                     SELECT 'bare', username, collection, 'z', 1 FROM wbo WHERE id = 'i';",
            );
        let info = u.get("info/collections");
        info.ok().need(info.json().get("c") == Some(&t.json()), "c at the time of the write");
        info.need(info.json().as_object().map(serde_json::Map::len) == Some(1), "c alone");
        u.get("info/collection_counts").ok();
        u.get("info/collection_usage").ok();
        u.get("storage/c").holds(&["bare", "i"]);
        u.get(&format!("storage/c?older={t}")).ok();
    }

    /// spec/storage-1.1.md, 7.5: the original gave a deleted account's records to the next one.
    row_85_a_new_account_is_empty(Plain) |site| {
        let site = Site::private(site.way(), Setup::Plain);
        for _ in 0..2 {
            let u = site.user();
            u.put("storage/meta/global", r#"{"payload":"secret"}"#).written();
            u.user("DELETE", "").send().ok();
            let v = site.user();
            v.get("info/collections").answers(json!({}));
            v.get("storage/meta/global").is(404);
            u.sign_up().ok();
            u.get("info/collections").answers(json!({}));
            u.get("storage/meta/global").is(404);
        }
    }
}
