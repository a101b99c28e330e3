//! Clients of the providers' HTTP APIs, over one HTTPS transport.

pub mod authy;
pub mod http;
pub mod twilio;
