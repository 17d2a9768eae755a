//! Searching the directory, and what its entries mean.

use std::sync::Once;

use ldap3::Scope;
use ldap3::ldap_escape;
use ldap3::parse_filter;

use super::connection::Connection;
use super::connection::Search;
use super::connector::Connector;
use super::deadline::Deadline;
use super::entry::Entry;
use super::error::DirectoryError;
use super::ids::FIRST;
use super::ids::Keys;
use super::ids::Owner;
use super::login;
use super::pool::Pool;
use super::settings::LdapAttributes;
use super::settings::LdapSettings;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::sync::UserId;

/// How many entries of one name are looked at: two are too many already.
const MOST: i32 = 5;

/// The words that an attribute of accounts has that may log in; the original wrote `Yes`.
const ENABLED: [&str; 4] = ["yes", "true", "1", "on"];

/// A directory, to be searched.
pub(super) struct Directory {
    pub(super) connector: Connector,
    /// Connections that search.
    pub(super) searches: Pool,
    /// Connections on which users show their passwords, and nothing else is done.
    pub(super) logins: Pool,
    root: String,
    filter: String,
    pub(super) attributes: LdapAttributes,
    /// What is asked of an entry.
    wanted: Vec<String>,
    nodes_scheme: String,
}

/// The entries of a name.
#[derive(Debug)]
pub(super) enum Found {
    None,
    One(Entry),
    Several(Vec<Entry>),
}

impl Directory {
    /// Reads the settings; connects to nobody.
    pub(super) fn new(settings: LdapSettings) -> Result<Self, DirectoryError> {
        let connector = Connector::new(&settings)?;
        if !settings.filter.is_empty() && parse_filter(&settings.filter).is_err() {
            return Err(DirectoryError::Filter(settings.filter));
        }
        let names = &settings.attributes;
        let mut wanted = vec![names.name.clone(), names.mail.clone()];
        let optional = [&names.id, &names.key, &names.enabled, &names.node];
        wanted.extend(optional.into_iter().flatten().cloned());
        wanted.extend(login::VERSION.map(str::to_owned));
        let pool = |login| Pool::new(login, settings.pool_size, settings.max_lifetime);
        Ok(Self {
            connector,
            searches: pool(settings.bind),
            logins: pool(None),
            root: settings.search_root,
            filter: settings.filter,
            attributes: settings.attributes,
            wanted,
            nodes_scheme: settings.nodes_scheme,
        })
    }

    /// The entries of a name, whatever its upper and lower case.
    pub(super) fn find(
        &self,
        name: &UserName,
        deadline: Deadline,
    ) -> Result<Found, DirectoryError> {
        let filter = self.with_own(&self.named(name));
        self.find_by(name, &filter, deadline)
    }

    /// The same, of whoever is there, whether he may use this server or not.
    pub(super) fn find_anybody(
        &self,
        name: &UserName,
        deadline: Deadline,
    ) -> Result<Found, DirectoryError> {
        self.find_by(name, &self.named(name), deadline)
    }

    /// Whether anybody has a number, whether he may use this server or not.
    pub(super) fn is_taken(&self, id: UserId, deadline: Deadline) -> Result<bool, DirectoryError> {
        match &self.attributes.id {
            None => Ok(false),
            Some(attribute) => {
                let entries = self.search_all(&format!("({attribute}={id})"), deadline)?;
                Ok(!entries.is_empty())
            }
        }
    }

    fn named(&self, name: &UserName) -> String {
        let attribute = &self.attributes.name;
        let equals = |name: &UserName| format!("({attribute}={})", ldap_escape(name.as_str()));
        let lowered = name.lowered();
        // Where the directory tells cases apart, the lower one will do as well.
        match lowered == *name {
            true => equals(name),
            false => format!("(|{}{})", equals(name), equals(&lowered)),
        }
    }

    fn find_by(
        &self,
        name: &UserName,
        filter: &str,
        deadline: Deadline,
    ) -> Result<Found, DirectoryError> {
        let mut entries = self.search_all(filter, deadline)?;
        // A directory may take more characters for the same than we do.
        entries.retain(|entry| self.name(entry, name).is_some());
        Ok(match <[Entry; 1]>::try_from(entries) {
            Ok([entry]) => Found::One(entry),
            Err(entries) if entries.is_empty() => Found::None,
            Err(entries) => Found::Several(entries),
        })
    }

    /// The entry of a number that the directory itself holds.
    pub(super) fn find_number(
        &self,
        id: UserId,
        deadline: Deadline,
    ) -> Result<Option<Entry>, DirectoryError> {
        match &self.attributes.id {
            None => Ok(None),
            Some(attribute) => self.only(&format!("({attribute}={id})"), deadline),
        }
    }

    /// Those users of whom the directory says that this is their number. (The entry with the next
    /// number to be given is no user's, and may have it too.)
    pub(super) fn sharers(
        &self,
        id: UserId,
        deadline: Deadline,
    ) -> Result<Vec<Entry>, DirectoryError> {
        match &self.attributes.id {
            None => Ok(Vec::new()),
            Some(attribute) => {
                let name = &self.attributes.name;
                self.search(&format!("(&({attribute}={id})({name}=*))"), deadline)
            }
        }
    }

    /// The entry to which a number was given here.
    pub(super) fn find_owner(
        &self,
        owner: &Owner,
        deadline: Deadline,
    ) -> Result<Option<Entry>, DirectoryError> {
        let (attribute, value) = match (owner, &self.attributes.key) {
            (Owner::Name(name), _) => (&self.attributes.name, name),
            (Owner::Lasting(key), Some(attribute)) => (attribute, key),
            (Owner::Lasting(_), None) => return Ok(None),
        };
        let filter = format!("({attribute}={})", ldap_escape(value.as_str()));
        self.only(&filter, deadline)
    }

    fn only(&self, filter: &str, deadline: Deadline) -> Result<Option<Entry>, DirectoryError> {
        let entries = self.search(filter, deadline)?;
        Ok(<[Entry; 1]>::try_from(entries).ok().map(|[entry]| entry))
    }

    fn search(&self, filter: &str, deadline: Deadline) -> Result<Vec<Entry>, DirectoryError> {
        self.search_all(&self.with_own(filter), deadline)
    }

    fn search_all(&self, filter: &str, deadline: Deadline) -> Result<Vec<Entry>, DirectoryError> {
        self.searches.ask(&self.connector, deadline, |connection| {
            // Without the root nothing is known of anybody: that is no refusal.
            connection
                .find(self.below_root(filter), MOST, deadline)?
                .ok_or_else(|| self.root_missing(connection))
        })
    }

    /// Shows every user's entry.
    pub(super) fn each(
        &self,
        deadline: Deadline,
        visit: impl FnMut(Entry),
    ) -> Result<(), DirectoryError> {
        let filter = self.with_own(&format!("({}=*)", self.attributes.name));
        let mut connection = self.searches.fresh(&self.connector, deadline)?;
        match connection.each(self.below_root(&filter), deadline, visit)? {
            true => Ok(()),
            false => Err(self.root_missing(&connection)),
        }
    }

    /// Whether anything is where users are searched, on this connection.
    pub(super) fn has_root(
        &self,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Result<(), DirectoryError> {
        let search = Search {
            scope: Scope::Base,
            ..self.below_root("(objectClass=*)")
        };
        match connection.find(search, 1, deadline)?.as_deref() {
            None | Some([]) => Err(self.root_missing(connection)),
            Some(_) => Ok(()),
        }
    }

    /// Whether anybody is there whom we would take for a user, on this connection.
    pub(super) fn has_users(
        &self,
        connection: &mut Connection,
        deadline: Deadline,
    ) -> Result<bool, DirectoryError> {
        let filter = self.with_own(&format!("({}=*)", self.attributes.name));
        let users = connection.find(self.below_root(&filter), MOST, deadline)?;
        Ok(users.is_some_and(|users| !users.is_empty()))
    }

    fn root_missing(&self, connection: &Connection) -> DirectoryError {
        DirectoryError::RootMissing {
            server: connection.server().to_owned(),
            dn: self.root.clone(),
            who: self.searches.who().to_owned(),
        }
    }

    fn below_root<'a>(&'a self, filter: &'a str) -> Search<'a> {
        Search {
            base: &self.root,
            scope: Scope::Subtree,
            filter,
            attributes: &self.wanted,
        }
    }

    fn with_own(&self, filter: &str) -> String {
        match self.filter.as_str() {
            "" => filter.to_owned(),
            own => format!("(&{filter}{own})"),
        }
    }

    /// The name of an entry that was asked for by a name: as it is stored, if it is that name.
    pub(super) fn name(&self, entry: &Entry, asked: &UserName) -> Option<UserName> {
        let mut values = entry.texts(&self.attributes.name);
        let same = values.find(|value| value.eq_ignore_ascii_case(asked.as_str()))?;
        UserName::new(same).ok()
    }

    /// The name of an entry that was found otherwise.
    pub(super) fn any_name(&self, entry: &Entry) -> Option<UserName> {
        let mut values = entry.texts(&self.attributes.name);
        values.find_map(|value| UserName::new(value).ok())
    }

    /// Whether the entry says that it may log in.
    pub(super) fn state(&self, entry: &Entry) -> State {
        let attribute = self.attributes.enabled.as_deref();
        match attribute.and_then(|attribute| entry.text(attribute)) {
            Some(word) if !ENABLED.iter().any(|yes| word.eq_ignore_ascii_case(yes)) => {
                State::Disabled
            }
            _ => State::Active,
        }
    }

    /// The address.
    pub(super) fn mail(&self, entry: &Entry) -> Option<String> {
        entry.text(&self.attributes.mail).map(str::to_owned)
    }

    /// The URL of the user's own node: `weave:<host>`, where a host is named.
    pub(super) fn node(&self, entry: &Entry) -> Option<String> {
        let value = entry.text(self.attributes.node.as_deref()?)?;
        let host = value.strip_prefix("weave:")?.trim().trim_matches('/');
        (!host.is_empty()).then(|| format!("{}://{host}/", self.nodes_scheme))
    }

    /// The number that the directory holds for an entry, if it has one that can be used: the
    /// original's columns are narrow, and the upper part is for numbers of ours.
    pub(super) fn number(&self, entry: &Entry) -> Option<UserId> {
        let id = entry.text(self.attributes.id.as_deref()?)?.parse().ok()?;
        (1..FIRST).contains(&id).then_some(UserId(id))
    }

    /// By what a number of ours is known to belong to the entry of this name.
    pub(super) fn keys(&self, entry: &Entry, name: &UserName) -> Keys {
        static TOLD: Once = Once::new();
        let attribute = self.attributes.key.as_deref();
        let lasting = attribute.and_then(|attribute| entry.text(attribute));
        if let (None, Some(attribute)) = (lasting, attribute) {
            TOLD.call_once(|| {
                log::warn!(
                    "the directory does not show {attribute} of {}: numbers are given to names, \
                     and whoever gets a name later gets its records",
                    entry.dn.escape_debug()
                );
            });
        }
        Keys {
            lasting: lasting.map(str::to_owned),
            name: name.lowered().as_str().to_owned(),
        }
    }
}

/// Says whose name is not clear; clients are not told.
pub(super) fn tell_several(name: &UserName, entries: &[Entry]) {
    log::warn!("the name {name} has several entries: {}", dns(entries));
}

/// Says whose records would be one; clients are not told.
pub(super) fn tell_sharers(id: UserId, entries: &[Entry]) {
    log::warn!("the number {id} has several entries: {}", dns(entries));
}

fn dns(entries: &[Entry]) -> String {
    let dns = entries
        .iter()
        .map(|entry| entry.dn.escape_debug().to_string());
    let dns: Vec<_> = dns.collect();
    dns.join("; ")
}
