//! Every way in which requests get to the program: one table for all tests and for the README.
//!
//! [`every_way`] drives the expansion of the conformance rows and of the client's life;
//! `tests/readme.rs` holds the table in the README to it. To add a way: a line here, and what it
//! starts in the module of its web server (see `Front::before`).

use super::database::Kind;
use super::weaved::Gateway;
use super::weaved::Listen;

/// The prefix of the specification.
pub(crate) const PREFIX: &str = "/yourpath";

/// What stands between the client and the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    Apache,
    Caddy,
    Lighttpd,
    Nginx,
    /// The client speaks the program's protocol itself.
    Nothing,
}

impl Server {
    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apache => "Apache",
            Self::Caddy => "Caddy",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
            Self::Nothing => "none",
        }
    }
}

/// Which rows of the tables run in a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// All of them.
    Every,
    /// Those that need no unusual configuration, which each would start servers of its own.
    Plain,
}

/// What there is to know about a way.
pub(crate) struct Facts {
    pub(crate) server: Server,
    pub(crate) gateway: Gateway,
    /// Where weaved gets its socket from.
    pub(crate) listen: Listen,
    /// Where Sync begins: `/yourpath`, or nothing for the whole server.
    pub(crate) mount: &'static str,
    /// The shipped file that is started, or nothing.
    pub(crate) file: &'static str,
    /// Where accounts and records lie.
    pub(crate) database: Kind,
}

/// Hands the table to the macro `$then`, after `@ways` and what was `$given`.
///
/// A line: the name of the test module, the [`Way`], which [`Rows`] it runs, and its [`Facts`].
/// `Plain` ways run the rows of `Setup::Plain`; of each kind of server one way is `Every`. What
/// is said `on` no database server has its own SQLite file.
macro_rules! every_way {
    ($($then:ident)::+!($($given:tt)*)) => {
        $($then)::+! { @ways $($given)*
            apache_fcgid ApacheFcgid Every:
                Apache Fcgi WebServer PREFIX "apache/conf-available/weaved-fcgid.conf";
            apache_fcgid_root ApacheFcgidRoot Plain:
                Apache Fcgi WebServer "" "apache/conf-available/weaved-fcgid-root.conf";
            apache_proxy_fcgi ApacheProxyFastCgi Every:
                Apache Fcgi Tcp PREFIX "apache/conf-available/weaved-proxy-fcgi.conf";
            apache_mariadb ApacheMariaDb Plain:
                Apache Fcgi Tcp PREFIX "apache/conf-available/weaved-proxy-fcgi.conf" on MARIADB;
            apache_proxy_fcgi_root ApacheProxyFastCgiRoot Plain:
                Apache Fcgi Tcp "" "apache/conf-available/weaved-proxy-fcgi-root.conf";
            apache_proxy_fcgi_reuse ApacheProxyFastCgiReuse Plain:
                Apache Fcgi Tcp PREFIX "apache/conf-available/weaved-proxy-fcgi-reuse.conf";
            apache_proxy_fcgi_reuse_root ApacheProxyFastCgiReuseRoot Plain:
                Apache Fcgi Tcp "" "apache/conf-available/weaved-proxy-fcgi-reuse-root.conf";
            apache_proxy_fcgi_unix ApacheProxyFastCgiUnix Plain:
                Apache Fcgi Unix PREFIX "apache/conf-available/weaved-proxy-fcgi-unix.conf";
            apache_proxy_fcgi_unix_root ApacheProxyFastCgiUnixRoot Plain:
                Apache Fcgi Unix "" "apache/conf-available/weaved-proxy-fcgi-unix-root.conf";
            apache_proxy_scgi ApacheProxyScgi Plain:
                Apache Scgi Tcp PREFIX "apache/conf-available/weaved-proxy-scgi.conf";
            apache_proxy_scgi_root ApacheProxyScgiRoot Plain:
                Apache Scgi Tcp "" "apache/conf-available/weaved-proxy-scgi-root.conf";
            fastcgi FastCgi Every: Nothing Fcgi Tcp PREFIX "";
            fastcgi_mariadb FastCgiMariaDb Every: Nothing Fcgi Tcp PREFIX "" on MARIADB;
            fastcgi_postgresql FastCgiPostgreSql Every: Nothing Fcgi Tcp PREFIX "" on POSTGRESQL;
            scgi Scgi Every: Nothing Scgi Tcp PREFIX "";
            http Http Every: Nothing Http Tcp "" "";
            caddy Caddy Every: Caddy Fcgi Tcp PREFIX "caddy/weaved.caddy";
            caddy_root CaddyRoot Plain: Caddy Fcgi Tcp "" "caddy/weaved-root.caddy";
            lighttpd_fastcgi LighttpdFastCgi Every:
                Lighttpd Fcgi Tcp PREFIX "lighttpd/weaved.conf";
            lighttpd_fastcgi_root LighttpdFastCgiRoot Plain:
                Lighttpd Fcgi Tcp "" "lighttpd/weaved.conf";
            lighttpd_unix LighttpdUnix Plain:
                Lighttpd Fcgi Unix PREFIX "lighttpd/conf-available/50-weaved-fastcgi.conf";
            lighttpd_unix_root LighttpdUnixRoot Plain:
                Lighttpd Fcgi Unix "" "lighttpd/conf-available/50-weaved-fastcgi-root.conf";
            lighttpd_bin_path LighttpdBinPath Plain:
                Lighttpd Fcgi WebServer PREFIX "lighttpd/conf-available/50-weaved-bin-path.conf";
            lighttpd_bin_path_root LighttpdBinPathRoot Plain:
                Lighttpd Fcgi WebServer "" "lighttpd/conf-available/50-weaved-bin-path-root.conf";
            lighttpd_scgi LighttpdScgi Plain:
                Lighttpd Scgi Tcp PREFIX "lighttpd/conf-available/50-weaved-scgi.conf";
            lighttpd_scgi_root LighttpdScgiRoot Plain:
                Lighttpd Scgi Tcp "" "lighttpd/conf-available/50-weaved-scgi-root.conf";
            lighttpd_spawn_fcgi LighttpdSpawnFcgi Plain: Lighttpd Fcgi SpawnFcgiThree PREFIX
                "lighttpd/conf-available/50-weaved-fastcgi.conf";
            nginx_fastcgi NginxFastCgi Every:
                Nginx Fcgi Tcp PREFIX "nginx/snippets/weaved-fastcgi.conf";
            nginx_postgresql NginxPostgreSql Plain:
                Nginx Fcgi Tcp PREFIX "nginx/snippets/weaved-fastcgi.conf" on POSTGRESQL;
            nginx_fastcgi_root NginxFastCgiRoot Plain:
                Nginx Fcgi Tcp "" "nginx/snippets/weaved-fastcgi.conf";
            nginx_unix NginxUnix Plain: Nginx Fcgi Unix PREFIX "nginx/snippets/weaved-fastcgi.conf";
            nginx_unix_root NginxUnixRoot Plain:
                Nginx Fcgi Unix "" "nginx/snippets/weaved-fastcgi.conf";
            nginx_keepalive NginxKeepalive Plain:
                Nginx Fcgi Tcp PREFIX "nginx/snippets/weaved-fastcgi-keepalive.conf";
            nginx_keepalive_root NginxKeepaliveRoot Plain:
                Nginx Fcgi Unix "" "nginx/snippets/weaved-fastcgi-keepalive.conf";
            nginx_scgi NginxScgi Plain: Nginx Scgi Tcp PREFIX "nginx/snippets/weaved-scgi.conf";
            nginx_scgi_root NginxScgiRoot Plain:
                Nginx Scgi Unix "" "nginx/snippets/weaved-scgi.conf";
            nginx_spawn_fcgi NginxSpawnFcgi Plain:
                Nginx Fcgi SpawnFcgiOne "" "nginx/snippets/weaved-fastcgi.conf";
        }
    };
}
pub(crate) use every_way;

macro_rules! define {
    (@ways $($module:ident $way:ident $rows:ident:
        $server:ident $gateway:ident $listen:ident $mount:tt $file:literal
            $(on $database:ident)?;)*
    ) => {
        /// How a request gets to the program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Way {
            $($way),*
        }

        impl Way {
            /// The whole table, in its order.
            pub(crate) const ALL: &[Self] = &[$(Self::$way),*];

            pub(crate) fn facts(self) -> Facts {
                match self {
                    $(Self::$way => Facts {
                        server: Server::$server,
                        gateway: Gateway::$gateway,
                        listen: Listen::$listen,
                        mount: $mount,
                        file: $file,
                        database: [$(Kind::$database,)? Kind::Sqlite][0],
                    },)*
                }
            }

            pub(crate) fn rows(self) -> Rows {
                match self {
                    $(Self::$way => Rows::$rows,)*
                }
            }
        }
    };
}
every_way!(define!());

impl Way {
    /// Whether a browser could speak to it.
    pub(crate) fn speaks_http(self) -> bool {
        let facts = self.facts();
        facts.server != Server::Nothing || facts.gateway == Gateway::Http
    }
}
