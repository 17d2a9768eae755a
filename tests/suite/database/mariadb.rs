//! How MariaDB is installed, started and asked.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use super::Durability;
use super::Login;
use super::Place;
use super::Product;
use super::USER;
use super::complete;
use super::program;

pub(super) struct MariaDb;

/// A small server that asks no name service. Everything else is what it does by itself, among it
/// latin1 as the charset of new databases.
const SMALL: &[&str] = &[
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--max-connections=500",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
];

/// Commits go to the system, and nobody waits for the disk.
const FAST: &[&str] = &[
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=OFF",
];

fn find(names: &[&str]) -> PathBuf {
    program::find(names, &[], "mariadb-server")
}

impl Product for MariaDb {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn owner(&self) -> &'static str {
        "mysql"
    }

    fn administrator(&self) -> Login {
        Login {
            name: "root",
            password: "root's",
        }
    }

    fn ready(&self) -> &'static str {
        "ready for connections"
    }

    fn end(&self) -> Signal {
        Signal::TERM
    }

    fn install(&self, place: &Place) {
        let data = place.file("data");
        let mut install = place.command(&find(&["mariadb-install-db", "mysql_install_db"]));
        install
            .args(["--no-defaults", "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!("--datadir={data}"))
            .arg(format!("--tmpdir={}", place.path().display()))
            .args(["--innodb-log-file-size=32M", "--innodb-flush-method=nosync"]);
        complete(install);
        // Read at each start, before anybody may connect. The installation leaves accounts
        // without passwords, among them one without a name that would come before ours.
        let password = self.administrator().literal();
        let statements = format!(
            "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n\
             FLUSH PRIVILEGES;\n\
             ALTER USER root@localhost IDENTIFIED BY {password};\n"
        );
        place.write("init.sql", &statements, 0o600);
    }

    fn server(&self, place: &Place) -> Command {
        let mut server = place.command(&find(&["mariadbd", "mysqld"]));
        server
            .arg("--no-defaults")
            .arg(format!("--datadir={}", place.file("data")))
            // A server that starts removes the temporary tables of all others in this folder.
            .arg(format!("--tmpdir={}", place.path().display()))
            .arg(format!("--init-file={}", place.file("init.sql")))
            .arg(format!("--socket={}", place.file("mariadb.sock")))
            .arg(format!("--pid-file={}", place.file("mariadb.pid")))
            .arg(format!("--port={}", place.port()))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--ssl-ca={}", place.file("ca.pem")))
            .arg(format!("--ssl-cert={}", place.file("server.pem")))
            .arg(format!("--ssl-key={}", place.file("server.key")))
            .args(SMALL);
        if place.durability == Durability::Fast {
            server.args(FAST);
        }
        server
    }

    fn client(&self, place: &Place, login: Login, database: Option<&str>) -> Command {
        let mut client = Command::new(find(&["mariadb", "mysql"]));
        client
            .args(["--no-defaults", "--batch", "--raw", "--skip-column-names"])
            .arg("--unbuffered")
            // "Names" as in the other databases.
            .arg("--init-command=SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
            .args(["--default-character-set=utf8mb4", "--protocol=socket"])
            .arg(format!("--socket={}", place.file("mariadb.sock")))
            .arg(format!("--user={}", login.name))
            .env("MYSQL_PWD", login.password)
            .args(database);
        client
    }

    fn user(&self) -> String {
        let (name, password) = (USER.name, USER.literal());
        format!("CREATE USER {name}@'%' IDENTIFIED BY {password};")
    }

    fn database(&self, name: &str) -> String {
        let user = USER.name;
        format!("CREATE DATABASE `{name}`; GRANT ALL PRIVILEGES ON `{name}`.* TO {user}@'%';")
    }

    fn socket_uri(&self, place: &Place, login: &str, database: &str) -> String {
        let socket = place.file("mariadb.sock");
        format!("mysql://{login}@localhost/{database}?unix_socket={socket}")
    }

    fn tcp_uri(&self, place: &Place, login: &str, database: &str) -> String {
        format!("mysql://{login}@127.0.0.1:{}/{database}", place.port())
    }

    fn tls_uri(&self, place: &Place, login: &str, database: &str) -> String {
        let uri = self.tcp_uri(place, login, database);
        format!("{uri}?ssl_ca={}", place.file("ca.pem"))
    }
}
