//! What is particular about nginx: connections that it keeps.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::thread;

    use crate::suite::Behind;
    use crate::suite::Front;
    use crate::suite::Gateway;
    use crate::suite::HttpRequest;
    use crate::suite::Listen;
    use crate::suite::Options;
    use crate::suite::Transport;
    use crate::suite::Way;
    use crate::suite::Weaved;

    /// spec/gateway.md, 5: connections that were kept by a server that is gone.
    #[test]
    fn a_restart_of_weaved_behind_kept_connections_is_not_noticed() {
        let mut options = Options::new(Gateway::Fcgi, "");
        options.listen = Listen::Unix;
        let first = Weaved::start(options.clone());
        let home = first.home().clone();
        let front = Front::before(Way::NginxKeepaliveRoot, &Behind::Running(first.endpoint()));
        let front = front.unwrap();
        let client = front.client();
        let asks = || {
            let get = client.send(&HttpRequest::new("GET", "/__heartbeat__"));
            assert_eq!(get.status, 200, "{}", front.log().tail());
            let put = HttpRequest::new("PUT", "/user/1.0/nobody").body("[]");
            assert_eq!(client.send(&put).status, 400, "{}", front.log().tail());
        };
        for _ in 0..6 {
            asks();
        }
        assert!(first.stop().success());
        let _second = Weaved::start_in(home, options);
        for _ in 0..6 {
            asks();
        }
    }
    /// weaved closes kept connections when others queue, which nginx may notice too late: an
    /// upload must not fail by that.
    #[test]
    fn no_upload_is_lost_when_more_connections_are_kept_than_there_are_threads() {
        let options = Options {
            listen: Listen::Unix,
            threads: 2,
            ..Options::new(Gateway::Fcgi, "")
        };
        let weaved = Weaved::start(options);
        let behind = Behind::Running(weaved.endpoint());
        let front = Front::before(Way::NginxKeepaliveRoot, &behind).unwrap();
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let client = front.client();
                    let post = HttpRequest::new("POST", "/1.1/nobody/storage/c").body("[]");
                    for _ in 0..500 {
                        let answer = client.send(&post);
                        assert_eq!(answer.status, 401, "{}", front.log().tail());
                    }
                });
            }
        });
    }
}
