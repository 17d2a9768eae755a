//! Arbitrary bytes as a connection that speaks FastCGI.
#![no_main]

mod drive;

use libfuzzer_sys::fuzz_target;
use weaved::gateway::Protocol;

fuzz_target!(|bytes: &[u8]| drive::drive(Protocol::Fcgi, bytes));
