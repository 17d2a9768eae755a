//! Storage, rows 26 to 34: bodies and fields that are not what they should be.

use serde_json::json;

use super::rows;

rows! {
    row_26_not_json(Plain) |site| {
        let u = site.user();
        let bodies: [&[u8]; 6] = [
            b"", b"{", br#"{"payload":"x"}x"#, b"\xef\xbb\xbf{\"payload\":\"x\"}",
            b"{\"payload\":\"\xff\"}", br#"{"payload":"\ud800"}"#,
        ];
        for body in bodies {
            u.put("storage/c/i", body).code(6);
            u.post("storage/c", body).code(6);
        }
        u.get("info/collections").answers(json!({}));
    }

    row_27_not_a_record(Plain) |site| {
        let u = site.user();
        let bodies = [
            "[]", r#""s""#, "42", "true", r#"{"payload":1}"#, r#"{"payload":{}}"#,
            r#"{"x":[],"payload":"y"}"#,
        ];
        for body in bodies {
            u.put("storage/c/i", body).code(8);
        }
        u.get("info/collections").answers(json!({}));
    }

    row_28_null_is_not_a_record(Plain) |site| {
        site.user().put("storage/c/i", "null").code(8);
    }

    row_29_unknown_fields_are_dropped(Plain) |site| {
        let u = site.user();
        let t = u.put("storage/c/i", r#"{"zzz":1,"payload":"y"}"#).written();
        let item = json!({"id": "i", "payload": "y", "modified": t.json()});
        u.get("storage/c/i").answers(item);
    }

    row_30_the_largest_payload(Plain) |site| {
        let u = site.user();
        let largest = "x".repeat(262_144);
        u.put("storage/c/i", json!({"payload": largest}).to_string()).written();
        let back = u.get("storage/c/i");
        back.ok().need(back.json()["payload"] == *largest, "the same payload");
        u.put("storage/c/j", json!({"payload": "x".repeat(262_145)}).to_string()).code(8);
        u.put("storage/c/j", json!({"payload": "é".repeat(131_072)}).to_string()).written();
        u.put("storage/c/j", json!({"payload": "é".repeat(131_073)}).to_string()).code(8);
    }

    row_31_the_longest_ids(Plain) |site| {
        let u = site.user();
        for field in ["id", "parentid", "predecessorid"] {
            u.put("storage/c/i", json!({field: "x".repeat(64)}).to_string()).written();
            u.put("storage/c/i", json!({field: "x".repeat(65)}).to_string()).code(8);
        }
    }

    row_32_sort_indices(Plain) |site| {
        let u = site.user();
        let good = [
            ("999999999", 999_999_999), ("-999999999", -999_999_999), (r#""5.7""#, 5), ("-5.7", -5),
        ];
        for (given, kept) in good {
            u.put("storage/c/i", format!(r#"{{"sortindex":{given}}}"#)).written();
            let reply = u.get("storage/c/i");
            // An integer: a client drops 5.0.
            reply.ok().need(reply.json()["sortindex"] == kept, given);
        }
        for bad in ["1000000000", r#""abc""#, r#""""#] {
            u.put("storage/c/i", format!(r#"{{"sortindex":{bad}}}"#)).code(8);
        }
    }

    row_33_numbers_that_are_none(Plain) |site| {
        let u = site.user();
        for bad in ["NaN", "Infinity", "1e400"] {
            let reply = u.put("storage/c/i", format!(r#"{{"sortindex":{bad}}}"#));
            // NaN is no JSON (6); what a parser makes of 1e400 is its own affair (6 or 8).
            reply.is(400).need(["6", "8"].contains(&reply.text().as_str()), "6 or 8");
        }
    }

    /// Without the upper bound: spec/decisions.md, 2.
    row_34_lifetimes(Plain) |site| {
        let u = site.user();
        for bad in ["-1", r#""abc""#, r#""""#] {
            u.put("storage/c/i", format!(r#"{{"payload":"x","ttl":{bad}}}"#)).code(8);
        }
        for good in ["31536000", "31536001", "31622400", "94608000", "4000000000", r#""1000""#] {
            u.put("storage/c/i", format!(r#"{{"payload":"x","ttl":{good}}}"#)).written();
            u.get("storage/c/i").ok();
        }
        // One second, which may be over before it is asked for.
        u.put("storage/c/i", r#"{"payload":"x","ttl":1.9}"#).written();
    }

    /// spec/decisions.md, 11; spec/storage-1.1.md, 10, row 28.
    ids_are_ascii(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x","id":"é"}"#).code(8);
        u.post("storage/c", r#"{"payload":"x","id":"é"}"#).code(8);
        let reply = u.post("storage/c", r#"[{"payload":"x","id":"é"},{"payload":"x","id":"e"}]"#);
        reply.batch(&["e"], json!({"é": ["invalid id"]}));
    }

    /// spec/clients.md, 4, no. 17 and 1.14: what the type of a body is called does not matter.
    content_types_do_not_matter(Plain) |site| {
        let u = site.user();
        for kind in ["text/plain", "application/json", "application/x-www-form-urlencoded"] {
            let call = u.storage("PUT", "storage/c/i").header("Content-Type", kind);
            call.body(r#"{"payload":"x=1&y"}"#).send().written();
        }
    }
}
