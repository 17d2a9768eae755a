//! Seals open in every process of an installation, and nowhere else.

use crate::suite::Kind;
use crate::support::Gate;

#[test]
fn a_seal_opens_in_all_processes_of_an_installation() {
    let gate = Gate::new(Kind::Sqlite);
    let (one, other) = (gate.guard(), gate.guard());
    let seal = one.seal("form", "x");
    assert_eq!(seal.len(), 43);
    assert!(other.is_sealed("form", "x", &seal));
    let foreign = Gate::new(Kind::Sqlite).guard();
    assert!(!foreign.is_sealed("form", "x", &seal));
    for (purpose, text, seal) in [
        ("form", "y", seal.as_str()),
        ("mail", "x", &seal),
        ("formx", "", &seal),
        ("form", "x", ""),
        ("form", "x", "!"),
        ("form", "x", &seal[..42]),
    ] {
        assert!(
            !one.is_sealed(purpose, text, seal),
            "{purpose} {text} {seal}"
        );
    }
}
