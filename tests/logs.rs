//! What must never be in the log, whatever is asked and however it fails.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use data_encoding::BASE64;
    use rusqlite::Connection;
    use serde_json::json;

    use crate::suite::Home;
    use crate::suite::SECRET;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;
    use crate::suite::basic;

    /// The logging sections that the original shipped, at their most talkative.
    const TALKATIVE: &str = "
[loggers]
keys = root,syncserver

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = DEBUG
handlers = console

[logger_syncserver]
qualname = syncserver
level = DEBUG
handlers = console
propagate = 0

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(asctime)s,%(msecs)03d %(levelname)-5.5s [%(name)s] %(message)s

[DEFAULT]
debug = true
";

    const PASSWORD: &str = "hunter2-marker:ä";
    const NEW_PASSWORD: &str = "another-marker";
    const WRONG: &str = "wrong-marker";
    const PAYLOAD: &str = "payload-marker";
    const QUERY: &str = "query-marker";

    #[test]
    fn secrets_stay_out_of_the_log_over_fastcgi() {
        stay_out(Way::FastCgi);
    }

    #[test]
    fn secrets_stay_out_of_the_log_over_http() {
        stay_out(Way::Http);
    }

    #[test]
    fn secrets_stay_out_of_the_log_over_scgi() {
        stay_out(Way::Scgi);
    }

    fn stay_out(way: Way) {
        let site = Site::in_home(Home::new(), way, |mut options| {
            options.ini = TALKATIVE;
            options
                .set("auth.allow_new_users", "secret")
                .set("global.shared_secret", SECRET)
                .set("storage.pool_timeout", "1")
        });
        let user = signs_up(&site);
        fails_to_log_in(&user);
        sends_what_is_refused(&user);
        meets_a_locked_database(&user);
        deletes_accounts(&user);
        site.weaved().stop();

        let log = site.log().text();
        assert!(log.contains("DEBUG"), "debugging is on:\n{log}");
        // Also a page's refusal says who was refused what and why, with an id.
        let page = log
            .lines()
            .find(|line| line.contains("403 POST") && line.contains("/weave-delete-account"));
        let page = page.unwrap_or_default();
        assert!(
            page.contains("wrong password") && page.contains("(id "),
            "{page}"
        );
        let mut secrets = vec![
            PASSWORD.to_owned(),
            NEW_PASSWORD.to_owned(),
            WRONG.to_owned(),
            PAYLOAD.to_owned(),
            QUERY.to_owned(),
            SECRET.to_owned(),
            "$argon2".to_owned(),
            "{SSCRYPT}".to_owned(),
            "Digest".to_owned(),
            "not-base64".to_owned(),
        ];
        for password in [PASSWORD, NEW_PASSWORD, WRONG] {
            let value = basic(&user.name, password.as_bytes());
            secrets.push(value.replace("Basic ", ""));
            secrets.push(BASE64.encode(password.as_bytes()));
        }
        for secret in secrets {
            let found = log.lines().find(|line| line.contains(&secret));
            assert_eq!(found, None, "{secret}");
        }
    }

    fn signs_up(site: &Site) -> User<'_> {
        let user = User::invented(site).with_password(PASSWORD);
        let put = |secret: &str, form: String| {
            let call = user
                .nobody()
                .user("PUT", "")
                .header("X-Weave-Secret", secret);
            call.body(form).send()
        };
        let form =
            |password: &str, email: &str| json!({"email": email, "password": password}).to_string();
        put("wrong-marker", form(PASSWORD, &user.email)).is(403);
        put(SECRET, form(PASSWORD, "other@example.com")).is(400);
        put(SECRET, format!("{{\"password\": \"{PASSWORD}\", ")).is(400);
        put(SECRET, form(PASSWORD, &user.email)).ok();
        put(SECRET, form(PASSWORD, &user.email)).is(400);
        user
    }

    fn fails_to_log_in(user: &User<'_>) {
        user.with_password(WRONG).get("info/collections").is(401);
        let raw = basic(&user.name, b"wrong-marker\xe4");
        user.authorized(&raw).get("info/collections").is(401);
        let other = basic("somebody-else", WRONG.as_bytes());
        user.authorized(&other).get("info/collections").is(401);
        for value in [
            "Digest wrong-marker",
            "Basic not-base64!",
            "wrong-marker",
            "Basic",
        ] {
            user.authorized(value).get("info/collections").is(401);
        }
        user.with_password(WRONG)
            .user("POST", "/password")
            .body(NEW_PASSWORD)
            .send()
            .is(401);
        let nobody = user.nobody();
        nobody
            .call(
                "GET",
                &format!("/1.1/{}/nosuch?password={QUERY}", user.name),
            )
            .send()
            .is(404);
        nobody
            .call("GET", &format!("/1.2/a/info/collections?x={QUERY}"))
            .send()
            .is(404);
    }

    fn sends_what_is_refused(user: &User<'_>) {
        let long = PAYLOAD.repeat(30_000);
        user.put("storage/c/i", json!({"payload": PAYLOAD}).to_string())
            .written();
        user.put("storage/c/i", json!({"payload": long}).to_string())
            .code(8);
        user.put("storage/c/i", format!("{{\"payload\": \"{PAYLOAD}\""))
            .code(6);
        user.put("storage/c/i", json!({"payload": [PAYLOAD]}).to_string())
            .code(8);
        user.post(
            "storage/c",
            json!([{"id": "i", "payload": 1, "parentid": PAYLOAD}]).to_string(),
        )
        .ok();
        user.post(
            "storage/c",
            json!([{"id": "é", "payload": PAYLOAD}]).to_string(),
        )
        .ok();
        user.post("storage/c", format!("[\"{PAYLOAD}\"")).code(6);
        user.get(&format!("storage/c?newer={QUERY}")).is(400);
        user.get(&format!("storage/c?parentid={QUERY}")).ok();
        user.put(&format!("storage/c/a%20?x={QUERY}"), PAYLOAD)
            .is(404);
        let call = user
            .storage("PUT", "storage/c/i")
            .header("X-If-Unmodified-Since", QUERY);
        call.body(json!({"payload": PAYLOAD}).to_string())
            .send()
            .is(400);
        user.user("POST", "/password").body("marker").send().code(9);
        user.user("POST", "/email")
            .body("query-marker")
            .send()
            .code(12);
    }

    fn meets_a_locked_database(user: &User<'_>) {
        let database = Connection::open(user.site.weaved().home().database()).unwrap();
        database.busy_timeout(Duration::from_secs(60)).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        user.put("storage/c/i", json!({"payload": PAYLOAD}).to_string())
            .is(503);
        user.user("POST", "/password")
            .body(NEW_PASSWORD)
            .send()
            .is(503);
        database.execute_batch("ROLLBACK").unwrap();
        database
            .execute_batch("ALTER TABLE wbo RENAME TO elsewhere")
            .unwrap();
        user.put("storage/c/i", json!({"payload": PAYLOAD}).to_string());
        user.get("storage/c?full=1");
        database
            .execute_batch("ALTER TABLE elsewhere RENAME TO wbo")
            .unwrap();
    }

    fn deletes_accounts(user: &User<'_>) {
        let post = |fields: String| {
            let call = user.nobody().call("POST", "/weave-delete-account");
            let call = call.header("Content-Type", "application/x-www-form-urlencoded");
            call.body(fields).send()
        };
        post(format!("username={}&password={WRONG}", user.name));
        user.with_password(WRONG).user("DELETE", "").send().is(401);
        user.user("POST", "/password")
            .body(NEW_PASSWORD)
            .send()
            .ok();
        user.with_password(NEW_PASSWORD)
            .user("DELETE", "")
            .send()
            .ok();
    }
}
