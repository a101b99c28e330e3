//! Compiles the C programs of this folder, each once per test process.

use std::path::PathBuf;
use std::process::Command;

/// Compiles tests/common/`name`.c with the C compiler that linking Rust needs anyway, and returns
/// the path of the program.
pub(crate) fn compile(name: &str, options: &[&str]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let own = folder.join(format!("{name}.{}", std::process::id()));
    let source = format!("{}/tests/common/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Wextra", "-o"]).arg(&own);
    let status = cc.arg(source).args(options).status().expect("a C compiler");
    assert!(status.success(), "{cc:?}");
    // Another test process may compile it at the same time, so replace the file atomically.
    let shared = folder.join(name);
    std::fs::rename(&own, &shared).unwrap();
    shared
}
