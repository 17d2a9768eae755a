//! What set-ups get wrong, in a dozen requests.

use serde_json::Value;
use serde_json::json;

use super::message::HttpRequest;
use super::message::Transport;
use super::user::basic;
use super::user::invented_email;
use super::user::name_of;

/// A chunked upload, whose length nobody knows beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    Taken,
    /// 411 from the web server itself. Browsers send no chunks.
    Refused,
}

/// [`lives_a_little_with`] a web server that takes everything.
#[track_caller]
pub(crate) fn lives_a_little(client: &dyn Transport, url: &str) {
    lives_a_little_with(Chunks::Taken, client, url);
}

/// Paths, Authorization, large bodies, encoded characters, chunks; and that the node is `url`.
#[track_caller]
pub(crate) fn lives_a_little_with(chunks: Chunks, client: &dyn Transport, url: &str) {
    let request = |method, target: &str| HttpRequest::new(method, target);
    assert_eq!(client.send(&request("GET", "/__heartbeat__")).status, 200);
    let email = invented_email();
    let name = name_of(&email);
    let form = json!({"email": email, "password": "secret-pass"}).to_string();
    let created = client.send(&request("PUT", &format!("/user/1.0/{name}")).body(form));
    assert_eq!((created.status, created.text()), (200, name.clone()));
    let node = client.send(&request("GET", &format!("/user/1.0/{name}/node/weave")));
    assert_eq!((node.status, node.text().as_str()), (200, url));
    let storage = |method, path: &str| request(method, &format!("/1.1/{name}/storage/{path}"));
    let authorization = basic(&name, b"secret-pass");
    let send = |request: HttpRequest| client.send(&request.header("Authorization", &authorization));

    let nobody = client.send(&storage("GET", "c"));
    assert_eq!(nobody.status, 401);
    assert!(nobody.header("WWW-Authenticate").is_some());
    let large = |n: usize| json!({"id": format!("large{n}"), "payload": "x".repeat(200_000)});
    let records = Value::from_iter((0..5).map(large));
    let posted = send(storage("POST", "c").body(records.to_string()));
    let posted: Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!(
        posted["success"].as_array().map(Vec::len),
        Some(5),
        "{posted}"
    );
    assert_eq!(send(storage("GET", "c?full=1")).body.len() / 1_000_000, 1);
    // 1.5 MB of which the server refuses a part: the body as a whole gets through.
    let records = Value::from_iter((0..8).map(large));
    assert_eq!(
        send(storage("POST", "d").body(records.to_string())).status,
        200
    );
    let odd = json!([{"id": "{a}/b c", "payload": "é"}]);
    assert_eq!(send(storage("POST", "e").body(odd.to_string())).status, 200);
    for spelled in ["%7Ba%7D%2Fb%20c", "%7ba%7d/b+c"] {
        let found = send(storage("GET", &format!("e?ids={spelled}")));
        assert_eq!(found.text(), r#"["{a}/b c"]"#, "{spelled}");
    }
    assert_eq!(
        send(storage("PUT", "e/a%23%7Eb").body(r#"{"payload":"x"}"#)).status,
        200
    );
    assert_eq!(send(storage("GET", "e/a%23~b")).status, 200);
    let (written, read) = match chunks {
        Chunks::Taken => (200, 200),
        Chunks::Refused => (411, 404),
    };
    let body = "8\r\n{\"payloa\r\n7\r\nd\":\"x\"}\r\n0\r\n\r\n";
    let chunked = storage("PUT", "e/chunked").header("Transfer-Encoding", "chunked");
    assert_eq!(send(chunked.body(body)).status, written);
    assert_eq!(send(storage("GET", "e/chunked")).status, read);
}
