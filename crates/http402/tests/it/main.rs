//! The tool, as its users run it.

mod demo;
mod facilitator;
mod inspect;
mod pay;
mod run;
mod shop;
