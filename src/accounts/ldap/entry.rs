//! An entry of the directory, read without trust in its form.

use ldap3::ResultEntry;
use ldap3::asn1::PL;
use ldap3::asn1::StructureTag;

/// The tag of an entry among the answers to a search (RFC 4511, 4.5.2).
const SEARCH_RESULT_ENTRY: u64 = 4;

/// An entry: its DN and those of its attributes that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Absent for what is no entry. (The driver's own reader panics there.)
    pub(super) fn read(result: ResultEntry) -> Option<Self> {
        let tag = result.0;
        if tag.id != SEARCH_RESULT_ENTRY {
            return None;
        }
        let mut parts = children(tag)?.into_iter();
        let dn = text(parts.next()?)?;
        let mut attributes = Vec::new();
        for attribute in children(parts.next()?)? {
            let mut parts = children(attribute)?.into_iter();
            let name = text(parts.next()?)?;
            let values = children(parts.next()?)?.into_iter().map(bytes);
            attributes.push((name, values.collect::<Option<_>>()?));
        }
        Some(Self { dn, attributes })
    }

    /// The values of an attribute that are texts; upper and lower case of its name do not count.
    pub(super) fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let found = self
            .attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        let values = found.map_or(&[][..], |(_, values)| values);
        values
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first of them.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }
}

fn children(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(children) => Some(children),
        PL::P(_) => None,
    }
}

fn bytes(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(bytes(tag)?).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An entry made by hand.
    pub(in crate::accounts::ldap) fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let bytes = |value: &&str| value.as_bytes().to_vec();
        Entry {
            dn: dn.to_owned(),
            attributes: attributes
                .iter()
                .map(|(name, values)| ((*name).to_owned(), values.iter().map(bytes).collect()))
                .collect(),
        }
    }

    fn tag(id: u64, payload: PL) -> StructureTag {
        StructureTag {
            class: ldap3::asn1::TagClass::Universal,
            id,
            payload,
        }
    }

    fn result(parts: Vec<StructureTag>) -> ResultEntry {
        ResultEntry::new(tag(SEARCH_RESULT_ENTRY, PL::C(parts)))
    }

    fn octets(text: &[u8]) -> StructureTag {
        tag(4, PL::P(text.to_vec()))
    }

    #[test]
    fn an_entry_is_read() {
        let values = tag(17, PL::C(vec![octets(b"joe"), octets(b"\xff")]));
        let attribute = tag(16, PL::C(vec![octets(b"UID"), values]));
        let entry = Entry::read(result(vec![
            octets(b"uid=joe,dc=x"),
            tag(16, PL::C(vec![attribute])),
        ]));
        let entry = entry.unwrap();
        assert_eq!(entry.dn, "uid=joe,dc=x");
        assert_eq!(entry.texts("uid").collect::<Vec<_>>(), ["joe"]);
        assert_eq!(entry.text("mail"), None);
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for parts in [
            vec![],
            vec![octets(b"dc=x")],
            vec![octets(b"dc=\xff"), tag(16, PL::C(vec![]))],
            vec![octets(b"dc=x"), octets(b"")],
            vec![octets(b"dc=x"), tag(16, PL::C(vec![octets(b"uid")]))],
            vec![
                octets(b"dc=x"),
                tag(16, PL::C(vec![tag(16, PL::C(vec![octets(b"uid")]))])),
            ],
        ] {
            assert_eq!(Entry::read(result(parts)), None);
        }
    }
}
