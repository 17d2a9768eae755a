//! The tables of conformance cases, one function a row.
//!
//! The number of a row is that of the specification's table: spec/storage-1.1.md, 11, and
//! spec/user-1.0.md, 11. What is asserted is the column "Want", or "Orig" where the table wants
//! nothing else; spec/decisions.md wins over both. Every row makes its own account, so rows run
//! in any order and beside each other.

mod access;
mod batches;
mod deletes;
mod fields;
mod items;
mod quota;
mod selections;
mod trouble;
mod users;

/// Makes of each row a test in each of the six ways to reach the program.
macro_rules! rows {
    ($($(#[doc = $doc:literal])* $name:ident($setup:ident) |$site:ident| $body:block)*) => {
        use crate::suite::Site;

        $($(#[doc = $doc])* fn $name($site: &Site) $body)*

        rows!(@way fastcgi FastCgi $($name $setup)*);
        rows!(@way http Http $($name $setup)*);
        rows!(@way lighttpd_at_root LighttpdAtRoot $($name $setup)*);
        rows!(@way lighttpd_fastcgi LighttpdFastCgi $($name $setup)*);
        rows!(@way lighttpd_scgi LighttpdScgi $($name $setup)*);
        rows!(@way scgi Scgi $($name $setup)*);
    };
    (@way $module:ident $way:ident $($name:ident $setup:ident)*) => {
        mod $module {
            use crate::suite::Setup;
            use crate::suite::Site;
            use crate::suite::Way;

            $(#[test] fn $name() {
                super::$name(Site::shared(Way::$way, Setup::$setup));
            })*
        }
    };
}
pub(crate) use rows;
