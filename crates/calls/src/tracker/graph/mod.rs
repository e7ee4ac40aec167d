//! The graph: who is connected with whom ([`bridges`]), which helpers stand between them ([`helpers`]), and
//! who reached whom on whose behalf ([`routes`]). It knows no events.

mod bridges;
mod helpers;
mod routes;

pub(super) use routes::{LONGEST_WAY, Route};
