//! An archive: one JSON object a line, in UTF-8.
//!
//! ```text
//! {"head":{"format":"weaved archive","version":1,"made":1795853400.00}}
//! {"account":{"name":"joe","email":"joe@example.com","hash":"$argon2id$...","state":"active"}}
//! {"record":{"collection":"tabs","expires":1796000000,"id":"x","modified":1795853300.12,"payload":"..."}}
//! {"end":{"accounts":1,"records":1,"sha256":"..."}}
//! ```
//!
//! The records of an account follow its line. A record is what the storage API shows of it, with
//! its collection, the second in which it `expires` (absent: never), and the `host` that has it
//! in a storage of its own (`[host:NAME]`; absent: the plain one). The end has the SHA-256 of all
//! bytes before its line.
//!
//! An archive is read twice: as a whole, which finds out whether it is whole, and then account by
//! account, as often as a transaction wants. Memory is taken for one line and for the accounts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use data_encoding::HEXLOWER;
use serde_json::value::RawValue;
use sha2::Digest;
use sha2::Sha256;

use super::ArchiveError;
use super::Passenger;
use super::lines;
use super::lines::FORMAT;
use super::lines::Line;
use super::lines::VERSION;
use super::unfit;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::storage::Source;
use crate::storage::StorageError;
use crate::storage::Stored;
use crate::storage::Visit;
use crate::sync::CollectionName;
use crate::sync::Record;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::write_json_text;

/// The longest line that is read, in bytes: the longest payload that any database holds, with
/// every character escaped.
const MAX_LINE: u64 = 100 << 20;

/// Writes an archive, line by line.
pub struct Writer<W: Write> {
    out: W,
    digest: Sha256,
    line: Vec<u8>,
    accounts: u64,
    records: u64,
}

impl<W: Write> Writer<W> {
    /// Begins an archive of what was so at `made`.
    ///
    /// # Errors
    /// Those of `out`, for this and the others.
    pub fn begin(out: W, made: Timestamp) -> io::Result<Self> {
        let mut writer = Self {
            out,
            digest: Sha256::new(),
            line: Vec::new(),
            accounts: 0,
            records: 0,
        };
        let made = RawValue::from_string(made.to_string())?;
        writer.object(&Line::Head(lines::Head {
            format: FORMAT.into(),
            version: VERSION,
            made: &made,
        }))?;
        Ok(writer)
    }

    /// Writes an account; its records come next.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn account(&mut self, passenger: &Passenger) -> io::Result<()> {
        self.accounts += 1;
        self.object(&Line::Account(lines::Account {
            name: passenger.name.as_str().into(),
            email: passenger.email.clone(),
            hash: passenger.hash.as_ref().map(|hash| hash.as_str().to_owned()),
            state: match passenger.state {
                State::Active => "active".into(),
                State::Disabled => "disabled".into(),
            },
            node: passenger.node.clone(),
        }))
    }

    /// Writes a record of the last account; `host` is the one that has it, if not the plain one.
    /// Answers whether it was written: what no archive can hold is left out.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn record(&mut self, stored: &Stored<'_>, host: Option<&str>) -> io::Result<bool> {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(b"{\"record\":{\"collection\":");
        write_json_text(stored.collection.as_str(), line);
        if let Some(host) = host {
            line.extend_from_slice(b",\"host\":");
            write_json_text(host, line);
        }
        if let Some(expires) = stored.expires {
            write!(line, ",\"expires\":{expires}")?;
        }
        // The members of the record follow, instead of a new object.
        let brace = line.len();
        let record = Record {
            // An old row may have any number.
            modified: stored.record.modified.max(Timestamp::ZERO),
            ..stored.record
        };
        record.write_json(line);
        if let Some(brace) = line.get_mut(brace) {
            *brace = b',';
        }
        line.extend_from_slice(b"}\n");
        if line.len() as u64 > MAX_LINE {
            return Ok(false);
        }
        self.records += 1;
        self.flush_line()?;
        Ok(true)
    }

    /// Writes the end, and gives back what the archive was written to, with how many accounts and
    /// records it has.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<(W, u64, u64)> {
        let sha256 = HEXLOWER.encode(&self.digest.clone().finalize());
        self.object(&Line::End(lines::End {
            accounts: self.accounts,
            records: self.records,
            sha256: sha256.into(),
        }))?;
        self.out.flush()?;
        Ok((self.out, self.accounts, self.records))
    }

    fn object(&mut self, object: &Line<'_>) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, object)?;
        self.line.push(b'\n');
        self.flush_line()
    }

    fn flush_line(&mut self) -> io::Result<()> {
        self.digest.update(&self.line);
        self.out.write_all(&self.line)
    }
}

/// An archive that is whole.
pub struct Archive<R> {
    input: BufReader<R>,
    made: Timestamp,
    passengers: Vec<Place>,
    hosts: BTreeSet<String>,
    records: u64,
}

/// An account in an archive.
struct Place {
    passenger: Passenger,
    /// Where the line after it begins.
    offset: u64,
    /// The number of that line.
    line: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads an archive to its end, and finds out whether it is whole.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(input: R) -> Result<Self, ArchiveError> {
        let mut archive = Self {
            input: BufReader::new(input),
            made: Timestamp::ZERO,
            passengers: Vec::new(),
            hosts: BTreeSet::new(),
            records: 0,
        };
        archive.input.seek(SeekFrom::Start(0))?;
        let mut reading = Reading::default();
        let (mut digest, mut offset) = (Sha256::new(), 0);
        loop {
            if !reading.next(&mut archive.input)? {
                return Err(match reading.number {
                    0 | 1 => ArchiveError::NoArchive,
                    _ => ArchiveError::Cut,
                });
            }
            offset += reading.line.len() as u64;
            match reading.parse()? {
                Line::End(end) => {
                    let sha256 = HEXLOWER.encode(&digest.finalize());
                    let accounts = archive.passengers.len() as u64;
                    let fits = (end.accounts, end.records) == (accounts, archive.records);
                    if !fits || sha256 != end.sha256 {
                        return Err(ArchiveError::Checksum);
                    }
                    break;
                }
                other => archive.see(&reading, other, offset)?,
            }
            digest.update(&reading.line);
        }
        if reading.next(&mut archive.input)? {
            return Err(reading.wrong("something after the end"));
        }
        Ok(archive)
    }

    /// Takes notice of a line in the first reading.
    fn see(&mut self, reading: &Reading, line: Line<'_>, offset: u64) -> Result<(), ArchiveError> {
        match line {
            Line::Head(head) if reading.number == 1 => {
                self.made = time_of(head.made).ok_or_else(|| reading.wrong("made"))?;
            }
            Line::Account(account) => {
                let passenger = passenger_of(account).map_err(|what| reading.wrong(what))?;
                self.passengers.push(Place {
                    passenger,
                    offset,
                    line: reading.number + 1,
                });
            }
            Line::Record(record) if !self.passengers.is_empty() => {
                with_record(&record, |_| ()).map_err(|what| reading.wrong(what))?;
                self.records += 1;
                self.hosts.extend(record.host);
            }
            Line::Head(_) => return Err(reading.wrong("a second head")),
            Line::Record(_) => return Err(reading.wrong("a record before any account")),
            // Somebody else's business.
            Line::End(_) => {}
        }
        Ok(())
    }

    /// When what it holds was so.
    pub const fn made(&self) -> Timestamp {
        self.made
    }

    /// How many records it has.
    pub const fn record_count(&self) -> u64 {
        self.records
    }

    /// The hosts with storages of their own, whose records it has.
    pub const fn hosts(&self) -> &BTreeSet<String> {
        &self.hosts
    }

    /// The accounts, in order.
    pub fn passengers(&self) -> impl ExactSizeIterator<Item = &Passenger> {
        self.passengers.iter().map(|place| &place.passenger)
    }

    /// The records of the account at `place` in that order, that a host has (absent: the plain
    /// storage).
    pub fn records<'a>(&'a mut self, place: usize, host: Option<&'a str>) -> Records<'a, R> {
        Records {
            place,
            host,
            archive: self,
            skipped: BTreeMap::new(),
        }
    }
}

/// The records of one account.
pub struct Records<'a, R> {
    archive: &'a mut Archive<R>,
    place: usize,
    host: Option<&'a str>,
    skipped: BTreeMap<&'static str, u64>,
}

impl<R> Records<'_, R> {
    /// How many were not lent at the last reading, and why.
    pub const fn skipped(&self) -> &BTreeMap<&'static str, u64> {
        &self.skipped
    }
}

impl<R: Read + Seek> Source for Records<'_, R> {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        let broken = |error: ArchiveError| StorageError::Source(error.into());
        self.skipped.clear();
        let Some(place) = self.archive.passengers.get(self.place) else {
            return Ok(());
        };
        let input = &mut self.archive.input;
        let sought = input.seek(SeekFrom::Start(place.offset));
        sought.map_err(|error| broken(error.into()))?;
        let mut reading = Reading {
            number: place.line - 1,
            ..Reading::default()
        };
        while reading.next(input).map_err(broken)? {
            let Line::Record(record) = reading.parse().map_err(broken)? else {
                return Ok(());
            };
            if record.host.as_deref() != self.host {
                continue;
            }
            let skipped = &mut self.skipped;
            with_record(&record, |stored| match unfit(&stored) {
                Some(why) => {
                    *skipped.entry(why).or_default() += 1;
                    Ok(())
                }
                None => visit(&stored),
            })
            .map_err(|what| broken(reading.wrong(what)))??;
        }
        // It had an end when it was opened.
        Err(broken(ArchiveError::Cut))
    }
}

/// The line that is being read.
#[derive(Default)]
struct Reading {
    line: Vec<u8>,
    number: u64,
}

impl Reading {
    /// Reads the next line; answers whether there was one.
    fn next(&mut self, input: &mut impl BufRead) -> Result<bool, ArchiveError> {
        self.line.clear();
        let read = input.take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        match self.line.last() {
            Some(b'\n') => Ok(true),
            _ if self.number == 1 => Err(ArchiveError::NoArchive),
            _ if read as u64 == MAX_LINE => Err(self.wrong("it is too long")),
            _ => Err(ArchiveError::Cut),
        }
    }

    fn parse(&self) -> Result<Line<'_>, ArchiveError> {
        let line = serde_json::from_slice(&self.line);
        if self.number == 1 {
            return match line {
                Ok(Line::Head(head)) if head.format != FORMAT => Err(ArchiveError::NoArchive),
                Ok(Line::Head(head)) if head.version != VERSION => {
                    Err(ArchiveError::Version(head.version))
                }
                Ok(line @ Line::Head(_)) => Ok(line),
                _ => Err(ArchiveError::NoArchive),
            };
        }
        // The error of the parser would show what is written there.
        line.map_err(|error| {
            self.wrong(match error.classify() {
                serde_json::error::Category::Data => "it lacks something",
                _ => "it is no JSON",
            })
        })
    }

    fn wrong(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Line {
            number: self.number,
            what: what.into(),
        }
    }
}

fn passenger_of(account: lines::Account<'_>) -> Result<Passenger, &'static str> {
    let hash = account.hash.map(|text| StoredHash::parse(&text));
    Ok(Passenger {
        name: UserName::new(&account.name).map_err(|_| "the name is none")?,
        email: account.email,
        hash: match hash {
            Some(None) => return Err("the password hash is of no known kind"),
            hash => hash.flatten(),
        },
        state: match &*account.state {
            "active" => State::Active,
            "disabled" => State::Disabled,
            _ => return Err("the state is none"),
        },
        node: account.node,
    })
}

/// Lends the record of a line.
fn with_record<T>(
    record: &lines::Record<'_>,
    visit: impl FnOnce(Stored<'_>) -> T,
) -> Result<T, &'static str> {
    let collection: CollectionName = record
        .collection
        .parse()
        .map_err(|_| "the name of the collection is none")?;
    let modified = time_of(record.modified).ok_or("modified is no time")?;
    Ok(visit(Stored {
        collection: &collection,
        record: Record {
            id: &record.id,
            modified,
            payload: record.payload.as_deref(),
            parentid: record.parentid.as_deref(),
            predecessorid: record.predecessorid.as_deref(),
            sortindex: record.sortindex,
        },
        expires: record.expires.filter(|expires| *expires < Ttl::NEVER),
    }))
}

fn time_of(raw: &RawValue) -> Option<Timestamp> {
    let time: Timestamp = raw.get().parse().ok()?;
    (time >= Timestamp::ZERO).then_some(time)
}
