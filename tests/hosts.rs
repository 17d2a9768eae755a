//! `[host:NAME]`: requests to one host have a storage of their own, those to another only limits.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde_json::Value;
    use serde_json::json;

    use crate::suite::Home;
    use crate::suite::Options;
    use crate::suite::Reply;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;
    use crate::suite::run;

    /// `work` has a storage of its own, `port:8443` another, `small` only limits.
    fn options(options: Options) -> Options {
        options
            .set("host:Work.storage.sqluri", "sqlite:///%(here)s/work.db")
            .set(
                "host:port:8443.storage.sqluri",
                "sqlite:///%(here)s/port.db",
            )
            .set("host:port:80.storage.sqluri", "sqlite:///%(here)s/work.db")
            .set("host:small.storage.use_quota", "true")
            .set("host:small.storage.quota_size", "1")
            .set("host:small.storage.batch_max_count", "1")
            .set("global.trusted_proxies", "127.0.0.1")
    }

    fn site() -> Site {
        Site::in_home(Home::new(), Way::FastCgi, options)
    }

    #[track_caller]
    fn get(user: &User<'_>, host: &str, path: &str) -> Reply {
        user.storage("GET", path).header("Host", host).send()
    }

    #[track_caller]
    fn put(user: &User<'_>, host: &str, path: &str, payload: &str) -> Reply {
        let body = json!({ "payload": payload }).to_string();
        let call = user.storage("PUT", path).header("Host", host);
        call.body(&body).send()
    }

    #[track_caller]
    fn weaved(site: &Site, arguments: &[&str]) -> String {
        let output = run(arguments, "", site.home().path());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn query(site: &Site, file: &str, sql: &str) -> i64 {
        let database = Connection::open(site.home().path().join(file)).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_host_with_a_storage_of_its_own_shares_no_records() {
        let site = site();
        let user = site.user();
        for (at, host) in ["anything", "work", "port:8443"].into_iter().enumerate() {
            get(&user, host, "storage/c/a").is(404);
            put(&user, host, "storage/c/a", &at.to_string()).ok();
        }
        let payload = |host| get(&user, host, "storage/c/a").json()["payload"].clone();
        for (host, expected) in [
            ("sync.example", "0"),
            ("", "0"),
            ("no host at all", "0"),
            ("port:8444", "0"),
            ("workshop", "0"),
            ("work", "1"),
            ("WORK", "1"),
            ("work.", "1"),
            ("work:8080", "1"),
            ("port", "1"),
            ("port:80", "1"),
            ("port:8443", "2"),
            ("Port:8443", "2"),
        ] {
            assert_eq!(payload(host), Value::from(expected), "{host}");
        }
        // A proxy's word counts if the proxy is trusted.
        let call = user.storage("GET", "storage/c/a").header("Host", "work");
        let reply = call.header("X-Forwarded-Host", "port:8443").send();
        assert_eq!(reply.json()["payload"], "2");
        // Each with its own times.
        let before = get(&user, "work", "info/collections").json();
        put(&user, "anything", "storage/c/b", "").ok();
        get(&user, "work", "info/collections").answers(before);
    }

    #[test]
    fn a_host_without_a_storage_of_its_own_has_limits() {
        let site = site();
        let user = site.user();
        put(&user, "anything", "storage/c/a", &"x".repeat(1024)).ok();
        get(&user, "anything", "info/quota").answers(json!([1.0, null]));
        get(&user, "small", "info/quota").answers(json!([1.0, 1]));
        put(&user, "small", "storage/c/b", "").code(14);
        put(&user, "anything", "storage/c/b", "").ok();
        user.delete("storage/c").ok();
        let two = json!([{"id": "a", "payload": ""}, {"id": "b", "payload": ""}]).to_string();
        let post = |host| {
            let call = user.storage("POST", "storage/c").header("Host", host);
            call.body(&two).send()
        };
        post("small").batch(&["a"], json!({"b": ["retry wbo"]}));
        post("anything").batch(&["a", "b"], json!({}));
    }

    #[test]
    fn browsers_stay_where_they_came_by() {
        let node = |site: &Site, user: &User<'_>, host: &str| {
            let call = user.user("GET", "/node/weave").header("Host", host);
            let prefix = site.prefix();
            call.send().text().replace(prefix, "/MOUNT")
        };
        let site = site();
        let user = site.user();
        assert_eq!(node(&site, &user, "work"), "http://work/MOUNT/");
        assert_eq!(node(&site, &user, "elsewhere"), "http://elsewhere/MOUNT/");
        let site = Site::in_home(Home::new(), Way::FastCgi, |options| {
            super::tests::options(options)
                .set("global.public_url", "https://main/y")
                .set("host:Work.nodes.fallback_node", "https://work/y/")
                .set("host:alone.nodes.fallback_node", "null")
        });
        let user = site.user();
        assert_eq!(node(&site, &user, "work"), "https://work/y/");
        assert_eq!(node(&site, &user, "alone"), "null");
        assert_eq!(node(&site, &user, "elsewhere"), "https://main/y/");
        assert_eq!(node(&site, &user, "port:8443"), "https://main/y/");
        site.log().wait_for(|line| {
            (line.contains("[host:port:8443]") && line.contains("are sent from this host"))
                .then_some(())
        });
    }

    #[test]
    fn whoever_deletes_his_account_leaves_nothing_on_any_host() {
        let site = site();
        let (user, other) = (site.user(), site.user());
        for host in ["anything", "work", "port:8443"] {
            put(&user, host, "storage/c/a", "").ok();
            put(&other, host, "storage/c/a", "").ok();
        }
        user.user("DELETE", "")
            .header("Host", "work")
            .send()
            .says("1");
        let left = "SELECT count(*) FROM wbo";
        for file in ["sync.db", "work.db", "port.db"] {
            assert_eq!(query(&site, file, left), 1, "{file}");
        }
    }

    #[test]
    fn no_account_gets_an_id_that_has_records_on_any_host() {
        let site = site();
        let user = site.user();
        put(&user, "port:8443", "storage/c/a", "").ok();
        // As after the loss of the accounts: records that nobody's are any more.
        let database = Connection::open(site.home().path().join("port.db")).unwrap();
        let orphan = "UPDATE wbo SET username = 900";
        assert_eq!(database.execute(orphan, []).unwrap(), 1);
        let newcomer = site.user();
        put(&newcomer, "work", "storage/c/a", "").ok();
        let id = query(&site, "work.db", "SELECT max(username) FROM wbo");
        assert_eq!(id, 901);
    }

    #[test]
    fn commands_know_all_storages() {
        let site = site();
        let user = site.user();
        for host in ["anything", "work"] {
            let call = user.storage("PUT", "storage/c/a").header("Host", host);
            call.body(r#"{"payload":"a","ttl":0}"#).send().ok();
        }
        put(&user, "port:8443", "storage/d/a", "a").ok();
        let show = weaved(&site, &["user", "show", "development.ini", &user.email]);
        for line in [
            "\n  c: ",
            "\non port:80:\nused: ",
            "\non port:8443:\nused: ",
            "\n  d: 1 ",
        ] {
            assert!(show.contains(line), "{line} in {show}");
        }
        let folder = site.home().path().display();
        let check = weaved(&site, &["check", "development.ini"]);
        for line in [
            format!(
                "database of the records and accounts and records of small: sqlite:///{folder}/sync.db: opens"
            ),
            format!(
                "database of the records of work and records of port:80: sqlite:///{folder}/work.db: opens"
            ),
            format!("database of the records of port:8443: sqlite:///{folder}/port.db: opens"),
        ] {
            assert!(check.contains(&line), "{line} in {check}");
        }
        weaved(&site, &["purge", "development.ini"]);
        let records = "SELECT count(*) FROM wbo";
        let count = |file| query(&site, file, records);
        assert_eq!(
            (count("sync.db"), count("work.db"), count("port.db")),
            (0, 0, 1)
        );
    }
}
