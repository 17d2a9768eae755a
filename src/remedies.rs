//! What to write into which web server's configuration when something does not come through.
//!
//! In: what is wrong and which web server it is. Out: a sentence for a person, in the log or from
//! `weaved doctor`. The directives are those of spec/gateway.md, 6, and of the web servers'
//! manuals; this is the only place that names them.

use crate::message::WebServer;

/// What a web server can do to the requests of a Sync client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It keeps the header Authorization to itself.
    Authorization,
    /// It refuses or cuts large bodies.
    Body,
    /// It changes encoded characters in the path.
    Encoding,
    /// It puts its own pages in the place of our answers.
    ErrorPages,
    /// It takes header fields of our answers away.
    Headers,
    /// It does not say that the client came by TLS.
    Https,
    /// It refuses long URLs.
    LongUrl,
    /// It refuses methods.
    Methods,
    /// It asks for a password of its own.
    OwnLogin,
    /// It serves weaved under another path, or not at all.
    Prefix,
    /// It loses what follows the `?`.
    Query,
    /// It redirects.
    Redirect,
    /// It does not reach weaved.
    Unreachable,
}

/// What to change, as a part of a sentence without a full stop.
#[must_use]
pub const fn remedy(trouble: Trouble, server: WebServer) -> &'static str {
    match server {
        WebServer::Apache => apache(trouble),
        WebServer::Caddy => caddy(trouble),
        WebServer::Lighttpd => lighttpd(trouble),
        WebServer::Nginx => nginx(trouble),
        WebServer::Other => other(trouble),
    }
}

const fn apache(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Authorization => {
            "in Apache's <Location> or <Directory> for weaved set `CGIPassAuth On`"
        }
        Trouble::Body => {
            "in Apache raise `FcgidMaxRequestLen` (mod_fcgid takes 131072 bytes unless told) and \
             `LimitRequestBody`"
        }
        Trouble::Encoding => {
            "in Apache's virtual host set `AllowEncodedSlashes NoDecode`, and `nocanon` only with \
             plain HTTP proxies"
        }
        Trouble::ErrorPages => {
            "in Apache remove `ErrorDocument` and set `ProxyErrorOverride Off` for this path"
        }
        Trouble::Headers => "in Apache remove `Header unset` for this path",
        Trouble::Https => {
            "Apache says so by itself where it ends TLS; behind another proxy name that proxy in \
             trusted_proxies and let it send X-Forwarded-Proto"
        }
        Trouble::LongUrl => "in Apache set `LimitRequestLine 8190` or more",
        Trouble::Methods => {
            "in Apache remove `<Limit>`, `<LimitExcept>` or the rewrite rule that forbids the method"
        }
        Trouble::OwnLogin => {
            "in Apache remove `AuthType Basic` and `Require valid-user` for this path"
        }
        Trouble::Prefix => {
            "in Apache look at the path of `ProxyPass`, `<Location>` or `ScriptAlias`"
        }
        Trouble::Query => "in Apache look for a rewrite rule that ends in `?` or has the flag QSD",
        Trouble::Redirect => {
            "in Apache take this path out of `Redirect`, `RewriteRule` and `DirectorySlash`"
        }
        Trouble::Unreachable => {
            "start weaved, and compare Apache's `ProxyPass` or `SetHandler` with host, port or \
             socket in [server:main]; with mod_fcgid look into Apache's error log"
        }
    }
}

const fn caddy(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Authorization => {
            "in Caddy remove `basic_auth` and `header_up -Authorization` for this path"
        }
        Trouble::Body => "in Caddy raise `request_body { max_size }`",
        Trouble::Encoding => "in Caddy remove `uri` and `rewrite` for this path",
        Trouble::ErrorPages => {
            "in Caddy take this path out of `handle_errors` and `handle_response`"
        }
        Trouble::Headers => "in Caddy remove `header -X-Weave-*` and `header_down`",
        Trouble::Https => {
            "Caddy says so by itself where it ends TLS; behind another proxy name that proxy in \
             trusted_proxies"
        }
        Trouble::LongUrl => "in Caddy raise `max_header_size`",
        Trouble::Methods => "in Caddy look at the matcher `method`",
        Trouble::OwnLogin => "in Caddy remove `basic_auth` for this path",
        Trouble::Prefix => {
            "in Caddy look at the path of `reverse_proxy /yourpath/*` and at `split /yourpath`"
        }
        Trouble::Query => "in Caddy look at `rewrite`: it must keep the query",
        Trouble::Redirect => "in Caddy take this path out of `redir`",
        Trouble::Unreachable => {
            "start weaved, and compare Caddy's `reverse_proxy` with host, port or socket in \
             [server:main]"
        }
    }
}

const fn lighttpd(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Authorization => "in lighttpd take this path out of `auth.require`",
        Trouble::Body => "in lighttpd raise `server.max-request-size` (in KB)",
        Trouble::Encoding => {
            "in lighttpd look at `server.http-parseopts` (url-path-2f-reject, url-path-2f-decode)"
        }
        Trouble::ErrorPages => {
            "in lighttpd remove `server.errorfile-prefix`, `server.error-intercept` and \
             `server.error-handler-404` for this path"
        }
        Trouble::Headers => "in lighttpd look at `setenv.set-response-header` for this path",
        Trouble::Https => {
            "lighttpd says so by itself where it ends TLS; behind another proxy use \
             `extforward.forwarder`, or name the proxy in trusted_proxies"
        }
        Trouble::LongUrl => "in lighttpd raise `server.max-request-field-size`",
        Trouble::Methods => "in lighttpd look for conditions on `$HTTP[\"request-method\"]`",
        Trouble::OwnLogin => "in lighttpd take this path out of `auth.require`",
        Trouble::Prefix => {
            "in lighttpd look at the key of `fastcgi.server` or `scgi.server` (\"/yourpath\", no \
             slash at its end) and at `\"check-local\" => \"disable\"`"
        }
        Trouble::Query => "in lighttpd look at `url.rewrite`: it must keep the query",
        Trouble::Redirect => "in lighttpd take this path out of `url.redirect`",
        Trouble::Unreachable => {
            "start weaved, and compare host, port or socket of `fastcgi.server` or `scgi.server` \
             with those in [server:main]"
        }
    }
}

const fn nginx(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Authorization => {
            "in nginx remove `auth_basic`, `fastcgi_pass_request_headers off` and an empty \
             `proxy_set_header Authorization`; or add `fastcgi_param HTTP_AUTHORIZATION \
             $http_authorization;`"
        }
        Trouble::Body => "in nginx's location set `client_max_body_size 32m;` (it takes 1m else)",
        Trouble::Encoding => {
            "in nginx give `proxy_pass` no path of its own, and remove `rewrite` for this location"
        }
        Trouble::ErrorPages => {
            "in nginx set `fastcgi_intercept_errors off;` (or `scgi_`, `proxy_`) in this location"
        }
        Trouble::Headers => {
            "in nginx remove `fastcgi_hide_header` (or `scgi_`, `proxy_`) in this location"
        }
        Trouble::Https => {
            "in nginx include fastcgi_params (or scgi_params), which says `HTTPS $https \
             if_not_empty`; behind another proxy name that proxy in trusted_proxies and let it \
             send X-Forwarded-Proto"
        }
        Trouble::LongUrl => "in nginx set `large_client_header_buffers 4 16k;`",
        Trouble::Methods => "in nginx remove `limit_except` and conditions on `$request_method`",
        Trouble::OwnLogin => "in nginx set `auth_basic off;` in this location",
        Trouble::Prefix => "in nginx look at the path of `location`",
        Trouble::Query => {
            "in nginx set `fastcgi_param QUERY_STRING $query_string;`, and look at `rewrite`"
        }
        Trouble::Redirect => {
            "in nginx take this location out of `return 301` and `rewrite ... redirect`"
        }
        Trouble::Unreachable => {
            "start weaved, and compare nginx's `fastcgi_pass`, `scgi_pass` or `proxy_pass` with \
             host, port or socket in [server:main]"
        }
    }
}

const fn other(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Authorization => {
            "let the web server pass the header Authorization on (Apache: `CGIPassAuth On`)"
        }
        Trouble::Body => {
            "raise the web server's limit for bodies (nginx: `client_max_body_size`, mod_fcgid: \
             `FcgidMaxRequestLen`, lighttpd: `server.max-request-size`)"
        }
        Trouble::Encoding => {
            "let the web server pass the path on as it comes (Apache: `AllowEncodedSlashes \
             NoDecode`)"
        }
        Trouble::ErrorPages => {
            "let the web server pass errors on as they are (nginx: `fastcgi_intercept_errors off`, \
             Apache: no `ErrorDocument`)"
        }
        Trouble::Headers => "let the web server pass header fields on as they are",
        Trouble::Https => {
            "let whoever ends TLS say so (variable HTTPS, or X-Forwarded-Proto from an address in \
             trusted_proxies)"
        }
        Trouble::LongUrl => "let the web server take request lines of 8 KB",
        Trouble::Methods => "let the web server pass GET, POST, PUT and DELETE on",
        Trouble::OwnLogin => "take the web server's own password protection off this path",
        Trouble::Prefix => "look at the path under which the web server passes requests on",
        Trouble::Query => "let the web server pass on what follows the `?`",
        Trouble::Redirect => "let the web server answer this path without a redirect",
        Trouble::Unreachable => {
            "start weaved, and let the web server connect where [server:main] says"
        }
    }
}
