//! The numbers that clients read in the body of a 400 (spec/storage-1.1.md, 2.11).

/// A numeric error of the Sync protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// 2: the captcha is missing or wrong.
    Captcha = 2,
    /// 3: the user name is missing or invalid.
    UserName = 3,
    /// 4: a write that is not allowed: the user exists already, or a delete was not confirmed.
    Overwrite = 4,
    /// 6: the body is not JSON.
    Json = 6,
    /// 7: the password is missing.
    NoPassword = 7,
    /// 8: the object is no valid WBO.
    Wbo = 8,
    /// 9: the password is too weak.
    WeakPassword = 9,
    /// 10: the reset code is missing or wrong.
    ResetCode = 10,
    /// 12: no (valid) e-mail address.
    Email = 12,
    /// 13: the collection name is invalid.
    Collection = 13,
    /// 14: the user is over quota.
    OverQuota = 14,
    /// 15: the e-mail address does not belong to the user name.
    EmailMismatch = 15,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}
