//! FastCGI records about the connection itself, which no web server sends but the protocol has.
//!
//! In: the type and the content of one. Out: the record that answers it. How many may come is
//! the connection's business. Spec: spec/gateway.md, 2.

use super::params;
use super::params::Pairs;
use super::record;
use super::request::Broken;
use crate::gateway::Limits;

/// Answers one management record.
pub(super) fn reply(kind: u8, content: &[u8], limits: &Limits) -> Result<Vec<u8>, Broken> {
    if kind != record::GET_VALUES {
        return Ok(record::unknown_type(kind).to_vec());
    }
    let connections = limits.connections.to_string();
    let mut values = Vec::new();
    for pair in Pairs::new(content) {
        let (name, _) = pair.map_err(|_| Broken::BadPairs)?;
        let value = match name {
            b"FCGI_MAX_CONNS" | b"FCGI_MAX_REQS" => connections.as_bytes(),
            b"FCGI_MPXS_CONNS" => b"0",
            _ => continue,
        };
        params::write_pair(name, value, &mut values);
    }
    // Names that are asked for again and again make an answer longer than a record.
    let length = u16::try_from(values.len()).map_err(|_| Broken::Management)?;
    let mut reply = record::header(record::GET_VALUES_RESULT, 0, length).to_vec();
    reply.append(&mut values);
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: Result<&[u8], Broken>) {
        let reply = reply(record::GET_VALUES, content, &Limits::default());
        assert_eq!(reply.as_deref().map_err(|broken| *broken), expected);
    }

    #[test]
    fn only_known_names_get_a_value() {
        check(b"", Ok(b"\x01\x0a\0\0\0\0\0\0"));
        let asked = b"\x0f\0FCGI_MPXS_CONNS\x05\0OTHER";
        check(asked, Ok(b"\x01\x0a\0\0\0\x12\0\0\x0f\x01FCGI_MPXS_CONNS0"));
        check(b"\x0f\0FCGI", Err(Broken::BadPairs));
    }

    #[test]
    fn an_answer_longer_than_a_record_is_not_given() {
        check(
            &b"\x0f\0FCGI_MPXS_CONNS".repeat(3_855),
            Err(Broken::Management),
        );
    }
}
