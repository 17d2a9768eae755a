//! `weaved migrate`: a database of the original on MySQL, from the refused start to the first sync.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use crate::suite::Backend;
    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::Options;
    use crate::suite::Site;
    use crate::suite::Way;
    use crate::suite::run;

    /// The tables as SQLAlchemy made them for the original (spec/storage-1.1.md, 7.1), and a
    /// record of a user.
    const ORIGINAL: &str = "
        CREATE TABLE collections (
            userid INTEGER NOT NULL AUTO_INCREMENT,
            collectionid INTEGER NOT NULL,
            name VARCHAR(32) NOT NULL,
            PRIMARY KEY (userid, collectionid)
        );
        CREATE TABLE wbo (
            id VARCHAR(64) NOT NULL,
            username INTEGER NOT NULL AUTO_INCREMENT,
            collection INTEGER NOT NULL,
            parentid VARCHAR(64),
            predecessorid VARCHAR(64),
            sortindex INTEGER,
            modified BIGINT,
            payload TEXT,
            payload_size INTEGER NOT NULL,
            ttl INTEGER,
            PRIMARY KEY (id, username, collection),
            KEY idx_autoinc_username (username)
        ) ENGINE=InnoDB CHARSET=latin1;
        INSERT INTO collections VALUES (1, 0, 'tabs');
        INSERT INTO wbo (id, username, collection, modified, payload, payload_size, ttl)
            VALUES ('AbC', 1, 0, 129000000013, 'one', 3, 2100000000);";

    /// What a command said on both its outputs, which it ends with this code.
    #[track_caller]
    fn says(home: &Home, arguments: &[&str], code: i32) -> String {
        let output = run(arguments, "", home.path());
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    }

    #[test]
    fn an_old_database_is_refused_mended_and_served() {
        let home = Home::on(Backend::MariaDb);
        home.run_sql(ORIGINAL);
        home.configure(&Options::new(Gateway::Fcgi, ""));
        let statement = "ALTER TABLE wbo MODIFY id VARBINARY(64) NOT NULL, ";

        let refused = says(&home, &["serve", "development.ini"], 78);
        assert!(
            refused.contains("would lose records as it is:"),
            "{refused}"
        );
        assert!(refused.contains(statement), "{refused}");
        let checked = says(&home, &["check", "development.ini"], 78);
        assert!(
            checked.contains("`weaved migrate FILE` mends them"),
            "{checked}"
        );

        let shown = says(&home, &["migrate", "--dry-run", "development.ini"], 0);
        assert!(shown.contains(statement), "{shown}");
        assert!(
            shown.contains("\nnothing was changed; make a backup"),
            "{shown}"
        );
        says(&home, &["serve", "development.ini"], 78);
        let done = says(&home, &["migrate", "development.ini"], 0);
        assert!(done.contains(statement), "{done}");
        assert!(
            done.ends_with("\nall tables are as they must be\n"),
            "{done}"
        );
        let again = says(&home, &["migrate", "development.ini"], 0);
        assert_eq!(again, "nothing to do\n");
        assert!(says(&home, &["check", "development.ini"], 0).ends_with("ok\n"));

        let site = Site::in_home(home, Way::FastCgi, |options| options);
        // The storage knows of user 1, so that the new account is another.
        let user = site.user();
        user.put("storage/tabs/abc", r#"{"payload":"mine"}"#).ok();
        user.get("storage/tabs").is(200);
        let records = "SELECT COUNT(*) FROM wbo WHERE username = 1 AND payload = 'one'";
        assert_eq!(site.home().run_sql(records).trim(), "1");
    }

    #[test]
    fn there_is_nothing_to_do_elsewhere() {
        for home in [Home::new(), Home::on(Backend::PostgreSql)] {
            home.configure(&Options::new(Gateway::Fcgi, ""));
            let said = says(&home, &["migrate", "development.ini"], 0);
            assert_eq!(said, "nothing to do\n");
        }
    }
}
