//! What the README says about web servers is what the tests start.
//!
//! `UPDATE=1 cargo test --test readme` writes the table anew.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;

    use crate::suite::Gateway;
    use crate::suite::Listen;
    use crate::suite::Rows;
    use crate::suite::Way;
    use crate::suite::shipped;

    const BEGIN: &str = "<!-- tests/readme.rs writes this table -->\n";
    const END: &str = "<!-- end of the table -->\n";

    #[test]
    fn the_table_of_web_servers_is_that_of_the_tests() {
        let path = shipped("README.md");
        let readme = fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (table, after) = rest.split_once(END).unwrap();
        let wanted = table_of_ways();
        // Elsewhere the environment belongs to `config`; here it is the tester's wish.
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, [before, BEGIN, &wanted, END, after].concat()).unwrap();
            return;
        }
        assert_eq!(table, wanted, "UPDATE=1 cargo test --test readme");
    }

    #[test]
    fn every_file_of_the_table_is_shipped() {
        for way in Way::ALL {
            let file = way.facts().file;
            assert!(file.is_empty() || shipped(file).is_file(), "{file}");
        }
    }

    fn table_of_ways() -> String {
        let mut table = String::from(
            "| web server | over | socket | Sync at | started from | database | tables | life |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for way in Way::ALL {
            let facts = way.facts();
            let over = match facts.gateway {
                Gateway::Fcgi => "FastCGI",
                Gateway::Http => "HTTP",
                Gateway::Scgi => "SCGI",
            };
            let socket = match facts.listen {
                Listen::Tcp => "TCP",
                Listen::Unix => "Unix",
                Listen::SpawnFcgiOne => "TCP, by spawn-fcgi",
                Listen::SpawnFcgiThree => "Unix, by spawn-fcgi, three processes",
                Listen::WebServer => "by the web server, which starts weaved",
            };
            let at = match facts.mount {
                "" => "/",
                mount => mount,
            };
            let file = match facts.file {
                "" => String::new(),
                file => format!("[{file}]({file})"),
            };
            let database = facts.database.name();
            let rows = match way.rows() {
                Rows::Every => "every row",
                Rows::Plain => "plain rows",
            };
            let life = if way.speaks_http() { "yes" } else { "no" };
            let server = facts.server.name();
            let cells = [server, over, socket, at, &file, database, rows, life];
            table.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        table
    }
}
