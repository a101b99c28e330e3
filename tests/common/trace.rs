//! Runs a program under strace(1) and tells in which order it made its system calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is traced. A name behind `?` is not there on every processor.
const CALLS: &str = "trace=openat,mmap,?mkdir,mkdirat,write,pwrite64,writev,ftruncate,fsync,fdatasync,\
                     ?rename,?renameat,?renameat2,?unlink,unlinkat,connect,sendto,sendmsg";

/// The words that run a program under strace, which writes to `log`.
pub(crate) fn strace(log: &Path) -> Vec<String> {
    // All threads; the path of each descriptor; texts up to 300 bytes.
    let words = ["strace", "-f", "-y", "-qq", "-s", "300", "-e", CALLS, "-o"];
    let log = log.to_str().unwrap().to_owned();
    words.map(str::to_owned).into_iter().chain([log]).collect()
}

/// The same as a command, to which the program is added.
pub(crate) fn command(log: &Path) -> Command {
    let words = strace(log);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// One system call that succeeded.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    arguments: String,
    result: String,
    /// When it began and when it came back, in lines of the log.
    began: usize,
    ended: usize,
}

impl Call {
    pub(crate) fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.arguments.contains(text)
    }

    /// Whether its first argument is this descriptor.
    pub(crate) fn is_on(&self, descriptor: u32) -> bool {
        self.arguments.starts_with(&format!("{descriptor}<"))
    }

    /// Whether this one had come back before the other began.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.ended < other.began
    }

    /// The file behind the descriptor that is the first argument.
    pub(crate) fn file(&self) -> Option<&Path> {
        let (number, rest) = self.arguments.split_once('<')?;
        number.parse::<u32>().ok()?;
        rest.split_once('>').map(|(path, _)| Path::new(path))
    }

    /// The paths that the arguments name, in their order; one that is relative lies in the folder
    /// of the descriptor in front of it.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let (mut folder, mut paths) = (PathBuf::new(), Vec::new());
        for argument in self.arguments.split(", ") {
            if let Some(name) = argument.strip_prefix('"') {
                paths.push(folder.join(name.trim_end_matches('"')));
            } else if let Some((_, path)) = argument.split_once('<') {
                folder = path.trim_end_matches('>').into();
            }
        }
        paths
    }
}

/// All calls that succeeded, in the order in which they began.
pub(crate) fn read(log: &Path) -> Vec<Call> {
    let text = fs::read_to_string(log).unwrap();
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: Vec<(&str, Call)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (process, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if line.starts_with("+++") || line.starts_with("---") {
            continue;
        }
        if let Some(rest) = line.strip_prefix("<... ") {
            let (_, rest) = rest.split_once(" resumed>").unwrap();
            let at = unfinished.iter().position(|(of, _)| *of == process);
            let (_, mut call) = unfinished.remove(at.expect("the call began"));
            let (arguments, result) = split_result(rest);
            call.arguments.push_str(arguments);
            call.result = result.to_owned();
            call.ended = number;
            calls.push(call);
            continue;
        }
        let (name, rest) = line.split_once('(').unwrap();
        let mut call = Call {
            name: name.to_owned(),
            arguments: String::new(),
            result: String::new(),
            began: number,
            ended: number,
        };
        if let Some(arguments) = rest.strip_suffix(" <unfinished ...>") {
            call.arguments = arguments.to_owned();
            unfinished.push((process, call));
        } else {
            let (arguments, result) = split_result(rest);
            call.arguments = arguments.to_owned();
            call.result = result.to_owned();
            calls.push(call);
        }
    }
    // connect(2) of a socket that does not block fails at first, and has begun all the same.
    let counts = |call: &Call| !call.result.starts_with('-') || call.result.contains("EINPROGRESS");
    calls.retain(counts);
    calls.sort_by_key(|call| call.began);
    calls
}

/// The arguments and the result of `arguments) = result`.
fn split_result(rest: &str) -> (&str, &str) {
    let (arguments, result) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
    let arguments = arguments.trim_end();
    (arguments.strip_suffix(')').unwrap_or(arguments), result)
}
