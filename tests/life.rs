//! The whole life of an account, as browsers live it, through the web servers that users have.
//!
//! spec/clients.md, 1: sign-up, first sync, a second device, changes, deletions, an Android
//! phone, a new password, a new sync key, the end. With real encryption, by a client that is
//! written here, and by `tools/syncclient.py` where that is at hand.

#[cfg(test)]
mod client;
#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::io;
    use std::io::Write;
    use std::path::Path;
    use std::process::Command;
    use std::process::Stdio;

    use data_encoding::BASE64;
    use data_encoding::HEXLOWER;
    use serde_json::Value;
    use serde_json::json;

    use crate::client::Browser;
    use crate::client::Keys;
    use crate::client::Style;
    use crate::client::SyncKey;
    use crate::suite::Chunks;
    use crate::suite::Gateway;
    use crate::suite::Rows;
    use crate::suite::Server;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;
    use crate::suite::lives_a_little_with;
    use crate::suite::name_of;

    /// A test in each way that speaks HTTP.
    macro_rules! through {
        (@ways $test:ident $($module:ident $way:ident $extent:ident:
            $server:ident $gateway:ident $listen:ident $mount:tt $file:literal
                $(on $database:ident)?;)*
        ) => {
            $(through!(@test $test $module $way $server $gateway);)*
        };
        // Over these the client below cannot reach the node that it is told.
        (@test $test:ident $module:ident $way:ident Nothing Fcgi) => {};
        (@test $test:ident $module:ident $way:ident Nothing Scgi) => {};
        (@test $test:ident $module:ident $way:ident $server:ident $gateway:ident) => {
            #[test]
            fn $module() {
                super::$test(Site::shared(Way::$way, Setup::Plain));
            }
        };
    }

    mod a_whole_life {
        use crate::suite::Setup;
        use crate::suite::Site;
        use crate::suite::Way;
        use crate::suite::every_way;

        every_way!(through!(lives_through));
    }

    mod a_little {
        use crate::suite::Setup;
        use crate::suite::Site;
        use crate::suite::Way;
        use crate::suite::every_way;

        every_way!(through!(lives_a_little));
    }

    fn lives_a_little(site: &Site) {
        let facts = site.way().facts();
        let chunks = match (facts.server, facts.gateway) {
            // SCGI needs a length beforehand, and mod_proxy_scgi collects no bodies.
            (Server::Apache, Gateway::Scgi) => Chunks::Refused,
            _ => Chunks::Taken,
        };
        lives_a_little_with(chunks, site.transport(), &site.url());
    }

    fn lives_through(site: &Site) {
        let user = signs_up(site);
        logs_in_from_a_phone(&user);

        let key = SyncKey::fresh();
        let mut one = Browser::new(&user, Style::Desktop, key);
        one.start_fresh();
        one.upload_everything(profile());
        // The sync after that finds nothing new, with one request.
        let info = one.info();
        assert_eq!(one.info(), info);
        for engine in ["history", "bookmarks"] {
            assert!(
                one.download(engine).is_empty(),
                "own records come back: {engine}"
            );
        }

        let mut two = Browser::new(
            &user,
            Style::Desktop,
            SyncKey::parse(&key.to_string()).unwrap(),
        );
        two.join();
        for engine in one.store.keys() {
            two.download(engine);
            two.agrees_with(&one, engine);
        }
        two.upload("clients", [two.client()].into());

        changes_travel(&mut one, &mut two);
        pages_are_small_for_a_phone(&mut two);
        records_go(&one);
        let phone = Browser::new(&user, Style::Android, key);
        a_phone_joins(phone, &mut one);
        let user = a_new_password(&one);
        one.user = user.clone();
        a_new_sync_key(&mut one);
        the_end(&user);
    }

    /// spec/clients.md, 1.3.
    fn signs_up(site: &Site) -> User<'_> {
        let user = User::invented(site).with_password("pässwörd: correct horse");
        let nobody = user.nobody();
        let probe = nobody.call("GET", "/user/1.0/a").send();
        probe
            .ok()
            .need(["0", "1"].contains(&probe.text().as_str()), "0 or 1");
        nobody.call("GET", "/misc/1.0/captcha_html").send().is(404);
        nobody.user("GET", "").send().says("0");
        user.with_password("short").sign_up().code(9);
        user.sign_up().says(&user.name);
        nobody.user("GET", "").send().says("1");
        user
    }

    /// spec/clients.md, 1.4 and 1.5: in this order, some of it without credentials, and at last
    /// with a Host without its port.
    fn logs_in_from_a_phone(user: &User<'_>) {
        user.nobody().user("GET", "").send().says("1");
        let url = user.site.url();
        user.nobody().user("GET", "/node/weave").send().says(&url);
        user.user("GET", "/node/weave").send().says(&url);
        let call = user
            .storage("GET", "info/collections/")
            .header("Host", "127.0.0.1");
        call.send().answers(json!({}));
        user.with_password("wrong").get("info/collections/").is(401);
    }

    fn profile() -> Vec<(&'static str, std::collections::BTreeMap<String, Value>)> {
        let records =
            |count: usize, make: &dyn Fn(usize) -> (String, Value)| (0..count).map(make).collect();
        let history = |n: usize| {
            let id = format!("hist{n:08}");
            let clear = json!({
                "id": id, "index": n, "histUri": format!("http://example.com/{n}"),
                "title": format!("Café № {n}"),
                "visits": [{"date": 1_300_000_000_000_000_i64, "type": 1}],
            });
            (id, clear)
        };
        let bookmark = |n: usize| {
            let id = format!("book{n:08}");
            let clear = json!({"id": id, "type": "bookmark", "title": "日本語", "index": 150 + n});
            (id, clear)
        };
        let folder = |_| {
            let children: Vec<String> = (0..2000).map(|n| format!("book{n:08}")).collect();
            let clear = json!({"id": "toolbar", "children": children, "index": 1_000_000});
            ("toolbar".to_owned(), clear)
        };
        let password = |n: usize| {
            let id = format!("{{0f3a3b6c-0000-4000-8000-{n:012}}}");
            let clear = json!({"id": id, "hostname": "https://example.com", "password": "\"\\é"});
            (id, clear)
        };
        let one = |id: &'static str| {
            move |_| {
                (
                    id.to_owned(),
                    json!({"id": id, "value": "x".repeat(16_000)}),
                )
            }
        };
        let mut bookmarks: std::collections::BTreeMap<_, _> = records(120, &bookmark);
        bookmarks.extend([folder(0)]);
        vec![
            (
                "prefs",
                records(
                    1,
                    &one("ezhkZTdmY2JiLWM1NWMtNGZiZS1iZmM1LWZjNTU1Yzg3ZGJjNH0"),
                ),
            ),
            ("passwords", records(40, &password)),
            ("tabs", records(1, &one("tabsOfOne___"))),
            ("bookmarks", bookmarks),
            (
                "forms",
                records(60, &|n| {
                    let id = format!("form{n:08}");
                    (
                        id.clone(),
                        json!({"id": id, "name": "q", "value": n.to_string()}),
                    )
                }),
            ),
            ("history", records(250, &history)),
        ]
    }

    /// spec/clients.md, 1.8: each device sees what the other did, and nothing else.
    fn changes_travel(one: &mut Browser<'_>, two: &mut Browser<'_>) {
        let edit = json!({"id": "hist00000003", "title": "edited", "index": 9});
        let gone = json!({"id": "book00000007", "deleted": true});
        one.upload("history", [("hist00000003".to_owned(), edit)].into());
        one.upload("bookmarks", [("book00000007".to_owned(), gone)].into());
        assert_eq!(two.download("history"), ["hist00000003"]);
        assert_eq!(two.download("bookmarks"), ["book00000007"]);
        two.agrees_with(one, "history");
        two.agrees_with(one, "bookmarks");
        let new = json!({"id": "hist_of_two_", "title": "new"});
        two.upload("history", [("hist_of_two_".to_owned(), new)].into());
        assert_eq!(one.download("history"), ["hist_of_two_"]);
        one.agrees_with(two, "history");
        assert!(two.download("history").is_empty());
    }

    /// The best records first, then the ids of all, then what is missing, 50 at a time.
    fn pages_are_small_for_a_phone(two: &mut Browser<'_>) {
        let known = two.store.remove("history").unwrap();
        let mut got = two.fetch("history", "full=1&sort=index&limit=50");
        assert_eq!(got.len(), 50);
        let all = two
            .ask("GET", "storage/history?sort=index&limit=5000", None)
            .ids();
        assert_eq!(all.len(), known.len());
        assert_eq!(all[..50], got);
        let missing: Vec<String> = all.into_iter().filter(|id| !got.contains(id)).collect();
        for part in missing.chunks(50) {
            got.extend(two.fetch("history", &format!("full=1&ids={}", part.join(","))));
        }
        assert_eq!(two.store["history"], known);
    }

    /// spec/clients.md, 1.8 and 1.13: deletions that are really that.
    fn records_go(one: &Browser<'_>) {
        let ids: Vec<String> = one.store["passwords"].keys().take(2).cloned().collect();
        let spelled = ids.join(",").replace('{', "%7B").replace('}', "%7D");
        one.ask("DELETE", &format!("storage/passwords?ids={spelled}"), None)
            .written();
        let left = one.ask("GET", "storage/passwords", None).ids();
        assert_eq!(left.len(), 38);
        assert!(ids.iter().all(|id| !left.contains(id)));
        for path in [
            format!("storage/clients/{}", one.guid),
            "storage/tabs/tabsOfOne___".to_owned(),
        ] {
            one.ask("GET", &path, None).ok();
            one.ask("DELETE", &path, None).written();
            one.ask("GET", &path, None).is(404);
            // Twice is no error.
            one.ask("DELETE", &path, None).written();
        }
    }

    /// Android follows by the time of its downloads, and guards its client record.
    fn a_phone_joins(mut phone: Browser<'_>, one: &mut Browser<'_>) {
        phone.join();
        assert_eq!(phone.download("history").len(), 250);
        phone.download("bookmarks");
        phone.agrees_with(one, "bookmarks");
        assert!(phone.download("history").is_empty());
        let form = json!({"id": "form_phone__", "name": "q", "value": "phone"});
        one.upload("forms", [("form_phone__".to_owned(), form)].into());
        phone.download("forms");
        phone.agrees_with(one, "forms");
        let (id, clear) = phone.client();
        let body = format!("[\n{}\n]\n", phone.wbo("clients", &id, &clear));
        phone.download("clients");
        let current = phone.last["clients"].moved(0);
        let stale = "1322000000.120";
        for (since, status) in [(stale, 412), (current.as_str(), 200)] {
            let guard = [("X-If-Unmodified-Since", since)];
            phone
                .ask_with("POST", "storage/clients", Some(&body), &guard)
                .is(status);
        }
        phone
            .ask("DELETE", &format!("storage/clients/{id}"), None)
            .written();
    }

    /// spec/clients.md, 1.13: the password is all that changes.
    fn a_new_password<'a>(one: &Browser<'a>) -> User<'a> {
        let call = one
            .user
            .user("POST", "/password")
            .header("Content-Type", "text/plain");
        call.body("nëw correct horse").send().says("success");
        one.ask("GET", "info/collections", None).is(401);
        let user = one.user.with_password("nëw correct horse");
        let history = user.get("storage/history").ids();
        assert_eq!(history.len(), one.store["history"].len());
        user
    }

    /// Everything goes, and comes again under another key.
    fn a_new_sync_key(one: &mut Browser<'_>) {
        let confirmed = [("X-Confirm-Delete", "1")];
        one.ask_with("DELETE", "storage", None, &confirmed)
            .written();
        let before = one.store.remove("history");
        one.store.clear();
        one.last.clear();
        one.sync_key = SyncKey::fresh();
        one.start_fresh();
        let history = before.unwrap_or_default();
        one.upload_everything(vec![("history", history)]);
        let mut three = Browser::new(&one.user, Style::Desktop, one.sync_key);
        three.join();
        three.download("history");
        three.agrees_with(one, "history");
    }

    /// The account goes, and who takes the name next finds nothing of it.
    fn the_end(user: &User<'_>) {
        user.with_password("wrong")
            .user("DELETE", "")
            .send()
            .is(401);
        user.user("DELETE", "").send().says("1");
        user.get("info/collections").is(401);
        user.nobody().user("GET", "").send().says("0");
        user.sign_up().ok();
        user.get("info/collections").answers(json!({}));
        user.user("DELETE", "").send().ok();
    }

    /// The Python client, which nobody here wrote, in the same four ways.
    #[test]
    fn the_python_client_agrees() {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/syncclient.py");
        let ready = |arguments: &[&str]| {
            let mut python = Command::new("python3");
            python
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            python.status().is_ok_and(|status| status.success())
        };
        if !tool.exists() || !ready(&["-c", "import cryptography"]) {
            // Straight to stderr: what a passing test prints is not shown.
            let tool = tool.display();
            let _ = writeln!(
                io::stderr(),
                "not run: {tool} with python3 and its cryptography"
            );
            return;
        }
        // One way of each kind of server: the client above lives in all of them.
        let ways = Way::ALL
            .iter()
            .filter(|way| way.speaks_http() && way.rows() == Rows::Every);
        for (way, style) in ways.flat_map(|way| [(*way, "desktop"), (*way, "android")]) {
            let site = Site::shared(way, Setup::Plain);
            let relay = format!("{}jpake", site.url());
            // It asks that a channel be gone after 6 messages; ours gives 10 (decisions, 15).
            let output = Command::new("python3")
                .arg(&tool)
                .args([&site.url(), "--style", style, "--strict"])
                .args(["--relay", &relay, "--warn", "relay-spent"])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{way:?} {style}:\n{said}\n{}",
                site.log().tail()
            );
        }
    }

    // The vectors of spec/clients.md, 2.4.

    #[test]
    fn accounts_become_names() {
        #[track_caller]
        fn check(account: &str, name: &str) {
            assert_eq!(name_of(account), name);
        }
        check("FooBar@Baz.com", "xee7ffonluzpdp66l6xgpyh2v2w6ojkc");
        check("Sync.User@Example.com", "g54xyfkovouso56hrbl6kv7yugoqb7ex");
        check("alice@example.com", "7qrzrjz52vgwen6e7w2y7v6xknd46wxt");
        check("FooBar", "foobar");
    }

    #[test]
    fn sync_keys_are_spelled_for_people() {
        #[track_caller]
        fn check(hex: &str, text: &str) {
            let key = SyncKey(HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap());
            assert_eq!(key.to_string(), text);
            assert_eq!(SyncKey::parse(text), Some(key));
            assert_eq!(
                SyncKey::parse(&text.to_uppercase().replace('-', "")),
                Some(key)
            );
        }
        check(
            "c71aa7cbd8b82a8ff6eda55c39479fd2",
            "y-4nkps-6yxav-i75xn-uv9ds-r472i",
        );
        check(
            "000102030405060708090a0b0c0d0e0f",
            "a-aaqea-yeaud-a9caj-bifqy-di9b4",
        );
    }

    #[test]
    fn sync_keys_become_bundles() {
        #[track_caller]
        fn check(user: &str, key: &str, encryption: &str, authentication: &str) {
            let decode = |text: &str| {
                let bytes = HEXLOWER
                    .decode(text.as_bytes())
                    .or_else(|_| BASE64.decode(text.as_bytes()));
                bytes.unwrap().try_into().unwrap()
            };
            let wanted = Keys {
                encryption: decode(encryption),
                authentication: decode(authentication),
            };
            assert_eq!(SyncKey::parse(key).unwrap().bundle(user), wanted);
        }
        check(
            "johndoe@example.com",
            "y-4nkps-6yxav-i75xn-uv9ds-r472i",
            "8d0765430ea0d9dbd53c536c6c5c4cb639c093075ef2bd77cd30cf485138b905",
            "bf9e48ac50a2fcc400ae4d30a58dc6a83a7720c32f58c60fd9d02db16e406216",
        );
        check(
            "smqvooxj664hmrkrv6bw4r4vkegjhkns",
            "gbh7teqqcgyzd65svjgibd7tqy",
            "069EnS3EtDK4y1tZ1AyKX+U7WEsWRp9bRIKLdW/7aoE=",
            "LF2YCS1QCgSNCf0BCQvQ06SGH8jqJDi9dKj0O+b0fwI=",
        );
        check(
            "c6o7dvmr2c4ud2fyv6woz2u4zi22bcyd",
            "6m8mv8ex2brqnrmsb9fjuvfg7y",
            "/8RzbFT396htpZu5rwgIg2WKfyARgm7dLzsF5pwrVz8=",
            "NChGjrqoXYyw8vIYP2334cvmMtsjAMUZNqFwV2LGNkM=",
        );
        check(
            "g54xyfkovouso56hrbl6kv7yugoqb7ex",
            "a-aaqea-yeaud-a9caj-bifqy-di9b4",
            "a6542f04e54b16def061fea1d989ce8a5c5d65d2e607eb0cdad6c678b9f4e961",
            "8403eccdd226dc7f64d077e6696471271e9c30f488da3af758625a61744d9c89",
        );
    }

    #[test]
    fn clear_texts_become_payloads() {
        #[track_caller]
        fn check(keys: &Keys, iv: &str, clear: &str, payload: &str) {
            let iv = HEXLOWER.decode(iv.as_bytes()).unwrap().try_into().unwrap();
            assert_eq!(keys.seal_with(clear, iv), payload);
            assert_eq!(keys.open(payload).as_deref(), Ok(clear));
        }
        let bytes = |from: u8| std::array::from_fn(|n| from + u8::try_from(n).unwrap());
        let bulk = Keys {
            encryption: bytes(0),
            authentication: bytes(0x20),
        };
        let counting = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
        let key = SyncKey::parse("gbh7teqqcgyzd65svjgibd7tqy").unwrap();
        check(
            &key.bundle("smqvooxj664hmrkrv6bw4r4vkegjhkns"),
            "375a12d6de4ef26b735f6fccfbafff2d",
            "SECRET MESSAGE",
            r#"{"ciphertext":"wcgqzENt5iXt9/7KPJ3rTA==","IV":"N1oS1t5O8mtzX2/M+6//LQ==","hmac":"b5d1479ae2019663d6572b8e8a734e5f06c1602a0cd0becb87ca81501a08fa55"}"#,
        );
        let key = SyncKey::parse("a-aaqea-yeaud-a9caj-bifqy-di9b4").unwrap();
        check(
            &key.bundle("g54xyfkovouso56hrbl6kv7yugoqb7ex"),
            counting,
            r#"{"default":["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="],"collections":{},"collection":"crypto","id":"keys"}"#,
            r#"{"ciphertext":"GCxNkITS/0oGMw6IUEq1aU9nydi0EybtT2wSohhLRF4YGiyR9xVSrqZj+nd6QonfSwZTvJKlQufLt7fZz3LWenXwZPQyIYDdny7j/2v+zCW9I71a8Qesk63gNpAQT2zdHXmB4zNw1MG5YncYVYsn7rtEmy1lGfiHo4u6/NFJ0cfyvOCSXbbwNeDMYhd+FprzClL3/NA7s4Y6NPBPO+Mepw==","IV":"8PHy8/T19vf4+fr7/P3+/w==","hmac":"3f3d800286dc7a4291435367f3d9557b3ffb6e45af772902fc0518aeb9282316"}"#,
        );
        check(
            &bulk,
            counting,
            r#"{"id":"AAAAAAAAAAAA","histUri":"http://example.com/","title":"Café","visits":[{"date":1300000000000000,"type":1}]}"#,
            r#"{"ciphertext":"8OdNOqNu9H5VMja4S0TIdRk/F2w3AUeH2cnsauio2H7eoxGdrKBzSkI9Wl/L8qIO7Hfpb2mSmPoIwCcLqA//6y4KjLSECfFjf8epk0D+d+uyKQGGsrhoRFVB+nAm9KagxbvudMVumvL14RdlWIsnYdeE4ZSlsSDpfA38/JoyWfU=","IV":"8PHy8/T19vf4+fr7/P3+/w==","hmac":"90aef03d2a0d597caa2b944f793fd42992d204a496f9f3ef7c47ce9d4f5c2caa"}"#,
        );
        check(
            &bulk,
            counting,
            r#"{"id":"AAAAAAAAAAAA","deleted":true}"#,
            r#"{"ciphertext":"8OdNOqNu9H5VMja4S0TIddimBmpdDokOHafI6RZH5GCELNyb+p9RrwC2EG5vhYcz","IV":"8PHy8/T19vf4+fr7/P3+/w==","hmac":"db07bb6ee7b2d3e482bbdcf5d8f1dfcd1ec59c9fcf1189e7117397be8e564c87"}"#,
        );
        assert!(
            bulk.open(r#"{"ciphertext":"AAAA","IV":"","hmac":""}"#)
                .is_err()
        );
    }
}
