//! What a channel holds and how it ends; how many there are.

use std::net::IpAddr;

use weaved::pairing::Held;
use weaved::pairing::Limits;
use weaved::pairing::PairingError;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Room;
use crate::support::device;
use crate::support::get;
use crate::support::is_gone;
use crate::support::message;
use crate::support::open;
use crate::support::put;
use crate::support::stored;
use crate::support::unless;

on_every_database! {
    a_message_comes_back_as_it_was
    ten_messages_are_given_out
    twenty_messages_are_taken
    a_channel_lives_for_fifteen_minutes
    a_third_device_closes_a_channel
    who_gives_no_name_closes_a_channel
    only_members_report
    channels_are_few
    nothing_of_a_closed_channel_is_kept
    what_is_over_is_swept_away
}

fn a_message_comes_back_as_it_was(kind: Kind) {
    let room = Room::new(kind);
    let (one, other) = (room.relay(), room.relay());
    let (maker, guest) = (device(1), device(2));
    let channel = open(&one, &maker);
    assert_eq!(get(&other, channel, &guest).unwrap(), Held::Nothing);
    assert_eq!(get(&one, channel, &maker).unwrap(), Held::Nothing);
    let long = vec![b'x'; 64 * 1024];
    let odd = b"{\"a\":\"\xc3\xa9\\u0000\"}\0\xff \r\n".to_vec();
    for bytes in [&b"{}"[..], b"", &odd, &long] {
        stored(put(&one, channel, &maker, bytes));
        assert_eq!(message(get(&other, channel, &guest)), bytes);
    }
    let longer = vec![b'x'; 64 * 1024 + 1];
    let refused = put(&one, channel, &maker, &longer);
    assert!(matches!(refused, Err(PairingError::TooLong)), "{refused:?}");
    assert_eq!(message(get(&other, channel, &guest)), long);
}

fn ten_messages_are_given_out(kind: Kind) {
    let room = Room::new(kind);
    let relays = [room.relay(), room.relay()];
    let (maker, guest) = (device(1), device(2));
    let channel = open(&relays[0], &maker);
    let tag = stored(put(&relays[0], channel, &maker, b"m"));
    for relay in relays.iter().cycle().take(10) {
        // Polls that find nothing new do not count, however many there are.
        for _ in 0..3 {
            let held = relay.get(channel, &maker, unless(&tag)).unwrap();
            assert!(matches!(held, Held::Same(same) if same.to_string() == tag));
        }
        assert_eq!(message(get(relay, channel, &guest)), b"m");
    }
    assert!(is_gone(&relays[0], channel, &maker));
    assert!(is_gone(&relays[1], channel, &guest));
}

fn twenty_messages_are_taken(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let maker = device(1);
    let channel = open(&relay, &maker);
    for _ in 0..20 {
        stored(put(&relay, channel, &maker, b"m"));
    }
    let refused = put(&relay, channel, &maker, b"m");
    assert!(matches!(refused, Err(PairingError::Gone)), "{refused:?}");
    assert!(is_gone(&relay, channel, &maker));
}

fn a_channel_lives_for_fifteen_minutes(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let maker = device(1);
    let channel = open(&relay, &maker);
    room.pass(899);
    // What happens there does not make it live longer.
    stored(put(&relay, channel, &maker, b"m"));
    assert!(!is_gone(&relay, channel, &maker));
    room.pass(1);
    assert!(is_gone(&relay, channel, &maker));
    let late = put(&relay, channel, &maker, b"m");
    assert!(matches!(late, Err(PairingError::Gone)), "{late:?}");
}

fn a_third_device_closes_a_channel(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let (maker, guest, third) = (device(1), device(2), device(3));
    for attempt in 0..3 {
        let channel = open(&relay, &maker);
        let tag = stored(put(&relay, channel, &maker, b"m"));
        assert_eq!(message(get(&relay, channel, &guest)), b"m");
        let refused = match attempt {
            0 => get(&relay, channel, &third).map(drop),
            // Not even whether it is the same is told.
            1 => relay.get(channel, &third, unless(&tag)).map(drop),
            _ => put(&relay, channel, &third, b"mine").map(drop),
        };
        assert!(
            matches!(refused, Err(PairingError::Stranger)),
            "{refused:?}"
        );
        for device in [&maker, &guest, &third] {
            assert!(is_gone(&relay, channel, device));
        }
    }
}

fn who_gives_no_name_closes_a_channel(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let maker = device(1);
    let channel = open(&relay, &maker);
    relay.close(channel, None).unwrap();
    assert!(is_gone(&relay, channel, &maker));
    assert!(matches!(
        relay.close(channel, None),
        Err(PairingError::Gone)
    ));
}

fn only_members_report(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let (maker, guest) = (device(1), device(2));
    let channel = open(&relay, &maker);
    assert!(!relay.close_own(channel, &guest).unwrap(), "not here yet");
    stored(put(&relay, channel, &guest, b"m"));
    assert!(!relay.close_own(channel, &device(3)).unwrap());
    assert!(!is_gone(&relay, channel, &maker));
    assert!(relay.close_own(channel, &guest).unwrap());
    assert!(is_gone(&relay, channel, &maker));
    assert!(!relay.close_own(channel, &guest).unwrap());
}

fn channels_are_few(kind: Kind) {
    let room = Room::new(kind);
    let limits = Limits {
        channels: 6,
        channels_of_address: 2,
        ..Limits::default()
    };
    let (one, other) = (room.relay_with(limits.clone()), room.relay_with(limits));
    let maker = device(1);
    let make = |from: Option<&str>| {
        let client: Option<IpAddr> = from.map(|text| text.parse().unwrap());
        one.open_channel(&maker, client)
    };
    let full = |from| matches!(make(from), Err(PairingError::Full));
    let channel = make(Some("192.0.2.1")).unwrap();
    make(Some("192.0.2.1")).unwrap();
    assert!(full(Some("192.0.2.1")));
    // Closing gives no room: else a limit would limit nothing.
    other.close(channel, Some(&maker)).unwrap();
    assert!(full(Some("192.0.2.1")));
    make(Some("2001:db8::1")).unwrap();
    make(Some("2001:db8::2")).unwrap();
    assert!(full(Some("2001:db8::ffff:0:0:3")), "one network");
    // Where addresses are not known there is no limit for each, but one for all.
    make(None).unwrap();
    make(None).unwrap();
    assert!(full(None) && full(Some("192.0.2.9")));
    room.pass(901);
    make(Some("192.0.2.1")).unwrap();
    assert_eq!(room.rows(), 1);
}

fn nothing_of_a_closed_channel_is_kept(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    let (maker, guest) = (device(1), device(2));
    let channel = open(&relay, &maker);
    stored(put(&relay, channel, &maker, b"m"));
    assert_eq!(message(get(&relay, channel, &guest)), b"m");
    let kept = "SELECT COUNT(*) FROM weaved_channels WHERE maker IS NOT NULL \
                OR guest IS NOT NULL OR message IS NOT NULL OR tag IS NOT NULL";
    assert_eq!(room.ground().number(kept), 1);
    relay.close(channel, Some(&guest)).unwrap();
    assert_eq!(room.ground().number(kept), 0);
}

fn what_is_over_is_swept_away(kind: Kind) {
    let room = Room::new(kind);
    let relay = room.relay();
    open(&relay, &device(1));
    room.pass(600);
    open(&relay, &device(2));
    assert_eq!(relay.sweep().unwrap(), 0);
    room.pass(300);
    assert_eq!(relay.sweep().unwrap(), 1);
    assert_eq!(room.rows(), 1);
}

/// A device that waits polls once a second: that must work while somebody else writes, and write
/// nothing itself.
#[test]
fn polls_do_not_write() {
    let room = Room::new(Kind::Sqlite);
    let relay = room.relay();
    let (maker, guest) = (device(1), device(2));
    let channel = open(&relay, &maker);
    let tag = stored(put(&relay, channel, &maker, b"m"));
    message(get(&relay, channel, &guest));
    let empty = open(&relay, &maker);
    let _lock = room.ground().lock();
    for device in [&maker, &guest] {
        let held = relay.get(channel, device, unless(&tag)).unwrap();
        assert!(matches!(held, Held::Same(_)));
    }
    assert_eq!(get(&relay, empty, &maker).unwrap(), Held::Nothing);
    assert_eq!(relay.sweep().unwrap(), 0);
    let nobody = get(&relay, "2222".parse().unwrap(), &maker);
    assert!(matches!(nobody, Err(PairingError::Gone)), "{nobody:?}");
}
