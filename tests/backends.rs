//! Where accounts and records lie: the forms of a URI, apart from each other, and out of reach.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::process::Output;

    use serde_json::json;

    use crate::suite::Backend;
    use crate::suite::DatabaseServer;
    use crate::suite::Durability;
    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::Options;
    use crate::suite::ServedDatabase;
    use crate::suite::Site;
    use crate::suite::Way;
    use crate::suite::on_every_server;
    use crate::suite::run;

    on_every_server! {
        the_socket_leads_in
        tls_leads_in
        accounts_may_lie_in_a_file
        records_may_lie_in_a_file
        a_server_that_is_away_at_the_start
        a_wrong_password
        a_server_that_may_lose_writes_is_told_of
    }

    fn fresh(backend: Backend) -> ServedDatabase {
        DatabaseServer::shared(backend).database("backends")
    }

    /// An account is made, has a record, and goes, and nothing is left of it.
    fn lives(site: &Site, accounts: &Home, records: &Home) {
        let user = site.user();
        user.put("storage/c/i", r#"{"payload":"x"}"#).written();
        user.get("info/collection_counts").answers(json!({"c": 1}));
        let users = || accounts.ground().number("SELECT COUNT(*) FROM \"user\"");
        let stored = || records.ground().number("SELECT COUNT(*) FROM wbo");
        assert_eq!((users(), stored()), (1, 1));
        user.user("DELETE", "").send().says("1");
        assert_eq!((users(), stored()), (0, 0));
    }

    fn lives_by(database: ServedDatabase, uri: String) {
        let home = Home::served(database);
        let set = |options: Options| options.database(uri);
        let site = Site::in_home(home.clone(), Way::FastCgi, set);
        lives(&site, &home, &home);
    }

    fn the_socket_leads_in(backend: Backend) {
        let database = fresh(backend);
        let uri = database.socket_uri();
        lives_by(database, uri);
    }

    fn tls_leads_in(backend: Backend) {
        let database = fresh(backend);
        let uri = database.tls_uri();
        lives_by(database, uri);
    }

    fn accounts_may_lie_in_a_file(backend: Backend) {
        let (home, database) = (Home::new(), fresh(backend));
        let set = |options: Options| options.set("storage.sqluri", database.uri());
        let site = Site::in_home(home.clone(), Way::FastCgi, set);
        lives(&site, &home, &Home::served(database));
    }

    fn records_may_lie_in_a_file(backend: Backend) {
        let (home, database) = (Home::new(), fresh(backend));
        let set = |options: Options| options.set("auth.sqluri", database.uri());
        let site = Site::in_home(home.clone(), Way::FastCgi, set);
        lives(&site, &Home::served(database), &home);
    }

    #[test]
    fn accounts_and_records_may_lie_on_different_servers() {
        for (accounts, records) in [
            (Backend::MariaDb, Backend::PostgreSql),
            (Backend::PostgreSql, Backend::MariaDb),
        ] {
            let (accounts, records) = (fresh(accounts), fresh(records));
            let set = |options: Options| {
                let options = options.set("auth.sqluri", accounts.uri());
                options.set("storage.sqluri", records.uri())
            };
            let site = Site::in_home(Home::new(), Way::FastCgi, set);
            lives(&site, &Home::served(accounts), &Home::served(records));
        }
    }

    /// What `weaved serve` said that could not start.
    fn fails_to_start(home: &Home, options: &Options) -> String {
        let ini = home.configure(options);
        let Output { status, stderr, .. } = run(&["serve", ini.to_str().unwrap()], "", home.path());
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(69), "{said}");
        said
    }

    #[track_caller]
    fn shows_no_password(said: &str, database: &ServedDatabase) {
        let uri = database.uri();
        let (_, rest) = uri.split_once("sync:").unwrap();
        let (encoded, _) = rest.split_once('@').unwrap();
        for password in [database.password(), encoded] {
            assert!(!said.contains(password), "{said}");
        }
    }

    fn a_server_that_is_away_at_the_start(backend: Backend) {
        let server = DatabaseServer::start(backend, Durability::Fast);
        let database = server.database("away");
        server.stop();
        let home = Home::served(database.clone());
        let options = Options::new(Gateway::Fcgi, "").database(database.uri());
        let said = fails_to_start(&home, &options);
        assert!(
            said.contains(&format!("127.0.0.1:{}", server.port())),
            "{said}"
        );
        shows_no_password(&said, &database);
    }

    /// The shared servers do not wait for the disk.
    fn a_server_that_may_lose_writes_is_told_of(backend: Backend) {
        let site = Site::in_home(Home::served(fresh(backend)), Way::FastCgi, |options| {
            options
        });
        let setting = match backend {
            Backend::MariaDb => "innodb_flush_log_at_trx_commit is not 1: ",
            Backend::PostgreSql => "fsync is not on: ",
        };
        site.log().wait_for_count(setting, 1);
        site.user();
        assert_eq!(site.log().count("the clock of this machine"), 0);
    }

    fn a_wrong_password(backend: Backend) {
        let database = fresh(backend);
        let uri = database.uri().replace("sync:p", "sync:q");
        let options = Options::new(Gateway::Fcgi, "").database(uri);
        let said = fails_to_start(&Home::served(database.clone()), &options);
        assert!(said.contains("sync"), "{said}");
        shows_no_password(&said.replace("sync:q", "sync:p"), &database);
    }
}
