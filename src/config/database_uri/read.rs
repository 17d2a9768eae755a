//! From the text after `://` to a value.

use std::mem;
use std::net::IpAddr;
use std::path::PathBuf;

use super::BadDatabaseUri;
use super::DatabaseUri;
use super::MySqlUri;
use super::PostgreSqlUri;
use super::Remark;
use super::ServerHost;
use super::ServerUri;
use super::TargetSession;
use super::Tls;
use super::Verify;
use super::authority;
use super::options;
use super::options::Given;
use super::tls;
use crate::config::problem::Severity;

pub(super) fn sqlite(rest: &str, remarks: &mut Vec<Remark>) -> Result<DatabaseUri, BadDatabaseUri> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !host.is_empty() {
        return Err(BadDatabaseUri::Host);
    }
    // Not percent-decoded, as in SQLAlchemy; what follows the ? are options of its driver.
    let (path, options) = path.split_once('?').unwrap_or((path, ""));
    if !options.is_empty() {
        remarks.push(Remark {
            severity: Severity::Notice,
            text: "what follows the question mark of the URI has no effect".to_owned(),
        });
    }
    Ok(match path {
        "" | ":memory:" => DatabaseUri::SqliteMemory,
        _ => DatabaseUri::SqliteFile(PathBuf::from(path)),
    })
}

pub(super) fn mysql(rest: &str, remarks: &mut Vec<Remark>) -> Result<MySqlUri, BadDatabaseUri> {
    let names = tls::Names {
        on: "ssl=true",
        off: "ssl=false",
        ca: "ssl_ca",
        cert: "ssl_cert",
        key: "ssl_key",
    };
    let (server, rest) = server(rest, options::MYSQL, &names, remarks)?;
    Ok(MySqlUri {
        server,
        init_command: rest.init_command,
        read_timeout: rest.read_timeout,
        write_timeout: rest.write_timeout,
    })
}

pub(super) fn postgresql(
    rest: &str,
    remarks: &mut Vec<Remark>,
) -> Result<PostgreSqlUri, BadDatabaseUri> {
    let names = tls::Names {
        on: "sslmode=verify-full",
        off: "sslmode=disable",
        ca: "sslrootcert",
        cert: "sslcert",
        key: "sslkey",
    };
    let (server, rest) = server(rest, options::POSTGRESQL, &names, remarks)?;
    let target = match rest.target {
        Some(target) => target,
        None if server.hosts.len() > 1 => TargetSession::ReadWrite,
        None => TargetSession::Any,
    };
    Ok(PostgreSqlUri {
        server,
        application_name: rest.application_name,
        settings: rest.settings,
        target,
    })
}

/// Reads what follows the `://`; answers the options that are the driver's own, too.
fn server(
    rest: &str,
    table: &[options::Known],
    names: &tls::Names,
    remarks: &mut Vec<Remark>,
) -> Result<(ServerUri, Given), BadDatabaseUri> {
    let (authority, path) = rest.split_once('/').ok_or(BadDatabaseUri::NoDatabase)?;
    if path.contains('@') {
        return Err(BadDatabaseUri::AtSign);
    }
    let authority = authority::read(authority)?;
    let (database, query) = path.split_once('?').unwrap_or((path, ""));
    let mut given = options::read(query, table, remarks)?;
    let database = Some(database.to_owned()).filter(|name| !name.is_empty());
    let mut server = ServerUri {
        hosts: authority.hosts,
        user: given.user.take().or(authority.user),
        password: given.password.take().or(authority.password),
        database: database
            .or(given.database.take())
            .ok_or(BadDatabaseUri::NoDatabase)?,
        connect_timeout: given.connect_timeout,
        ..ServerUri::default()
    };
    place(&mut server, &mut given)?;
    let tls = mem::take(&mut given.tls);
    let is_open = tls.mode.is_none();
    server.tls = tls.settle(names)?;
    check(&server)?;
    if is_open {
        tell_of_clear_text(&server, names, remarks);
    }
    if server.socket.is_some() && server.tls != Tls::Off {
        server.tls = Tls::Off;
        remarks.push(Remark {
            severity: Severity::Notice,
            text: "the URI asks for TLS, which has no effect on a Unix socket".to_owned(),
        });
    }
    if let Tls::On {
        verify: Verify::Nothing,
        ..
    } = server.tls
    {
        let text = "the URI has the option ssl_verify_cert=false: whoever gets in between can \
                    read and change everything. Name the authority's file instead";
        remarks.push(Remark {
            severity: Severity::Warning,
            text: text.to_owned(),
        });
    }
    Ok((server, given))
}

/// Warns of passwords and records on a network, unless somebody has said that it shall be so.
fn tell_of_clear_text(server: &ServerUri, names: &tls::Names, remarks: &mut Vec<Remark>) {
    let is_near = |host: &ServerHost| {
        let name = host.name.as_deref().unwrap_or("localhost");
        let address = name.parse().map(|address: IpAddr| address.is_loopback());
        address.unwrap_or(name.eq_ignore_ascii_case("localhost"))
    };
    if server.tls != Tls::Off || server.hosts.iter().all(is_near) {
        return;
    }
    remarks.push(Remark {
        severity: Severity::Warning,
        text: format!(
            "the way to the database server is not encrypted: add {}, or {} if nobody else is on \
             that network",
            names.on, names.off
        ),
    });
}

/// Settles hosts, ports and socket, of which options win over what stands before the path.
fn place(server: &mut ServerUri, given: &mut Given) -> Result<(), BadDatabaseUri> {
    let wrong = |name, wanted: &str| BadDatabaseUri::Option {
        name,
        wanted: wanted.to_owned(),
    };
    if !given.hosts.is_empty() {
        // `//:5433/name?host=/run/postgresql`: the port is not the option's, and stays.
        let port = server.hosts.first().and_then(|host| host.port);
        server.hosts = mem::take(&mut given.hosts);
        for host in &mut server.hosts {
            host.port = host.port.or(port);
        }
    }
    match &*given.ports {
        [] => {}
        [port] => server
            .hosts
            .iter_mut()
            .for_each(|host| host.port = Some(*port)),
        ports if ports.len() == server.hosts.len() => {
            for (host, port) in server.hosts.iter_mut().zip(ports) {
                host.port = Some(*port);
            }
        }
        _ => return Err(wrong("port", "has not as many ports as there are hosts")),
    }
    let is_path = |host: &ServerHost| host.name.as_ref().is_some_and(|name| name.starts_with('/'));
    match &mut *server.hosts {
        // `%2Fvar%2Frun%2Fpostgresql` before the path, or `host=/var/run/postgresql` after it.
        [host] if is_path(host) => server.socket = host.name.take().map(PathBuf::from),
        hosts if hosts.iter().any(is_path) => {
            let text = "has a socket among several hosts: name one socket, or hosts";
            return Err(wrong("host", text));
        }
        _ => {}
    }
    if let Some(socket) = given.socket.take() {
        if !socket.is_absolute() {
            return Err(wrong("unix_socket", "is no absolute path"));
        }
        server.hosts.truncate(1);
        server.hosts.iter_mut().for_each(|host| host.name = None);
        server.socket = Some(socket);
    }
    Ok(())
}

/// Refuses what would spoil a line of the log, or could not be anything.
fn check(server: &ServerUri) -> Result<(), BadDatabaseUri> {
    let control = |text: &str| text.contains(char::is_control);
    // A name has no such characters; options whose question mark was forgotten have.
    let is_odd = |c: char| c.is_control() || "&=:;#\"'`\\/".contains(c);
    for host in &server.hosts {
        let name = host.name.as_deref().unwrap_or_default();
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte))
        {
            return Err(BadDatabaseUri::Characters("host"));
        }
    }
    if server.user.as_deref().is_some_and(control) {
        return Err(BadDatabaseUri::Characters("user"));
    }
    if server.database.contains(is_odd) {
        return Err(BadDatabaseUri::Characters("database"));
    }
    Ok(())
}
