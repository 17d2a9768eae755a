//! What holds for all streams: requests read as they were written however they are cut, and no
//! bytes make a gateway panic or read differently for being cut.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use weaved::gateway::Options;
use weaved::gateway::Protocol;

use super::drive::Outcome;
use super::drive::drive;
use super::encode;
use super::encode::Records;

/// Cuts a stream into pieces of these lengths, over and over.
fn cut<'a>(mut stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at(length.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

fn run(protocol: Protocol, stream: &[u8], lengths: &[usize]) -> Outcome {
    let options = Arc::new(Options {
        now: || std::time::UNIX_EPOCH,
        ..Options::default()
    });
    drive(protocol, &options, cut(stream, lengths), true)
}

/// Bytes that look like something now and then.
fn near_miss() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        Just(Records::default().begin(1, 1, 1).0),
        Just(Records::default().begin(2, 1, 0).0),
        Just(Records::default().params(1, &[("REQUEST_METHOD", "PUT")]).0),
        Just(Records::default().stdin(1, b"body").0),
        Just(Records::default().stdin(1, b"").0),
        Just(encode::scgi(&[
            ("CONTENT_LENGTH", "3"),
            ("REQUEST_METHOD", "PUT")
        ])),
        Just(b"PUT /1.1/a HTTP/1.1\r\nHost: h\r\n".to_vec()),
        Just(b"Content-Length: 3\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"3\r\nabc\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        (0_u8..12, 0_u16..3, vec(any::<u8>(), 0..20), any::<u8>()).prop_map(
            |(kind, id, content, padding)| {
                Records::default().record(kind, id, &content, padding).0
            }
        ),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_fastcgi_request_reads_as_it_was_written(
        headers in vec(("[A-Z]{1,10}", "[ -~]{1,200}"), 0..20),
        body in vec(any::<u8>(), 0..3_000),
        record in 1_usize..700,
        padding: u8,
        lengths in vec(1_usize..400, 1..8),
    ) {
        let length = body.len().to_string();
        let mut variables = vec![
            ("REQUEST_METHOD".to_owned(), "PUT".to_owned()),
            ("REQUEST_URI".to_owned(), "/1.1/a".to_owned()),
            ("CONTENT_LENGTH".to_owned(), length),
        ];
        for (at, (name, value)) in headers.iter().enumerate() {
            variables.push((format!("HTTP_X_{at}_{name}"), value.clone()));
        }
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut stream = Records::default().begin(1, 1, 0);
        for piece in encode::pairs(&variables).chunks(record) {
            stream = stream.record(4, 1, piece, padding);
        }
        stream = stream.record(4, 1, b"", padding);
        for piece in body.chunks(record) {
            stream = stream.record(5, 1, piece, padding);
        }
        let outcome = run(Protocol::Fcgi, &stream.stdin(1, b"").0, &lengths);
        prop_assert_eq!(outcome.requests.len(), 1);
        prop_assert_eq!(&outcome.requests[0].body, &body);
        for (at, (name, value)) in headers.iter().enumerate() {
            let name = format!("x-{at}-{}", name.to_ascii_lowercase());
            prop_assert_eq!(outcome.requests[0].headers.text(&name), Some(value.as_str()));
        }
        prop_assert!(outcome.is_closed);
    }

    #[test]
    fn a_chunked_body_reads_as_it_was_written(
        chunks in vec(vec(any::<u8>(), 1..300), 0..10),
        lengths in vec(1_usize..100, 1..8),
    ) {
        let mut stream =
            b"PUT /1.1/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in &chunks {
            stream.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            stream.extend_from_slice(chunk);
            stream.extend_from_slice(b"\r\n");
        }
        stream.extend_from_slice(b"0\r\n\r\n");
        let outcome = run(Protocol::Http, &stream, &lengths);
        prop_assert_eq!(outcome.requests.len(), 1);
        prop_assert_eq!(&outcome.requests[0].body, &chunks.concat());
    }

    #[test]
    fn any_bytes_lead_to_the_same_however_they_are_cut(
        stream in near_miss(),
        lengths in vec(1_usize..60, 1..8),
    ) {
        for protocol in [Protocol::Fcgi, Protocol::Http, Protocol::Scgi] {
            let whole = run(protocol, &stream, &[usize::MAX]);
            let pieces = run(protocol, &stream, &lengths);
            prop_assert_eq!(&whole, &pieces, "{:?}", protocol);
            prop_assert!(whole.is_closed);
        }
    }
}
