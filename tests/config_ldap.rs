//! What is told of the settings of a directory.

#[cfg(test)]
mod config_folder;

#[cfg(test)]
mod tests {
    use weaved::config::Config;
    use weaved::config::Problems;

    use crate::config_folder::Folder;
    use crate::config_folder::SECOND;
    use crate::config_folder::errors;
    use crate::config_folder::notes;

    const FIRST: &str = "[server:main]\nuse = fcgi\n";

    fn second(auth: &str) -> String {
        format!("{SECOND}[auth]\n{auth}")
    }

    /// Line 4 is the first one of `auth`.
    #[track_caller]
    fn wrong(auth: &str, expected: &[&str]) {
        errors(FIRST, &second(auth), expected);
    }

    #[track_caller]
    fn fine(auth: &str, expected: &[&str]) -> Config {
        notes(FIRST, &second(auth), expected)
    }

    #[test]
    fn the_least_that_is_needed() {
        wrong(
            "backend = ldap\n",
            &[
                "sync.conf: [auth] ldapuri: is missing: name the LDAP server, e.g. \
                 ldap://localhost",
                "sync.conf: [auth] users_root: is missing: name the DN under which users are, \
                 e.g. ou=users,dc=example",
            ],
        );
        let config = fine(
            "backend = ldap\nldapuri = ldaps://h\nusers_root = ou=users,dc=example\n",
            &[],
        );
        let ldap = &config.auth.ldap;
        assert!(!ldap.write);
        assert_eq!(ldap.searched(), Some("ou=users,dc=example"));
        assert_eq!(ldap.attributes.id.as_deref(), Some("uidNumber"));
    }

    #[test]
    fn writing_needs_more() {
        wrong(
            "backend = ldap\nldapuri = ldaps://h\nsearch_root = dc=example\nldap_write = true\n\
             attr_userid = none\n",
            &[
                "sync.conf:7: [auth] ldap_write: \"true\" needs somebody who may write: set \
                 admin_user and admin_password",
                "sync.conf:7: [auth] ldap_write: \"true\" needs numbers for new accounts: name \
                 their attribute in attr_userid",
                "sync.conf:7: [auth] ldap_write: \"true\" needs the DN under which users are \
                 created: set users_base_dn",
            ],
        );
        fine(
            "backend = ldap\nldapuri = ldaps://h\nusers_root = dc=example\nadmin_user = cn=a\n",
            &[
                "notice: sync.conf:7: [auth] admin_user: has nothing to do: accounts in the \
                 directory are only read, unless ldap_write = true",
            ],
        );
    }

    #[test]
    fn places_in_a_directory_are_dns() {
        wrong(
            "backend = ldap\nldapuri = ldap://cn:a@h\nusers_root = people\nsearch_root = example\n",
            &[
                "sync.conf:5: [auth] ldapuri: names a user: write him into bind_user and \
                 bind_password",
                "sync.conf:6: [auth] users_root: \"people\" is no DN, e.g. \
                 ou=people,dc=example,dc=org",
                "sync.conf:7: [auth] search_root: \"example\" is no DN, e.g. \
                 ou=people,dc=example,dc=org",
            ],
        );
    }

    #[test]
    fn a_hashed_layout_needs_its_root() {
        wrong(
            "backend = ldap\nldapuri = ldaps://h\nusers_root = md5\n",
            &[
                "sync.conf:6: [auth] users_root: \"md5\" needs users_base_dn, under which the users \
                 are searched",
            ],
        );
        let config = fine(
            "backend = ldap\nldapuri = ldaps://h\nusers_root = md5\nusers_base_dn = dc=example\n",
            &[],
        );
        assert_eq!(config.auth.ldap.searched(), Some("dc=example"));
    }

    #[test]
    fn passwords_are_not_to_go_in_clear() {
        let text = |uri: &str, tls: &str| {
            format!("backend = ldap\nusers_root = dc=example\nldapuri = {uri}\nuse_tls = {tls}\n")
        };
        fine(
            &text("ldap://h ldaps://h", "false"),
            &[
                "warning: sync.conf:6: [auth] ldapuri: \"ldap://h ldaps://h\" sends passwords in \
                 clear: set use_tls = true, or write ldaps://",
            ],
        );
        fine(&text("ldap://h, ldaps://h", "true"), &[]);
        fine(&text("ldapi://%2Frun%2Fldapi", "false"), &[]);
    }

    #[test]
    fn names_and_filters_are_looked_at() {
        wrong(
            "backend = ldap\nldapuri = http://h\nusers_root = dc=example\n\
             attr_username = uid)(x=*\nldap_filter = objectClass=person\n",
            &[
                "sync.conf:5: [auth] ldapuri: \"http://h\" is no list of LDAP servers, e.g. \
                 ldap://localhost",
                "sync.conf:8: [auth] ldap_filter: \"objectClass=person\" is no filter in \
                 parentheses, e.g. (objectClass=posixAccount)",
                "sync.conf:7: [auth] attr_username: \"uid)(x=*\" is no name of an attribute, which \
                 has letters, digits and hyphens, e.g. uid",
            ],
        );
    }

    #[test]
    fn both_families_of_keys_mean_the_same() {
        let root = "backend = ldap\nldapuri = ldaps://h\nusers_root = dc=example\n";
        let old = fine(
            &format!(
                "{root}bind_user = cn=a\nbind_password = hunter2\nldaptimeout = 3\nldap_pool_size = 4\n"
            ),
            &[],
        );
        let new = fine(
            &format!("{root}bind = cn=a\npasswd = hunter2\ntimeout = 3\nsize = 4\n"),
            &[
                "warning: sync.conf:7: [auth] bind: \"cn=a\" is used now; the old class ldap read bind_user \
               and bound anonymously",
            ],
        );
        assert_eq!(old.auth.ldap, new.auth.ldap);
        assert_eq!(old.auth.ldap.bind.as_ref().unwrap().user, "cn=a");
        assert!(!old.describe().contains("hunter2"));
    }

    /// Keys of a directory that is not used are not needed to be right.
    #[test]
    fn without_a_directory_nothing_is_asked_for() {
        fine("backend = sql\nldap_write = true\n", &[]);
        let folder = Folder::new(FIRST, &second("backend = sql\nldapuri = x\n"));
        let problems: Problems = folder.load(&[]).unwrap_err();
        assert_eq!(problems.errors().count(), 1);
    }
}
