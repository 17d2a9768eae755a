//! The protocol's own values, pure: parsed once from the wire, never validated again.
//!
//! Nothing here does I/O, knows a database or an HTTP status. Rules: spec/storage-1.1.md.

mod batch;
mod clock;
mod collection;
mod error_code;
mod format;
mod json;
mod query;
mod quota;
mod record;
mod record_id;
mod timestamp;
mod user_id;
mod wbo;

pub use batch::Batch;
pub use batch::BatchLimits;
pub use batch::Failure;
pub use batch::Post;
pub use clock::Clock;
pub use clock::SystemClock;
pub use collection::BadCollectionName;
pub use collection::CollectionName;
pub use error_code::ErrorCode;
pub use format::Format;
pub use json::JsonText;
pub use json::write_text as write_json_text;
pub use query::BadQuery;
pub use query::Query;
pub use query::Sort;
pub use quota::Kilobytes;
pub use record::Record;
pub use record_id::BadRecordId;
pub use record_id::RecordId;
pub use timestamp::BadTimestamp;
pub use timestamp::Timestamp;
pub use user_id::UserId;
pub use wbo::BadBody;
pub use wbo::MAX_PAYLOAD;
pub use wbo::Ttl;
pub use wbo::Wbo;
