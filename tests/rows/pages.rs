//! The pages, in every way to reach them: forms and links work under any prefix.

use crate::suite::Reply;
use crate::suite::User;
use crate::suite::Visitor;

const ACCOUNT: &str = "/weave-account";

/// Whether every link and form of a page stays at the level of the pages.
#[track_caller]
fn stays_here(reply: &Reply) {
    let text = reply.text();
    for attribute in ["href=\"", "action=\""] {
        for rest in text.split(attribute).skip(1) {
            let link = rest.split('"').next().unwrap();
            let is_page = link == "./" || link.starts_with("weave-");
            reply.need(is_page, &format!("no link to {link}"));
        }
    }
    reply.need(!text.contains("<script"), "no script");
    let policy = reply.maybe("Content-Security-Policy").unwrap_or_default();
    reply.need(policy.starts_with("default-src 'none'"), "a strict policy");
}

super::rows! {
    page_root(Plain) |site| {
        let root = Visitor::new(site).open("/");
        root.ok().contains("This Sync server works").contains("<html lang=\"en\">");
        stays_here(&root);
        let german = Visitor::new(site).with("Accept-Language", "de-DE,de;q=0.9,en;q=0.5");
        german.open("/").ok().contains("Dieser Sync-Server funktioniert").contains("lang=\"de\"");
    }

    page_account_from_its_beginning_to_its_end(Plain) |site| {
        let user = User::invented(site);
        let visitor = Visitor::new(site);
        let form = visitor.open("/weave-sign-up");
        stays_here(form.ok());
        let (email, password) = (user.email.as_str(), user.password.as_str());
        let sign_up = |again: &str| {
            let fields = [("email", email), ("password", password), ("again", again)];
            visitor.submit("/weave-sign-up", &fields)
        };
        sign_up("something else").is(400).contains("do not match").contains(email);
        sign_up(password).ok().contains("The account is there");
        sign_up(password).is(400).contains("already");
        user.put("storage/bookmarks/a", r#"{"payload":"x"}"#).written();
        user.put("storage/tabs/b", r#"{"payload":"y"}"#).written();

        stays_here(visitor.open(ACCOUNT).ok().contains("Sign in"));
        let sign_in = |password: &str| {
            let fields = [("do", "sign-in"), ("username", email), ("password", password)];
            visitor.submit(ACCOUNT, &fields)
        };
        sign_in("wrong-password").is(403).contains("Bad credentials");
        let page = sign_in(password);
        page.ok().contains(">bookmarks</th><td>1</td><td>1 B</td>").contains(&user.name);
        stays_here(&page);
        let page = visitor.open(ACCOUNT);
        page.ok().contains(">tabs</th>");
        let token = page.field("token");

        let download = visitor.submit(ACCOUNT, &[("do", "download"), ("token", &token)]);
        let name = format!("attachment; filename=\"sync-{}.jsonl\"", user.name);
        download.ok().header("Content-Disposition", &name);
        download.contains(r#""collection":"bookmarks""#).contains(r#"{"end":{"accounts":1,"records":2"#);
        download.need(!download.text().contains("argon2"), "nothing about the password");

        let wipe = |token: &str, collection, sure| {
            let fields = [("do", "wipe"), ("token", token), ("collection", collection), ("sure", sure)];
            visitor.submit(ACCOUNT, &fields)
        };
        wipe(&token, "bookmarks", "").is(400);
        user.get("storage/bookmarks/a").ok();
        wipe(&token, "bookmarks", "yes").ok().contains("The data is deleted.");
        user.get("storage/bookmarks/a").is(404);
        user.get("storage/tabs/b").ok();
        let token = visitor.open(ACCOUNT).field("token");
        wipe(&token, "", "yes").ok().contains("Nothing is stored.");
        user.get("storage/tabs/b").is(404);

        let change = |fields: &[(&str, &str)]| {
            let token = visitor.open(ACCOUNT).field("token");
            visitor.submit(ACCOUNT, &[&[("token", token.as_str())], fields].concat())
        };
        let new_email = [("do", "email"), ("password", password), ("email", "new@example.net")];
        change(&new_email).ok().contains("new@example.net");
        let new = |old, new, again| [("do", "password"), ("password", old), ("new", new), ("again", again)];
        change(&new("wrong-password", "newsecret1", "newsecret1")).is(403);
        change(&new(password, "short", "short")).is(400).contains("at least 8");
        change(&new(password, "newsecret1", "newsecret2")).is(400).contains("do not match");
        let elsewhere = Visitor::new(site).like(&visitor);
        elsewhere.open(ACCOUNT).ok().contains("Sign out");
        change(&new(password, "newsecret1", "newsecret1")).ok().contains("successfully changed");
        elsewhere.open(ACCOUNT).ok().contains("Sign in");
        user.with_password("newsecret1").get("info/collections").ok();

        let token = visitor.open(ACCOUNT).field("token");
        visitor.submit(ACCOUNT, &[("do", "sign-out"), ("token", &token)]).ok().contains("signed out");
        assert_eq!(visitor.cookie(), None);
        let delete = |password: &str| {
            visitor.submit("/weave-delete-account", &[("username", email), ("password", password)])
        };
        stays_here(visitor.open("/weave-delete-account").ok());
        delete("").is(400).contains("Missing data");
        delete(password).is(403).contains("Bad credentials");
        delete("newsecret1").ok().contains("Account removed.");
        user.with_password("newsecret1").get("info/collections").is(401);
    }

    row_49_a_link_without_a_key(Plain) |site| {
        Visitor::new(site).open("/weave-password-reset?foo=1").is(400);
    }
}
