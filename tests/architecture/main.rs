//! What holds the shape of the program: the schema on both databases, migrations, the order of the rooms, where SQL
//! may stand, and the description of the API.

#[path = "../support/mod.rs"]
mod support;

mod api;
mod migrations;
mod schema;
mod source;
