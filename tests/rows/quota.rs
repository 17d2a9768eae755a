//! Storage, rows 73 to 77: how much there is, and how much there may be.

use serde_json::json;

use super::rows;

fn payload(length: usize) -> String {
    json!({"payload": "x".repeat(length)}).to_string()
}

rows! {
    row_73_counts_and_usage(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", payload(500)).written();
        let counts = u.get("info/collection_counts");
        counts.answers(json!({"c": 1})).header("X-Weave-Records", "1");
        u.get("info/collection_usage").answers(json!({"c": 0.488_281_25}));
    }

    row_74_without_a_quota(Plain) |site| {
        let u = site.user();
        u.get("info/quota").answers(json!([0.0, null]));
        u.put("storage/c/i", payload(500)).written();
        u.get("info/quota").answers(json!([0.488_281_25, null]));
    }

    row_74_with_a_quota(Quota5120) |site| {
        let u = site.user();
        let reply = u.put("storage/c/i", payload(500));
        reply.written();
        reply.need(reply.maybe("X-Weave-Quota-Remaining").is_none(), "no warning yet");
        u.get("info/quota").answers(json!([0.488_281_25, 5120]));
    }

    row_75_a_warning_near_the_limit(Quota2) |site| {
        let reply = site.user().put("storage/c/i", payload(1000));
        reply.written();
        reply.header("X-Weave-Quota-Remaining", "2");
    }

    row_76_full_and_emptied_again(Quota2) |site| {
        let u = site.user();
        u.put("storage/c/i", payload(1000)).written();
        let big = json!([{"id": "big", "payload": "x".repeat(5000)}]);
        u.post("storage/c", big.to_string()).batch(&["big"], json!({}));
        u.put("storage/c/j", r#"{"payload":"x"}"#).code(14);
        u.post("storage/c", r#"[{"id":"j","payload":"x"}]"#).code(14);
        u.get("storage/c").holds(&["i", "big"]);
        u.delete("storage/c/big").written();
        u.put("storage/c/j", r#"{"payload":"x"}"#).written();
    }

    row_77_full_and_rubbish(Quota2) |site| {
        let u = site.user();
        u.put("storage/c/big", payload(5000)).written();
        u.post("storage/c", "{").code(6);
        u.put("storage/c/i", "{").is(400);
        // spec/storage-1.1.md, 10, row 37: only what has a payload is refused.
        u.put("storage/c/big", r#"{"sortindex":1}"#).written();
    }
}
