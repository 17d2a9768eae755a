//! Devices that do the same at the same time, in several processes.

use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use weaved::pairing::Conditions;
use weaved::pairing::Held;
use weaved::pairing::PairingError;
use weaved::pairing::Put;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Room;
use crate::support::device;
use crate::support::get;
use crate::support::is_gone;
use crate::support::open;
use crate::support::put;
use crate::support::stored;

const ROUNDS: u32 = 8;

on_every_database! {
    of_two_answers_to_a_message_one_is_taken
    of_two_guests_one_is_let_in
    the_last_reading_is_given_out_once
    all_channels_are_different
}

fn of_two_answers_to_a_message_one_is_taken(kind: Kind) {
    let room = Room::new(kind);
    let relays = [room.relay(), room.relay(), room.relay(), room.relay()];
    let (maker, guest) = (device(1), device(2));
    let mut channel = open(&relays[0], &maker);
    let mut tag = stored(put(&relays[0], channel, &maker, b"first"));
    for round in 0..ROUNDS {
        if round % 4 == 0 {
            channel = open(&relays[0], &maker);
            tag = stored(put(&relays[0], channel, &maker, b"first"));
        }
        let start = Barrier::new(relays.len());
        let puts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0_u32..)
                .zip(&relays)
                .map(|(number, relay)| {
                    let (start, tag) = (&start, tag.as_str());
                    let device = if number % 2 == 0 { &maker } else { &guest };
                    let conditions = Conditions {
                        matching: Some(tag),
                        ..Conditions::default()
                    };
                    scope.spawn(move || {
                        let message = format!("{round} {number}");
                        start.wait();
                        let put = relay.put(channel, device, conditions, message.as_bytes());
                        (message, put.unwrap())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let taken: Vec<_> = puts
            .iter()
            .filter(|(_, put)| matches!(put, Put::Stored(_)))
            .collect();
        let [(message, Put::Stored(new))] = taken.as_slice() else {
            panic!("{puts:?}");
        };
        tag = new.to_string();
        let there = get(&relays[0], channel, &guest).unwrap();
        assert_eq!(
            there,
            Held::Message(message.clone().into_bytes(), new.clone())
        );
    }
}

/// Whoever comes second closes the channel for all: nobody is left who could read on.
fn of_two_guests_one_is_let_in(kind: Kind) {
    let room = Room::new(kind);
    let relays = [room.relay(), room.relay()];
    let maker = device(1);
    for _ in 0..ROUNDS {
        let channel = open(&relays[0], &maker);
        stored(put(&relays[0], channel, &maker, b"m"));
        let start = Barrier::new(relays.len());
        let came: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (2..)
                .zip(&relays)
                .map(|(number, relay)| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        get(relay, channel, &device(number))
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let let_in = came.iter().filter(|held| held.is_ok()).count();
        let sent_off = came
            .iter()
            .filter(|held| matches!(held, Err(PairingError::Stranger)))
            .count();
        assert_eq!((let_in, sent_off), (1, 1), "{came:?}");
        assert!(is_gone(&relays[0], channel, &maker));
    }
}

fn the_last_reading_is_given_out_once(kind: Kind) {
    let room = Room::new(kind);
    let relays = [room.relay(), room.relay(), room.relay(), room.relay()];
    let maker = device(1);
    let channel = open(&relays[0], &maker);
    stored(put(&relays[0], channel, &maker, b"m"));
    let given = AtomicUsize::new(0);
    thread::scope(|scope| {
        for relay in &relays {
            scope.spawn(|| {
                let read = (0..5).filter(|_| get(relay, channel, &maker).is_ok());
                given.fetch_add(read.count(), Ordering::SeqCst);
            });
        }
    });
    assert_eq!(given.into_inner(), 10);
}

fn all_channels_are_different(kind: Kind) {
    let room = Room::new(kind);
    let relays = [room.relay(), room.relay(), room.relay(), room.relay()];
    thread::scope(|scope| {
        for relay in &relays {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    open(relay, &device(1));
                }
            });
        }
    });
    assert_eq!(room.rows(), 4 * i64::from(ROUNDS));
}
