//! What may follow the question mark of a URI, as users of SQLAlchemy's drivers write it.
//!
//! MySQL: mysqlclient, PyMySQL, mysql-connector; PostgreSQL: psycopg2 (libpq), pg8000. What makes
//! no difference here is taken with a notice; what nobody knows is an error, because a misspelt
//! `ssl_ca` must not go unseen.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::BadDatabaseUri;
use super::Remark;
use super::Secret;
use super::ServerHost;
use super::TargetSession;
use super::authority;
use super::tls;
use super::tls::Mode;
use super::tls::Wishes;
use crate::config::keys::nearest;
use crate::config::problem::Severity;
use crate::config::values::Setting;

/// An option and what becomes of it.
#[derive(Clone, Copy)]
pub(super) struct Known {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Taken, and told that it does nothing.
    NoEffect,
    /// Cannot be done; the reason follows the option's name.
    Refused(&'static str),
    /// Taken; the error says what is wanted.
    Used(fn(&mut Given, &str) -> Result<(), String>),
}

/// What the options of a URI say.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<String>,
    pub(super) hosts: Vec<ServerHost>,
    pub(super) ports: Vec<u16>,
    pub(super) socket: Option<PathBuf>,
    pub(super) tls: Wishes,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) read_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
    pub(super) init_command: Option<Secret>,
    pub(super) application_name: Option<String>,
    pub(super) settings: Option<Secret>,
    pub(super) target: Option<TargetSession>,
    /// An encoding that was asked for and that nobody gets.
    encoding: Option<(&'static str, &'static str)>,
}

const fn used(name: &'static str, set: fn(&mut Given, &str) -> Result<(), String>) -> Known {
    let kind = Kind::Used(set);
    Known { name, kind }
}

const fn no_effect(name: &'static str) -> Known {
    let kind = Kind::NoEffect;
    Known { name, kind }
}

const fn refused(name: &'static str, reason: &'static str) -> Known {
    let kind = Kind::Refused(reason);
    Known { name, kind }
}

const DEFAULTS: &str = "is not read here: write what that file says into this URI";
const REVOKED: &str = "is not supported: no certificate would be checked against it";

/// The options of `mysql://`.
pub(super) static MYSQL: &[Known] = &[
    used("user", user),
    used("password", password),
    used("passwd", password),
    used("host", host),
    used("port", port),
    used("db", database),
    used("database", database),
    used("unix_socket", socket),
    used("charset", |given, text| {
        let utf8 = ["utf8", "utf8mb4", "utf8mb3"];
        if !utf8.contains(&&*text.to_ascii_lowercase()) {
            given.encoding = Some(("charset", "utf8mb4"));
        }
        Ok(())
    }),
    used("init_command", |given, text| {
        given.init_command = Some(Secret::new(text));
        Ok(())
    }),
    used("connect_timeout", connect_timeout),
    used("connection_timeout", connect_timeout),
    used("read_timeout", |given, text| {
        given.read_timeout = Some(seconds(text)?);
        Ok(())
    }),
    used("write_timeout", |given, text| {
        given.write_timeout = Some(seconds(text)?);
        Ok(())
    }),
    used("ssl", mode),
    used("ssl_mode", mode),
    used("ssl-mode", mode),
    used("ssl_disabled", |given, text| {
        if bool::read(text).map_err(|wanted| wanted.0)? {
            given.tls.mode = Some(Mode::Off);
        }
        Ok(())
    }),
    used("ssl_ca", ca),
    used("ssl_cert", cert),
    used("ssl_key", key),
    used(tls::CERT, verify_cert),
    used(tls::IDENTITY, verify_name),
    used("ssl_check_hostname", verify_name),
    refused(
        "ssl_capath",
        "names a folder: name one file of authorities by ssl_ca",
    ),
    refused("ssl_crl", REVOKED),
    refused("ssl_crlpath", REVOKED),
    refused("read_default_file", DEFAULTS),
    refused("read_default_group", DEFAULTS),
    refused("option_files", DEFAULTS),
    no_effect("allow_local_infile"),
    no_effect("auth_plugin"),
    no_effect("autocommit"),
    no_effect("binary_prefix"),
    no_effect("buffered"),
    no_effect("client_flag"),
    no_effect("collation"),
    no_effect("compress"),
    no_effect("consume_results"),
    no_effect("defer_connect"),
    no_effect("get_warnings"),
    no_effect("local_infile"),
    no_effect("max_allowed_packet"),
    no_effect("multi_statements"),
    no_effect("program_name"),
    no_effect("raise_on_warnings"),
    no_effect("sql_mode"),
    no_effect("ssl_cipher"),
    no_effect("time_zone"),
    no_effect("tls_ciphersuites"),
    no_effect("tls_versions"),
    no_effect("use_pure"),
    no_effect("use_unicode"),
];

/// The options of `postgresql://`.
pub(super) static POSTGRESQL: &[Known] = &[
    used("user", user),
    used("password", password),
    used("host", host),
    used("port", port),
    used("dbname", database),
    used("database", database),
    used("unix_sock", socket),
    used("client_encoding", |given, text| {
        let utf8 = ["utf8", "utf-8", "unicode"];
        if !utf8.contains(&&*text.to_ascii_lowercase()) {
            given.encoding = Some(("client_encoding", "utf8"));
        }
        Ok(())
    }),
    used("application_name", |given, text| {
        given.application_name = Some(text.to_owned());
        Ok(())
    }),
    used("options", |given, text| {
        given.settings = Some(Secret::new(text));
        Ok(())
    }),
    used("target_session_attrs", |given, text| {
        given.target = Some(match text {
            "any" => TargetSession::Any,
            "primary" | "read-write" => TargetSession::ReadWrite,
            "prefer-standby" | "read-only" | "standby" => {
                return Err("asks for a server that takes no writes: write read-write".to_owned());
            }
            _ => return Err("is none of any, read-write".to_owned()),
        });
        Ok(())
    }),
    used("connect_timeout", connect_timeout),
    used("timeout", connect_timeout),
    used("sslmode", mode),
    used("ssl", mode),
    used("sslrootcert", ca),
    used("sslcert", cert),
    used("sslkey", key),
    used(tls::CERT, verify_cert),
    used(tls::IDENTITY, verify_name),
    refused("passfile", DEFAULTS),
    refused("service", DEFAULTS),
    refused("sslcrl", REVOKED),
    refused("sslcrldir", REVOKED),
    refused(
        "sslpassword",
        "is not supported: give the key without a passphrase",
    ),
    refused(
        "hostaddr",
        "is not supported: write the address as the host",
    ),
    refused(
        "requiressl",
        "is not known any more: write sslmode=verify-full",
    ),
    no_effect("channel_binding"),
    no_effect("executemany_mode"),
    no_effect("fallback_application_name"),
    no_effect("gssencmode"),
    no_effect("implicit_returning"),
    no_effect("isolation_level"),
    no_effect("keepalives"),
    no_effect("keepalives_count"),
    no_effect("keepalives_idle"),
    no_effect("keepalives_interval"),
    no_effect("krbsrvname"),
    no_effect("load_balance_hosts"),
    no_effect("prepared_statement_cache_size"),
    no_effect("sslcompression"),
    no_effect("sslsni"),
    no_effect("tcp_keepalive"),
    no_effect("tcp_user_timeout"),
    no_effect("use_native_hstore"),
    no_effect("use_native_unicode"),
    no_effect("use_native_uuid"),
];

/// Reads `name=value&name=value`, decoded as a form.
pub(super) fn read(
    text: &str,
    table: &[Known],
    remarks: &mut Vec<Remark>,
) -> Result<Given, BadDatabaseUri> {
    let mut given = Given::default();
    for (at, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(pair).map_err(|_| BadDatabaseUri::NoOptions)?;
        let [(name, value)] = &*pairs else {
            return Err(BadDatabaseUri::NoOptions);
        };
        let place = at + 1;
        let known = table
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(name));
        let Some(&Known { name, kind }) = known else {
            let near = nearest(name, table.iter().map(|known| known.name));
            return Err(BadDatabaseUri::UnknownOption { place, near });
        };
        let wrong = |wanted| BadDatabaseUri::Option { name, wanted };
        match kind {
            Kind::NoEffect => remarks.push(Remark {
                severity: Severity::Notice,
                text: format!("the URI's option {name} has no effect"),
            }),
            Kind::Refused(reason) => return Err(wrong(reason.to_owned())),
            Kind::Used(_) if value.is_empty() => return Err(wrong("has no value".to_owned())),
            Kind::Used(_) if value.contains(char::is_control) => {
                return Err(wrong("has a control character".to_owned()));
            }
            Kind::Used(set) => set(&mut given, value).map_err(wrong)?,
        }
    }
    if let Some((name, encoding)) = given.encoding {
        remarks.push(Remark {
            severity: Severity::Notice,
            text: format!("the URI's option {name} has no effect: {encoding} is always used"),
        });
    }
    Ok(given)
}

fn user(given: &mut Given, text: &str) -> Result<(), String> {
    given.user = Some(text.to_owned());
    Ok(())
}

fn password(given: &mut Given, text: &str) -> Result<(), String> {
    given.password = Some(Secret::new(text));
    Ok(())
}

fn database(given: &mut Given, text: &str) -> Result<(), String> {
    given.database = Some(text.to_owned());
    Ok(())
}

/// One or several hosts; SQLAlchemy repeats the option, libpq has a list.
fn host(given: &mut Given, text: &str) -> Result<(), String> {
    for part in text.split(',') {
        // Bare: a socket, and an address of version 6, which needs no brackets without a port.
        if part.starts_with('/') || part.parse::<Ipv6Addr>().is_ok() {
            given.hosts.push(ServerHost {
                name: Some(part.to_owned()),
                port: None,
            });
        } else {
            let hosts = authority::hosts(part).map_err(|bad| bad.to_string())?;
            given.hosts.extend(hosts);
        }
    }
    Ok(())
}

fn port(given: &mut Given, text: &str) -> Result<(), String> {
    for part in text.split(',') {
        let port = authority::port(part);
        given
            .ports
            .push(port.map_err(|_| "is no number from 1 to 65535".to_owned())?);
    }
    Ok(())
}

fn socket(given: &mut Given, text: &str) -> Result<(), String> {
    given.socket = Some(PathBuf::from(text));
    Ok(())
}

fn connect_timeout(given: &mut Given, text: &str) -> Result<(), String> {
    given.connect_timeout = Some(seconds(text)?);
    Ok(())
}

/// Never without end: a request that waits for ever helps nobody.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (1..=3600).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "is no whole number of seconds from 1 to 3600".to_owned())
}

fn mode(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.mode = Some(Mode::read(text)?);
    Ok(())
}

fn ca(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.ca = Some(PathBuf::from(text));
    Ok(())
}

fn cert(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.cert = Some(PathBuf::from(text));
    Ok(())
}

fn key(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.key = Some(PathBuf::from(text));
    Ok(())
}

fn verify_cert(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.verify_cert = Some(bool::read(text).map_err(|wanted| wanted.0)?);
    Ok(())
}

fn verify_name(given: &mut Given, text: &str) -> Result<(), String> {
    given.tls.verify_name = Some(bool::read(text).map_err(|wanted| wanted.0)?);
    Ok(())
}
