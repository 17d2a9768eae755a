//! Request header fields: names in lower case, values as the bytes that came.

/// The header fields of a request, in the order in which they came.
///
/// Values are bytes: web servers pass on what the client sent, UTF-8 or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(String, Vec<u8>)>,
}

impl Headers {
    /// Adds a field; a second one of the same name is joined with `", "` (RFC 9110, 5.3).
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let name = name.to_ascii_lowercase();
        if let Some((_, known)) = self.fields.iter_mut().find(|(known, _)| *known == name) {
            known.extend_from_slice(b", ");
            known.extend_from_slice(value);
        } else {
            self.fields.push((name, value.to_vec()));
        }
    }

    /// The value of a field; `name` must be given in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The value of a field as text; absent as well when it is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }
}
