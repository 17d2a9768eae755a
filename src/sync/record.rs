//! A record as it is stored, on its way out.

use super::Timestamp;
use super::json;

/// One stored record; its texts are lent by the database's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Up to 64 characters.
    pub id: &'a str,
    /// The time of its last write; [`Timestamp::ZERO`] for old rows that have none.
    pub modified: Timestamp,
    /// Absent as long as nobody has written one.
    pub payload: Option<&'a str>,
    /// Absent unless the client gave one; so are the others.
    pub parentid: Option<&'a str>,
    /// As `parentid`.
    pub predecessorid: Option<&'a str>,
    /// As `parentid`.
    pub sortindex: Option<i64>,
}

impl Record<'_> {
    /// Appends the record as a JSON object, absent fields left out (spec/storage-1.1.md, 2.7).
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json::write_text(self.id, out);
        out.extend_from_slice(b",\"modified\":");
        self.modified.write(out);
        if let Some(sortindex) = self.sortindex {
            out.extend_from_slice(b",\"sortindex\":");
            json::write_number(sortindex, out);
        }
        for (name, text) in [
            (&b",\"parentid\":"[..], self.parentid),
            (b",\"predecessorid\":", self.predecessorid),
            (b",\"payload\":", self.payload),
        ] {
            if let Some(text) = text {
                out.extend_from_slice(name);
                json::write_text(text, out);
            }
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_are_left_out() {
        let mut record = Record {
            id: "i",
            modified: Timestamp::from_centis(150),
            payload: Some("a\"é"),
            parentid: None,
            predecessorid: None,
            sortindex: None,
        };
        let json = |record: &Record<'_>| {
            let mut out = Vec::new();
            record.write_json(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            json(&record),
            r#"{"id":"i","modified":1.50,"payload":"a\"\u00e9"}"#
        );
        record.parentid = Some("p");
        record.sortindex = Some(-7);
        record.payload = None;
        assert_eq!(
            json(&record),
            r#"{"id":"i","modified":1.50,"sortindex":-7,"parentid":"p"}"#
        );
    }
}
