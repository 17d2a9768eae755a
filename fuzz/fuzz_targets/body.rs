//! Bodies of storage calls: one record, or a batch of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weaved::sync::BatchLimits;
use weaved::sync::JsonText;
use weaved::sync::Post;
use weaved::sync::Wbo;
use weaved::sync::write_json_text;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = JsonText::from_body(bytes) else {
        return;
    };
    let _ = Wbo::parse(&text);
    let Ok(Post::Batch(batch)) = Post::parse(&text, BatchLimits::default()) else {
        return;
    };
    for wbo in &batch.accepted {
        // What is stored comes out as JSON again.
        let payload = wbo.payload.as_deref().unwrap_or_default();
        let mut out = Vec::new();
        write_json_text(payload, &mut out);
        let back: String = serde_json::from_slice(&out).expect("our own JSON");
        assert_eq!(back, payload);
    }
});
