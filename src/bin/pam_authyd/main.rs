//! pam_authyd: the login engine. One process decides one login.
//!
//! It is no program for people. `pam_authyd --fd N` serves the login on the socket with the number N
//! and ends: the module starts it so. `pam_authyd --listen DIR` is the service: it listens on the
//! socket that systemd passed, or on DIR/socket, and makes a process for each login. Exit status: 0,
//! 1 where there is nothing to listen on, or 2 for wrong usage.

use std::path::Path;
use std::process::ExitCode;

use pam_authy::engine;

/// Wipes each block of memory when it is freed: keys and codes pass through buffers of ureq and
/// rustls that no code of ours can reach.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [flag, number] if flag == "--fd" => {
            let number = number.to_str().and_then(|text| text.parse().ok());
            let Some(socket) = number.and_then(engine::adopt) else {
                return usage();
            };
            engine::serve(socket);
            ExitCode::SUCCESS
        }
        [flag, folder] if flag == "--listen" => listen(Path::new(folder)),
        [flag] if flag == "--version" => {
            println!("pam_authyd {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn listen(folder: &Path) -> ExitCode {
    match engine::service::listen(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pam_authyd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "pam_authyd: the login engine of pam_authy.so, which the module or the init system starts"
    );
    eprintln!("usage: pam_authyd --fd NUMBER_OF_A_CONNECTED_SOCKET | --listen DIR | --version");
    ExitCode::from(2)
}
