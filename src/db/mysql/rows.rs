//! Many rows in one statement: one way to the server and back instead of one for each.

use super::super::Params;
use super::super::Value;

/// How many rows one statement makes at most.
const MOST: usize = 64;

/// How many bytes of text: half of the packet that old servers take by default.
const BYTES: usize = 512 * 1024;

/// A statement that makes one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// All before the values.
    head: &'a str,
    /// The values, in brackets.
    pub(super) values: &'a str,
}

impl<'a> Row<'a> {
    /// Takes a statement apart, if it is `INSERT ... VALUES (...)` and nothing more.
    pub(super) fn of(sql: &'a str) -> Option<Self> {
        let (head, values) = sql.split_once("VALUES")?;
        let values = values.trim_ascii();
        let is_plain = head.trim_ascii_start().starts_with("INSERT INTO ")
            && values.starts_with('(')
            && ends_with_its_bracket(values);
        is_plain.then_some(Self { head, values })
    }

    /// The statement that makes so many rows.
    pub(super) fn times(self, rows: usize) -> String {
        format!("{}VALUES {}", self.head, vec![self.values; rows].join(", "))
    }
}

/// Whether the bracket at the start is closed by the last character, and not before.
fn ends_with_its_bracket(text: &str) -> bool {
    let mut depth = 0_usize;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return place + 1 == text.len();
        }
    }
    false
}

/// Portions for one statement each. Their sizes are powers of two, so that few statements have to
/// be prepared.
pub(super) fn portions<'a, 'b>(
    all: &'a [&'b Params<'b>],
) -> impl Iterator<Item = &'a [&'b Params<'b>]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let mut size = MOST;
        while size > 1 && rest.get(..size).is_none_or(|rows| bytes(rows) > BYTES) {
            size /= 2;
        }
        let (portion, after) = rest.split_at_checked(size)?;
        rest = after;
        Some(portion)
    })
}

fn bytes(rows: &[&Params<'_>]) -> usize {
    let values = rows.iter().flat_map(|row| row.iter());
    let texts = values.filter_map(|(_, value)| match value {
        Value::Text(text) => Some(text.len()),
        _ => None,
    });
    texts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_makes_a_row_can_make_many() {
        let row = Row::of("INSERT INTO a (b, c) VALUES (:b, COALESCE(:c, 0))").unwrap();
        assert_eq!(
            row.times(2),
            "INSERT INTO a (b, c) VALUES (:b, COALESCE(:c, 0)), (:b, COALESCE(:c, 0))"
        );
        for other in [
            "UPDATE a SET b = :b",
            "INSERT INTO a SELECT b FROM c",
            "INSERT INTO a VALUES (:b) ON DUPLICATE KEY UPDATE c = (:c)",
            "INSERT INTO a VALUES (:b), (:c)",
            "INSERT IGNORE INTO a VALUES (:b)",
        ] {
            assert_eq!(Row::of(other), None, "{other}");
        }
    }

    #[test]
    fn portions_are_all_there_is() {
        let text = "x".repeat(300 * 1024);
        let (small, large) = ([(":a", Value::Int(1))], [(":a", Value::Text(&text))]);
        let (small, large): (&Params<'_>, &Params<'_>) = (&small, &large);
        let sizes = |rows: &[&Params<'_>]| portions(rows).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[small; 100]), [64, 32, 4]);
        assert_eq!(sizes(&[small; 3]), [2, 1]);
        assert_eq!(sizes(&[small, small, large, large]), [2, 1, 1]);
        assert!(sizes(&[]).is_empty());
    }
}
