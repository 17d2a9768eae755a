//! The tables of the specification, each row in every way to reach the real binary.
//!
//! Over FastCGI, SCGI and HTTP directly, and through real web servers: the table is that of
//! `tests/suite/way.rs`. One row in all ways: `cargo test --test conformance row_83`; one way:
//! `cargo test --test conformance lighttpd_scgi::`.

#[cfg(test)]
mod rows;
#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Rows of the user API that need mail, and what it leads to.
    const LATER: [u32; 10] = [41, 42, 43, 44, 45, 46, 47, 49, 50, 51];

    #[test]
    fn no_row_was_forgotten() {
        let mut storage: BTreeSet<u32> = (1..=85).collect();
        let mut users: BTreeSet<u32> = (1..=56).collect();
        users.retain(|row| !LATER.contains(row));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rows");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let missing = if path.ends_with("users.rs") {
                &mut users
            } else {
                &mut storage
            };
            for row in rows(&fs::read_to_string(&path).unwrap()) {
                missing.remove(&row);
            }
        }
        assert_eq!((storage, users), (BTreeSet::new(), BTreeSet::new()));
    }

    /// The numbers in `row_12_...` and `row_30_and_31_...`.
    fn rows(text: &str) -> impl Iterator<Item = u32> {
        let names = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("row_"));
        names.flat_map(|name| name.split('_').take(3).filter_map(|word| word.parse().ok()))
    }
}
