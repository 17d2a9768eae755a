//! Queries of collections, times, and Accept headers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weaved::sync::Format;
use weaved::sync::Query;
use weaved::sync::Timestamp;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = Query::parse(&text);
    let _ = Format::accepted(Some(&text));
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(time.to_string().parse(), Ok(time));
    }
});
