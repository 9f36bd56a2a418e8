//! A tower layer that asks for payment before a service is called.
