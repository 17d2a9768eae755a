//! Why a text is no database URI that we take.
//!
//! No variant carries a piece of the text: a forgotten `%2F` or `%26` makes any part of a URI a
//! part of its password.

/// Why a text is no database URI that we take; follows the words "the URI".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDatabaseUri {
    /// An `@` after the first slash.
    #[error(
        "has an @ after its first slash: write %2F for a slash in the password, and %40 for an @ \
         elsewhere"
    )]
    AtSign,
    /// A character that cannot be in this part of a URI.
    #[error("has characters in its {0} that cannot be there")]
    Characters(&'static str),
    /// There is no database of this kind.
    #[error(
        "names a database of the kind {0}, which is not supported: use sqlite, mysql or postgresql"
    )]
    Driver(&'static str),
    /// A SQLite URI with a host, mostly a slash too few.
    #[error(
        "has a host: an absolute file is sqlite:////path (four slashes), a relative one sqlite:///path"
    )]
    Host,
    /// No database name.
    #[error("has no database name after the host")]
    NoDatabase,
    /// An option that has no value, or is no text.
    #[error("has something after its question mark that is not name=value&name=value")]
    NoOptions,
    /// An option that is known, with a value that cannot be.
    #[error("has the option {name}, which {wanted}")]
    Option {
        /// The option, as it was written but for upper and lower case.
        name: &'static str,
        /// What is wrong with it and what to write instead.
        wanted: String,
    },
    /// The port is no number.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// Not of the form at all.
    #[error(
        "is not a database URI, e.g. sqlite:////var/lib/weaved/weaved.db, mysql://user:password@host/database or postgresql://user:password@host/database"
    )]
    Shape,
    /// An option that nobody knows.
    #[error("has an unknown option, number {place} after its question mark{}", suggested(*.near))]
    UnknownOption {
        /// Counted from 1.
        place: usize,
        /// The known option that it is most like, if it is like one at all.
        near: Option<&'static str>,
    },
}

fn suggested(near: Option<&'static str>) -> String {
    near.map_or_else(
        || ": remove it".to_owned(),
        |near| format!(": did you mean {near}?"),
    )
}
