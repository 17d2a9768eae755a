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
mod pages;
mod pairing;
mod quota;
mod selections;
mod trouble;
mod users;

/// Makes of each row a test in each way to reach the program that can have its configuration.
macro_rules! rows {
    (@ways $rows:tt $($module:ident $way:ident $extent:ident:
        $server:ident $gateway:ident $listen:ident $mount:tt $file:literal
            $(on $database:ident)?;)*
    ) => {
        $(super::rows!(@way $module $way $extent $rows $($database)?);)*
    };
    (@way $module:ident $way:ident $extent:ident ($($name:ident $setup:ident)*)) => {
        mod $module {
            $(super::super::rows!(@row $way $extent $name $setup);)*
        }
    };
    (@way $module:ident $way:ident $extent:ident ($($name:ident $setup:ident)*)
        $database:ident) => {
        mod $module {
            $(super::super::rows!(@served $way $extent $name $setup);)*
        }
    };
    // These rows bring a file that the original wrote, and need nothing else.
    (@served $way:ident $extent:ident $name:ident SqliteFile) => {};
    (@served $way:ident $extent:ident $name:ident $setup:ident) => {
        super::super::rows!(@row $way $extent $name $setup);
    };
    (@row $way:ident $extent:ident $name:ident SqliteFile) => {
        super::super::rows!(@test $way $name Plain);
    };
    (@row $way:ident Plain $name:ident Plain) => {
        super::super::rows!(@test $way $name Plain);
    };
    (@row $way:ident Plain $name:ident $setup:ident) => {};
    (@row $way:ident Every $name:ident $setup:ident) => {
        super::super::rows!(@test $way $name $setup);
    };
    (@test $way:ident $name:ident $setup:ident) => {
        #[test]
        fn $name() {
            use crate::suite::Setup;
            use crate::suite::Way;

            super::$name(crate::suite::Site::shared(Way::$way, Setup::$setup));
        }
    };
    ($($(#[doc = $doc:literal])* $name:ident($setup:ident) |$site:ident| $body:block)*) => {
        use crate::suite::Site;

        $($(#[doc = $doc])* fn $name($site: &Site) $body)*

        crate::suite::every_way!(super::rows!(($($name $setup)*)));
    };
}
pub(crate) use rows;
