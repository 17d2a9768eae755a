//! The user API's rows, but for those that need mail (41 to 46, 50, 51).

use serde_json::Value;
use serde_json::json;

use super::rows;
use crate::suite::Reply;
use crate::suite::SECRET;
use crate::suite::Setup;
use crate::suite::User;
use crate::suite::Wizard;
use crate::suite::sign_up_with;

/// `PUT user/1.0/<name>` with this body, by somebody without credentials.
#[track_caller]
fn create(user: &User<'_>, body: impl ToString) -> Reply {
    user.nobody().user("PUT", "").body(body.to_string()).send()
}

#[track_caller]
fn exists(user: &User<'_>) -> bool {
    let reply = user.nobody().user("GET", "").send();
    reply.ok().need(reply.kind() == "text/plain", "text/plain");
    reply.need(["0", "1"].contains(&reply.text().as_str()), "0 or 1");
    reply.text() == "1"
}

rows! {
    row_01_a_free_name(Plain) |site| {
        assert!(!exists(&User::invented(site)));
        // What a browser asks to find out whether a URL is a Sync server's.
        let probe = site.stranger().call("GET", "/user/1.0/a").send();
        probe.ok().need(["0", "1"].contains(&probe.text().as_str()), "0 or 1");
    }

    row_02_other_spellings(Plain) |site| {
        let u = site.user();
        for target in ["/user/1/NAME", "/user/1.0/NAME/", "/user/1.0/NAME//"] {
            u.nobody().call("GET", &target.replace("NAME", &u.name)).send().says("1");
        }
    }

    row_03_no_user_api_1_1(Plain) |site| {
        let u = site.user();
        for version in ["1.1", "2.0", "1x0"] {
            u.call("GET", &format!("/user/{version}/{}", u.name)).send().is(404);
        }
    }

    row_04_an_address_is_no_name(Plain) |site| {
        site.stranger().call("GET", "/user/1.0/a@b").send().is(404);
    }

    row_05_sign_up(Plain) |site| {
        let u = User::invented(site);
        u.sign_up().says(&u.name);
        assert!(exists(&u));
        u.get("info/collections").answers(json!({}));
    }

    row_06_the_name_is_taken(Plain) |site| {
        let u = site.user();
        u.sign_up().code(4);
        // Checked before everything else.
        create(&u, "nope").code(4);
    }

    row_07_not_json(Plain) |site| {
        create(&User::invented(site), "nope").code(6);
    }

    row_08_not_an_object(Plain) |site| {
        let u = User::invented(site);
        for body in ["[]", "1", "null", r#""x""#, ""] {
            create(&u, body).code(6);
        }
    }

    row_09_no_address_at_all(Plain) |site| {
        let u = User::invented(site);
        for email in ["bad", "a@b.c", ".a@b.co", "a@b_c.de", "a@b.co\n"] {
            create(&u, json!({"email": email, "password": "secret-pass"})).code(12);
        }
    }

    row_10_without_an_address(Plain) |site| {
        let u = User::invented(site);
        create(&u, json!({"password": "secret-pass"})).code(12);
        create(&u, json!({"password": "secret-pass", "email": null})).code(12);
        create(&u, json!({"password": "secret-pass", "email": ""})).code(12);
        create(&u, json!({"password": "secret-pass", "email": 1})).code(12);
    }

    row_11_the_address_of_somebody_else(Plain) |site| {
        let u = User::invented(site);
        create(&u, json!({"email": "other@example.com", "password": "secret-pass"})).code(15);
    }

    row_12_without_a_password(Plain) |site| {
        let u = User::invented(site);
        for password in [Value::Null, json!(""), json!(1)] {
            create(&u, json!({"email": u.email, "password": password})).code(7);
        }
        create(&u, json!({"email": u.email})).code(7);
    }

    row_13_a_short_password(Plain) |site| {
        let u = User::invented(site);
        create(&u, json!({"email": u.email, "password": "1234567"})).code(9);
        assert!(!exists(&u));
    }

    row_14_the_name_as_password(Plain) |site| {
        let u = User::invented(site);
        let password = format!(" {} ", u.name.to_uppercase());
        create(&u, json!({"email": u.email, "password": password})).code(9);
    }

    row_15_eight_bytes_are_enough(Plain) |site| {
        let u = User::invented(site).with_password("éééé");
        u.sign_up().ok();
        u.get("info/collections").ok();
    }

    /// spec/user-1.0.md, 3: an address beyond ASCII has two, the original's and the clients'.
    either_hash_of_an_address_is_its_name(Plain) |site| {
        for hashed in ["ü@example.com", "xn--tda@example.com"] {
            let target = format!("/user/1.0/{}", crate::suite::name_of(hashed));
            let body = json!({"email": "ü@example.com", "password": "secret-pass"}).to_string();
            let reply = site.stranger().call("PUT", &target).body(body).send();
            // Another way to the same server may have been here before.
            let made_before = reply.status() == 400 && reply.text() == "4";
            reply.need(reply.status() == 200 || made_before, "200, or 4 by another way");
        }
    }

    row_16_a_captcha_is_asked_for(Captcha) |site| {
        let u = User::invented(site);
        u.sign_up().code(2);
        create(&u, json!({"email": u.email, "password": u.password})).code(2);
        // What is wrong with the rest goes before.
        create(&u, json!({"email": u.email, "password": "1234567"})).code(9);
        let shown = Wizard::shown(site);
        sign_up_with(&u, &shown.challenge, "").code(2);
        sign_up_with(&u, &shown.challenge, "1000").code(2);
        sign_up_with(&u, "", &shown.answer()).code(2);
        assert!(!exists(&u));
        sign_up_with(&u, &shown.challenge, &shown.answer()).says(&u.name);
        u.get("info/collections").ok();
        // Once.
        let other = User::invented(site);
        sign_up_with(&other, &shown.challenge, &shown.answer()).code(2);
    }

    row_17_and_18_the_secret_replaces_a_captcha(Captcha) |site| {
        let u = User::invented(site);
        let form = json!({"email": u.email, "password": u.password}).to_string();
        let put = |secret: &str| {
            let call = u.nobody().user("PUT", "").header("X-Weave-Secret", secret);
            call.body(form.clone()).send()
        };
        put("wrong").code(2);
        put("").code(2);
        put(SECRET).says(&u.name);
    }

    row_17_the_secret_opens_a_closed_door(Secret) |site| {
        let u = User::invented(site);
        let form = json!({"email": u.email, "password": u.password}).to_string();
        let put = |secret: &str| {
            let call = u.nobody().user("PUT", "").header("X-Weave-Secret", secret).request;
            let response = site.transport().send(&call.body(form.clone()));
            (response.status, response.text())
        };
        assert_eq!(put("wrong").0, 403);
        assert_eq!(put("").0, 403);
        assert_eq!(put(SECRET), (200, u.name.clone()));
        u.get("info/collections").ok();
    }

    row_19_closed_registration(Closed) |site| {
        let u = User::invented(site);
        let reply = u.sign_up();
        reply.is(403).need(reply.maybe("Retry-After").is_none(), "no Retry-After");
        reply.need(reply.kind() == "text/plain" && !reply.text().is_empty(), "a line of text");
        assert!(!exists(&u));
    }

    row_20_the_node(Node) |site| {
        let u = site.user();
        for asking in [u.clone(), u.nobody()] {
            let reply = asking.user("GET", "/node/weave").send();
            reply.says("https://s.example/x/");
        }
    }

    row_21_a_node_without_scheme(NodeBare) |site| {
        site.user().nobody().user("GET", "/node/weave").send().says("https://s.example/x/");
    }

    row_22_a_node_in_the_section_of_2011(NodeInAuth) |site| {
        site.user().nobody().user("GET", "/node/weave").send().says("https://s.example/x/");
    }

    row_23_no_node(NodeNull) |site| {
        site.user().nobody().user("GET", "/node/weave").send().answers(Value::Null).body("null");
    }

    /// spec/decisions.md, 8: derived from the request, so that the answer leads back here.
    a_node_that_nobody_configured(Plain) |site| {
        let u = site.user();
        let reply = u.nobody().user("GET", "/node/weave").header("Host", "h.example:81").send();
        let text = reply.ok().text();
        let prefix = site.prefix();
        reply.need(text == format!("http://h.example:81{prefix}/"), "the URL that was asked");
    }

    row_24_the_node_of_nobody(Plain) |site| {
        site.stranger().user("GET", "/node/weave").send().is(404);
    }

    row_25_the_node_without_a_database(Plain) |site| {
        let site = Site::private(site.way(), Setup::ShortWait);
        let u = site.user();
        site.home().ground().run_sql("ALTER TABLE \"user\" RENAME TO elsewhere");
        let reply = u.user("GET", "/node/weave").send();
        reply.is(503).header("Retry-After", "1800");
    }

    row_26_deleting_needs_credentials(Plain) |site| {
        let u = site.user();
        u.nobody().user("DELETE", "").send().is(401);
        assert!(exists(&u));
    }

    row_27_and_the_right_password(Plain) |site| {
        let u = site.user();
        u.with_password("wrong-pass").user("DELETE", "").send().is(401);
        assert!(exists(&u));
    }

    row_28_and_ones_own(Plain) |site| {
        let (u, v) = (site.user(), site.user());
        let theirs = v.authorization.clone().unwrap_or_default();
        u.authorized(&theirs).user("DELETE", "").send().is(401);
        assert!(exists(&u) && exists(&v));
    }

    row_29_and_a_scheme_that_is_known(Plain) |site| {
        let u = site.user();
        let name_alone = data_encoding::BASE64.encode(u.name.as_bytes());
        for value in ["Digest x", "Basic !!!", &format!("Basic {name_alone}")] {
            u.authorized(value).user("DELETE", "").send().is(401);
        }
        assert!(exists(&u));
    }

    row_30_and_31_deleting_an_account(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        let ground = site.home().ground();
        let whose = format!("FROM \"user\" WHERE username = '{}'", u.name);
        let id = ground.run_sql(&format!("SELECT userid {whose}"));
        let count = |table: &str, column: &str| -> i64 {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = {id}");
            ground.number(&sql)
        };
        assert_eq!(count("wbo", "username"), 1);
        u.user("DELETE", "").send().says("1");
        assert!(!exists(&u));
        assert_eq!(count("wbo", "username"), 0);
        assert_eq!(count("collections", "userid"), 0);
        u.user("DELETE", "").send().is(401);
        u.get("info/collections").is(401);
    }

    row_32_a_new_address(Plain) |site| {
        let reply = site.user().user("POST", "/email").body("new@example.com").send();
        reply.says("new@example.com").need(reply.kind() == "text/plain", "text/plain");
    }

    row_33_that_is_none(Plain) |site| {
        site.user().user("POST", "/email").body("bad").send().code(12);
    }

    row_34_needs_credentials(Plain) |site| {
        let u = site.user().nobody();
        let call = u.user("POST", "/email").header("X-Weave-Password-Reset", "AAAA-BBBB-CCCC-DDDD");
        call.body("new@example.com").send().is(401);
    }

    row_35_a_new_password(Plain) |site| {
        let u = site.user();
        u.put("storage/c/i", r#"{"payload":"x"}"#).written();
        u.user("POST", "/password").body("newsecret1").send().says("success");
        u.get("info/collections").is(401);
        u.with_password("newsecret1").get("storage/c").lists(&["i"]);
    }

    row_36_that_is_weak(Plain) |site| {
        let u = site.user();
        u.user("POST", "/password").body("short").send().code(9);
        u.user("POST", "/password").body(b"latin1-p\xe4ss").send().code(9);
        u.get("info/collections").ok();
    }

    row_37_needs_the_old_one(Plain) |site| {
        let u = site.user();
        u.with_password("wrong-pass").user("POST", "/password").body("newsecret1").send().is(401);
        u.nobody().user("POST", "/password").body("newsecret1").send().is(401);
        u.get("info/collections").ok();
    }

    row_38_beyond_ascii(Plain) |site| {
        let u = site.user();
        u.user("POST", "/password").body("éééééééé").send().says("success");
        u.with_password("éééééééé").get("info/collections").ok();
    }

    row_39_a_reset_code_that_is_none(Plain) |site| {
        let u = site.user();
        let call = u.nobody().user("POST", "/password");
        let call = call.header("X-Weave-Password-Reset", "AAAA-BBBB-CCCC-DDDD");
        call.body("newsecret1").send().code(10);
        u.get("info/collections").ok();
    }

    row_40_a_reset_code_of_nobody(Plain) |site| {
        let call = site.stranger().user("POST", "/password");
        let call = call.header("X-Weave-Password-Reset", "AAAA-BBBB-CCCC-DDDD");
        call.body("newsecret1").send().is(404);
    }

    row_48_no_captcha(Plain) |site| {
        site.stranger().call("GET", "/misc/1.0/captcha_html").send().is(404);
    }

    row_48_the_captcha(Captcha) |site| {
        let (first, second) = (Wizard::shown(site), Wizard::shown(site));
        assert_ne!(first.challenge, second.challenge);
        site.stranger().call("POST", "/misc/1/captcha_html/").body("").send().ok();
        let call = site.stranger().call("GET", "/misc/1.0/captcha_html");
        let german = call.header("Accept-Language", "de").send();
        german.ok().contains("lang=\"de\"").contains("Wie viel ist ");
    }

    row_48_an_invitation(Closed) |site| {
        let shown = Wizard::shown(site);
        assert_eq!(shown.challenge, "invitation");
        let u = User::invented(site);
        for wrong in ["", "2222-2222-2222-2222", "nonsense"] {
            sign_up_with(&u, &shown.challenge, wrong).code(2);
        }
    }

    row_52_the_page_that_deletes_an_account(Plain) |site| {
        let u = site.user();
        let form = u.nobody().call("GET", "/weave-delete-account").send();
        form.ok().contains("username").contains("password");
        let post = |fields: String| {
            let call = u.nobody().call("POST", "/weave-delete-account");
            let call = call.header("Content-Type", "application/x-www-form-urlencoded");
            call.body(fields).send()
        };
        post(format!("username={}", u.name)).contains("Missing data");
        post(format!("username={}&password=wrong-pass", u.name)).contains("Bad credentials");
        assert!(exists(&u));
        let email = u.email.replace('@', "%40");
        post(format!("username={email}&password={}", u.password)).contains("Account removed.");
        assert!(!exists(&u));
        // Clients make another name of an address beyond ASCII than the original server did.
        let u = User::named(site, &format!("ü{}", User::invented(site).email), "secret-pass");
        create(&u, json!({"email": u.email, "password": u.password})).ok();
        let email = u.email.replace('ü', "%C3%BC").replace('@', "%40");
        let fields = format!("username={email}&password={}", u.password);
        post(fields).contains("Account removed.");
        assert!(!exists(&u));
    }

    row_53_heartbeat(Plain) |site| {
        for method in ["GET", "HEAD"] {
            site.stranger().call(method, "/__heartbeat__").send().says("");
        }
        site.stranger().call("POST", "/__heartbeat__").body("").send().is(404);
    }

    row_54_no_post_on_a_name(Plain) |site| {
        site.user().user("POST", "").body("x").send().is(405);
    }

    row_55_passwords_of_all_eras(Plain) |site| {
        let hashes = [
            "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "{SSHA-256}A7wBsP9QOmtiv8tH1Vj9nAlsjHDEVrJ2EDzyem8CV1tBQkNERUZHSA==",
            "{SSCRYPT}daWP3zaxl9s2H74yeebkU5BgPw8aM0ZSAvf1O4BQ/BIMfDsC9qzPdIKgSEdR5E/boFW+fW4ixob1\
             L+pSrbOj+kFCQ0RFRkdI",
        ];
        for hash in hashes {
            let u = site.user();
            let set = format!("UPDATE \"user\" SET password = '{hash}'");
            site.home().ground().run_sql(&format!("{set} WHERE username = '{}'", u.name));
            u.get("info/collections").is(401);
            // Twice: the first login may replace the hash.
            u.with_password("password1").get("info/collections").ok();
            u.with_password("password1").get("info/collections").ok();
            u.with_password("password2").get("info/collections").is(401);
        }
    }

    row_56_needless_queries_are_ignored(Plain) |site| {
        let u = site.user();
        u.nobody().user("GET", "?x=1").send().says("1");
        u.nobody().user("GET", "/node/weave?x=1").send().ok();
    }

    one_of_many_gets_the_name(Plain) |site| {
        let u = User::invented(site);
        let answers = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| answers.lock().unwrap().push(u.sign_up().text()));
            }
        });
        let mut answers = answers.into_inner().unwrap();
        answers.sort_by_key(String::len);
        assert_eq!(answers, ["4", "4", "4", "4", "4", &u.name]);
        u.get("info/collections").answers(json!({}));
    }

    /// spec/decisions.md, 16.
    names_do_not_differ_in_case_only(Plain) |site| {
        let u = site.user();
        let upper = u.name.to_uppercase();
        let body = json!({"email": u.email, "password": "secret-pass"}).to_string();
        let reply = u.nobody().call("PUT", &format!("/user/1.0/{upper}")).body(body).send();
        reply.is(400);
        let pair = crate::suite::basic(&upper, u.password.as_bytes());
        let shouting = User { name: upper, ..u.authorized(&pair) };
        shouting.get("info/collections").ok();
    }
}
