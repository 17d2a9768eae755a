//! The baseline "hello": a program in C on libfcgi, compiled here, that answers so many bytes.
//!
//! It gets its listening socket as descriptor 0 and is behind the same web server as weaved. How
//! many processes and threads it has was chosen by measurement: at 4 and at 32 connections no other
//! shape from 1 x 4 to 16 x 1 was faster, though 1 x 16 was hardly slower.

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::process::Process;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/calls/hello/hello.c");

/// How many connections may wait; as with weaved.
const BACKLOG: i32 = 1024;

/// Processes, and threads of each.
const SHAPE: (usize, usize) = (8, 1);

/// Starts it with answers of `length` bytes.
pub(crate) fn start(length: usize) -> io::Result<(Process, SocketAddr)> {
    let program = compile()?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let (processes, threads) = SHAPE;
    let mut command = Command::new(program);
    command
        .args([processes, threads, length].map(|number| number.to_string()))
        .stdin(OwnedFd::from(listener));
    let (process, ()) = Process::start(&mut command, |line| (line == "listening").then_some(()))?;
    Ok((process, address))
}

fn compile() -> io::Result<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hello");
    let compiler = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .args([SOURCE, "-lfcgi", "-lpthread"])
        .status()?;
    if compiler.success() {
        Ok(program)
    } else {
        Err(io::Error::other(
            "no hello without a C compiler and libfcgi",
        ))
    }
}
