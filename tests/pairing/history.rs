//! Any calls in any order against a model: the relay does what it says, never panics, and a
//! message is only ever seen by the first two devices that came.

use proptest::prelude::*;
use weaved::pairing::ChannelId;
use weaved::pairing::Conditions;
use weaved::pairing::Device;
use weaved::pairing::Held;
use weaved::pairing::PairingError;
use weaved::pairing::Put;
use weaved::pairing::Relay;

use crate::suite::Kind;
use crate::support::Room;
use crate::support::device;

/// What a device says about the message that it believes there.
#[derive(Clone, Copy, Debug)]
enum Says {
    Nothing,
    /// `If-Match` or `If-None-Match` with the tag that it saw last.
    Match,
    NoneMatch,
    /// The same with `*`.
    MatchAny,
    NoneMatchAny,
}

#[derive(Clone, Debug)]
enum Step {
    Close(u32),
    CloseNameless,
    Get(u32, Says),
    Open(u32),
    Pass(i64),
    Put(u32, Says, Vec<u8>),
    Report(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 1..4_u32;
    let says = || {
        prop_oneof![
            3 => Just(Says::Nothing),
            3 => Just(Says::Match),
            3 => Just(Says::NoneMatch),
            1 => Just(Says::MatchAny),
            1 => Just(Says::NoneMatchAny),
        ]
    };
    // Few different ones, so that the same is put again.
    let message = prop_oneof![
        Just(Vec::new()),
        Just(b"{}".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let step = prop_oneof![
        1 => who().prop_map(Step::Close),
        1 => Just(Step::CloseNameless),
        20 => (who(), says()).prop_map(|(who, says)| Step::Get(who, says)),
        2 => who().prop_map(Step::Open),
        2 => (0..400_i64).prop_map(Step::Pass),
        20 => (who(), says(), message).prop_map(|(who, says, m)| Step::Put(who, says, m)),
        1 => who().prop_map(Step::Report),
    ];
    prop::collection::vec(step, 1..60)
}

/// One channel, as clients.md has it.
#[derive(Debug, Default)]
struct Model {
    open: bool,
    members: Vec<u32>,
    message: Option<Vec<u8>>,
    puts: u32,
    lent: u32,
    age: i64,
}

/// What a call comes to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Empty,
    Gone,
    Given(Vec<u8>),
    Refused,
    Same,
    Stored,
    Stranger,
}

impl Model {
    fn enter(&mut self, who: u32) -> Result<(), Outcome> {
        if !self.open || self.age >= 900 {
            return Err(Outcome::Gone);
        }
        if !self.members.contains(&who) {
            if self.members.len() == 2 {
                self.open = false;
                return Err(Outcome::Stranger);
            }
            self.members.push(who);
        }
        Ok(())
    }

    /// Whether a condition is about the message that is there.
    fn names(&self, says: Says, seen: Option<&Vec<u8>>) -> bool {
        match says {
            Says::MatchAny | Says::NoneMatchAny => self.message.is_some(),
            _ => self.message.is_some() && self.message.as_ref() == seen,
        }
    }

    fn get(&mut self, who: u32, says: Says, seen: Option<&Vec<u8>>) -> Outcome {
        if let Err(outcome) = self.enter(who) {
            return outcome;
        }
        let known = self.names(says, seen);
        let Some(message) = &self.message else {
            return Outcome::Empty;
        };
        if matches!(says, Says::NoneMatch | Says::NoneMatchAny) && known {
            return Outcome::Same;
        }
        self.lent += 1;
        self.open = self.lent < 10;
        Outcome::Given(message.clone())
    }

    fn put(&mut self, who: u32, says: Says, seen: Option<&Vec<u8>>, message: &[u8]) -> Outcome {
        if let Err(outcome) = self.enter(who) {
            return outcome;
        }
        let known = self.names(says, seen);
        let fine = match says {
            Says::Nothing => true,
            Says::Match | Says::MatchAny => known,
            Says::NoneMatch | Says::NoneMatchAny => !known,
        };
        if !fine {
            return Outcome::Refused;
        }
        if self.puts == 20 {
            self.open = false;
            return Outcome::Gone;
        }
        self.puts += 1;
        self.message = Some(message.to_vec());
        Outcome::Stored
    }
}

/// The message that a device saw last, and its tag.
type Seen = Option<(Vec<u8>, String)>;

struct Run<'a> {
    relay: &'a Relay,
    channel: ChannelId,
    model: Model,
    seen: [Seen; 4],
}

impl Run<'_> {
    fn step(&mut self, room: &Room, step: &Step) {
        match step {
            Step::Pass(seconds) => {
                room.pass(*seconds);
                self.model.age += seconds;
            }
            Step::Open(who) => {
                self.channel = self.relay.open_channel(&device(*who), None).unwrap();
                self.model = Model {
                    open: true,
                    members: vec![*who],
                    ..Model::default()
                };
            }
            Step::Close(who) => {
                let expected = self.model.enter(*who);
                self.model.open = false;
                let closed = self.relay.close(self.channel, Some(&device(*who)));
                assert_eq!(closed.map_err(outcome_of), expected);
            }
            Step::CloseNameless => {
                let expected = self.model.open && self.model.age < 900;
                self.model.open = false;
                assert_eq!(self.relay.close(self.channel, None).is_ok(), expected);
            }
            Step::Report(who) => {
                let there = self.model.open && self.model.age < 900;
                let expected = there && self.model.members.contains(who);
                self.model.open &= !expected;
                let own = self.relay.close_own(self.channel, &device(*who)).unwrap();
                assert_eq!(own, expected);
            }
            Step::Get(who, says) => {
                let seen = self.seen[*who as usize].clone();
                let message = seen.as_ref().map(|(message, _)| message);
                let expected = self.model.get(*who, *says, message);
                let held = self
                    .relay
                    .get(self.channel, &device(*who), conditions(*says, &seen));
                let found = match held {
                    Ok(Held::Nothing) => Outcome::Empty,
                    Ok(Held::Same(_)) => Outcome::Same,
                    Ok(Held::Message(message, tag)) => {
                        let seen = (message.clone(), tag.to_string());
                        self.seen[*who as usize] = Some(seen);
                        Outcome::Given(message)
                    }
                    Err(error) => outcome_of(error),
                };
                assert_eq!(found, expected, "{step:?}");
            }
            Step::Put(who, says, message) => {
                let seen = self.seen[*who as usize].clone();
                let known = seen.as_ref().map(|(message, _)| message);
                let expected = self.model.put(*who, *says, known, message);
                let conditions = conditions(*says, &seen);
                let put = self
                    .relay
                    .put(self.channel, &device(*who), conditions, message);
                let found = match put {
                    Ok(Put::Stored(tag)) => {
                        self.seen[*who as usize] = Some((message.clone(), tag.to_string()));
                        Outcome::Stored
                    }
                    Ok(Put::Refused(_)) => Outcome::Refused,
                    Err(error) => outcome_of(error),
                };
                assert_eq!(found, expected, "{step:?}");
            }
        }
    }
}

fn outcome_of(error: PairingError) -> Outcome {
    match error {
        PairingError::Gone => Outcome::Gone,
        PairingError::Stranger => Outcome::Stranger,
        other => panic!("{other:?}"),
    }
}

fn conditions(says: Says, seen: &Seen) -> Conditions<'_> {
    let tag = Some(seen.as_ref().map_or("\"none\"", |(_, tag)| tag));
    match says {
        Says::Nothing => Conditions::default(),
        Says::Match => Conditions {
            matching: tag,
            ..Conditions::default()
        },
        Says::NoneMatch => Conditions {
            none_matching: tag,
            ..Conditions::default()
        },
        Says::MatchAny => Conditions {
            matching: Some("*"),
            ..Conditions::default()
        },
        Says::NoneMatchAny => Conditions {
            none_matching: Some("*"),
            ..Conditions::default()
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_relay_does_as_the_model(steps in steps()) {
        let room = Room::new(Kind::Sqlite);
        // Each step may reach another process.
        let relays = [room.relay(), room.relay()];
        let channel = relays[0].open_channel(&device(1), None).unwrap();
        let model = Model { open: true, members: vec![1], ..Model::default() };
        let mut run = Run { relay: &relays[0], channel, model, seen: Default::default() };
        for (step, relay) in steps.iter().zip(relays.iter().cycle()) {
            run.relay = relay;
            run.step(&room, step);
        }
    }

    /// Whatever stands in the headers.
    #[test]
    fn no_header_is_a_panic(id in prop::collection::vec(any::<u8>(), 0..300), tags in ".{0,80}") {
        let _ = Device::new(&id);
        let room = Room::new(Kind::Sqlite);
        let relay = room.relay();
        let maker = device(1);
        let channel = relay.open_channel(&maker, None).unwrap();
        let stored = relay.put(channel, &maker, Conditions::default(), b"m").unwrap();
        let conditions = Conditions { matching: Some(&tags), none_matching: None };
        let put = relay.put(channel, &maker, conditions, b"n").unwrap();
        let any = tags.split(',').any(|tag| tag.trim() == "*");
        prop_assert_eq!(matches!(put, Put::Stored(_)), any, "{:?} {:?}", stored, put);
    }
}
