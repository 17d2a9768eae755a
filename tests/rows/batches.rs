//! Storage, rows 39 to 51: many records in one request.

use serde_json::Value;
use serde_json::json;

use super::rows;

/// Records with the ids `1`, `2`, ... and these payloads.
fn records<'a>(payloads: impl IntoIterator<Item = &'a str>) -> String {
    let record =
        |(n, payload): (usize, &str)| json!({"id": (n + 1).to_string(), "payload": payload});
    Value::from_iter(payloads.into_iter().enumerate().map(record)).to_string()
}

rows! {
    row_39_an_empty_batch(Plain) |site| {
        let u = site.user();
        u.post("storage/c", "[]").batch(&[], json!({}));
        u.get("info/collections").answers(json!({}));
    }

    row_40_two_records_share_the_time_of_the_batch(Plain) |site| {
        let u = site.user();
        let body = r#"[{"id":"a","payload":"1"},{"id":"b","payload":"2"}]"#;
        let t = u.post("storage/c", body).batch(&["a", "b"], json!({}));
        for (id, payload) in [("a", "1"), ("b", "2")] {
            let item = json!({"id": id, "payload": payload, "modified": t.json()});
            u.get(&format!("storage/c/{id}")).answers(item);
        }
        u.get("info/collections").answers(json!({"c": t.json()}));
    }

    row_41_elements_without_an_id(Plain) |site| {
        let u = site.user();
        let reply = u.post("storage/c", r#"[1,{"payload":"q"},{"id":"ok","payload":"x"}]"#);
        reply.batch(&["ok"], json!({"": ["invalid id"]}));
    }

    row_42_what_is_wrong_with_each(Plain) |site| {
        let body = json!([
            {"id": "a", "payload": "x", "sortindex": "x"},
            {"id": "b", "payload": "x", "ttl": -1},
            {"id": "c", "payload": "x", "parentid": "p".repeat(65)},
            {"id": "d", "payload": 1},
            {"id": "e", "payload": "x", "predecessorid": "p".repeat(65)},
            {"id": "f", "payload": "x".repeat(262_145)},
            {"id": "g", "payload": "x"},
        ]);
        site.user().post("storage/c", body.to_string()).batch(&["g"], json!({
            "a": ["invalid sortindex"],
            "b": ["invalid ttl"],
            "c": ["invalid parentid"],
            "d": ["payload not a string"],
            "e": ["invalid predecessorid"],
            "f": ["payload too large"],
        }));
    }

    row_43_a_hundred_records_and_no_more(Plain) |site| {
        let u = site.user();
        let ids: Vec<String> = (1..=105).map(|n| n.to_string()).collect();
        let (fit, rest) = ids.split_at(100);
        let fit: Vec<&str> = fit.iter().map(String::as_str).collect();
        let refused = rest.iter().map(|id| (id.clone(), json!(["retry wbo"])));
        let refused: serde_json::Map<String, Value> = refused.collect();
        u.post("storage/c", records(["x"; 105])).batch(&fit, refused);
        u.get("info/collection_counts").answers(json!({"c": 100}));
    }

    row_44_a_mebibyte_and_no_more(Plain) |site| {
        let large = "x".repeat(210 * 1024);
        let large = large.as_str();
        let body = records([large, large, large, large, large, large, "tiny"]);
        let retry = json!(["retry bytes"]);
        site.user().post("storage/c", body).batch(
            &["1", "2", "3", "4"],
            json!({"5": retry, "6": retry, "7": retry}),
        );
    }

    row_45_exactly_a_mebibyte_is_too_much(Plain) |site| {
        let quarter = "x".repeat(262_144);
        let body = records([quarter.as_str(); 4]);
        let reply = site.user().post("storage/c", body);
        reply.batch(&["1", "2", "3"], json!({"4": ["retry bytes"]}));
    }

    row_46_the_last_of_two_equal_ids_wins(Plain) |site| {
        let u = site.user();
        let body = r#"[{"id":"b","payload":"1"},{"id":"b","payload":"2"}]"#;
        let t = u.post("storage/c", body).batch(&["b", "b"], json!({}));
        let item = json!({"id": "b", "payload": "2", "modified": t.json()});
        u.get("storage/c/b").answers(item);
        u.get("info/collection_counts").answers(json!({"c": 1}));
        u.get("info/collection_usage").answers(json!({"c": 1.0 / 1024.0}));
    }

    row_47_ids_may_be_numbers(Plain) |site| {
        let u = site.user();
        u.post("storage/c", r#"[{"id":5,"payload":"x"}]"#).batch(&["5"], json!({}));
        u.get("storage/c").lists(&["5"]);
    }

    row_48_a_batch_changes_only_what_it_names(Plain) |site| {
        let u = site.user();
        let first = u.put("storage/c/a", r#"{"payload":"x"}"#).written();
        let t = u.post("storage/c", r#"[{"id":"a","sortindex":9}]"#).batch(&["a"], json!({}));
        assert!(t > first, "{t} after {first}");
        u.get("storage/c/a").answers(json!({
            "id": "a", "payload": "x", "sortindex": 9, "modified": t.json(),
        }));
    }

    row_49_an_object_instead_of_a_list(Plain) |site| {
        let u = site.user();
        u.post("storage/c", r#"{"id":"s","payload":"1"}"#).written();
        let bad = [r#"{"payload":"1"}"#, r#"{"id":"a/b","payload":"1"}"#, "null", r#""x""#];
        for body in bad {
            u.post("storage/c", body).code(8);
        }
        // spec/storage-1.1.md, 10, row 41.
        u.post("storage/c", r#"{"id":null,"payload":"1"}"#).code(8);
        u.post("storage/c", r#"{"id":"","payload":"1"}"#).code(8);
        u.get("storage/c").lists(&["s"]);
    }

    row_50_put_on_a_collection_is_post(Plain) |site| {
        let u = site.user();
        u.put("storage/c", r#"[{"id":"a","payload":"1"}]"#).batch(&["a"], json!({}));
        u.put("storage/c", r#"{"id":"b","payload":"1"}"#).written();
        u.get("storage/c").holds(&["a", "b"]);
    }

    row_51_odd_ids(Plain) |site| {
        let u = site.user();
        let body = r#"[{"id":"{g} *","payload":"1"},{"id":"a/b","payload":"2"}]"#;
        u.post("storage/c", body).batch(&["{g} *", "a/b"], json!({}));
        u.get("storage/c/%7Bg%7D%20*").is(404);
        u.get("storage/c?ids=%7Bg%7D+*").lists(&["{g} *"]);
        u.get("storage/c?ids=a/b").lists(&["a/b"]);
        u.get("storage/c?ids=a%2Fb").lists(&["a/b"]);
        u.delete("storage/c?ids=%7Bg%7D%20*").written();
        u.get("storage/c").lists(&["a/b"]);
    }

    /// spec/clients.md, 1.8: the array of the Android client has newlines in it.
    newlines_between_records(Plain) |site| {
        let u = site.user();
        let body = "[\n{\"id\":\"a\",\"payload\":\"1\"},\n{\"id\":\"b\",\"payload\":\"2\"}\n]\n";
        u.post("storage/c", body).batch(&["a", "b"], json!({}));
    }
}
