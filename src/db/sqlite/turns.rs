//! Whose turn it is to write.
//!
//! The writers of one process queue here rather than poll SQLite's lock, and go in the order in
//! which they came: on a slow disk, who comes last must not be served first for ever. Who waits
//! gives up after a while: while somebody else holds the database, the waits of a queue must not
//! add up, or all threads of a server would be gone for minutes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::thread::Thread;
use std::time::Instant;

/// The right to write, which one thread has at a time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    line: Mutex<Line>,
}

/// Who stands in line; the first has the turn.
#[derive(Debug, Default)]
struct Line {
    standing: VecDeque<(Ticket, Thread)>,
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticket(u64);

impl Turns {
    /// Waits for the turn and takes it until it is dropped; absent when it did not come in time.
    pub(super) fn take(self: &Arc<Self>, until: Instant) -> Option<Turn> {
        let ticket = self.line().join();
        loop {
            let mut line = self.line();
            if line.is_first(ticket) {
                return Some(Turn {
                    of: Arc::clone(self),
                });
            }
            let patience = until.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                line.standing.retain(|(standing, _)| *standing != ticket);
                return None;
            }
            drop(line);
            thread::park_timeout(patience);
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn join(&mut self) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.standing.push_back((ticket, thread::current()));
        ticket
    }

    fn is_first(&self, ticket: Ticket) -> bool {
        (self.standing.front()).is_some_and(|(standing, _)| *standing == ticket)
    }
}

/// One thread's turn.
#[derive(Debug)]
pub(super) struct Turn {
    of: Arc<Turns>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = self.of.line();
        line.standing.pop_front();
        if let Some((_, next)) = line.standing.front() {
            next.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_turn_is_waited_for_until_it_is_too_late() {
        let turns = Arc::<Turns>::default();
        let turn = turns.take(Instant::now()).unwrap();
        assert!(turns.take(Instant::now()).is_none());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(in_a_minute()).is_some());
            drop(turn);
            assert!(waiting.join().unwrap());
        });
        assert!(turns.take(Instant::now()).is_some());
    }

    #[test]
    fn turns_come_in_the_order_of_the_line() {
        let turns = Arc::<Turns>::default();
        let order = Mutex::new(Vec::new());
        let turn = turns.take(Instant::now()).unwrap();
        thread::scope(|scope| {
            for n in 1..=8 {
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let _turn = turns.take(in_a_minute()).unwrap();
                    order.lock().unwrap().push(n);
                });
                while turns.line().standing.len() <= n {
                    thread::yield_now();
                }
            }
            drop(turn);
        });
        assert_eq!(*order.lock().unwrap(), (1..=8).collect::<Vec<_>>());
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }
}
