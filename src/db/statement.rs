//! Named parameters for databases that know places only.

use super::Value;

/// How a database writes a place for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// `$1`, `$2`, ...: a parameter that is used twice has one place.
    Numbered,
    /// `?`, each time.
    Questions,
}

/// A statement whose named parameters were turned into places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The text for the database.
    pub(super) text: String,
    /// The parameter of each place, in order.
    names: Vec<String>,
    /// Whether a list was written out, so that the text is good for lists of this size only.
    pub(super) is_sized: bool,
    places: Places,
}

impl Statement {
    /// Reads `sql`; `params` are looked at for the sizes of lists only. A list is written out
    /// where places are question marks, and is one value where they are numbered.
    pub(super) fn parse(sql: &str, places: Places, params: &[(&str, Value<'_>)]) -> Self {
        let mut statement = Self {
            text: String::with_capacity(sql.len()),
            names: Vec::new(),
            is_sized: false,
            places,
        };
        let mut rest = sql;
        while let Some(at) = rest.find([':', '\'']) {
            let (before, tail) = rest.split_at(at);
            statement.text.push_str(before);
            let taken = if let Some(quoted) = tail.strip_prefix('\'') {
                quoted.find('\'').map_or(tail.len(), |end| end + 2)
            } else {
                name_length(tail)
            };
            let (token, after) = tail.split_at(taken);
            rest = after;
            if token.len() > 1 && token.starts_with(':') && !token.starts_with("::") {
                statement.push_place(token, params);
            } else {
                statement.text.push_str(token);
            }
        }
        statement.text.push_str(rest);
        statement
    }

    fn push_place(&mut self, name: &str, params: &[(&str, Value<'_>)]) {
        if self.places == Places::Numbered {
            let known = self.names.iter().position(|known| known == name);
            let place = known.unwrap_or(self.names.len());
            if known.is_none() {
                self.names.push(name.to_owned());
            }
            self.text.push_str(&format!("${}", place + 1));
            return;
        }
        let size = match value_of(name, params) {
            Value::Texts(texts) => {
                self.is_sized = true;
                texts.len().max(1).next_power_of_two()
            }
            _ => 1,
        };
        for place in 0..size {
            self.text.push_str(if place == 0 { "?" } else { ", ?" });
            self.names.push(name.to_owned());
        }
    }

    /// The value of each place, in order. A parameter that is missing is NULL, and a list that
    /// was written out is filled up with its last text.
    pub(super) fn values<'a>(&self, params: &[(&str, Value<'a>)]) -> Vec<Value<'a>> {
        let mut values = Vec::with_capacity(self.names.len());
        let mut in_list = 0;
        for (place, name) in self.names.iter().enumerate() {
            let value = value_of(name, params);
            let Value::Texts(texts) = value else {
                values.push(value);
                continue;
            };
            if self.places == Places::Numbered {
                values.push(value);
                continue;
            }
            let goes_on = place > 0 && self.names.get(place - 1) == Some(name);
            in_list = if goes_on { in_list + 1 } else { 0 };
            let text = texts.get(in_list).or(texts.last());
            values.push(text.map_or(Value::Null, |text| Value::Text(text)));
        }
        values
    }
}

/// The length of `:name` at the start of a text that starts with a colon; 2 for `::`, 1 for a
/// colon alone.
fn name_length(text: &str) -> usize {
    if text.starts_with("::") {
        return 2;
    }
    let tail = text.get(1..).unwrap_or_default();
    let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    1 + end.unwrap_or(tail.len())
}

fn value_of<'a>(name: &str, params: &[(&str, Value<'a>)]) -> Value<'a> {
    let found = params.iter().find(|(known, _)| *known == name);
    found.map_or(Value::Null, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(sql: &str, numbered: &str, questions: &str, names: &[&str]) {
        assert_eq!(Statement::parse(sql, Places::Numbered, &[]).text, numbered);
        let statement = Statement::parse(sql, Places::Questions, &[]);
        assert_eq!(statement.text, questions);
        assert_eq!(statement.names, names);
    }

    #[test]
    fn names_become_places() {
        check(
            "a = :a AND b > :b_2",
            "a = $1 AND b > $2",
            "a = ? AND b > ?",
            &[":a", ":b_2"],
        );
        check(
            "(:a, :b, :a)",
            "($1, $2, $1)",
            "(?, ?, ?)",
            &[":a", ":b", ":a"],
        );
        check("x::text = ':a'", "x::text = ':a'", "x::text = ':a'", &[]);
        check(
            "'it''s :a' || :a",
            "'it''s :a' || $1",
            "'it''s :a' || ?",
            &[":a"],
        );
        check("a : b", "a : b", "a : b", &[]);
        check("'open :a", "'open :a", "'open :a", &[]);
    }

    #[test]
    fn lists_are_written_out_in_few_sizes() {
        let sql = "id IN (:ids) AND n = :n";
        let ids = ["a", "b", "c"].map(str::to_owned);
        let params = [(":n", Value::Int(1)), (":ids", ids.as_slice().into())];
        let statement = Statement::parse(sql, Places::Questions, &params);
        assert_eq!(statement.text, "id IN (?, ?, ?, ?) AND n = ?");
        assert!(statement.is_sized);
        let texts = ["a", "b", "c", "c"].map(Value::Text);
        assert_eq!(
            statement.values(&params),
            [&texts[..], &[Value::Int(1)]].concat()
        );
        let numbered = Statement::parse(sql, Places::Numbered, &params);
        assert_eq!(numbered.text, "id IN ($1) AND n = $2");
        assert!(!numbered.is_sized);
        assert_eq!(
            numbered.values(&params),
            [Value::Texts(&ids), Value::Int(1)]
        );
        let none = [(":ids", Value::Texts(&[]))];
        let statement = Statement::parse(sql, Places::Questions, &none);
        assert_eq!(statement.values(&none), [Value::Null, Value::Null]);
    }

    proptest! {
        #[test]
        fn every_place_has_a_value(sql in "[a-z:'$ ]{0,40}") {
            for places in [Places::Numbered, Places::Questions] {
                let statement = Statement::parse(&sql, places, &[]);
                prop_assert_eq!(statement.values(&[]).len(), statement.names.len());
            }
        }
    }
}
