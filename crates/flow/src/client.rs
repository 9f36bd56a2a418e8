//! The buyer's side.
