//! HTTP Basic authentication (spec/user-1.0.md, 4; spec/storage-1.1.md, 6; RFC 7617).
//!
//! Only the Authorization header counts. What a web server says about the user is not looked
//! at: nginx fills REMOTE_USER from an unchecked header.

use std::net::IpAddr;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::error::Refusal;
use crate::accounts::Account;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::api::Api;
use crate::message::Request;

/// Who a request speaks for.
pub(super) struct Authenticated {
    pub(super) account: Account,
    /// What proved it.
    pub(super) password: Password,
}

/// Finds out whether the request may speak for the user that its path names.
pub(super) fn authenticate(
    api: &Api,
    name: &UserName,
    request: &Request,
    client: Option<IpAddr>,
) -> Result<Authenticated, Refusal> {
    let Some(header) = request
        .headers
        .get("authorization")
        .filter(|value| !value.is_empty())
    else {
        return Err(Refusal::NoCredentials);
    };
    let credentials = decode(header).ok_or(Refusal::Credentials("they cannot be read"))?;
    let colon = credentials.iter().position(|byte| *byte == b':');
    let (given, password) = colon
        .and_then(|colon| Some((credentials.get(..colon)?, credentials.get(colon + 1..)?)))
        .ok_or(Refusal::Credentials("they have no colon"))?;
    // An address speaks for the name that is its hash.
    let fits = given == name.as_str().as_bytes()
        || std::str::from_utf8(given)
            .is_ok_and(|given| given.contains('@') && names::matches(given, name));
    if !fits {
        return Err(Refusal::Credentials("they are another user's"));
    }
    let password = Password::from_utf8(password.to_vec())
        .map_err(|_| Refusal::Credentials("the password is not UTF-8"))?;
    let account = api.log_in(name, &password, client)?;
    Ok(Authenticated { account, password })
}

/// The decoded credentials of a Basic header, scheme in any case.
fn decode(header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let header = header.trim_ascii();
    let blank = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, encoded) = header.split_at_checked(blank)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    BASE64.decode(encoded.trim_ascii()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<&str>) {
        let decoded = decode(header.as_bytes());
        assert_eq!(
            decoded.as_ref().map(|bytes| bytes.as_slice()),
            expected.map(str::as_bytes)
        );
    }

    #[test]
    fn credentials_are_decoded() {
        check("Basic dTpwdw==", Some("u:pw"));
        check("basic  dTpwdw== ", Some("u:pw"));
        check("Basic", None);
        check("Basic dTpwdw", None);
        check("Basic !!!", None);
        check("Digest x", None);
        check("", None);
    }
}
