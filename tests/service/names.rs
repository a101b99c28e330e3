//! A name service with a server of its own, as sssd is, under the settings of the unit: the engine
//! finds the groups that config.toml exempts.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::unit::{unit, wrapper};
use crate::common::compiled::compile;
use crate::common::host::Host;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

/// Installs the name service of tests/common/nss.c, with these lines of nsswitch.conf(5).
pub(crate) fn install_name_service(lines: &str) {
    let library = compile("nss", &["-shared", "-fPIC"]);
    let module = format!(
        "/lib/{}-linux-gnu/libnss_standin.so.2",
        std::env::consts::ARCH
    );
    fs::copy(library, module).unwrap();
    fs::write("/etc/nsswitch.conf", lines).unwrap();
}

#[test]
#[ignore = "needs root"]
fn a_group_of_a_directory_is_exempt_under_the_settings_of_the_unit() {
    sandboxed!();
    install_name_service(
        "passwd: files\ngroup: files standin\ninitgroups: files [SUCCESS=continue] standin\n",
    );
    let added = Command::new("useradd").arg("alice").status();
    assert!(added.unwrap().success());
    let host = Host::with("[exempt]\ngroups = [\"directory\"]\n").by_service();
    let wrapper = wrapper(&unit("pam_authy.service"), Path::new("/tmp"));
    let words: Vec<_> = wrapper.iter().map(String::as_str).collect();
    let _service = Service::activated_in(&words);

    // A group that is not found exempts no user.
    host.login("alice", &["0000000"]);
    assert!(!host.log().contains("reason=exempt"), "{}", host.log());
    let _server = UnixListener::bind("/tmp/standin").unwrap();
    host.login("alice", &[]);
    let lines = host.audit();
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("verdict=ignored reason=exempt"),
        "{lines:?}"
    );
}
