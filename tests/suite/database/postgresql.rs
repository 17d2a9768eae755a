//! How PostgreSQL is installed, started and asked.

use std::fs;
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

pub(super) struct PostgreSql;

const SMALL: &[&str] = &["shared_buffers=32MB", "max_connections=500", "ssl=on"];

/// Commits go to the system, and nobody waits for the disk.
const FAST: &[&str] = &["fsync=off", "full_page_writes=off"];

/// Debian has a folder for each version, and none of them in the PATH: the newest.
fn find(name: &str) -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let newest: Vec<PathBuf> = versions.pop().map(|(_, path)| path).into_iter().collect();
    program::find(&[name], &newest, "postgresql")
}

impl Product for PostgreSql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn owner(&self) -> &'static str {
        "postgres"
    }

    fn administrator(&self) -> Login {
        Login {
            name: "postgres",
            password: "postgres's",
        }
    }

    fn ready(&self) -> &'static str {
        // "connections", or "read-only connections" of a standby.
        "database system is ready to accept "
    }

    fn end(&self) -> Signal {
        // TERM waits until all clients have gone.
        Signal::INT
    }

    fn install(&self, place: &Place) {
        let administrator = self.administrator();
        place.write("password", administrator.password, 0o600);
        let mut install = place.command(&find("initdb"));
        install
            .args(["--no-sync", "--no-instructions", "--auth=scram-sha-256"])
            .arg(format!("--pgdata={}", place.file("data")))
            .arg(format!("--username={}", administrator.name))
            .arg(format!("--pwfile={}", place.file("password")))
            // A language's order, as most have it who install PostgreSQL: not that of the bytes.
            .args(["--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--locale-provider=icu", "--icu-locale=en-US"]);
        complete(install);
    }

    fn server(&self, place: &Place) -> Command {
        let mut server = place.command(&find("postgres"));
        server
            .arg(format!("-D{}", place.file("data")))
            .arg(format!("-k{}", place.path().display()))
            .arg(format!("-p{}", place.port()))
            .arg("-clisten_addresses=127.0.0.1")
            .arg(format!("-cssl_ca_file={}", place.file("ca.pem")))
            .arg(format!("-cssl_cert_file={}", place.file("server.pem")))
            .arg(format!("-cssl_key_file={}", place.file("server.key")))
            .args(SMALL.iter().map(|setting| format!("-c{setting}")));
        if place.durability == Durability::Fast {
            server.args(FAST.iter().map(|setting| format!("-c{setting}")));
        }
        server
    }

    fn client(&self, place: &Place, login: Login, database: Option<&str>) -> Command {
        let mut client = Command::new(find("psql"));
        client
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set=ON_ERROR_STOP=1", "--pset=null=NULL"])
            .arg("--field-separator=\t")
            .arg(format!("--host={}", place.path().display()))
            .arg(format!("--port={}", place.port()))
            .arg(format!("--username={}", login.name))
            .arg(format!("--dbname={}", database.unwrap_or("postgres")))
            .env("PGPASSWORD", login.password)
            .env("PGCLIENTENCODING", "UTF8")
            // Notices are no failures, and tell nothing that a test asks for.
            .env("PGOPTIONS", "--client-min-messages=warning");
        client
    }

    fn user(&self) -> String {
        let (name, password) = (USER.name, USER.literal());
        format!("CREATE ROLE {name} LOGIN PASSWORD {password};")
    }

    fn database(&self, name: &str) -> String {
        format!("CREATE DATABASE {name} OWNER {};", USER.name)
    }

    fn socket_uri(&self, place: &Place, login: &str, database: &str) -> String {
        let (folder, port) = (place.path().display(), place.port());
        format!("postgresql://{login}@:{port}/{database}?host={folder}")
    }

    fn tcp_uri(&self, place: &Place, login: &str, database: &str) -> String {
        format!("postgresql://{login}@127.0.0.1:{}/{database}", place.port())
    }

    fn tls_uri(&self, place: &Place, login: &str, database: &str) -> String {
        let uri = self.tcp_uri(place, login, database);
        let authority = place.file("ca.pem");
        format!("{uri}?sslmode=verify-full&sslrootcert={authority}")
    }
}
