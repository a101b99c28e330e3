//! The last good addresses of a service: those at which it has proven its identity, for the time
//! when its name cannot be looked up.
//!
//! A file for each host name, with at most eight addresses, the latest one first. An address proves
//! nothing: a connection to it counts only once the server has proven its identity again. So no
//! failure here is an error of a login. Used by `factor::connect`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::state::{self, Error, Folder};

/// The folder of the files, and their version.
const FOLDER: &str = "addresses";
const VERSION: u64 = 1;
/// The most addresses of one name.
const MOST: usize = 8;

/// The addresses in the state folder.
#[derive(Debug, Clone)]
pub struct Addresses(PathBuf);

impl Addresses {
    /// The addresses in this state folder. Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self(state.to_owned())
    }

    /// Returns the good addresses of `host`, the latest one first; none where they cannot be read.
    #[must_use]
    pub fn of(&self, host: &str) -> Vec<SocketAddr> {
        let read = || {
            let folder = Folder::find(&self.0, &[FOLDER]).ok()??;
            let bytes = folder.read(&state::file_name(host)).ok()??;
            state::decode(&bytes, VERSION).ok()
        };
        let mut addresses: Vec<_> = read().unwrap_or_default();
        addresses.truncate(MOST);
        addresses
    }

    /// Notes that the service has proven its identity at this address of `host`. Writes only where
    /// it was another one before. Blocks for 300 ms at most while another process has the lock; a
    /// note that cannot be written is lost.
    pub fn note(&self, host: &str, address: SocketAddr) {
        if self.of(host).first() != Some(&address) {
            let _ = self.write(host, address);
        }
    }

    fn write(&self, host: &str, address: SocketAddr) -> Result<(), Error> {
        let folder = Folder::open(&self.0)?.sub(FOLDER)?.for_login();
        folder.update(&state::file_name(host), |bytes| {
            let old = bytes.and_then(|bytes| state::decode(bytes, VERSION).ok());
            let mut addresses: Vec<SocketAddr> = old.unwrap_or_default();
            addresses.retain(|other| *other != address);
            addresses.insert(0, address);
            addresses.truncate(MOST);
            ((), state::encode(&addresses, VERSION))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 443).into()
    }

    #[test]
    fn the_latest_eight_addresses_of_a_name_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(&folder.path().join("state"));
        assert_eq!(addresses.of("api.test"), []);
        (0..10).for_each(|last| addresses.note("api.test", address(last)));
        addresses.note("api.test", address(5));
        let expected = [5, 9, 8, 7, 6, 4, 3, 2].map(address);
        assert_eq!(addresses.of("api.test"), expected);
        assert_eq!(addresses.of("other.test"), []);
    }

    #[test]
    fn what_is_damaged_or_not_trusted_is_no_address_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(&folder.path().join("state"));
        addresses.note("api.test", address(1));
        let file = folder
            .path()
            .join("state/addresses")
            .join(state::file_name("api.test"));
        let good = fs::read(&file).unwrap();
        fs::write(&file, b"[]").unwrap();
        assert_eq!(addresses.of("api.test"), []);
        addresses.note("api.test", address(2));
        assert_eq!(addresses.of("api.test"), [address(2)]);
        fs::write(&file, good).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(addresses.of("api.test"), []);
        addresses.note("api.test", address(3));
    }
}
