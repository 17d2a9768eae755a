//! Plays the web server: streams of FastCGI and SCGI as a test wants them, and our answers read.

/// Collects FastCGI records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(pub(crate) Vec<u8>);

impl Records {
    pub(crate) fn record(mut self, kind: u8, id: u16, content: &[u8], padding: u8) -> Self {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let id = id.to_be_bytes();
        self.0
            .extend_from_slice(&[1, kind, id[0], id[1], length[0], length[1], padding, 0]);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len() + usize::from(padding), 0xa5);
        self
    }

    pub(crate) fn begin(self, id: u16, role: u8, flags: u8) -> Self {
        self.record(1, id, &[0, role, flags, 0, 0, 0, 0, 0], 0)
    }

    /// The variables in one record, and the end of them.
    pub(crate) fn params(self, id: u16, pairs: &[(&str, &str)]) -> Self {
        self.record(4, id, &self::pairs(pairs), 0)
            .record(4, id, b"", 0)
    }

    pub(crate) fn stdin(self, id: u16, content: &[u8]) -> Self {
        self.record(5, id, content, 0)
    }
}

/// Name-value pairs.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in pairs {
        for part in [name, value] {
            match u8::try_from(part.len()) {
                Ok(short) if short < 128 => bytes.push(short),
                _ => {
                    let long = u32::try_from(part.len()).unwrap() | 1 << 31;
                    bytes.extend_from_slice(&long.to_be_bytes());
                }
            }
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    bytes
}

/// An SCGI header.
pub(crate) fn scgi(pairs: &[(&str, &str)]) -> Vec<u8> {
    let text: String = pairs
        .iter()
        .map(|(name, value)| format!("{name}\0{value}\0"))
        .collect();
    format!("{}:{text},", text.len()).into_bytes()
}

/// What FastCGI records say, a line each: `stdout 1 200`, `end 1 0`, `values ...`, `unknown 42`.
pub(crate) fn describe_records(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        let id = u16::from_be_bytes([bytes[2], bytes[3]]);
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        let padding = usize::from(bytes[6]);
        assert_eq!(bytes[0], 1, "version");
        let content = &bytes[8..8 + length];
        lines.push(match bytes[1] {
            3 => format!("end {id} {}", content[4]),
            6 if length == 0 => format!("stdout {id} over"),
            6 => format!("stdout {id} {}", status(content)),
            10 => format!("values {}", content.escape_ascii()),
            11 => format!("unknown {}", content[0]),
            kind => panic!("a record of type {kind}"),
        });
        bytes = &bytes[8 + length + padding..];
    }
    lines
}

/// The status of a CGI response whose length is right, or which answers a HEAD.
pub(crate) fn status(response: &[u8]) -> String {
    let text = std::str::from_utf8(response).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let is_right = length == Some(body.len().to_string().as_str());
    assert!(is_right || length.is_some() && body.is_empty(), "{text}");
    assert!(!body.contains('\n'), "{text}");
    head.strip_prefix("Status: ").unwrap()[..3].to_owned()
}
