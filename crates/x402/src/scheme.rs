//! Schemes: what an offer asks for and what an answer carries.

pub mod exact;
