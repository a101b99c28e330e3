//! The module and an engine that breaks, and the engine in the surroundings that a caller chooses.

mod broken;
mod file;
mod process;

const SUCCESS: i32 = 0;
const SERVICE_ERR: i32 = 3;
