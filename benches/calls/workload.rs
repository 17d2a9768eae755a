//! The six calls that are measured, and the records that they carry.
//!
//! Records look as clients make them: an encrypted payload of about 500 bytes whose quotes are
//! escaped (spec/clients.md, 2.2 and 5.1). What comes out is made of constants alone, so that
//! every run asks the same.

use data_encoding::BASE64;
use data_encoding::HEXLOWER;

use crate::request::NUMBER;
use crate::request::Request;

/// A call, made again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// `GET info/collections`: what most devices ask most of the time.
    Info,
    /// `GET` of what is new in a collection: one record.
    GetNew,
    /// `GET` of one record, another one each time.
    GetOne,
    /// `PUT` of one new record.
    PutOne,
    /// `POST` of a hundred new records.
    Post100,
    /// `GET` of 5,000 whole records, one a line.
    Get5000,
}

/// In the order of the table.
pub(crate) const ALL: [Workload; 6] = [
    Workload::Info,
    Workload::GetNew,
    Workload::GetOne,
    Workload::PutOne,
    Workload::Post100,
    Workload::Get5000,
];

/// How many records a user has in `history` before anything is measured.
pub(crate) const RECORDS: u64 = 5_000;

/// How many records are sent at once.
pub(crate) const BATCH: u64 = 100;

/// The collections that a user has beside `history`, with one record each.
pub(crate) const OTHERS: [&str; 8] = [
    "meta",
    "crypto",
    "clients",
    "prefs",
    "passwords",
    "tabs",
    "bookmarks",
    "forms",
];

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::GetNew => "get-new",
            Self::GetOne => "get-one",
            Self::PutOne => "put-one",
            Self::Post100 => "post-100",
            Self::Get5000 => "get-5000",
        }
    }

    /// The call, with [`NUMBER`] where each request has its own.
    pub(crate) fn request(self) -> Request {
        match self {
            Self::Info => Request::get("info/collections"),
            Self::GetNew => Request::get("storage/tabs?newer=1322000000.12&full=1"),
            Self::GetOne => Request::get(&format!("storage/history/{}", id(0))),
            Self::PutOne => Request::put(&format!("storage/forms/{}", id(0)), &record(0)),
            Self::Post100 => batch("bookmarks"),
            Self::Get5000 => Request::get("storage/history?full=1&limit=5000")
                .header("Accept", "application/newlines"),
        }
    }

    /// The number of the `nth` request.
    pub(crate) fn number(self, nth: u64) -> u64 {
        match self {
            Self::GetOne => nth % (RECORDS / BATCH),
            Self::Info | Self::GetNew | Self::PutOne | Self::Post100 | Self::Get5000 => nth,
        }
    }
}

/// A POST of [`BATCH`] records to a collection; its number makes them new ones.
pub(crate) fn batch(collection: &str) -> Request {
    let records: Vec<String> = (0..BATCH).map(record).collect();
    let body = format!("[{}]", records.join(","));
    Request::post(&format!("storage/{collection}"), &body)
}

/// A PUT of one record.
pub(crate) fn single(collection: &str) -> Request {
    Request::put(&format!("storage/{collection}/{}", id(0)), &record(0))
}

/// Twelve characters, as ids have.
fn id(place: u64) -> String {
    format!("{NUMBER}{place:04}")
}

fn record(place: u64) -> String {
    format!(
        r#"{{"id":"{}","sortindex":140,"payload":"{}"}}"#,
        id(place),
        payload(place)
    )
}

/// A payload with its quotes escaped.
fn payload(seed: u64) -> String {
    let mut noise = Noise(seed);
    let mut bytes = |count: usize| -> Vec<u8> { (0..count).map(|_| noise.byte()).collect() };
    let ciphertext = BASE64.encode(&bytes(272));
    let iv = BASE64.encode(&bytes(16));
    let hmac = HEXLOWER.encode(&bytes(32));
    format!(r#"{{\"ciphertext\":\"{ciphertext}\",\"IV\":\"{iv}\",\"hmac\":\"{hmac}\"}}"#)
}

/// Bytes that no packing makes smaller (splitmix64).
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [first, ..] = (mixed ^ (mixed >> 31)).to_le_bytes();
        first
    }
}
