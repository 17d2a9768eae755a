//! Archives: whatever is read is read twice the same, and never trusted before its end.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use weaved::storage::Source;
use weaved::transfer::Archive;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut archive) = Archive::open(Cursor::new(bytes)) else {
        return;
    };
    let hosts: Vec<_> = archive.hosts().iter().cloned().collect();
    let passengers = archive.passengers().len();
    let mut records = 0;
    for place in 0..passengers {
        for host in [None]
            .into_iter()
            .chain(hosts.iter().map(|host| Some(host.as_str())))
        {
            let mut source = archive.records(place, host);
            source
                .each(&mut |_| {
                    records += 1;
                    Ok(())
                })
                .expect("it was whole");
            records += source.skipped().values().sum::<u64>();
        }
    }
    assert_eq!(records, archive.record_count());
});
