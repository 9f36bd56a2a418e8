//! The order of the steps of a paid request, for sellers and buyers, as state machines without IO.
