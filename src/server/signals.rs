//! Signals that stop a server.
//!
//! TERM and INT ask for an orderly end, a second one of them for an end at once; so does QUIT.
//! The handlers only note the signal in a pipe; a thread of its own acts on it.

use std::fmt;
use std::io;
use std::thread;
use std::thread::JoinHandle;

use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGQUIT;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Handle;
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;

use super::Stop;

/// Keeps the signals watched until it is dropped; afterwards they are ignored.
pub struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // Its panic, if it had one, has been reported already.
            let _ = thread.join();
        }
    }
}

/// Lets signals work on `stop` from now on.
///
/// # Errors
///
/// The system's, when a handler or the thread cannot be installed.
pub fn watch(stop: &Stop) -> io::Result<Watch> {
    let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM])?;
    let handle = signals.handle();
    let stop = stop.clone();
    let thread = thread::Builder::new()
        .name("weaved-signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let name = signal_name(signal).unwrap_or("a signal");
                if signal == SIGQUIT || stop.is_stopping() {
                    log::info!("{name}: stopping at once");
                    stop.stop_at_once();
                } else {
                    log::info!("{name}: stopping");
                    stop.stop();
                }
            }
        })?;
    Ok(Watch {
        handle,
        thread: Some(thread),
    })
}
