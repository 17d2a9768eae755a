//! The calls that are measured, and the records that they carry.
//!
//! Records look as clients make them: an encrypted payload of about 500 bytes whose quotes are
//! escaped (spec/clients.md, 2.2 and 5.1). What comes out is made of constants alone, so that
//! every run asks the same.

use data_encoding::BASE64;
use data_encoding::HEXLOWER;

use crate::first_sync;
use crate::request::NUMBER;
use crate::request::Request;

/// A call, or several in a row, made again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// `GET info/collections`: what most devices ask most of the time.
    Info,
    /// `GET` of what is new in a collection: nothing.
    GetNewer,
    /// `GET` of one record, another one each time.
    GetOne,
    /// `PUT` of one new record.
    PutOne,
    /// `POST` of a hundred new records.
    Post100,
    /// `GET` of a thousand whole records, one a line.
    GetFull,
    /// All that a new account sends.
    FirstSync,
    /// The small sync of a device: what is new, nothing in three collections, and a `PUT`.
    SmallSync,
}

/// Those of one call, in the order of the tables.
pub(crate) const CALLS: [Workload; 6] = [
    Workload::Info,
    Workload::GetNewer,
    Workload::GetOne,
    Workload::PutOne,
    Workload::Post100,
    Workload::GetFull,
];

/// How many records a user has in `history` before anything is measured.
pub(crate) const RECORDS: u64 = 5_000;

/// How many he has in `passwords`, which is read whole.
pub(crate) const FULL: u64 = 1_000;

/// How many records are sent at once.
pub(crate) const BATCH: u64 = 100;

/// Payloads have more bytes than this.
pub(crate) const PAYLOAD: usize = 450;

/// The collections that a user has beside `history`, with one record each.
pub(crate) const OTHERS: [&str; 7] = [
    "meta",
    "crypto",
    "clients",
    "prefs",
    "tabs",
    "bookmarks",
    "forms",
];

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::GetNewer => "get-newer",
            Self::GetOne => "get-one",
            Self::PutOne => "put-one",
            Self::Post100 => "post-100",
            Self::GetFull => "get-full",
            Self::FirstSync => "first-sync",
            Self::SmallSync => "many-users",
        }
    }

    /// The calls, with [`NUMBER`] where each request has its own.
    pub(crate) fn requests(self) -> Vec<Request> {
        vec![match self {
            Self::Info => Request::get("info/collections"),
            Self::GetNewer => newer("tabs"),
            Self::GetOne => one("history"),
            Self::PutOne => single("forms"),
            Self::Post100 => batch("bookmarks", BATCH),
            Self::FirstSync => return first_sync::requests(),
            Self::GetFull => {
                Request::get("storage/passwords?full=1").header("Accept", "application/newlines")
            }
            Self::SmallSync => {
                return vec![
                    Request::get("info/collections"),
                    newer("clients"),
                    newer("tabs"),
                    newer("history"),
                    single("forms"),
                ];
            }
        }]
    }

    /// The number of the `nth` request.
    pub(crate) fn number(self, nth: u64) -> u64 {
        match self {
            Self::GetOne => nth % (RECORDS / BATCH),
            _ => nth,
        }
    }
}

/// A GET of one record.
pub(crate) fn one(collection: &str) -> Request {
    Request::get(&format!("storage/{collection}/{}", id(0)))
}

/// A GET of what changed after everything that there is.
pub(crate) fn newer(collection: &str) -> Request {
    Request::get(&format!("storage/{collection}?newer=4000000000.00&full=1"))
}

/// A POST of some records to a collection; its number makes them new ones.
pub(crate) fn batch(collection: &str, records: u64) -> Request {
    let records: Vec<String> = (0..records).map(record).collect();
    let body = format!("[{}]", records.join(","));
    Request::post(&format!("storage/{collection}"), &body)
}

/// The number of a record of which others are made.
pub(crate) const SEED: u64 = 77_777_777;

/// The id of this record, which no other record has.
pub(crate) fn seed_id() -> String {
    format!("{SEED}0000")
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
