//! Collections and records (spec/storage-1.1.md, 2.7 to 2.10).

use std::io;
use std::io::Write as _;
use std::ops::ControlFlow;

use super::ApiError;
use super::Hosted;
use super::reply;
use crate::message::Body;
use crate::message::Response;
use crate::storage::Records;
use crate::storage::StorageError;
use crate::storage::Usage;
use crate::storage::Write;
use crate::storage::Written;
use crate::sync::Batch;
use crate::sync::CollectionName;
use crate::sync::ErrorCode;
use crate::sync::Format;
use crate::sync::JsonText;
use crate::sync::Post;
use crate::sync::Query;
use crate::sync::RecordId;
use crate::sync::Timestamp;
use crate::sync::UserId;
use crate::sync::Wbo;
use crate::sync::write_json_text;

/// An answer up to this size, in bytes, is made whole and goes out with its length; a larger one
/// streams, so that memory does not grow with the collection.
const WHOLE: usize = 256 * 1024;

/// How much of a streamed answer is written at once, in bytes.
const PIECE: usize = 60 * 1024;

/// Below this many bytes a user is told how much of the quota is left.
const QUOTA_WARNING: u64 = 1024 * 1024;

/// The time after which a collection must not have changed, for a write to happen.
pub type Condition = Option<Timestamp>;

impl Hosted {
    /// `GET storage/<collection>`: ids, or whole records, in the form that the client likes.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn get_collection(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: Query,
        format: Format,
    ) -> Result<Response, ApiError> {
        let full = query.full;
        let mut records = self.storage.records(user, collection, query)?;
        let time = records.time();
        let mut list = List {
            format,
            full,
            out: Vec::new(),
            written: 0,
        };
        format.open(&mut list.out);
        let known = if full { records.known_usage()? } else { None };
        let is_small = |usage: Usage| usize::try_from(usage.bytes).is_ok_and(|bytes| bytes < WHOLE);
        let mut complete = known.is_none_or(is_small);
        if complete {
            records.each(0, &mut |record| {
                list.add(record);
                if list.out.len() < WHOLE {
                    return ControlFlow::Continue(());
                }
                complete = false;
                ControlFlow::Break(())
            })?;
        }
        if complete {
            format.close(&mut list.out);
            let response = reply::with_type(format.media_type(), list.out, time);
            return Ok(reply::counted(response, list.written));
        }
        let count = match known {
            Some(usage) => usage.records,
            None => records.count()?,
        };
        let mut response = reply::with_type(format.media_type(), Vec::new(), time);
        response.body = Body::Stream(Box::new(move |out| list.stream(records.as_mut(), out)));
        Ok(reply::counted(response, count))
    }

    /// `GET storage/<collection>/<id>`: one record, always as JSON.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], and those of the storage.
    pub fn get_record(
        &self,
        user: UserId,
        collection: &CollectionName,
        id: &RecordId,
    ) -> Result<Response, ApiError> {
        let mut body = Vec::new();
        let read = self.storage.record(user, collection, id, &mut |record| {
            record.write_json(&mut body)
        })?;
        if body.is_empty() {
            return Err(ApiError::NotFound("record"));
        }
        Ok(reply::json(body, read.time))
    }

    /// `PUT storage/<collection>/<id>`: creates or updates one record.
    ///
    /// # Errors
    /// Codes 6, 8 and 14, [`ApiError::Modified`], and those of the storage.
    pub fn put_record(
        &self,
        user: UserId,
        collection: &CollectionName,
        id: &RecordId,
        body: &[u8],
        condition: Condition,
    ) -> Result<Response, ApiError> {
        let text = JsonText::from_body(body);
        let parsed = text.as_ref().map_err(|bad| *bad).and_then(Wbo::parse);
        let write = |records| self.write_of(user, collection, records, condition);
        let mut wbo = match parsed {
            Ok(wbo) => wbo,
            // The conditions are judged before the body.
            Err(bad) => {
                self.storage.check(&write(&[]))?;
                return Err(bad.into());
            }
        };
        // The id in the URL is the id, whatever the body says.
        wbo.id = Some(id.as_str().into());
        let written = self.storage.write(&write(&[wbo]))?;
        Ok(with_quota(reply::written(written.modified), written))
    }

    /// `POST storage/<collection>`, or PUT: an array of records, or one alone.
    ///
    /// # Errors
    /// Codes 6, 8 and 14, [`ApiError::Modified`], and those of the storage.
    pub fn post_collection(
        &self,
        user: UserId,
        collection: &CollectionName,
        body: &[u8],
        condition: Condition,
    ) -> Result<Response, ApiError> {
        let text = JsonText::from_body(body);
        let limits = self.batch;
        let parsed = text
            .as_ref()
            .map_err(|bad| *bad)
            .and_then(|text| Post::parse(text, limits));
        let write = |records| self.write_of(user, collection, records, condition);
        match parsed {
            Ok(Post::Batch(batch)) => {
                let written = self.storage.write(&write(&batch.accepted))?;
                let body = batch_result(&batch, written.modified);
                Ok(with_quota(reply::json(body, written.modified), written))
            }
            Ok(Post::Single(wbo)) => {
                let written = self.storage.write(&write(&[wbo]))?;
                Ok(with_quota(reply::written(written.modified), written))
            }
            // Here the quota is judged after the body, but 412 still before.
            Err(bad) => {
                match self.storage.check(&write(&[])) {
                    Err(StorageError::OverQuota) | Ok(()) => {}
                    Err(other) => return Err(other.into()),
                }
                Err(bad.into())
            }
        }
    }

    /// `DELETE storage/<collection>`: what the query selects.
    ///
    /// # Errors
    /// [`ApiError::Modified`], and those of the storage.
    pub fn delete_collection(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: &Query,
        condition: Condition,
    ) -> Result<Response, ApiError> {
        Ok(reply::written(
            self.storage.delete(user, collection, query, condition)?,
        ))
    }

    /// `DELETE storage/<collection>/<id>`: one record, whether it exists or not.
    ///
    /// # Errors
    /// [`ApiError::Modified`], and those of the storage.
    pub fn delete_record(
        &self,
        user: UserId,
        collection: &CollectionName,
        id: &RecordId,
        condition: Condition,
    ) -> Result<Response, ApiError> {
        let query = Query {
            ids: Some(vec![id.as_str().to_owned()]),
            ..Query::default()
        };
        self.delete_collection(user, collection, &query, condition)
    }

    /// `DELETE storage`: everything, if the client has confirmed that it means it.
    ///
    /// # Errors
    /// Code 4 without confirmation, and those of the storage.
    pub fn delete_storage(&self, user: UserId, confirmed: bool) -> Result<Response, ApiError> {
        if !confirmed {
            return Err(ApiError::Code(
                ErrorCode::Overwrite,
                "X-Confirm-Delete is missing",
            ));
        }
        Ok(reply::written(self.storage.delete_all(user)?))
    }

    fn write_of<'a>(
        &self,
        user: UserId,
        collection: &'a CollectionName,
        records: &'a [Wbo<'a>],
        unmodified_since: Condition,
    ) -> Write<'a> {
        Write {
            user,
            collection,
            records,
            unmodified_since,
            quota: self.quota,
        }
    }
}

/// A list of records on its way into a body.
struct List {
    format: Format,
    full: bool,
    out: Vec<u8>,
    /// The records written so far.
    written: u64,
}

impl List {
    fn add(&mut self, record: &crate::sync::Record<'_>) {
        let full = self.full;
        self.format.value(self.written == 0, &mut self.out, |out| {
            if full {
                record.write_json(out)
            } else {
                write_json_text(record.id, out)
            }
        });
        self.written += 1;
    }

    /// Writes what is there, and then the records that are missing.
    fn stream(mut self, records: &mut dyn Records, sink: &mut dyn io::Write) -> io::Result<()> {
        sink.write_all(&self.out)?;
        self.out.clear();
        let mut result = Ok(());
        let read = records.each(self.written, &mut |record| {
            self.add(record);
            if self.out.len() >= PIECE {
                result = sink.write_all(&self.out);
                self.out.clear();
            }
            if result.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        result?;
        read.map_err(io::Error::other)?;
        self.format.close(&mut self.out);
        sink.write_all(&self.out)
    }
}

/// `{"modified":t,"success":[...],"failed":{...}}`.
fn batch_result(batch: &Batch<'_>, time: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + batch.accepted.len() * 16);
    // A vector takes everything.
    let _ = write!(out, "{{\"modified\":{time},\"success\":[");
    for (place, wbo) in batch.accepted.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_json_text(wbo.id.as_deref().unwrap_or_default(), &mut out);
    }
    out.extend_from_slice(b"],\"failed\":{");
    for (place, (id, failure)) in batch.failed.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_json_text(id, &mut out);
        let _ = write!(out, ":[\"{failure}\"]");
    }
    out.extend_from_slice(b"}}");
    out
}

/// Tells how much was left before the write, when that was little (spec/storage-1.1.md, 2.2);
/// a whole number, because Android reads it as one.
fn with_quota(mut response: Response, written: Written) -> Response {
    if let Some(left) = written.left.filter(|left| *left <= QUOTA_WARNING) {
        response
            .headers
            .push(("X-Weave-Quota-Remaining", (left / 1024).to_string()));
    }
    response
}
