//! Values on their way to a parameter, and back from a column.
//!
//! The server says which type each parameter of a statement has; a value becomes what was asked
//! for, and never less than it was: a number that is too large for its column is an error here,
//! before anything is sent.

use std::error::Error as StdError;
use std::fmt;
use std::str;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use tokio_postgres::types::IsNull;
use tokio_postgres::types::Kind;
use tokio_postgres::types::ToSql;
use tokio_postgres::types::Type;
use tokio_postgres::types::to_sql_checked;

use super::super::Value;
use super::super::driver::Columns;
use super::error::LARGE;
use super::numeric;

type Failure = Box<dyn StdError + Send + Sync>;

/// A value for a parameter. Its `Debug` shows nothing: the driver's log would show it to all.
pub(super) struct Param<'a>(pub(super) Value<'a>);

/// Why a value cannot be given to a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// The column cannot hold it; what, for [`DbError::Unstorable`](super::super::DbError).
    #[error("the database cannot hold {0}")]
    Unstorable(&'static str),
    /// The statement is wrong, or a column has another type than in any known schema.
    #[error("a value of another kind than its column")]
    Kind,
}

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        let ty = plain(ty);
        match self.0 {
            Value::Int(number) => int(number, ty, out),
            Value::Null => Ok(IsNull::Yes),
            Value::Text(text) => {
                if !is_text(ty) {
                    return Err(Unfit::Kind.into());
                }
                storable(text)?;
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            Value::Texts(texts) => {
                if !matches!(ty.kind(), Kind::Array(element) if is_text(plain(element))) {
                    return Err(Unfit::Kind.into());
                }
                texts.iter().try_for_each(|text| storable(text))?;
                texts.to_sql(ty, out)
            }
        }
    }

    /// Whether a value fits is a matter of the value, not of the type alone.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// No text of PostgreSQL holds U+0000.
fn storable(text: &str) -> Result<(), Unfit> {
    if text.contains('\0') {
        return Err(Unfit::Unstorable("U+0000"));
    }
    Ok(())
}

fn int(number: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
    let too_large = |_| Unfit::Unstorable(LARGE);
    match *ty {
        Type::BOOL => out.extend_from_slice(&[u8::from(number != 0)]),
        Type::INT2 => {
            let number = i16::try_from(number).map_err(too_large)?;
            out.extend_from_slice(&number.to_be_bytes());
        }
        Type::INT4 => {
            let number = i32::try_from(number).map_err(too_large)?;
            out.extend_from_slice(&number.to_be_bytes());
        }
        Type::INT8 => out.extend_from_slice(&number.to_be_bytes()),
        Type::NUMERIC => numeric::write(number, out),
        Type::OID => {
            let number = u32::try_from(number).map_err(too_large)?;
            out.extend_from_slice(&number.to_be_bytes());
        }
        _ if is_text(ty) => out.extend_from_slice(number.to_string().as_bytes()),
        _ => return Err(Unfit::Kind.into()),
    }
    Ok(IsNull::No)
}

/// The type under a domain, which is sent in the same form.
fn plain(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(under) => plain(under),
        _ => ty,
    }
}

/// Whether a type is sent as the bytes of its text.
fn is_text(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::BPCHAR | Type::BYTEA | Type::NAME | Type::TEXT | Type::UNKNOWN | Type::VARCHAR
    ) || ty.name() == "citext"
}

/// A column as an integer, where it is one.
struct Int(Option<i64>);

impl FromSql<'_> for Int {
    fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, Failure> {
        Ok(Self(match *plain(ty) {
            Type::BOOL => raw.first().map(|&byte| i64::from(byte != 0)),
            Type::INT2 => raw.try_into().ok().map(i16::from_be_bytes).map(i64::from),
            Type::INT4 => raw.try_into().ok().map(i32::from_be_bytes).map(i64::from),
            Type::INT8 => raw.try_into().ok().map(i64::from_be_bytes),
            Type::NUMERIC => numeric::read(raw),
            Type::OID => raw.try_into().ok().map(u32::from_be_bytes).map(i64::from),
            _ => None,
        }))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A column as a text, where it is one.
struct Text<'a>(Option<&'a str>);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(match is_text(plain(ty)) {
            true => str::from_utf8(raw).ok(),
            false => None,
        }))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Columns for Row {
    fn int(&self, column: usize) -> Option<i64> {
        let read = self.try_get::<_, Option<Int>>(column);
        read.ok().flatten().and_then(|Int(number)| number)
    }

    fn text(&self, column: usize) -> Option<&str> {
        let read = self.try_get::<_, Option<Text<'_>>>(column);
        read.ok().flatten().and_then(|Text(text)| text)
    }
}
