//! `[cef]`: a log of refused logins and the like, for machines (spec/config.md, 3).

use std::path::PathBuf;

use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;
use super::values::Setting;
use super::values::Show;
use super::values::Wanted;
use super::values::words;

/// The security log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cef {
    /// Where lines go; absent: nowhere.
    pub target: Option<CefTarget>,
    /// The header's vendor. Default `mozilla`.
    pub vendor: String,
    /// The header's version of the format. Default `0`.
    pub version: String,
    /// The header's version of the device. Default `1.3`.
    pub device_version: String,
    /// The header's product. Default `weave`.
    pub product: String,
    /// For syslog. Default `LOCAL4`.
    pub facility: Facility,
    /// For syslog. Default `INFO`.
    pub priority: Priority,
}

/// Where the lines of the security log go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CefTarget {
    /// To this file.
    File(PathBuf),
    /// To the system's log.
    Syslog,
}

/// A facility of syslog, by its number (RFC 5424, 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(pub u8);

/// A severity of syslog, by its number (RFC 5424, 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(pub u8);

words!(Facility,
    "kern" => Self(0), "user" => Self(1), "mail" => Self(2), "daemon" => Self(3),
    "auth" => Self(4), "syslog" => Self(5), "lpr" => Self(6), "news" => Self(7),
    "uucp" => Self(8), "cron" => Self(9), "authpriv" => Self(10), "local0" => Self(16),
    "local1" => Self(17), "local2" => Self(18), "local3" => Self(19), "local4" => Self(20),
    "local5" => Self(21), "local6" => Self(22), "local7" => Self(23),
);

words!(Priority,
    "emerg" => Self(0), "alert" => Self(1), "crit" => Self(2), "err" => Self(3),
    "warning" => Self(4), "notice" => Self(5), "info" => Self(6), "debug" => Self(7),
);

impl Show for CefTarget {
    fn show(&self) -> String {
        match self {
            Self::File(path) => path.show(),
            Self::Syslog => "syslog".to_owned(),
        }
    }
}

impl Setting for CefTarget {
    fn read(text: &str) -> Result<Self, Wanted> {
        Ok(match text {
            "syslog" => Self::Syslog,
            _ => Self::File(PathBuf::read(text)?),
        })
    }
}

impl Default for Cef {
    fn default() -> Self {
        Self {
            target: None,
            vendor: "mozilla".to_owned(),
            version: "0".to_owned(),
            device_version: "1.3".to_owned(),
            product: "weave".to_owned(),
            facility: Facility(20),
            priority: Priority(6),
        }
    }
}

/// The keys of `[cef]`.
pub(super) static TABLE: Table = Table {
    name: "cef",
    text: "A log of refused logins and the like, for machines.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used("use", "false", "Whether to write such lines."),
    used("file", "syslog", "Where to: a file, or syslog."),
    used("vendor", "mozilla", "The header's vendor."),
    used("version", "0", "The header's version of the format."),
    used(
        "device_version",
        "1.3",
        "The header's version of the device.",
    ),
    used("product", "weave", "The header's product."),
    used("syslog_facility", "local4", "The facility for syslog."),
    alias("syslog.facility"),
    used("syslog_priority", "info", "The priority for syslog."),
    alias("syslog.priority"),
    unneeded("syslog.options", "there are no options"),
    unneeded("syslog_options", "there are no options"),
];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Cef {
    let default = Cef::default();
    let wanted = scope.flag("use", false);
    let target = scope.get("file", CefTarget::Syslog);
    let facility = scope.first_of(&["syslog_facility", "syslog.facility"]);
    let priority = scope.first_of(&["syslog_priority", "syslog.priority"]);
    let cef = Cef {
        target: wanted.then_some(target),
        vendor: scope.get("vendor", default.vendor),
        version: scope.get("version", default.version),
        device_version: scope.get("device_version", default.device_version),
        product: scope.get("product", default.product),
        facility: scope.get(facility, default.facility),
        priority: scope.get(priority, default.priority),
    };
    scope.tell_unused();
    cef
}
