//! Runs a test as root in a sandbox: an overlay over / whose upper layer is in memory, with a /dev
//! and a process tree of its own. A test may change users, /etc/pam.d and sudoers there: all
//! changes are lost at its end.
//!
//! A test begins with `sandboxed!();`. Outside the sandbox that starts this very test again inside,
//! passes its outcome on and returns; inside it does nothing. The name of the test is taken from
//! the function that uses the macro and never from text, which could name a neighbour and so make a
//! test that cannot fail.

use std::path::Path;
use std::process::Command;

use super::name_of;

/// Set inside the sandbox.
const MARK: &str = "PAM_AUTHY_TEST_SANDBOX";

/// Runs the rest of the test in the sandbox: outside it returns from the test. To be used in the
/// body of the test itself.
macro_rules! sandboxed {
    () => {{
        fn here() {}
        if !$crate::common::sandbox::enter(here) {
            return;
        }
    }};
}
pub(crate) use sandboxed;

/// Returns whether this process runs in a sandbox.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Returns true inside the sandbox. Outside, runs the test in whose body `here` is defined and
/// returns false. For `sandboxed!` alone.
///
/// # Panics
/// When that test failed, or when `here` is not defined in the body of a test.
pub(crate) fn enter<T: Fn()>(here: T) -> bool {
    if is_inside() {
        return true;
    }
    match run(name_of(here)) {
        // libtest shows it with --nocapture.
        Ok(text) => print!("{text}"),
        Err(why) => panic!("{why}"),
    }
    false
}

/// Runs the test `name` (its full path) in the sandbox, and returns all that it printed.
///
/// # Errors
/// All that the test printed, when it failed or when there is no such test.
pub(crate) fn run(name: &str) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sandbox.sh");
    let output = Command::new("bash")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            name,
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("inside the sandbox:\n{text}"));
    }
    if !text.contains("\ntest result: ok. 1 passed; 0 failed; 0 ignored;") {
        return Err(format!("the sandbox ran no test {name}:\n{text}"));
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{is_inside, run};
    use crate::common::test_name;

    #[test]
    #[ignore = "needs root"]
    fn the_rest_of_a_sandboxed_test_runs_inside_alone() {
        sandboxed!();
        assert!(is_inside());
    }

    #[test]
    #[ignore = "needs root"]
    fn a_test_that_fails_inside_fails_outside() {
        assert!(!is_inside(), "this fails on purpose");
        let error = run(test_name!()).unwrap_err();
        assert!(error.contains("this fails on purpose"), "{error}");
    }

    fn helper() {
        sandboxed!();
    }

    #[test]
    #[ignore = "needs root"]
    #[should_panic(expected = "the sandbox ran no test common::sandbox::tests::helper")]
    fn the_macro_in_a_function_that_is_no_test_fails() {
        helper();
    }

    #[test]
    #[ignore = "needs root"]
    fn what_a_test_writes_inside_is_gone_outside() {
        let path = Path::new("/etc/pam_authy-sandbox-test");
        if is_inside() {
            fs::write(path, "").unwrap();
            return;
        }
        run(test_name!()).unwrap();
        assert!(!path.exists());
    }
}
