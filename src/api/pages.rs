//! Pages for people: that the server works, and those that the original had outside its API
//! (spec/user-1.0.md, 7).

use std::net::IpAddr;

use serde::Deserialize;

use super::Api;
use super::ApiError;
use super::Difference;
use super::Node;
use super::Origin;
use super::reply;
use crate::accounts::Password;
use crate::accounts::names;
use crate::message::Response;

/// Posts to itself, so that it works under any prefix.
const DELETE_FORM: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Delete a Sync account</title>
<h1>Delete a Sync account</h1>
<p>This removes the account and everything stored in it from this server. What is in your
browsers stays there.</p>
<form method=\"post\">
<p><label>E-mail address or user name <input name=\"username\" required></label></p>
<p><label>Password <input name=\"password\" type=\"password\" required></label></p>
<p><button>Delete the account</button></p>
</form>
</html>
";

const WELCOME_START: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"generator\" content=\"weaved\">
<title>Sync server</title>
<h1>This Sync server works</h1>
";

const WELCOME_END: &str = "<h2>Pale Moon, Basilisk</h2>
<ol>
<li>Open the preferences, page Sync, and choose \"Set up Sync\".</li>
<li>\"Create a New Account\" for the first browser, \"I Have an Account\" for the others.</li>
<li>As server choose \"Use a custom server\" and enter the URL, with everything that is in it.</li>
</ol>
<p>SeaMonkey and Firefox up to 28 ask for the same things in the same order.</p>
</html>
";

/// The fields of the form. Whatever else a body holds is passed over and never kept: anybody may
/// send it, as large as bodies get.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DeleteAccount {
    username: String,
    password: String,
}

impl Api {
    /// `GET /weave-delete-account`: a form.
    #[must_use]
    pub fn delete_account_form(&self) -> Response {
        html(DELETE_FORM)
    }

    /// `GET /`: that the server works, and what to type into a browser.
    #[must_use]
    pub fn welcome(&self, origin: Origin<'_>) -> Response {
        let warning = match self.node_of(origin) {
            Node::Url(url) => origin
                .differs(url)
                // Where TLS ends in front of the web server this is how it should be.
                .filter(|difference| *difference != Difference::SchemeOrUntold)
                .and_then(|_| origin.url()),
            Node::Derived | Node::Null => None,
        };
        let mut page = WELCOME_START.to_owned();
        match (self.node_of(origin), self.node_url(origin)) {
            (_, Some(url)) => {
                page.push_str("<p>The server URL to give to the browser:</p>\n<p><code>");
                push_escaped(&url, &mut page);
                page.push_str("</code></p>\n");
            }
            (Node::Null, None) => page.push_str(
                "<p><strong>It is set up to take no browsers (<code>fallback_node = null</code>).\
                 </strong></p>\n",
            ),
            (_, None) => page.push_str(
                "<p>The server URL to give to the browser is the one of this page.</p>\n",
            ),
        }
        if let Some(called) = warning {
            page.push_str("<p><strong>You have opened this page as <code>");
            push_escaped(&called, &mut page);
            page.push_str(
                "</code>, which is not the URL above. Browsers are sent to the one above, whatever \
                 they were given. If that is wrong, set <code>public_url</code> (or \
                 <code>fallback_node</code>) in the configuration.</strong></p>\n",
            );
        }
        page.push_str(WELCOME_END);
        html(&page)
    }

    /// `POST /weave-delete-account`: the name and the password, which says who may.
    ///
    /// # Errors
    /// [`ApiError::FormIncomplete`], [`ApiError::FormRefused`], and those of the accounts and of
    /// the storage.
    pub fn delete_account(
        &self,
        body: &[u8],
        client: Option<IpAddr>,
    ) -> Result<Response, ApiError> {
        let form: DeleteAccount = serde_urlencoded::from_bytes(body).unwrap_or_default();
        if form.username.is_empty() || form.password.is_empty() {
            return Err(ApiError::FormIncomplete);
        }
        let (name, password) = (form.username, form.password);
        let account = name.trim();
        let Ok(mut name) = names::server_name(account) else {
            return Err(ApiError::FormRefused(
                "no name can be made of this".to_owned(),
            ));
        };
        // Beyond ASCII the clients make another name of an address than the original server.
        if let Ok(other) = names::client_name(account)
            && self.accounts.look_up(&name)?.is_none()
        {
            name = other;
        }
        match self.log_in(&name, &Password::new(password), client) {
            Ok(account) => {
                self.remove(&account)?;
                Ok(reply::text("Account removed."))
            }
            Err(ApiError::Refused(reason)) => {
                Err(ApiError::FormRefused(format!("{name}: {reason}")))
            }
            Err(error) => Err(error),
        }
    }
}

/// A page that may load and run nothing.
fn html(text: &str) -> Response {
    let mut response = reply::text(text);
    response.headers = vec![
        ("Content-Type", "text/html; charset=UTF-8".to_owned()),
        (
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'".to_owned(),
        ),
        ("Referrer-Policy", "no-referrer".to_owned()),
    ];
    response
}

/// Text as it stands in HTML.
fn push_escaped(text: &str, page: &mut String) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            _ => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let mut page = String::new();
        push_escaped("http://h/<a href='x' b=\"&\">", &mut page);
        assert_eq!(
            page,
            "http://h/&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;"
        );
    }
}
