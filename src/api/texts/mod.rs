//! What is said to people, in every language that there is: on pages, in letters, and in the
//! question before an account. Whoever adds a language begins here.

pub(super) mod letters;
pub(super) mod pages;
pub(super) mod question;
