//! In which form a collection is answered (spec/storage-1.1.md, 2.5).

/// The form of a list of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`: one array.
    Json,
    /// `application/newlines`: each value on a line of its own, the last one ended too.
    Newlines,
    /// `application/whoisi`: each value after its length, four bytes big-endian.
    Whoisi,
}

impl Format {
    /// In the order of the server's preference.
    const ALL: [Self; 3] = [Self::Json, Self::Newlines, Self::Whoisi];

    /// The media type that stands for it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Newlines => "application/newlines",
            Self::Whoisi => "application/whoisi",
        }
    }

    /// Chooses by the Accept header; what cannot be read or met means JSON, never 406.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        let masks: Vec<(&str, f32)> = accept.unwrap_or("*/*").split(',').map(read_mask).collect();
        let mut best = (Self::Json, 0.0, false);
        for format in Self::ALL {
            // The most exact mask speaks for a type (RFC 9110, 12.5.1).
            let quality = |exact: &str| {
                let found = masks
                    .iter()
                    .find(|(mask, _)| mask.eq_ignore_ascii_case(exact));
                found.map(|(_, quality)| *quality)
            };
            let named = quality(format.media_type());
            let quality = named
                .or_else(|| quality("application/*"))
                .or_else(|| quality("*/*"));
            let quality = quality.unwrap_or(0.0);
            let better = quality > best.1 || quality == best.1 && named.is_some() && !best.2;
            if quality > 0.0 && better {
                best = (format, quality, named.is_some());
            }
        }
        best.0
    }

    /// Appends what comes before the first value.
    pub fn open(self, out: &mut Vec<u8>) {
        if self == Self::Json {
            out.push(b'[');
        }
    }

    /// Appends one value, which `write` appends as JSON; `first` is true for the first one.
    pub fn value(self, first: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        match self {
            Self::Json => {
                if !first {
                    out.push(b',');
                }
                write(out);
            }
            Self::Newlines => {
                write(out);
                out.push(b'\n');
            }
            Self::Whoisi => {
                let start = out.len();
                out.extend_from_slice(&[0; 4]);
                write(out);
                // A record is far below 4 GiB.
                let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
                if let Some(place) = out.get_mut(start..start + 4) {
                    place.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
    }

    /// Appends what comes after the last value.
    pub fn close(self, out: &mut Vec<u8>) {
        if self == Self::Json {
            out.push(b']');
        }
    }
}

/// A media type of an Accept header and its quality; an unreadable quality counts as 1.
fn read_mask(mask: &str) -> (&str, f32) {
    let mut parts = mask.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let quality =
        parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = quality
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1.0_f32);
    (
        media_type,
        if quality.is_nan() {
            1.0
        } else {
            quality.clamp(0.0, 1.0)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: Format) {
        assert_eq!(Format::accepted(Some(accept)), expected, "{accept}");
    }

    #[test]
    fn the_best_form_is_chosen() {
        assert_eq!(Format::accepted(None), Format::Json);
        for accept in [
            "",
            "*/*",
            "application/*",
            "text/html",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/newlines;q=0",
            "application/newlines;q=0.5, */*",
            ";;,,=",
            "application/json, application/newlines",
        ] {
            check(accept, Format::Json);
        }
        for accept in [
            "application/newlines",
            "APPLICATION/NEWLINES",
            "application/newlines, application/whoisi",
            "application/newlines,*/*",
            "*/*, application/newlines",
            "application/json;q=0.5, application/newlines",
            "application/newlines;q=x",
        ] {
            check(accept, Format::Newlines);
        }
        check("application/whoisi", Format::Whoisi);
        check(
            "application/newlines;q=0.1,application/whoisi;q=0.2",
            Format::Whoisi,
        );
    }

    fn written(format: Format, values: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        format.open(&mut out);
        for (place, value) in values.iter().enumerate() {
            format.value(place == 0, &mut out, |out| {
                out.extend_from_slice(value.as_bytes())
            });
        }
        format.close(&mut out);
        out
    }

    #[test]
    fn values_are_framed() {
        assert_eq!(written(Format::Json, &[]), b"[]");
        assert_eq!(written(Format::Json, &["1", "2"]), b"[1,2]");
        assert_eq!(written(Format::Newlines, &[]), b"");
        assert_eq!(written(Format::Newlines, &["1", "2"]), b"1\n2\n");
        assert_eq!(
            written(Format::Whoisi, &["\"i\"", "2"]),
            b"\0\0\0\x03\"i\"\0\0\0\x012"
        );
    }
}
