//! Pure judgement of signed payment authorizations, without IO, JSON or a provider.
