//! The one integration test program: every test that needs the built module, the programs or a
//! server.

mod attacks;
mod authyctl;
mod client;
mod common;
mod durability;
mod fuzzed;
mod hosts;
mod identity;
mod layering;
mod limits;
mod module;
mod packaging;
mod peers;
mod recordings;
mod recovery;
mod remember;
mod screens;
mod service;
mod simulator;
mod simulator_restart;
mod stacks;
mod state;
mod totp;
mod trust;
mod twilio;
