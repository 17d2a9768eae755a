//! Descriptors that came with the start of the process, and that a server in the background must
//! not keep: a lock of cron's, the pipe of whoever waits for the end of a session.

use std::fs;

/// Where a system lists the descriptors of a process.
const LIST: &str = "/dev/fd";

/// Closes everything but the three standard descriptors.
///
/// To be called before anything was opened: what others have open would be taken from them.
pub fn close_inherited() {
    let Ok(list) = fs::read_dir(LIST) else { return };
    let names = list.flatten().map(|entry| entry.file_name());
    let numbers = names.filter_map(|name| name.to_str()?.parse::<i32>().ok());
    // The list has a descriptor of its own, which is closed when the end of the list is reached.
    let numbers: Vec<i32> = numbers.filter(|number| *number > 2).collect();
    for number in numbers {
        // The list's is not there any more.
        let _ = nix::unistd::close(number);
    }
}
