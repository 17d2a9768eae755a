//! Backups, exports, and their way back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use serde_json::Value;
use serde_json::json;

use super::support::contents;
use super::support::home;
use super::support::lines;
use super::support::weaved;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::on_every_database;

on_every_database! {
    a_backup_moves_from_one_database_to_another
    a_backup_under_writers_is_of_one_moment
    what_was_cut_or_damaged_changes_nothing
}

/// A server with two accounts and some records.
fn filled(kind: Kind) -> Site {
    let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
    let (alice, bob) = (site.user(), site.user());
    alice
        .post(
            "storage/bookmarks",
            r#"[{"id":"a","payload":"é","sortindex":-3},{"id":"b","payload":"","parentid":"a"}]"#,
        )
        .ok();
    alice
        .put("storage/own/c", r#"{"payload":"x","ttl":100000}"#)
        .ok();
    bob.put("storage/bookmarks/a", r#"{"payload":"bob's"}"#)
        .ok();
    site
}

fn a_backup_moves_from_one_database_to_another(kind: Kind) {
    let site = filled(kind);
    let from = site.home().clone();
    weaved(&from, "backup FILE all").prints("wrote all: 2 accounts, 4 records\n");
    let file = from.path().join("all");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    weaved(&from, "backup FILE all").complains(73, "all is there already; nothing was written");
    let out = weaved(&from, "backup FILE -").ends(0).out();
    assert!(out.starts_with("{\"head\":") && out.lines().count() == 8);
    // No half of a file is left behind.
    let parts = fs::read_dir(from.path()).unwrap();
    assert!(!parts.into_iter().any(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .ends_with(".part")
    }));
    let archive = file.display();
    for other in [Kind::Sqlite, kind] {
        let to = home(other);
        let said = weaved(&to, &format!("restore FILE {archive}"))
            .ends(0)
            .out();
        assert!(said.contains(": made, 3 records added\n"), "{said}");
        weaved(&to, "backup FILE again").ends(0);
        assert_eq!(contents(&to.path().join("again")), contents(&file));
        // Not twice, unless it is said; then nothing changes.
        weaved(&to, &format!("restore FILE {archive}")).complains(1, "--merge");
        let said = weaved(&to, &format!("restore FILE {archive} --merge --json")).json();
        let sums = |member: &str| -> u64 {
            let all = said.as_array().unwrap().iter();
            all.map(|moved| moved[member].as_u64().unwrap()).sum()
        };
        assert_eq!((sums("same"), sums("added"), sums("updated")), (4, 0, 0));
        weaved(&to, "backup FILE third").ends(0);
        assert_eq!(contents(&to.path().join("third")), contents(&file));
    }
}

/// Passwords go along, and so do the times that devices know.
#[test]
fn one_account_moves_to_another_server() {
    let from = filled(Kind::Sqlite);
    let home = from.home();
    let name = weaved(home, "user list FILE --json").json()[0]["name"].clone();
    let name = name.as_str().unwrap();
    let before = weaved(home, &format!("user show FILE {name} --json")).json();
    weaved(home, &format!("user export FILE {name} one"))
        .prints("wrote one: 1 accounts, 3 records\n");
    weaved(home, "user export FILE nobody two").complains(1, "there is no account nobody");
    assert!(!home.path().join("two").exists());

    let to = Site::in_home(Home::on(Kind::Sqlite), Way::Http, |options| options);
    let other = to.user();
    other.put("storage/c/o", r#"{"payload":"o"}"#).ok();
    let archive = home.path().join("one");
    let import = format!("user import FILE {}", archive.display());
    weaved(to.home(), &import).prints(&format!("{name}: made, 3 records added\n"));
    let after = weaved(to.home(), &format!("user show FILE {name} --json")).json();
    assert_eq!(after["storages"], before["storages"]);
    let email = before["email"].as_str().unwrap();
    let moved = User::named(&to, email, "secret-pass");
    moved.get("storage/bookmarks").holds(&["a", "b"]);
    // What he writes here is newer, and stays when the file is read again.
    let time = moved
        .put("storage/bookmarks/a", r#"{"payload":"new"}"#)
        .written();
    let said = weaved(to.home(), &import).ends(0).out();
    assert_eq!(
        said,
        format!(
            "{name}: was here, 0 records added, 2 here already, \
            1 kept as they are here, which is newer\n"
        )
    );
    assert_eq!(moved.get("storage/bookmarks/a").json()["payload"], "new");
    assert_eq!(
        moved.get("info/collections").json()["bookmarks"],
        time.json()
    );
    other.get("storage/c").lists(&["o"]);
}

/// Each batch of a writer is one transaction: whatever a backup sees of a batch is all of it.
fn a_backup_under_writers_is_of_one_moment(kind: Kind) {
    let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
    let users = [site.user(), site.user()];
    let home = site.home().clone();
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let batch = |number: usize| {
        let records: Vec<Value> = (0..20)
            .map(|id| json!({"id": id.to_string(), "payload": number.to_string()}))
            .collect();
        json!(records).to_string()
    };
    for user in &users {
        user.post("storage/c", batch(0)).ok();
    }
    thread::scope(|scope| {
        for user in &users {
            let (done, written, batch) = (&done, &written, &batch);
            scope.spawn(move || {
                let mut number = 1;
                while !done.load(Ordering::SeqCst) {
                    user.post("storage/c", batch(number)).ok();
                    if number % 3 == 0 {
                        user.delete("storage/c?ids=1,2,3").ok();
                        user.post("storage/c", batch(number)).ok();
                    }
                    number += 1;
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for name in ["one", "two", "three"] {
            let before = written.load(Ordering::SeqCst);
            while written.load(Ordering::SeqCst) < before + 4 {
                thread::yield_now();
            }
            weaved(&home, &format!("backup FILE {name}")).ends(0);
        }
        done.store(true, Ordering::SeqCst);
    });
    for name in ["one", "two", "three"] {
        let mut payloads: Vec<Vec<String>> = Vec::new();
        for line in contents(&home.path().join(name)) {
            match line.get("record") {
                None => payloads.push(Vec::new()),
                Some(record) => {
                    let payload = record["payload"].as_str().unwrap().to_owned();
                    payloads.last_mut().unwrap().push(payload);
                }
            }
        }
        assert_eq!(payloads.len(), 2);
        for of_one in payloads {
            assert!(of_one.len() == 20 || of_one.len() == 17, "{of_one:?}");
            assert!(
                of_one.iter().all(|payload| *payload == of_one[0]),
                "{of_one:?}"
            );
        }
        // It can be put back, and what is counted then is what is there.
        let to = super::support::home(Kind::Sqlite);
        let archive = home.path().join(name);
        weaved(&to, &format!("restore FILE {}", archive.display())).ends(0);
        let counted = to
            .ground()
            .number("SELECT SUM(records) FROM weaved_collections");
        assert_eq!(counted, to.ground().number("SELECT COUNT(*) FROM wbo"));
    }
}

fn what_was_cut_or_damaged_changes_nothing(kind: Kind) {
    let site = filled(kind);
    weaved(site.home(), "backup FILE all").ends(0);
    let whole = fs::read(site.home().path().join("all")).unwrap();
    let to = home(kind);
    let place = to.path().join("bad");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let ends = [0, 1, whole.len() / 3, whole.len() - 2, whole.len() - 1];
    let cut = ends.into_iter().map(|end| whole[..end].to_vec());
    for bad in cut.chain([damaged]) {
        fs::write(&place, bad).unwrap();
        for line in [
            "restore FILE bad",
            "user import FILE bad",
            "restore FILE bad --merge",
        ] {
            weaved(&to, line).complains(1, "nothing was changed");
        }
    }
    weaved(&to, "user list FILE").prints("");
    assert_eq!(to.ground().number("SELECT COUNT(*) FROM wbo"), 0);
    weaved(&to, "restore FILE nosuch").complains(1, "cannot read nosuch");
}

#[test]
fn hosts_with_storages_of_their_own_are_in_a_backup() {
    let options =
        |options: Options| options.set("host:work.storage.sqluri", "sqlite:///%(here)s/work.db");
    let site = Site::in_home(Home::on(Kind::Sqlite), Way::Http, options);
    let user = site.user();
    user.put("storage/c/plain", r#"{"payload":"p"}"#).ok();
    let call = user.storage("PUT", "storage/c/work").header("Host", "work");
    call.body(r#"{"payload":"w"}"#).send().ok();
    weaved(site.home(), "backup FILE all").prints("wrote all: 1 accounts, 2 records\n");
    let all = site.home().path().join("all");
    let hosts: Vec<_> = lines(&all)
        .iter()
        .map(|line| line["record"]["host"].clone())
        .collect();
    assert_eq!(hosts.iter().filter(|host| *host == "work").count(), 1);
    // Where there is no such host the records would be lost.
    let restore = format!("restore FILE {}", all.display());
    let to = home(Kind::Sqlite);
    weaved(&to, &restore).complains(1, "has records of the host work");
    weaved(&to, "user list FILE").prints("");
    let to = Home::on(Kind::Sqlite);
    to.configure(&options(Options::new(Gateway::Fcgi, "")));
    weaved(&to, &restore).ends(0);
    weaved(&to, "backup FILE again").ends(0);
    assert_eq!(contents(&to.path().join("again")), contents(&all));
}

/// The snapshot has one connection, what is asked meanwhile another.
#[test]
fn a_backup_needs_no_more_than_a_small_server_has() {
    let home = Home::on(Kind::Sqlite);
    let mut options = Options::new(Gateway::Fcgi, "").set("storage.pool_size", "1");
    options.threads = 1;
    home.configure(&options);
    weaved(&home, "user add FILE bob").ends(0);
    weaved(&home, "backup FILE all").prints("wrote all: 1 accounts, 0 records\n");
}

#[test]
fn a_file_that_cannot_be_made_is_told() {
    let home = home(Kind::Sqlite);
    weaved(&home, "backup FILE nosuch/file").complains(73, "cannot write nosuch/file");
    weaved(&home, "backup FILE /").complains(73, "/ is there already");
    assert!(!Path::new("nosuch").exists());
}

/// Old tables let two accounts have one name, and others whose names differ in case: what one has
/// stored is never put into another's account.
#[test]
fn people_of_one_name_are_not_poured_into_one_account() {
    let from = home(Kind::Sqlite);
    weaved(&from, "user list FILE").ends(0);
    let hash = "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==";
    let mut sql = format!(
        "DROP TABLE user;
         CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(32), password_hash VARCHAR(128),
            email VARCHAR(64), status INTEGER, alert TEXT, reset VARCHAR(32),
            reset_expiration DATETIME);
         INSERT INTO users (id, username, password_hash, status) VALUES
            (1, 'joe', '{hash}', 1), (2, 'joe', 'x{hash}', 0), (3, 'Joe', '{hash}', 1);"
    );
    for user in 1..=3 {
        sql.push_str(&format!(
            "INSERT INTO collections VALUES ({user}, 1, 'notes');
             INSERT INTO wbo (id, username, collection, modified, payload, payload_size)
             VALUES ('of{user}', {user}, 1, 132200000000, 'secret', 6);"
        ));
    }
    from.ground().run_sql(&sql);
    weaved(&from, "backup FILE all").ends(0);
    let to = home(Kind::Sqlite);
    let file = from.path().join("all");
    let restored = weaved(&to, &format!("restore FILE {}", file.display()));
    restored.complains(1, "2 accounts were left out");
    let ids = "SELECT username, id FROM wbo ORDER BY id";
    assert_eq!(to.ground().value(ids), "1\tof1");
}

/// What old databases can hold and clients never make: none of it spoils a backup, and what cannot
/// be kept is said on the way out or on the way in.
#[test]
fn odd_rows_spoil_no_backup() {
    let from = home(Kind::Sqlite);
    weaved(&from, "user list FILE").ends(0);
    let long = "n".repeat(40);
    from.ground().run_sql(&format!(
        "INSERT INTO user (userid, username, password, accountStatus, syncNode) VALUES
            (1, '{long}', '{{SSHA}}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==', 1, 'https://n1/'),
            (2, 'ann', 'nonsense', 1, NULL), (3, 'a/b', 'x', 1, NULL);
         INSERT INTO collections VALUES (1, 1, 'notes');
         INSERT INTO wbo (id, username, collection, modified, payload, payload_size) VALUES
            ('old', 1, 1, -5, 'p', 1), ('nul', 1, 1, 132200000000, 'a' || char(0) || 'b', 3),
            ('x', 3, 1, 132200000000, 'p', 1), ('y', 4, 1, 132200000000, 'p', 1);"
    ));
    let backup = weaved(&from, "backup FILE all").ends(0);
    assert_eq!(backup.out(), "wrote all: 2 accounts, 2 records\n");
    for told in [
        "ann: the password is of no known kind, and was left out",
        "no client can say their names: the accounts 3",
        "the records of 1 users without an account",
    ] {
        assert!(backup.err().contains(told), "{}", backup.err());
    }
    let to = home(Kind::Sqlite);
    let restore = format!("restore FILE {}", from.path().join("all").display());
    let restored = weaved(&to, &restore).ends(1);
    assert!(restored.err().contains("1 records were left out"));
    let told = "left out: 1 with a payload with a NUL character";
    assert!(restored.out().contains(told), "{}", restored.out());
    let rows = "SELECT username, accountStatus, syncNode FROM user ORDER BY userid";
    assert_eq!(
        to.ground().value(rows),
        format!("{long}\t1\thttps://n1/\nann\t1\tNULL")
    );
    assert_eq!(to.ground().value("SELECT id FROM wbo"), "old");
    // His records are somebody's, although nobody can name him.
    let said = weaved(&from, "purge FILE --gone --yes").ends(0).out();
    assert!(
        said.contains("user 4 ") && !said.contains("user 3 "),
        "{said}"
    );
}

/// A backup that was killed leaves its file; the next one at the same place removes it.
#[test]
fn what_was_left_unfinished_is_swept() {
    let home = home(Kind::Sqlite);
    let names = ["all.99999.part", "all.x.part", "other.1.part"].map(|name| home.path().join(name));
    for name in &names {
        fs::write(name, "half").unwrap();
    }
    weaved(&home, "backup FILE all").ends(0);
    let are_there: Vec<bool> = names.iter().map(|name| name.exists()).collect();
    assert_eq!(are_there, [false, true, true]);
}
