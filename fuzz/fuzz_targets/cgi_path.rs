//! Arbitrary variables, separated by NUL bytes: prefix and path never panic and stay normal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weaved::gateway::Mount;
use weaved::gateway::path::Target;
use weaved::gateway::path::resolve;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(4, |&byte| byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let target = Target {
        script_name: part(),
        path_info: part(),
        document_uri: part(),
        request_uri: part(),
    };
    let fixed: Mount = "/yourpath".parse().expect("a mount");
    for mount in [Mount::Automatic, fixed] {
        let Some(path) = resolve(&target, &mount) else {
            continue;
        };
        assert!(path.prefix.is_empty() || path.prefix.starts_with('/'));
        assert!(!path.prefix.ends_with('/'));
        assert!(path.prefix.is_ascii());
        for segment in &path.segments {
            assert!(!matches!(segment.as_slice(), b"" | b"." | b".."));
        }
    }
});
