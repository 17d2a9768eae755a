//! 426 sets of variables from recorded requests, with prefix and path, with a mount and without.

use serde_json::Value;
use weaved::gateway::Mount;
use weaved::gateway::path::Target;
use weaved::gateway::path::resolve;
use weaved::message::Path;

use super::streams::json;

/// Bytes of `paths.json`, where each character stands for one.
fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap_or_default();
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn path(value: &Value) -> Option<Path> {
    Some(Path {
        prefix: value["prefix"].as_str()?.to_owned(),
        segments: value["segments"].as_array()?.iter().map(bytes).collect(),
        trailing_slash: value["trailing_slash"].as_bool()?,
    })
}

#[test]
fn recorded_variables_give_the_prefix_and_the_path_that_were_meant() {
    let rows = json("paths.json");
    assert_eq!(rows.len(), 426);
    for row in rows {
        let [script_name, path_info, document_uri, request_uri] =
            ["SCRIPT_NAME", "PATH_INFO", "DOCUMENT_URI", "REQUEST_URI"]
                .map(|name| bytes(&row["in"][name]));
        let target = Target {
            document_uri: &document_uri,
            path_info: &path_info,
            request_uri: &request_uri,
            script_name: &script_name,
        };
        let mount = row["mount"].as_str().unwrap().parse().unwrap();
        assert_eq!(resolve(&target, &mount), path(&row["with_mount"]), "{row}");
        assert_eq!(
            resolve(&target, &Mount::Automatic),
            path(&row["auto"]),
            "{row}"
        );
    }
}
