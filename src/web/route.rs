//! The routing table (spec/storage-1.1.md, 2.1; spec/user-1.0.md, 1).

use super::error::Refusal;
use crate::accounts::UserName;
use crate::api::Info;
use crate::api::Page;
use crate::message::Request;
use crate::pairing::ChannelId;
use crate::sync::BadCollectionName;
use crate::sync::BadRecordId;
use crate::sync::CollectionName;
use crate::sync::ErrorCode;
use crate::sync::RecordId;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// What a browser's sign-up asks.
    Captcha,
    /// What arrived of the request.
    Echo,
    Heartbeat,
    Pairing(PairingCall),
    Storage(UserName, StorageCall),
    User(UserName, UserCall),
    Page(Page),
    Welcome,
}

/// A call of the storage API; all of them need credentials.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StorageCall {
    DeleteAll,
    DeleteCollection(CollectionName),
    DeleteRecord(CollectionName, RecordId),
    GetCollection(CollectionName),
    GetRecord(CollectionName, RecordId),
    Info(Info),
    PostCollection(CollectionName),
    PutRecord(CollectionName, RecordId),
}

/// A call of the relay through which devices pair; none needs credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PairingCall {
    /// What this is, for people.
    About,
    Close(ChannelId),
    Get(ChannelId),
    Open,
    Put(ChannelId),
    Report,
}

/// A call of the user API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserCall {
    Create,
    Delete,
    Exists,
    Node,
    RequestReset,
    SetEmail,
    SetPassword,
    WithdrawReset,
}

/// Finds out what a request asks for.
///
/// Methods are compared as they are: `get` is none. Empty segments do not get here, so that any
/// number of slashes may end a path.
pub(super) fn find(request: &Request, heartbeat: &str) -> Result<Route, Refusal> {
    let path = request.path.as_ref().ok_or(Refusal::NoRoute)?;
    let segments: Result<Vec<&str>, _> = path
        .segments
        .iter()
        .map(|segment| std::str::from_utf8(segment))
        .collect();
    let segments = segments.map_err(|_| Refusal::NoRoute)?;
    let method = request.method.as_str();
    match segments.as_slice() {
        [page] if *page == heartbeat.trim_matches('/') => match method {
            "GET" | "HEAD" => Ok(Route::Heartbeat),
            _ => Err(Refusal::NoRoute),
        },
        [] => match method {
            "GET" | "HEAD" => Ok(Route::Welcome),
            _ => Err(Refusal::NoRoute),
        },
        ["jpake", call @ ..] => Ok(Route::Pairing(pairing_call(method, call)?)),
        ["misc", "1.0" | "1", "captcha_html"] => match method {
            "GET" | "POST" => Ok(Route::Captcha),
            _ => Err(Refusal::Method),
        },
        ["misc", "1.0", "echo", ..] => Ok(Route::Echo),
        // Below a slash their links would lead elsewhere.
        ["weave-account" | "weave-delete-account" | "weave-password-reset" | "weave-sign-up"]
            if path.trailing_slash =>
        {
            Err(Refusal::NoRoute)
        }
        ["weave-account"] => page(method, Page::Account),
        ["weave-delete-account"] => page(method, Page::Delete),
        ["weave-password-reset"] => page(method, Page::Reset),
        ["weave-sign-up"] => page(method, Page::SignUp),
        ["user", "1.0" | "1", name, call @ ..] => {
            let call = user_call(method, call)?;
            Ok(Route::User(user_name(name)?, call))
        }
        ["1.1" | "1.0" | "1", name, call @ ..] => {
            let name = user_name(name)?;
            Ok(Route::Storage(name, storage_call(method, call)?))
        }
        _ => Err(Refusal::NoRoute),
    }
}

fn page(method: &str, page: Page) -> Result<Route, Refusal> {
    match method {
        "GET" | "HEAD" | "POST" => Ok(Route::Page(page)),
        _ => Err(Refusal::Method),
    }
}

fn user_call(method: &str, call: &[&str]) -> Result<UserCall, Refusal> {
    match (call, method) {
        ([], "GET") => Ok(UserCall::Exists),
        ([], "PUT") => Ok(UserCall::Create),
        ([], "DELETE") => Ok(UserCall::Delete),
        (["node", "weave"], "GET") => Ok(UserCall::Node),
        (["email"], "POST") => Ok(UserCall::SetEmail),
        (["password"], "POST") => Ok(UserCall::SetPassword),
        (["password_reset"], "GET") => Ok(UserCall::RequestReset),
        (["password_reset"], "DELETE") => Ok(UserCall::WithdrawReset),
        ([] | ["node", "weave"] | ["email" | "password" | "password_reset"], _) => {
            Err(Refusal::Method)
        }
        _ => Err(Refusal::NoRoute),
    }
}

fn storage_call(method: &str, call: &[&str]) -> Result<StorageCall, Refusal> {
    match call {
        ["info", info] => {
            let info = match *info {
                "collections" => Info::Collections,
                "collection_counts" => Info::Counts,
                "collection_usage" => Info::Usage,
                "quota" => Info::Quota,
                _ => return Err(Refusal::NoRoute),
            };
            if method == "GET" {
                Ok(StorageCall::Info(info))
            } else {
                Err(Refusal::Method)
            }
        }
        ["storage"] if method == "DELETE" => Ok(StorageCall::DeleteAll),
        ["storage"] => Err(Refusal::Method),
        ["storage", collection] => {
            let collection = collection_name(collection)?;
            match method {
                "GET" => Ok(StorageCall::GetCollection(collection)),
                "POST" | "PUT" => Ok(StorageCall::PostCollection(collection)),
                "DELETE" => Ok(StorageCall::DeleteCollection(collection)),
                _ => Err(Refusal::Method),
            }
        }
        ["storage", collection, id] => {
            let collection = collection_name(collection)?;
            let id = record_id(id)?;
            match method {
                "GET" => Ok(StorageCall::GetRecord(collection, id)),
                "PUT" => Ok(StorageCall::PutRecord(collection, id)),
                "DELETE" => Ok(StorageCall::DeleteRecord(collection, id)),
                _ => Err(Refusal::Method),
            }
        }
        _ => Err(Refusal::NoRoute),
    }
}

/// Methods are refused where the path is fixed; to a channel nothing else leads anywhere
/// (spec/clients.md, 3).
fn pairing_call(method: &str, call: &[&str]) -> Result<PairingCall, Refusal> {
    match (call, method) {
        ([], "GET" | "HEAD") => Ok(PairingCall::About),
        (["new_channel"], "GET") => Ok(PairingCall::Open),
        (["report"], "POST") => Ok(PairingCall::Report),
        ([] | ["new_channel" | "report"], _) => Err(Refusal::Method),
        ([channel], _) => {
            let channel = channel.parse().map_err(|_| Refusal::NoRoute)?;
            match method {
                "DELETE" => Ok(PairingCall::Close(channel)),
                "GET" => Ok(PairingCall::Get(channel)),
                "PUT" => Ok(PairingCall::Put(channel)),
                _ => Err(Refusal::NoRoute),
            }
        }
        _ => Err(Refusal::NoRoute),
    }
}

fn user_name(text: &str) -> Result<UserName, Refusal> {
    UserName::new(text).map_err(|_| Refusal::NoRoute)
}

fn collection_name(text: &str) -> Result<CollectionName, Refusal> {
    text.parse().map_err(|bad| match bad {
        BadCollectionName::Character => Refusal::NoRoute,
        BadCollectionName::TooLong => {
            Refusal::Code(ErrorCode::Collection, "the collection name is too long")
        }
    })
}

fn record_id(text: &str) -> Result<RecordId, Refusal> {
    RecordId::from_segment(text).map_err(|bad| match bad {
        BadRecordId::Character => Refusal::NoRoute,
        BadRecordId::TooLong => Refusal::Code(ErrorCode::Wbo, "the record id is too long"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Path;

    fn found(method: &str, path: &str) -> Result<Route, Refusal> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let path = Path {
            segments: segments
                .map(|segment| segment.as_bytes().to_vec())
                .collect(),
            ..Path::default()
        };
        let request = Request {
            method: method.to_owned(),
            path: Some(path),
            ..Request::default()
        };
        find(&request, "__heartbeat__")
    }

    #[track_caller]
    fn check(method: &str, path: &str, call: StorageCall) {
        let name = UserName::new("u").unwrap();
        assert_eq!(
            found(method, path).ok(),
            Some(Route::Storage(name, call)),
            "{method} {path}"
        );
    }

    #[track_caller]
    fn check_user(method: &str, path: &str, call: UserCall) {
        let name = UserName::new("u").unwrap();
        assert_eq!(
            found(method, path).ok(),
            Some(Route::User(name, call)),
            "{method} {path}"
        );
    }

    #[test]
    fn every_route_is_found() {
        let c = || "c".parse::<CollectionName>().unwrap();
        let i = || RecordId::from_segment("i").unwrap();
        for api in ["1.0", "1.1", "1"] {
            check(
                "GET",
                &format!("/{api}/u/info/collections//"),
                StorageCall::Info(Info::Collections),
            );
        }
        check(
            "GET",
            "/1.1/u/info/collection_counts",
            StorageCall::Info(Info::Counts),
        );
        check(
            "GET",
            "/1.1/u/info/collection_usage",
            StorageCall::Info(Info::Usage),
        );
        check("GET", "/1.1/u/info/quota", StorageCall::Info(Info::Quota));
        check("DELETE", "/1.1/u/storage", StorageCall::DeleteAll);
        check("GET", "/1.1/u/storage/c", StorageCall::GetCollection(c()));
        check("POST", "/1.1/u/storage/c", StorageCall::PostCollection(c()));
        check("PUT", "/1.1/u/storage/c", StorageCall::PostCollection(c()));
        check(
            "DELETE",
            "/1.1/u/storage/c",
            StorageCall::DeleteCollection(c()),
        );
        check(
            "GET",
            "/1.1/u/storage/c/i",
            StorageCall::GetRecord(c(), i()),
        );
        check(
            "PUT",
            "/1.1/u/storage/c/i",
            StorageCall::PutRecord(c(), i()),
        );
        check(
            "DELETE",
            "/1.1/u/storage/c/i",
            StorageCall::DeleteRecord(c(), i()),
        );
        check_user("GET", "/user/1.0/u", UserCall::Exists);
        check_user("GET", "/user/1/u/", UserCall::Exists);
        check_user("PUT", "/user/1.0/u", UserCall::Create);
        check_user("DELETE", "/user/1.0/u", UserCall::Delete);
        check_user("GET", "/user/1.0/u/node/weave", UserCall::Node);
        check_user("POST", "/user/1.0/u/email", UserCall::SetEmail);
        check_user("POST", "/user/1.0/u/password", UserCall::SetPassword);
        check_user("GET", "/user/1.0/u/password_reset", UserCall::RequestReset);
        check_user(
            "DELETE",
            "/user/1.0/u/password_reset",
            UserCall::WithdrawReset,
        );
        assert_eq!(found("HEAD", "/__heartbeat__").ok(), Some(Route::Heartbeat));
        for (method, path) in [
            ("GET", "/misc/1.0/captcha_html"),
            ("POST", "/misc/1/captcha_html/"),
        ] {
            assert_eq!(found(method, path).ok(), Some(Route::Captcha));
        }
        assert_eq!(
            found("GET", "/weave-delete-account").ok(),
            Some(Route::Page(Page::Delete))
        );
        assert_eq!(
            found("POST", "/weave-delete-account").ok(),
            Some(Route::Page(Page::Delete))
        );
    }

    #[test]
    fn calls_of_the_relay_are_found() {
        let channel = "a7id".parse().unwrap();
        for (method, path, call) in [
            ("GET", "/jpake", PairingCall::About),
            ("HEAD", "/jpake/", PairingCall::About),
            ("GET", "/jpake/new_channel", PairingCall::Open),
            ("GET", "/jpake/new_channel/", PairingCall::Open),
            ("POST", "/jpake/report", PairingCall::Report),
            ("GET", "/jpake/a7id/", PairingCall::Get(channel)),
            ("PUT", "/jpake/a7id", PairingCall::Put(channel)),
            ("DELETE", "/jpake/a7id", PairingCall::Close(channel)),
        ] {
            let route = found(method, path).ok();
            assert_eq!(route, Some(Route::Pairing(call)), "{method} {path}");
        }
    }

    #[test]
    fn other_methods_are_not_allowed() {
        for (method, path) in [
            ("POST", "/1.1/u/info/collections"),
            ("HEAD", "/1.1/u/info/collections"),
            ("GET", "/1.1/u/storage"),
            ("POST", "/1.1/u/storage/c/i"),
            ("get", "/1.1/u/storage/c"),
            ("POST", "/user/1.0/u"),
            ("PUT", "/user/1.0/u/node/weave"),
            ("POST", "/jpake/new_channel"),
            ("HEAD", "/jpake/new_channel"),
            ("GET", "/jpake/report"),
            ("PUT", "/jpake"),
        ] {
            assert!(
                matches!(found(method, path), Err(Refusal::Method)),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn everything_else_does_not_exist() {
        for path in [
            "/1.2/u/info/collections",
            "/1x1/u/info/collections",
            "/1.1/u",
            "/1.1/u/info",
            "/1.1/u/info/x",
            "/1.1/u/nosuch",
            "/1.1/a@b/info/collections",
            "/1.1/u/storage/a b/i",
            "/1.1/u/storage/c/a@b",
            "/1.1/u/storage/c/i/j",
            "/user/1.1/u",
            "/user/1.0/a@b",
            "/user/1.0/u/x",
            "/jpake/a7i",
            "/jpake/A7ID",
            "/jpake/a7id/x",
            "/misc/1.1/captcha_html",
            "/misc/1.0/captcha_html/x",
        ] {
            assert!(
                matches!(found("GET", path), Err(Refusal::NoRoute)),
                "{path}"
            );
        }
        for (method, path) in [("POST", "/__heartbeat__"), ("POST", "/jpake/a7id")] {
            assert!(
                matches!(found(method, path), Err(Refusal::NoRoute)),
                "{path}"
            );
        }
    }

    #[test]
    fn names_that_do_not_fit_a_column_have_a_code() {
        let long = "x".repeat(65);
        let refused = |path: String| match found("GET", &path) {
            Err(Refusal::Code(code, _)) => Some(code),
            _ => None,
        };
        assert_eq!(
            refused(format!("/1.1/u/storage/{long}")),
            Some(ErrorCode::Collection)
        );
        assert_eq!(
            refused(format!("/1.1/u/storage/c/{long}")),
            Some(ErrorCode::Wbo)
        );
    }
}
