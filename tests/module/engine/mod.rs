//! The module and an engine that breaks, and the engine in the surroundings that a caller chooses.

mod broken;
mod children;
mod control_group;
mod ends;
mod file;
mod group;
mod lack;
mod neutral;
mod process;
mod threads;

const SUCCESS: i32 = 0;
const SERVICE_ERR: i32 = 3;
const AUTH_ERR: i32 = 7;
const CONV_ERR: i32 = 19;
