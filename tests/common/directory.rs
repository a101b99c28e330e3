//! A host whose configuration has `[directory]`: its table, and the file that a pass would write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::sim::Sim;

/// A table that names a directory; no login asks it.
pub(crate) const TABLE: &str = "[directory]\nurl = \"ldapi:///nonexistent\"\nbase = \"dc=a\"\n\
     preset = \"freeipa\"\nattributes = { authy_id = \"authyId\" }\n";

/// Writes directory.toml.
pub(crate) fn write(sim: &Sim, text: &str) -> PathBuf {
    let path = sim.path("state/directory.toml");
    let state = path.parent().unwrap();
    fs::create_dir_all(state).unwrap();
    fs::set_permissions(state, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}
