//! The part of a URI between `://` and the path: who logs in, and at which servers.

use super::BadDatabaseUri;
use super::Secret;
use super::ServerHost;

/// The part of a URI before the path.
#[derive(Debug, Default)]
pub(super) struct Authority {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) hosts: Vec<ServerHost>,
}

/// Reads `user:password@host:port,host:port`, of which every part may be missing.
///
/// As in SQLAlchemy, everything up to the last `@` is user and password, so that an `@` in a
/// password needs no encoding.
pub(super) fn read(text: &str) -> Result<Authority, BadDatabaseUri> {
    let (login, places) = match text.rsplit_once('@') {
        Some((login, places)) => (Some(login), places),
        None => (None, text),
    };
    let (user, password) = match login.map(|login| login.split_once(':').ok_or(login)) {
        Some(Ok((user, password))) => (Some(user), Some(password)),
        Some(Err(user)) => (Some(user), None),
        None => (None, None),
    };
    Ok(Authority {
        user: user.filter(|user| !user.is_empty()).map(decoded),
        password: password.map(|text| Secret::new(decoded(text))),
        hosts: hosts(places)?,
    })
}

/// Reads `host:port,host:port`.
pub(super) fn hosts(text: &str) -> Result<Vec<ServerHost>, BadDatabaseUri> {
    text.split(',').map(host).collect()
}

fn host(text: &str) -> Result<ServerHost, BadDatabaseUri> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, after) = rest.split_once(']').ok_or(BadDatabaseUri::Shape)?;
            match after.strip_prefix(':') {
                None if !after.is_empty() => return Err(BadDatabaseUri::Shape),
                port => (name, port),
            }
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    Ok(ServerHost {
        name: Some(decoded(name)).filter(|name| !name.is_empty()),
        port: port
            .filter(|port| !port.is_empty())
            .map(self::port)
            .transpose()?,
    })
}

/// Reads a port.
pub(super) fn port(text: &str) -> Result<u16, BadDatabaseUri> {
    let port = text.parse().ok().filter(|&port| port != 0);
    port.ok_or(BadDatabaseUri::Port)
}

/// Percent-decoding; what is no valid escape stays as it is.
fn decoded(text: &str) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let [b'%', high, low, after @ ..] = rest
            && let Some(high) = digit(*high)
            && let Some(low) = digit(*low)
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
