//! Both INI files read into one typed configuration.

mod database_uri;

pub use database_uri::DatabaseUri;
