//! pam_authyd: the login engine. One process decides one login; the module starts it.
//!
//! It is no program for people: `pam_authyd --fd N` serves the login on the socket with the number
//! N and ends. Exit status: 0, or 2 for wrong usage.

use std::process::ExitCode;

/// Wipes each block of memory when it is freed: keys and codes pass through buffers of ureq and
/// rustls that no code of ours can reach.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let number = match arguments.as_slice() {
        [flag, number] if flag == "--fd" => number.to_str().and_then(|text| text.parse().ok()),
        [flag] if flag == "--version" => {
            println!("pam_authyd {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        _ => None,
    };
    let Some(socket) = number.and_then(pam_authy::engine::adopt) else {
        eprintln!("pam_authyd: the login engine of pam_authy.so, which starts it by itself");
        eprintln!("usage: pam_authyd --fd NUMBER_OF_A_CONNECTED_SOCKET | --version");
        return ExitCode::from(2);
    };
    pam_authy::engine::serve(socket);
    ExitCode::SUCCESS
}
