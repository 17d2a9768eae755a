//! More clients than threads, and clients that are slow, silent, or gone.
//!
//! The real program with its 16 threads and its real time-outs, over each protocol and some of
//! it through lighttpd; every time-out by itself is tested in `tests/server_sockets`. What counts:
//! nobody who behaves is lost or waits long, and what the others used comes back.

#[cfg(test)]
mod peers;
#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    use serde_json::Value;
    use serde_json::json;

    use crate::peers::Peer;
    use crate::peers::bytes;
    use crate::suite::HttpRequest;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;

    /// The threads of the program under test.
    const THREADS: usize = 16;

    /// The ways without a web server.
    const DIRECT: [Way; 3] = [Way::FastCgi, Way::Http, Way::Scgi];

    /// Below the shortest time after which anybody is cut without a crowd.
    const SOON: Duration = Duration::from_secs(8);

    /// Longer than anything here takes.
    const LONG: Duration = Duration::from_secs(60);

    /// The records of the large collection, and the bytes of each.
    const LARGE: (usize, usize) = (40, 250_000);

    fn site(way: Way) -> Site {
        Site::private(way, Setup::Plain)
    }

    /// A site that nobody uses, and how many sockets it has then.
    fn fresh(way: Way) -> (Site, usize) {
        let site = site(way);
        // Its processes are there as soon as one has answered.
        let mut peer = Peer::new(&site);
        assert!(peer.send(&bytes(&site, HttpRequest::new("GET", "/__heartbeat__"))));
        peer.answer().is_ok();
        let base = sockets(&site);
        (site, base)
    }

    /// At the same time: these tests wait more than they work.
    fn over_each(test: impl Fn(Way) + Sync) {
        thread::scope(|scope| {
            for way in DIRECT {
                let test = &test;
                scope.spawn(move || test(way));
            }
        });
    }

    /// A user with a collection that is larger than all buffers between two programs.
    fn owner(site: &Site) -> User<'_> {
        let user = site.user();
        let (records, length) = LARGE;
        for number in 0..records {
            let record = json!({ "payload": "x".repeat(length) });
            let path = format!("storage/large/r{number}");
            user.put(&path, record.to_string()).written();
        }
        user
    }

    fn large(user: &User<'_>) -> HttpRequest {
        user.storage("GET", "storage/large?full=1").request
    }

    fn put(user: &User<'_>, collection: &str, number: usize) -> HttpRequest {
        let path = format!("storage/{collection}/r{number}");
        user.storage("PUT", &path)
            .body(r#"{"payload":"x"}"#)
            .request
    }

    /// How many sockets the serving processes have: those that listen, and connections.
    fn sockets(site: &Site) -> usize {
        let workers = site.weaved().workers().into_iter();
        let links = workers.flat_map(|worker| fs::read_dir(format!("/proc/{worker}/fd")).unwrap());
        let targets = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
        targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// Waits until the program has closed all connections.
    #[track_caller]
    fn await_sockets(site: &Site, wanted: usize) {
        let begun = Instant::now();
        loop {
            let now = sockets(site);
            if now <= wanted {
                return;
            }
            assert!(begun.elapsed() < LONG, "{now} sockets instead of {wanted}");
            thread::yield_now();
        }
    }

    /// Somebody who behaves is answered within `limit`.
    #[track_caller]
    fn served_within(user: &User<'_>, limit: Duration) {
        let begun = Instant::now();
        let call = user.storage("GET", "info/collections");
        call.header("Connection", "close").send().ok();
        let took = begun.elapsed();
        assert!(took < limit, "{took:?}");
    }

    #[track_caller]
    fn is_calm(site: &Site) {
        let log = site.weaved().log().text();
        for word in ["panic", "ERROR"] {
            assert!(!log.contains(word), "{log}");
        }
    }

    /// All connections are open and have asked before the first answer is read.
    fn crowd(way: Way) {
        const CROWD: usize = 400;
        let (site, base) = fresh(way);
        let user = site.user();
        let mut peers = Vec::new();
        for number in 0..CROWD {
            let mut peer = Peer::new(&site);
            assert!(peer.send(&bytes(&site, put(&user, "crowd", number))));
            peers.push(peer);
        }
        for peer in &mut peers {
            peer.answer().is_ok();
        }
        let stored: BTreeSet<String> = user.get("storage/crowd").ids().into_iter().collect();
        let sent: BTreeSet<String> = (0..CROWD).map(|number| format!("r{number}")).collect();
        assert_eq!(stored, sent);
        // A web server keeps what its browsers keep.
        if DIRECT.contains(&way) {
            await_sockets(&site, base);
        }
        is_calm(&site);
    }

    #[test]
    fn four_hundred_at_once_are_answered_over_fastcgi() {
        crowd(Way::FastCgi);
    }

    #[test]
    fn four_hundred_at_once_are_answered_over_http() {
        crowd(Way::Http);
    }

    #[test]
    fn four_hundred_at_once_are_answered_over_scgi() {
        crowd(Way::Scgi);
    }

    #[test]
    fn four_hundred_at_once_are_answered_through_lighttpd() {
        crowd(Way::LighttpdFastCgi);
    }

    /// As many as there are threads leave in each way; then somebody is served, without any
    /// time-out in between, nothing was done that was not asked for as a whole, and no
    /// connection is left.
    #[test]
    fn peers_that_vanish_free_their_threads() {
        for way in DIRECT {
            let (site, base) = fresh(way);
            let user = owner(&site);
            let leave = |peer: Peer, number: usize| match number % 2 {
                0 => drop(peer),
                _ => peer.reset(),
            };
            for number in 0..THREADS {
                let whole = bytes(&site, put(&user, "cut", number));
                for length in [0, 1, whole.len() / 2, whole.len() - 1] {
                    let mut peer = Peer::new(&site);
                    peer.send(&whole[..length]);
                    leave(peer, number);
                }
            }
            served_within(&user, SOON);
            for number in 0..THREADS {
                let mut peer = Peer::new(&site);
                peer.send(&bytes(&site, put(&user, "whole", number)));
                leave(peer, number);
            }
            served_within(&user, SOON);
            for number in 0..THREADS {
                let mut peer = Peer::narrow(&site);
                peer.send(&bytes(&site, large(&user)));
                peer.take(1_000);
                leave(peer, number);
            }
            served_within(&user, SOON);
            user.get("storage/cut").answers(json!([]));
            await_sockets(&site, base);
            is_calm(&site);
        }
    }

    /// Opens as many connections as there are threads, each of which goes on as `begin` says,
    /// and asks once more, as somebody who behaves.
    #[track_caller]
    fn served_beside(user: &User<'_>, base: usize, begin: impl Fn() -> Peer, limit: Duration) {
        await_sockets(user.site, base);
        let peers: Vec<Peer> = (0..THREADS).map(|_| begin()).collect();
        // All of them are accepted.
        let begun = Instant::now();
        while sockets(user.site) < base + THREADS {
            assert!(begun.elapsed() < LONG);
            thread::yield_now();
        }
        served_within(user, limit);
        drop(peers);
    }

    #[track_caller]
    fn told_of_slow(site: &Site, what: &str) {
        let found = site.weaved().log().wait_for(|line| {
            let told = line.contains("a slow peer gave way") && line.contains(what);
            told.then_some(())
        });
        assert!(found.is_some());
    }

    #[test]
    fn peers_that_hold_all_threads_with_half_a_head_give_way() {
        over_each(|way| {
            let (site, base) = fresh(way);
            let user = site.user();
            let whole = bytes(&site, put(&user, "cut", 0));
            for length in [0, 20] {
                let begin = || {
                    let mut peer = Peer::new(&site);
                    assert!(peer.send(&whole[..length]));
                    peer
                };
                served_beside(&user, base, begin, SOON);
            }
            told_of_slow(&site, "the head of a request");
        });
    }

    #[test]
    fn peers_that_hold_all_threads_with_half_a_body_give_way() {
        over_each(|way| {
            let (site, base) = fresh(way);
            let user = site.user();
            let whole = bytes(&site, put(&user, "cut", 0));
            let begin = || {
                let mut peer = Peer::new(&site);
                assert!(peer.send(&whole[..whole.len() - 5]));
                peer
            };
            served_beside(&user, base, begin, Duration::from_secs(25));
            told_of_slow(&site, "the body of a request");
            user.get("storage/cut").answers(json!([]));
        });
    }

    #[test]
    fn peers_that_hold_all_threads_and_do_not_read_give_way() {
        over_each(|way| {
            let (site, base) = fresh(way);
            let user = owner(&site);
            let whole = bytes(&site, large(&user));
            let begin = || {
                let mut peer = Peer::narrow(&site);
                assert!(peer.send(&whole));
                peer.take(1_000);
                peer
            };
            served_beside(&user, base, begin, Duration::from_secs(25));
            told_of_slow(&site, "the answer");
        });
    }

    /// Half of the threads wait for peers that say nothing, a byte now and then, or read slowly:
    /// nobody else notices. Those that say nothing are cut after their time, and who reads slowly
    /// gets everything.
    #[test]
    fn others_do_not_notice_slow_peers_while_threads_are_free() {
        over_each(|way| beside_slow_peers(&site(way)));
    }

    fn beside_slow_peers(site: &Site) {
        let user = owner(site);
        let begun = Instant::now();
        let mut silent: Vec<Peer> = (0..THREADS / 4).map(|_| Peer::new(site)).collect();
        let mut trickling: Vec<Peer> = (0..THREADS / 8).map(|_| Peer::new(site)).collect();
        let mut reader = Peer::narrow(site);
        assert!(reader.send(&bytes(site, large(&user))));
        let mut next = bytes(site, put(&user, "trickle", 0)).into_iter();
        let mut slowest = Duration::ZERO;
        let mut trickled = begun;
        let mut read = 0;
        // As long as the head's time-out, and a little.
        while begun.elapsed() < Duration::from_secs(11) {
            let asked = Instant::now();
            user.get("info/collections").ok();
            slowest = slowest.max(asked.elapsed());
            if trickled.elapsed() > Duration::from_secs(1) {
                trickled = Instant::now();
                let byte = next.next().unwrap();
                assert!(trickling.iter_mut().all(|peer| peer.send(&[byte])));
            }
            // So slowly that it lasts.
            if begun.elapsed().as_millis() > read / 100 {
                reader.take(1_000);
                read += 1_000;
            }
        }
        assert!(slowest < SOON / 2, "{slowest:?}");
        silent.iter_mut().for_each(Peer::await_end);
        let (records, length) = LARGE;
        let rest = reader.answer();
        let read = usize::try_from(read).unwrap();
        assert!(read + rest.len() > records * length);
        is_calm(site);
    }

    /// Kept connections that nobody uses make room at once.
    #[test]
    fn kept_connections_that_hold_all_threads_give_way() {
        for way in [Way::FastCgi, Way::Http] {
            let (site, base) = fresh(way);
            let user = site.user();
            let mut whole = site
                .transport()
                .bytes(&user.storage("GET", "info/collections").request);
            if way == Way::FastCgi {
                // KEEP_CONN is in the eleventh byte of a request.
                whole[10] = 1;
            }
            let begin = || {
                let mut peer = Peer::new(&site);
                assert!(peer.send(&whole));
                peer.take(20);
                peer
            };
            await_sockets(&site, base);
            // Answered, and so accepted; on a busy machine the first may give way to the last.
            let peers: Vec<Peer> = (0..THREADS).map(|_| begin()).collect();
            served_within(&user, SOON);
            drop(peers);
        }
    }

    /// Thousands of connections with nonsense, half requests and early ends.
    #[test]
    fn nonsense_by_the_thousand_leaves_nothing_behind() {
        for way in DIRECT {
            let (site, base) = fresh(way);
            let user = site.user();
            let whole = bytes(&site, user.storage("GET", "info/collections").request);
            let mut answered = 0;
            for number in 0..2_000 {
                let mut peer = Peer::new(&site);
                let cut = number * 7 % whole.len();
                match number % 6 {
                    0 => peer.reset(),
                    1 => {
                        peer.send(&whole[cut..]);
                        peer.reset();
                    }
                    2 => {
                        peer.send(&whole[..cut]);
                        peer.finish();
                    }
                    3 => {
                        let mut bytes = whole.clone();
                        bytes[cut] ^= 0x55;
                        peer.send(&bytes);
                    }
                    4 => {
                        peer.send(&whole);
                        peer.reset();
                    }
                    _ => {
                        assert!(peer.send(&whole));
                        peer.answer().is_ok();
                        answered += 1;
                    }
                }
            }
            assert_eq!(answered, 2_000 / 6);
            await_sockets(&site, base);
            served_within(&user, SOON);
            is_calm(&site);
        }
    }

    /// Browsers that leave in the middle harm nobody behind the same web server.
    #[test]
    fn browsers_that_vanish_behind_lighttpd_harm_nobody() {
        let site = site(Way::LighttpdFastCgi);
        let user = owner(&site);
        for number in 0..THREADS * 2 {
            let mut peer = Peer::narrow(&site);
            peer.send(&bytes(&site, large(&user)));
            peer.take(1_000);
            peer.reset();
            let whole = bytes(&site, put(&user, "cut", number));
            let mut peer = Peer::new(&site);
            peer.send(&whole[..whole.len() - 3]);
            peer.reset();
        }
        served_within(&user, SOON);
        let cut: Value = user.get("storage/cut").json();
        assert_eq!(cut, json!([]));
        is_calm(&site);
    }
}
