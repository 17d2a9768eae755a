//! An account that comes from elsewhere.

use super::Moved;
use super::Outcome;
use crate::accounts::Account;
use crate::accounts::Accounts;
use crate::accounts::AccountsError;
use crate::accounts::Credential;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::NewPassword;
use crate::accounts::Password;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::sync::UserId;

/// An account as it was elsewhere.
#[derive(Clone, Debug)]
pub struct Passenger {
    /// Its name.
    pub name: UserName,
    /// Its address, as it was stored.
    pub email: Option<String>,
    /// The hash of its password; absent where nothing is known of it that can be used here.
    pub hash: Option<StoredHash>,
    /// Whether it may log in.
    pub state: State,
    /// The node that it was given to, if any.
    pub node: Option<String>,
}

/// What became of a passenger.
#[derive(Debug)]
pub struct Arrival {
    /// Who it is here; absent when it was refused.
    pub user: Option<UserId>,
    /// The report so far.
    pub moved: Moved,
    /// Whether it was made, and waits for [`let_in`].
    waits: bool,
}

impl Arrival {
    /// Of somebody who was refused.
    pub(super) const fn none(moved: Moved) -> Self {
        Self {
            user: None,
            moved,
            waits: false,
        }
    }
}

/// Makes sure that an account is here; one that is stays as it is. `floor` is the highest id
/// that any storage knows.
///
/// Nobody gets into a new one before [`let_in`]: a device that found it empty would begin anew.
///
/// # Errors
/// Those of the database or of the directory. What is wrong with the account itself is in the
/// report.
pub fn arrive(
    passenger: &Passenger,
    accounts: &dyn Accounts,
    floor: UserId,
) -> Result<Arrival, AccountsError> {
    let name = &passenger.name;
    let known = match accounts.find(name) {
        Err(AccountsError::NameAmbiguous) => {
            return Ok(refused(name, AccountsError::NameAmbiguous));
        }
        other => other?,
    };
    if let Some(account) = known {
        // Somebody else's: his records are not to be poured into these.
        if account.name != *name {
            return Ok(refused(name, AccountsError::NameSimilar));
        }
        return known_as(passenger, &account, accounts);
    }
    let mut moved = Moved::new(name.as_str(), Outcome::Made);
    let email = passenger.email.as_deref().filter(|text| !text.is_empty());
    let email = email.and_then(|text| {
        let email = Email::new(text);
        if email.is_err() {
            moved
                .notes
                .push("the e-mail address is none, and was left out".to_owned());
        }
        email.ok()
    });
    let credential = match &passenger.hash {
        Some(hash) => Credential::Hash(hash.clone()),
        None => {
            let note =
                "it has no password that can be used here: set one with `weaved user passwd`";
            moved.notes.push(note.to_owned());
            Credential::Password(unknown_password(name)?)
        }
    };
    let is_shut = accounts.makes_disabled();
    if passenger.state == State::Disabled && !is_shut {
        let mut arrival = refused(name, AccountsError::ReadOnly);
        arrival.moved.notes = vec!["it is disabled, which no entry here can say".to_owned()];
        return Ok(arrival);
    }
    let new = NewAccount {
        name: name.clone(),
        email,
        credential,
        state: match is_shut {
            true => State::Disabled,
            false => State::Active,
        },
        node: passenger.node.clone(),
    };
    let user = match accounts.create(&new, floor.0) {
        Ok(user) => user,
        Err(error) if error.passes() => return Err(error),
        Err(error) => return Ok(refused(name, error)),
    };
    Ok(Arrival {
        user: Some(user),
        moved,
        waits: is_shut && passenger.state == State::Active,
    })
}

/// Opens a new account to its user, when all that belongs to it has come.
///
/// # Errors
/// Those of the database or of the directory.
pub fn let_in(arrival: &Arrival, accounts: &dyn Accounts) -> Result<(), AccountsError> {
    match arrival.user {
        Some(user) if arrival.waits => accounts.set_state(user, State::Active),
        _ => Ok(()),
    }
}

fn known_as(
    passenger: &Passenger,
    account: &Account,
    accounts: &dyn Accounts,
) -> Result<Arrival, AccountsError> {
    let mut moved = Moved::new(account.name.as_str(), Outcome::Known);
    let here = accounts.stored_hash(account.id)?;
    if let (Some(there), Some(here)) = (&passenger.hash, &here)
        && there.as_str() != here.as_str()
    {
        moved
            .notes
            .push("its password stays the one that it has here".to_owned());
    }
    if (account.state, passenger.state) == (State::Disabled, State::Active) {
        // Also after a restore that was cut short.
        moved.notes.push(format!(
            "it is disabled here: `weaved user enable {}` lets it in",
            account.name
        ));
    }
    Ok(Arrival {
        user: Some(account.id),
        moved,
        waits: false,
    })
}

/// Somebody who has come already: of two accounts of one name, which old tables can hold, the
/// second one's records are not the first one's.
#[must_use]
pub fn come_already(name: &UserName) -> Arrival {
    refused(name, AccountsError::NameTaken)
}

fn refused(name: &UserName, error: AccountsError) -> Arrival {
    let mut moved = Moved::new(name.as_str(), Outcome::Refused);
    moved.notes.push(match error {
        AccountsError::ReadOnly => "the directory does not know it".to_owned(),
        error => error.to_string(),
    });
    Arrival::none(moved)
}

/// A password that nobody knows.
fn unknown_password(name: &UserName) -> Result<NewPassword, AccountsError> {
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(AccountsError::Random)?;
    let text = data_encoding::BASE64.encode(&random);
    NewPassword::new(Password::new(text), name).map_err(|_| AccountsError::Hash)
}
