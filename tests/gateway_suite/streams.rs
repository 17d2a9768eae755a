//! Connections of real web servers, recorded, and hand-made ones for what no server does.
//!
//! See tests/fixtures/gateway/README.md. Each stream is fed in every way that a socket could
//! deliver it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use sha1::Digest;
use sha1::Sha1;
use weaved::gateway::Options;
use weaved::gateway::Protocol;

use super::drive::Outcome;
use super::drive::drive_every_way;
use super::encode::describe_records;
use super::encode::status;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gateway")
}

pub(crate) fn json(name: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(folder().join(name)).unwrap()).unwrap()
}

fn protocol(entry: &Value) -> Protocol {
    match entry["protocol"].as_str() {
        Some("fcgi") => Protocol::Fcgi,
        Some("scgi") => Protocol::Scgi,
        other => panic!("{other:?}"),
    }
}

/// The bytes of an entry; an upload that is kept as a recipe is made.
fn stream(entry: &Value) -> Vec<u8> {
    let mut bytes = fs::read(folder().join(entry["file"].as_str().unwrap())).unwrap();
    let body = |from: usize, count: usize| {
        (from..from + count).map(|i| 32 + u8::try_from((i * 7 + i / 95) % 95).unwrap())
    };
    if let Some(count) = entry["recipe"]["body_follows"].as_u64() {
        bytes.extend(body(0, usize::try_from(count).unwrap()));
    }
    let mut from = 0;
    for record in entry["recipe"]["stdin_records"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let length = u16::try_from(record[0].as_u64().unwrap()).unwrap();
        let padding = u8::try_from(record[1].as_u64().unwrap()).unwrap();
        let [length1, length0] = length.to_be_bytes();
        bytes.extend_from_slice(&[1, 5, 0, 1, length1, length0, padding, 0]);
        bytes.extend(body(from, usize::from(length)));
        bytes.resize(bytes.len() + usize::from(padding), 0);
        from += usize::from(length);
    }
    bytes
}

/// Text of the index: UTF-8, or an object that holds the bytes as Latin-1.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    match text["latin1"].as_str() {
        Some(latin1) => latin1
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect(),
        None => text.as_str().unwrap().as_bytes().to_vec(),
    }
}

/// Checks what became of a recorded stream.
fn check_recorded(entry: &Value, outcome: &Outcome) {
    let name = entry["file"].as_str().unwrap();
    let expected: Vec<_> = entry["expect"].as_array().unwrap().iter().collect();
    let complete: Vec<_> = expected.iter().filter(|e| e["complete"] == true).collect();
    assert_eq!(outcome.requests.len(), complete.len(), "{name}");
    assert!(outcome.is_closed, "{name}");
    for (request, expect) in outcome.requests.iter().zip(&complete) {
        assert_eq!(request.method, expect["method"].as_str().unwrap(), "{name}");
        assert_eq!(request.query.as_bytes(), bytes(&expect["query"]), "{name}");
        assert_eq!(
            request.headers.text("authorization"),
            expect["authorization"].as_str(),
            "{name}"
        );
        assert_eq!(request.https, expect["https"].as_bool().unwrap(), "{name}");
        assert_eq!(request.peer, "127.0.0.1", "{name}");
        let digest: String = Sha1::digest(&request.body)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            request.body.len() as u64,
            expect["body_bytes"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(digest, expect["body_sha1"].as_str().unwrap(), "{name}");
        let Some(prefix) = expect["prefix"].as_str() else {
            assert_eq!(request.path, None, "{name}");
            continue;
        };
        let path = request.path.as_ref().unwrap();
        let segments: Vec<_> = expect["segments"]
            .as_array()
            .unwrap()
            .iter()
            .map(bytes)
            .collect();
        assert_eq!(path.prefix, prefix, "{name}");
        assert_eq!(path.segments, segments, "{name}");
        assert_eq!(
            path.trailing_slash,
            expect["trailing_slash"].as_bool().unwrap(),
            "{name}"
        );
    }
    let refused = expected
        .iter()
        .filter(|e| e["complete"] == false)
        .find_map(|expect| {
            let answer = expect["answer"].as_str()?;
            answer.split(':').next().filter(|word| word.len() == 3)
        });
    let mut lines = Vec::new();
    for expect in &complete {
        let id = &expect["id"];
        lines.extend([
            format!("stdout {id} 200"),
            format!("stdout {id} over"),
            format!("end {id} 0"),
        ]);
    }
    match (protocol(entry), refused) {
        (Protocol::Fcgi, _) => assert_eq!(describe_records(&outcome.sent), lines, "{name}"),
        (_, Some(refused)) => assert_eq!(status(&outcome.sent), refused, "{name}"),
        (_, None) if complete.is_empty() => assert!(outcome.sent.is_empty(), "{name}"),
        (_, None) => assert_eq!(status(&outcome.sent), "200", "{name}"),
    }
}

/// Replays all recorded streams of the servers whose cases begin so.
fn replay(server: &str) {
    let mut count = 0;
    for entry in json("index.json") {
        let name = entry["file"].as_str().unwrap();
        if !name.starts_with(server) {
            continue;
        }
        let mount = entry["expect"][0]["mount"].as_str().unwrap();
        let options = Arc::new(Options {
            mount: mount.parse().unwrap(),
            ..Options::default()
        });
        let stream = stream(&entry);
        let outcome = if stream.len() > 200_000 {
            let pieces = [1_000, 16_384, 65_536, 100_000];
            let whole = super::drive::drive(protocol(&entry), &options, [&stream[..]], true);
            for size in pieces {
                let cut =
                    super::drive::drive(protocol(&entry), &options, stream.chunks(size), true);
                assert!(cut == whole, "{name} in pieces of {size}");
            }
            whole
        } else {
            drive_every_way(protocol(&entry), &options, &stream, true, name)
        };
        check_recorded(&entry, &outcome);
        count += 1;
    }
    assert!(count > 10, "{count} streams of {server}");
}

#[test]
fn streams_of_lighttpd_become_the_requests_they_were() {
    replay("l-");
}

#[test]
fn streams_of_apache_become_the_requests_they_were() {
    replay("a-");
}

#[test]
fn streams_of_nginx_become_the_requests_they_were() {
    replay("n-");
}

#[test]
fn streams_of_caddy_become_the_requests_they_were() {
    replay("c-");
}

/// What a hand-made stream must lead to: requests as `method body-length`, what is sent, the end.
const HAND_MADE: [(&str, &[&str]); 48] = [
    (
        "f01-get-values",
        &[r"values \x0e\x02FCGI_MAX_CONNS16\r\x02FCGI_MAX_REQS16\x0f\x01FCGI_MPXS_CONNS0"],
    ),
    ("f02-unknown-mgmt", &["unknown 42"]),
    ("f03-authorizer", &["end 1 3", "close"]),
    (
        "f04-params-1byte",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f05-mux",
        &[
            "GET 0",
            "end 2 1",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
        ],
    ),
    ("f06-abort", &["end 1 0"]),
    (
        "f07-padding255",
        &[
            "PUT 11",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "close",
        ],
    ),
    ("f08-eof-in-params", &["close"]),
    ("f09-eof-in-stdin", &["close"]),
    ("f10-bad-nv-length", &["close"]),
    ("f11-version0", &["close"]),
    (
        "f12-short-body",
        &["stdout 1 400", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f13-long-body",
        &["stdout 1 400", "stdout 1 over", "end 1 0", "close"],
    ),
    ("f14-dup-begin", &["close"]),
    (
        "f15-stray-id",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f16-keep-two",
        &[
            "GET 0",
            "GET 0",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "close",
        ],
    ),
    (
        "f17-id-65535",
        &[
            "GET 0",
            "stdout 65535 200",
            "stdout 65535 over",
            "end 65535 0",
            "close",
        ],
    ),
    (
        "f18-4byte-lengths",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    ("f19-huge-nv", &["close"]),
    ("f20-stdin-before-params-end", &["close"]),
    (
        "f21-data-record",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    ("f22-empty-conn", &["close"]),
    (
        "f23-content-length-minus1",
        &[
            "POST 11",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "close",
        ],
    ),
    (
        "f24-content-length-empty",
        &[
            "POST 11",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "close",
        ],
    ),
    (
        "f25-reserved-nonzero",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f26-flags-other-bits",
        &["GET 0", "stdout 1 200", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f27-long-content-length",
        &["stdout 1 413", "stdout 1 over", "end 1 0", "close"],
    ),
    (
        "f28-max-record",
        &[
            "PUT 65535",
            "stdout 1 200",
            "stdout 1 over",
            "end 1 0",
            "close",
        ],
    ),
    ("s01-minimal", &["GET 0", "200", "close"]),
    ("s02-body", &["GET 11", "200", "close"]),
    ("s03-cl-not-first", &["GET 11", "200", "close"]),
    ("s04-no-scgi-var", &["GET 0", "200", "close"]),
    ("s05-no-comma", &["close"]),
    ("s06-leading-zero", &["close"]),
    ("s07-non-digit", &["close"]),
    ("s08-length-huge", &["close"]),
    ("s09-length-over-limit", &["close"]),
    ("s10-no-final-nul", &["close"]),
    ("s11-odd-fields", &["close"]),
    ("s12-eof-in-header", &["close"]),
    ("s13-eof-in-body", &["close"]),
    ("s14-dup-name", &["400", "close"]),
    ("s15-cl-missing", &["400", "close"]),
    ("s16-cl-bad", &["400", "close"]),
    ("s17-non-utf8", &["GET 0", "200", "close"]),
    ("s18-empty-conn", &["close"]),
    ("s19-empty-netstring", &["400", "close"]),
    ("s20-cl-mismatch", &["400", "close"]),
];

#[test]
fn hand_made_streams_lead_to_what_the_rules_say() {
    let entries = json("index.json");
    let options = Arc::new(Options::default());
    let mut wrong = Vec::new();
    for (name, expected) in HAND_MADE {
        let file = format!("synthetic/{name}.bin");
        let entry = entries
            .iter()
            .find(|entry| entry["file"] == file.as_str())
            .unwrap();
        let then_eof = entry["then_eof"].as_bool().unwrap();
        let outcome = drive_every_way(protocol(entry), &options, &stream(entry), then_eof, name);
        let mut lines: Vec<_> = outcome
            .requests
            .iter()
            .map(|request| format!("{} {}", request.method, request.body.len()))
            .collect();
        match protocol(entry) {
            Protocol::Fcgi => lines.extend(describe_records(&outcome.sent)),
            _ if outcome.sent.is_empty() => {}
            _ => lines.push(status(&outcome.sent)),
        }
        lines.extend(outcome.is_closed.then(|| "close".to_owned()));
        if lines != expected {
            wrong.push(format!("{name}: {lines:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
