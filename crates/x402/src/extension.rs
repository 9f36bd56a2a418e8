//! Extensions: members of `extensions` in the documents of version 2.

pub(crate) mod payment_identifier;
