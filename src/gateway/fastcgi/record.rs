//! FastCGI records: the eight bytes in front, and the few whole records that we send.
//!
//! In: bytes. Out: a [`Header`], and back. What a record means is not known here.
//! Spec: spec/gateway.md, 2 (table of bytes, table of types).

/// The length of a record's header, in bytes.
pub(super) const HEADER: usize = 8;

pub(super) const BEGIN_REQUEST: u8 = 1;
pub(super) const ABORT_REQUEST: u8 = 2;
pub(super) const END_REQUEST: u8 = 3;
pub(super) const PARAMS: u8 = 4;
pub(super) const STDIN: u8 = 5;
pub(in crate::gateway) const STDOUT: u8 = 6;
pub(super) const GET_VALUES: u8 = 9;
pub(super) const GET_VALUES_RESULT: u8 = 10;
pub(super) const UNKNOWN_TYPE: u8 = 11;

/// How a request ended, in the protocol's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtocolStatus {
    RequestComplete = 0,
    CantMpxConn = 1,
    UnknownRole = 3,
}

/// What a record's first eight bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    /// The request; 0 is the connection itself.
    pub(super) id: u16,
    pub(super) length: u16,
    pub(super) padding: u8,
}

impl Header {
    /// Reads a header; nothing if the version is not 1.
    pub(super) fn parse(bytes: [u8; HEADER]) -> Option<Self> {
        let [
            version,
            kind,
            id1,
            id0,
            length1,
            length0,
            padding,
            _reserved,
        ] = bytes;
        (version == 1).then_some(Self {
            kind,
            id: u16::from_be_bytes([id1, id0]),
            length: u16::from_be_bytes([length1, length0]),
            padding,
        })
    }
}

/// The header of a record without padding.
pub(in crate::gateway) fn header(kind: u8, id: u16, length: u16) -> [u8; HEADER] {
    let ([id1, id0], [length1, length0]) = (id.to_be_bytes(), length.to_be_bytes());
    [1, kind, id1, id0, length1, length0, 0, 0]
}

/// Appends what ends an answer: an empty STDOUT record and END_REQUEST.
pub(in crate::gateway) fn write_end(id: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&header(STDOUT, id, 0));
    out.extend_from_slice(&end_request(id, ProtocolStatus::RequestComplete));
}

/// The record that ends a request.
pub(super) fn end_request(id: u16, status: ProtocolStatus) -> [u8; 16] {
    let mut record = [0; 16];
    let (front, back) = record.split_at_mut(HEADER);
    front.copy_from_slice(&header(END_REQUEST, id, 8));
    back.copy_from_slice(&[0, 0, 0, 0, status as u8, 0, 0, 0]);
    record
}

/// The record that answers a management record of a type that we do not know.
pub(super) fn unknown_type(kind: u8) -> [u8; 16] {
    let mut record = [0; 16];
    let (front, back) = record.split_at_mut(HEADER);
    front.copy_from_slice(&header(UNKNOWN_TYPE, 0, 8));
    back.copy_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_header_reads_as_it_was_written(kind: u8, id: u16, length: u16) {
            let read = Header::parse(header(kind, id, length));
            proptest::prop_assert_eq!(read, Some(Header { kind, id, length, padding: 0 }));
        }

        #[test]
        fn only_version_1_is_a_header(bytes: [u8; HEADER]) {
            proptest::prop_assert_eq!(Header::parse(bytes).is_some(), bytes[0] == 1);
        }
    }

    #[test]
    fn end_request_says_how_the_request_ended() {
        assert_eq!(
            end_request(258, ProtocolStatus::CantMpxConn),
            [1, 3, 1, 2, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        );
    }
}
