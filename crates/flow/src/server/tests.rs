//! The seller's steps over scripted seams: every answer of facilitator and ledger, and a crash at every step.

mod crash;
mod facilitators;
mod gate;
mod interleave;
mod later;
mod model;
mod names;
mod order;
mod spent;
mod world;
