//! The channels' table, `weaved_channels`, and its SQL.
//!
//! A row is a channel from when it was made until its time is over; one that was closed has no
//! maker and no message.

use std::net::IpAddr;
use std::net::Ipv6Addr;

use data_encoding::BASE64;

use super::ChannelId;
use super::Device;
use super::Limits;
use super::Tag;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Dialect;
use crate::db::Row;
use crate::db::Session;
use crate::sync::Timestamp;

const TABLE: &str = "weaved_channels";

/// `client` is an address, or the network of an IPv6 address, or empty. `message` is in base64:
/// any bytes come back as they were.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_channels (
        channel {EXACT}(4) NOT NULL,
        maker {EXACT}(64),
        guest {EXACT}(64),
        client {EXACT}(45) NOT NULL,
        tag {EXACT}(32),
        message {LONG},
        puts INTEGER NOT NULL,
        lent INTEGER NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (channel)
    ){OPTIONS}";

const COUNT: &str = "
    SELECT COUNT(*), COUNT(CASE WHEN client = :client THEN 1 END)
    FROM weaved_channels
";

const INSERT: &str = "
    INSERT INTO weaved_channels (channel, maker, client, puts, lent, until)
    VALUES (:channel, :maker, :client, 0, 0, :until)
";

const READ: &str = "
    SELECT maker, guest, tag, puts, lent
    FROM weaved_channels
    WHERE channel = :channel AND until > :now AND maker IS NOT NULL
";

const MESSAGE: &str = "SELECT message FROM weaved_channels WHERE channel = :channel";

const JOIN: &str = "UPDATE weaved_channels SET guest = :guest WHERE channel = :channel";
const LEND: &str = "UPDATE weaved_channels SET lent = lent + 1 WHERE channel = :channel";

const STORE: &str = "
    UPDATE weaved_channels
    SET message = :message, tag = :tag, puts = puts + 1
    WHERE channel = :channel
";

const CLOSE: &str = "
    UPDATE weaved_channels
    SET maker = NULL, guest = NULL, tag = NULL, message = NULL
    WHERE channel = :channel
";

const ANY_OVER: &str = "SELECT 1 FROM weaved_channels WHERE until <= :now LIMIT 1";
const SWEEP: &str = "DELETE FROM weaved_channels WHERE until <= :now";

/// What makes a row.
pub(super) struct Made<'a> {
    pub(super) device: &'a Device,
    pub(super) client: Option<IpAddr>,
    pub(super) until: Timestamp,
}

/// A channel that is open, without its message.
pub(super) struct Channel {
    maker: String,
    guest: Option<String>,
    pub(super) tag: Option<Tag>,
    pub(super) puts: i64,
    pub(super) lent: i64,
}

/// What a device is to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has been here.
    Member,
    /// It is the second one.
    New,
    /// Two others have been here.
    Third,
}

impl Channel {
    fn from_row(row: &Row<'_>) -> Self {
        Self {
            maker: row.text(0).unwrap_or_default().to_owned(),
            guest: row.text(1).map(str::to_owned),
            tag: row.text(2).map(Tag::known),
            puts: row.int(3).unwrap_or(i64::MAX),
            lent: row.int(4).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn standing(&self, device: &Device) -> Standing {
        let device = device.as_str();
        match &self.guest {
            _ if self.maker == device => Standing::Member,
            Some(guest) if guest == device => Standing::Member,
            Some(_) => Standing::Third,
            None => Standing::New,
        }
    }
}

pub(super) fn prepare(database: &Database) -> Result<(), DbError> {
    let schema = database.dialect().table(SCHEMA);
    database.ensure(|session| session.has_table(TABLE), &schema)?;
    Ok(())
}

/// Whether one more channel may be made from there.
pub(super) fn has_room(
    session: &mut Session<'_>,
    client: Option<IpAddr>,
    limits: &Limits,
) -> Result<bool, DbError> {
    let place = place_of(client);
    let counts = session.query_one(COUNT, &[(":client", place.as_str().into())], |row| {
        (row.int(0), row.int(1))
    })?;
    let (all, here) = counts.unwrap_or_default();
    let (all, here) = (all.unwrap_or(0), here.unwrap_or(0));
    Ok(all < limits.channels && (client.is_none() || here < limits.channels_of_address))
}

/// Makes a channel; [`DbError::Constraint`] when there is one of this name.
pub(super) fn insert(
    session: &mut Session<'_>,
    channel: ChannelId,
    made: &Made<'_>,
) -> Result<(), DbError> {
    let place = place_of(made.client);
    let params = [
        (":channel", channel.as_str().into()),
        (":maker", made.device.as_str().into()),
        (":client", place.as_str().into()),
        (":until", made.until.centis().into()),
    ];
    session.execute(INSERT, &params)?;
    Ok(())
}

/// The channel, if it is open.
pub(super) fn read(
    session: &mut Session<'_>,
    channel: ChannelId,
    now: Timestamp,
) -> Result<Option<Channel>, DbError> {
    find(READ, session, channel, now)
}

/// The same at the beginning of a change: whoever else changes the channel waits until it ends.
pub(super) fn lock(
    session: &mut Session<'_>,
    channel: ChannelId,
    now: Timestamp,
) -> Result<Option<Channel>, DbError> {
    // On SQLite the whole transaction is alone.
    if session.dialect() == Dialect::Sqlite {
        return read(session, channel, now);
    }
    find(&format!("{READ} FOR UPDATE"), session, channel, now)
}

fn find(
    sql: &str,
    session: &mut Session<'_>,
    channel: ChannelId,
    now: Timestamp,
) -> Result<Option<Channel>, DbError> {
    let params = [
        (":channel", channel.as_str().into()),
        (":now", now.centis().into()),
    ];
    session.query_one(sql, &params, Channel::from_row)
}

/// The message of a channel; empty where somebody else has made a mess of it.
pub(super) fn message(session: &mut Session<'_>, channel: ChannelId) -> Result<Vec<u8>, DbError> {
    let params = [(":channel", channel.as_str().into())];
    let message = session.query_one(MESSAGE, &params, |row| {
        let text = row.text(0).unwrap_or_default();
        BASE64.decode(text.as_bytes()).unwrap_or_default()
    })?;
    Ok(message.unwrap_or_default())
}

/// Notes the second device.
pub(super) fn join(
    session: &mut Session<'_>,
    channel: ChannelId,
    device: &Device,
) -> Result<(), DbError> {
    let params = [
        (":channel", channel.as_str().into()),
        (":guest", device.as_str().into()),
    ];
    session.execute(JOIN, &params)?;
    Ok(())
}

/// Counts that the message was given out.
pub(super) fn lend(session: &mut Session<'_>, channel: ChannelId) -> Result<(), DbError> {
    session.execute(LEND, &[(":channel", channel.as_str().into())])?;
    Ok(())
}

/// Puts a message in the place of the one before.
pub(super) fn store(
    session: &mut Session<'_>,
    channel: ChannelId,
    message: &[u8],
    tag: &Tag,
) -> Result<(), DbError> {
    let message = BASE64.encode(message);
    let params = [
        (":channel", channel.as_str().into()),
        (":message", message.as_str().into()),
        (":tag", tag.as_str().into()),
    ];
    session.execute(STORE, &params)?;
    Ok(())
}

/// Closes a channel for everybody.
pub(super) fn close(session: &mut Session<'_>, channel: ChannelId) -> Result<(), DbError> {
    session.execute(CLOSE, &[(":channel", channel.as_str().into())])?;
    Ok(())
}

pub(super) fn sweep(database: &Database, now: Timestamp) -> Result<usize, DbError> {
    let params = [(":now", now.centis().into())];
    let any = database.read(|session| session.query_one(ANY_OVER, &params, |_| ()))?;
    match any {
        None => Ok(0),
        Some(()) => database.write(|session| session.execute(SWEEP, &params)),
    }
}

/// Who shares a limit: an address, or a network of IPv6, in which a device takes any address.
fn place_of(client: Option<IpAddr>) -> String {
    match client {
        None => String::new(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_ipv6_share_a_place() {
        for (client, place) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(place_of(Some(client.parse().unwrap())), place);
        }
        assert_eq!(place_of(None), "");
    }
}
