//! The pages as people meet them: in a real Chromium, at a prefix behind lighttpd.

#[cfg(test)]
mod judged;
#[cfg(test)]
mod story;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod wizard;
