//! Where each step of a payment happens once: reservations, outcomes, attempts and budgets in memory and SQLite.
