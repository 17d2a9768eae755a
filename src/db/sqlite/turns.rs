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

/// The right to write, which one thread has at a time. Who has it may leave something to the next.
#[derive(Debug)]
pub(super) struct Turns<T> {
    line: Mutex<Line<T>>,
}

/// Who stands in line; the first has the turn.
#[derive(Debug)]
struct Line<T> {
    standing: VecDeque<(Ticket, Thread)>,
    last: u64,
    /// What the one before has left to the first.
    left: Option<T>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        let line = Line {
            standing: VecDeque::new(),
            last: 0,
            left: None,
        };
        Self {
            line: Mutex::new(line),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticket(u64);

impl<T> Turns<T> {
    /// Waits for the turn and takes it until it is dropped; absent when it did not come in time.
    /// Whoever is next when something is left to him has the turn, in time or not.
    pub(super) fn take(self: &Arc<Self>, until: Instant) -> Option<Turn<T>> {
        let ticket = self.line().join();
        loop {
            let mut line = self.line();
            if line.is_first(ticket) {
                return Some(Turn {
                    of: Arc::clone(self),
                    is_over: false,
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

    /// How many stand in line, the one who has the turn among them.
    #[cfg(test)]
    pub(super) fn length(&self) -> usize {
        self.line().standing.len()
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Line<T> {
    fn join(&mut self) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.standing.push_back((ticket, thread::current()));
        ticket
    }

    fn is_first(&self, ticket: Ticket) -> bool {
        (self.standing.front()).is_some_and(|(standing, _)| *standing == ticket)
    }

    fn next(&mut self) {
        self.standing.pop_front();
        if let Some((_, next)) = self.standing.front() {
            next.unpark();
        }
    }
}

/// One thread's turn.
#[derive(Debug)]
pub(super) struct Turn<T> {
    of: Arc<Turns<T>>,
    is_over: bool,
}

impl<T> Turn<T> {
    /// What the one before has left, if anything.
    pub(super) fn inherit(&self) -> Option<T> {
        self.of.line().left.take()
    }

    /// Ends the turn and leaves something to the next; nobody's turn ends where nobody is next.
    pub(super) fn bequeath(mut self, left: T) -> Result<(), (Self, T)> {
        let of = Arc::clone(&self.of);
        let mut line = of.line();
        if line.standing.len() < 2 {
            drop(line);
            return Err((self, left));
        }
        line.left = Some(left);
        // In one breath: who is next now cannot go away any more.
        line.next();
        self.is_over = true;
        Ok(())
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        if !self.is_over {
            self.of.line().next();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_turn_is_waited_for_until_it_is_too_late() {
        let turns = Arc::<Turns<u8>>::default();
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
        let turns = Arc::<Turns<u8>>::default();
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

    #[test]
    fn what_is_left_goes_to_whoever_is_next() {
        let turns = Arc::<Turns<u8>>::default();
        let turn = turns.take(Instant::now()).unwrap();
        let Err((turn, left)) = turn.bequeath(7) else {
            panic!("nobody is next");
        };
        thread::scope(|scope| {
            let heir = scope.spawn(|| {
                let turn = turns.take(in_a_minute()).unwrap();
                turn.inherit()
            });
            while turns.line().standing.len() < 2 {
                thread::yield_now();
            }
            assert!(turn.bequeath(left).is_ok());
            assert_eq!(heir.join().unwrap(), Some(7));
        });
        assert_eq!(turns.take(Instant::now()).unwrap().inherit(), None);
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }
}
