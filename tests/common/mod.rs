//! What the integration tests share: a running authy-sim, a host with files and a stack, a sandbox.

pub(crate) mod host;
pub(crate) mod relay;
pub(crate) mod sandbox;
pub(crate) mod sim;

use std::path::PathBuf;

/// The product: the very file that is installed, not a library beside the tests.
pub(crate) fn product() -> PathBuf {
    let path = std::env::var_os("PAM_AUTHY_SO").map(PathBuf::from);
    path.expect("PAM_AUTHY_SO names the product: see CONTRIBUTING.md")
}
