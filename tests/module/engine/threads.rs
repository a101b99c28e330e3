//! Threads of one process that log in side by side, while others allocate and fork.

use std::process::Command;

use crate::common::compiled::compile;
use crate::common::fake_engine::{ACCEPTS, FakeEngine};
use crate::common::rounds;

#[test]
fn threads_that_log_in_while_others_allocate_and_fork_disturb_no_one() {
    let program = compile("threads", &["-pthread", "-lpam"]);
    let ask = r"frame ask\0kind=code\0prompt=Code:\0echo=0\0";
    let accepts = ACCEPTS.replace("USER", "alice");
    let fake =
        FakeEngine::new(&accepts.replace("frame verdict", &format!("{ask}\nread\nframe verdict")));
    fake.copy_stack("broken", "kill");
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "1", "100"]).arg(program);
    command.arg(fake.path("")).arg("alice");
    command.arg(rounds(1000).to_string());
    command.args(["sshd", "0", "broken", "3"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "wrong 0\nstate same\n", "{output:?}");
}
