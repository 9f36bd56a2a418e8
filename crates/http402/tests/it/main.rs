//! The tool, as its users run it.

mod careless;
mod conform;
mod demo;
mod facilitator;
mod inspect;
mod pay;
mod run;
mod shop;
