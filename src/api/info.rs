//! `GET .../info/...` (spec/storage-1.1.md, 2.6): always JSON, whatever Accept asks for.

use std::fmt::Display;
use std::io::Write as _;

use super::ApiError;
use super::Hosted;
use super::reply;
use crate::message::Response;
use crate::sync::Kilobytes;
use crate::sync::UserId;
use crate::sync::write_json_text;

/// Which of the info calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info {
    /// The time of each collection's last change.
    Collections,
    /// The number of records of each collection.
    Counts,
    /// Used and allowed KB.
    Quota,
    /// The KB of each collection.
    Usage,
}

impl Hosted {
    /// Answers one of the info calls.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn info(&self, user: UserId, info: Info) -> Result<Response, ApiError> {
        match info {
            Info::Collections => {
                let read = self.storage.collections(user)?;
                let response =
                    reply::json(object(&read.value, |time, out| time.write(out)), read.time);
                Ok(reply::counted(response, read.value.len()))
            }
            Info::Counts => {
                let read = self.storage.usage(user)?;
                let body = object(&read.value, |usage, out| write(&usage.records, out));
                Ok(reply::counted(
                    reply::json(body, read.time),
                    read.value.len(),
                ))
            }
            Info::Usage => {
                let read = self.storage.usage(user)?;
                let body = object(&read.value, |usage, out| {
                    write(&Kilobytes(usage.bytes), out)
                });
                Ok(reply::json(body, read.time))
            }
            Info::Quota => {
                let read = self.storage.used(user)?;
                let limit = self.quota.map(|bytes| (bytes / 1024).to_string());
                let limit = limit.as_deref().unwrap_or("null");
                let body = format!("[{},{limit}]", Kilobytes(read.value));
                Ok(reply::json(body.into_bytes(), read.time))
            }
        }
    }
}

/// A JSON object of names and numbers.
fn object<T>(entries: &[(String, T)], write: impl Fn(&T, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + entries.len() * 32);
    out.push(b'{');
    for (place, (name, value)) in entries.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_json_text(name, &mut out);
        out.push(b':');
        write(value, &mut out);
    }
    out.push(b'}');
    out
}

fn write(number: &dyn Display, out: &mut Vec<u8>) {
    // A vector takes everything.
    let _ = write!(out, "{number}");
}
