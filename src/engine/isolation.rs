//! Takes the engine out of reach of the application's caller, as far as the module could not do it
//! before the engine's program ran.
//!
//! The engine inherits the control group of su's caller, who can freeze, starve or kill it there if
//! systemd has delegated the group to them. So it moves to the root of each hierarchy: at once if
//! anybody but root can write to one of its groups, and otherwise while the person reads the first
//! prompt, or before what is sent ahead of it, since the kernel takes more than ten milliseconds for
//! it. Where it cannot, every group that it stays in must belong to root alone. At its end it counts
//! for the user who has to reap it. The texts of /proc and the modes of the groups' files come from the
//! kernel. Called by `session`, `conversation` and `wiring`.
//!
//! Sources: cgroups(7), and the kernel's admin-guide/cgroup-v2.rst, "Delegation".

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Uid, getppid, setresuid};

use crate::host::errno::describe;
use crate::host::trusted_file::ProcessIds;

/// What a login needs at least: descriptors, bytes of address space, data, stack and of a file,
/// seconds of processor time. A caller without CAP_SYS_RESOURCE in reach can lower the hard limits for good.
const NEEDED: [(Resource, &str, u64); 6] = [
    (Resource::RLIMIT_NOFILE, "descriptors", 64),
    (Resource::RLIMIT_AS, "address space", 128 << 20),
    (Resource::RLIMIT_DATA, "data", 64 << 20),
    (Resource::RLIMIT_STACK, "stack", 1 << 20),
    (Resource::RLIMIT_FSIZE, "file size", 1 << 20),
    (Resource::RLIMIT_CPU, "processor time", 10),
];

/// The real uid of an application that could be anybody's.
const ANYBODY: u32 = u32::MAX;

/// By how many nanoseconds the kernel may be late with a time-out: its default.
const TIMER_SLACK: u64 = 50_000;

/// What is known of the control groups of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// Root alone can change them and move this process, whatever user runs the application. So that
    /// stays as it is, and reading the modes of all their files again would tell nothing new.
    OfRoot,
    /// The same, and they are those of the service: its processes stay there.
    OfService,
    /// It was in others, and has tried to leave them.
    Left,
}

impl Groups {
    /// What is known where the listener of the service has this of its own groups.
    pub(super) fn of_service(self) -> Self {
        match self {
            Self::OfRoot | Self::OfService => Self::OfService,
            Self::Left => Self::Left,
        }
    }
}

/// Forbids dumps of this process's memory, undoes what an exec does not, and leaves the control
/// groups if others can write to them. Called before the engine reads its first message.
pub(super) fn begin() -> Groups {
    // Secrets pass through this process; where this fails, only root could read a dump.
    let _ = prctl::set_dumpable(false);
    // The caller's would outlast an exec, and with it each time-out of this process could be late
    // by any time. Source: PR_SET_TIMERSLACK(2const).
    let _ = prctl::set_timerslack(TIMER_SLACK);
    if check_groups(ANYBODY).is_ok() {
        return Groups::OfRoot;
    }
    leave(Groups::Left);
    Groups::Left
}

/// Moves this process to the root of each hierarchy of control groups, unless they are those of the
/// service. Blocks for some ten milliseconds if there is a group to leave.
pub(super) fn leave(known: Groups) {
    if known == Groups::OfService {
        return;
    }
    for group in groups().unwrap_or_default() {
        if !group.is_root()
            && let Some(folder) = &group.root
        {
            // "0" is the writing process. What fails is found by `check`.
            let _ = fs::write(folder.join("cgroup.procs"), "0");
        }
    }
}

/// Makes what is left of this process when it ends one of the processes of the user who must reap it.
///
/// The caller of su can make a process of theirs the parent of all orphans below it, and never reap
/// them (PR_SET_CHILD_SUBREAPER). The engines that have ended would be root's and in root's group, so
/// that no limit of the caller counts them, and would use up the process ids of all. The real uid is
/// the one that RLIMIT_NPROC counts by. From here on its user may send signals to this process, so it
/// is called when everything is written and nothing is held.
pub(super) fn end() {
    let kept = Uid::from_raw(u32::MAX);
    if let Some(uid) = real_uid(getppid()).filter(|uid| !uid.is_root()) {
        // Where this fails, the process is one of root's as before.
        let _ = setresuid(uid, kept, kept);
    }
}

/// The real uid of a process; `None` where it has ended, or is not seen here.
pub(super) fn real_uid(process: impl Display) -> Option<Uid> {
    real_uid_in(&read(&format!("/proc/{process}/status")).ok()?)
}

/// Reads the real uid in a process's status. Its name, which the process chooses, has no line break.
///
/// Source: proc_pid_status(5).
fn real_uid_in(status: &str) -> Option<Uid> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let uid = line.split_ascii_whitespace().next()?;
    uid.parse().ok().map(Uid::from_raw)
}

/// Checks that only root can stop or starve this process. `uid` is the real uid of the
/// application, and `groups` what [`begin`] has found.
///
/// # Errors
/// What is wrong, for the log.
pub(super) fn check(uid: u32, groups: Groups) -> Result<(), String> {
    for (resource, name, needed) in NEEDED {
        let (soft, _) = getrlimit(resource).map_err(describe)?;
        if soft < needed {
            return Err(format!("the limit of {name} is too low: {soft}"));
        }
    }
    match groups {
        Groups::OfRoot | Groups::OfService => Ok(()),
        Groups::Left => check_groups(uid),
    }
}

/// Checks that only trusted owners can change the groups of this process.
fn check_groups(uid: u32) -> Result<(), String> {
    if uid != 0 && !Path::new("/proc/self").exists() {
        return Err("/proc is not mounted, so nothing is known of the control groups".to_owned());
    }
    let groups = match groups() {
        Err(_) if uid == 0 => return Ok(()),
        groups => groups.map_err(|error| format!("the control groups cannot be read: {error}"))?,
    };
    let ids = ProcessIds::own();
    groups
        .iter()
        .try_for_each(|group| group.check(uid, |owner| ids.trusts(owner)))
}

/// The control group that this process is in, in one hierarchy.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    /// The hierarchy's name for the log: its controllers, or `unified`.
    hierarchy: String,
    /// The path of the group in the hierarchy.
    path: String,
    /// The folder of the hierarchy's root, where the file system is mounted.
    root: Option<PathBuf>,
}

impl Group {
    fn is_root(&self) -> bool {
        self.path == "/"
    }

    /// Checks that only trusted owners can change this group and those above it.
    fn check(&self, uid: u32, trusts: impl Fn(Uid) -> bool) -> Result<(), String> {
        if self.is_root() {
            return Ok(());
        }
        let (hierarchy, path) = (&self.hierarchy, &self.path);
        let Some(root) = &self.root else {
            // Root's own services are safe wherever they run. The caller of su may have been given a
            // group, and without the file system this cannot be known.
            return match uid {
                0 => Ok(()),
                _ => Err(format!(
                    "the control group {path} ({hierarchy}) cannot be left: it is mounted nowhere"
                )),
            };
        };
        let mut folder = root.join(path.trim_start_matches('/'));
        while folder != *root {
            let why = match writable(&folder, &trusts) {
                Ok(None) => None,
                Ok(Some(file)) => Some(format!("others can write {}", file.display())),
                Err(_) if uid == 0 => None,
                Err(error) => Some(format!("{}: {error}", folder.display())),
            };
            if let Some(why) = why {
                return Err(format!(
                    "the control group {path} ({hierarchy}) cannot be left, and {why}"
                ));
            }
            if !folder.pop() {
                break;
            }
        }
        Ok(())
    }
}

/// The first file of a group, or its folder, that not only trusted owners can write: each of them may
/// stop, starve or kill the processes of the group.
fn writable(folder: &Path, trusts: impl Fn(Uid) -> bool) -> io::Result<Option<PathBuf>> {
    let is_private = |path: &Path, status: &fs::Metadata| {
        // Everyone may write to this file of the kernel's, which only registers for notifications.
        let is_public = path.ends_with("cgroup.event_control");
        (is_public || status.mode() & 0o022 == 0) && trusts(Uid::from_raw(status.uid()))
    };
    if !is_private(folder, &fs::symlink_metadata(folder)?) {
        return Ok(Some(folder.to_owned()));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // This process is in no group below.
        if entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        if !is_private(&path, &entry.metadata()?) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The control groups of this process; none where the kernel has none, or /proc is not there.
///
/// # Errors
/// They cannot be read, as older kernels do where a path is longer than PATH_MAX. The caller of su may
/// have made it so.
fn groups() -> io::Result<Vec<Group>> {
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    groups_of(read("/proc/self/cgroup"), &mounts)
}

fn groups_of(groups: io::Result<String>, mounts: &str) -> io::Result<Vec<Group>> {
    match groups {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        groups => Ok(parse(&groups?, mounts)),
    }
}

/// Reads a file of /proc, which has no size: with room for all of it the kernel writes it once, and
/// not a few bytes at a time. Users choose names in it, of processes, groups and mounts, which may be
/// any bytes: one that is no UTF-8 must not hide the rest.
fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(8192);
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads lines such as `4:memory:/user.slice` and `0::/user.slice`, and finds the mount of each
/// hierarchy.
fn parse(groups: &str, mounts: &str) -> Vec<Group> {
    let group = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        Some(Group {
            hierarchy: if controllers.is_empty() {
                "unified".to_owned()
            } else {
                controllers.to_owned()
            },
            path: path.to_owned(),
            root: mounts.lines().find_map(|mount| root(mount, controllers)),
        })
    };
    groups.lines().filter_map(group).collect()
}

/// The mount point in a line of mountinfo, if the whole hierarchy with these controllers is mounted
/// there.
///
/// Source: proc_pid_mountinfo(5).
fn root(line: &str, controllers: &str) -> Option<PathBuf> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3);
    let (root, folder) = (fields.next()?, fields.next()?);
    let mut fields = file_system.split(' ');
    let (kind, options) = (fields.next()?, fields.nth(1)?);
    let is_it = match kind {
        "cgroup2" => controllers.is_empty(),
        "cgroup" => {
            let has = |wanted: &str| options.split(',').any(|option| option == wanted);
            !controllers.is_empty() && controllers.split(',').all(has)
        }
        _ => false,
    };
    // Another root would be a part of the hierarchy, from which this process cannot get out.
    (is_it && root == "/").then(|| Path::new(folder).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use nix::errno::Errno;

    use super::*;

    const MOUNTS: &str = "\
30 25 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
31 25 0:27 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 25 0:29 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";

    #[test]
    fn each_group_is_found_with_the_mount_of_its_hierarchy() {
        let groups = "7:freezer:/user\n4:cpu,cpuacct:/\n3:memory:/docker/1\n0::/user.slice/a:b\n";
        let found: Vec<_> = parse(groups, MOUNTS)
            .into_iter()
            .map(|group| (group.hierarchy, group.path, group.root))
            .collect();
        let row = |hierarchy: &str, path: &str, root: Option<&str>| {
            (
                hierarchy.to_owned(),
                path.to_owned(),
                root.map(PathBuf::from),
            )
        };
        let expected = [
            row("freezer", "/user", Some("/sys/fs/cgroup/freezer")),
            row("cpu,cpuacct", "/", Some("/sys/fs/cgroup/cpu,cpuacct")),
            row("memory", "/docker/1", None),
            row("unified", "/user.slice/a:b", Some("/sys/fs/cgroup/unified")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_that_cannot_be_read_are_not_none() {
        let read =
            |errno: Errno| groups_of(Err(errno.into()), MOUNTS).map_err(|error| error.kind());
        assert_eq!(read(Errno::ENOENT), Ok(Vec::new()));
        for errno in [Errno::ENAMETOOLONG, Errno::EMFILE, Errno::ENOMEM] {
            assert!(read(errno).is_err(), "{errno}");
        }
    }

    #[test]
    fn the_real_uid_is_the_first_of_a_status() {
        let status = "Name:\tUid: 7\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n";
        assert_eq!(real_uid_in(status), Some(Uid::from_raw(1000)));
        for other in ["", "Name:\tx\n", "Uid:\n", "Uid:\tx\n", "Uid:\t-1\n"] {
            assert_eq!(real_uid_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_process_hides_its_real_uid_by_no_name() {
        prctl::set_name(c"\xff").unwrap();
        assert_eq!(real_uid("thread-self"), Some(nix::unistd::getuid()));
        assert_eq!(real_uid("none"), None);
    }

    #[test]
    fn a_group_that_others_can_write_at_any_level_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let leaf = root.path().join("user/own");
        fs::create_dir_all(&leaf).unwrap();
        for file in [
            "user/cgroup.procs",
            "user/own/cgroup.procs",
            "user/own/memory.max",
        ] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let group = Group {
            hierarchy: "unified".into(),
            path: "/user/own".into(),
            root: Some(root.path().to_owned()),
        };
        let all = |_| true;
        assert_eq!(group.check(1000, all), Ok(()));
        assert!(group.check(1000, |_| false).is_err());
        for writable in [
            "user/cgroup.procs",
            "user",
            "user/own/cgroup.procs",
            "user/own/memory.max",
        ] {
            let path = root.path().join(writable);
            let before = fs::metadata(&path).unwrap().permissions();
            fs::set_permissions(&path, fs::Permissions::from_mode(before.mode() | 0o020)).unwrap();
            let error = group.check(1000, all).unwrap_err();
            assert!(error.contains("others can write"), "{error}");
            fs::set_permissions(&path, before).unwrap();
        }
        fs::create_dir(leaf.join("below")).unwrap();
        fs::set_permissions(leaf.join("below"), fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(leaf.join("cgroup.event_control"), "").unwrap();
        let everyone = fs::Permissions::from_mode(0o222);
        fs::set_permissions(leaf.join("cgroup.event_control"), everyone).unwrap();
        assert_eq!(group.check(1000, all), Ok(()));
    }

    #[test]
    fn a_group_that_cannot_be_looked_at_is_refused_for_the_caller_of_su_alone() {
        let group = Group {
            hierarchy: "unified".into(),
            path: "/../other".into(),
            root: Some(PathBuf::from("/sys/fs/cgroup/none")),
        };
        let error = group.check(1000, |_| true).unwrap_err();
        assert!(error.contains("cannot be left"), "{error}");
        assert_eq!(group.check(0, |_| true), Ok(()));
    }

    #[test]
    fn a_group_that_is_mounted_nowhere_is_refused_for_the_caller_of_su_alone() {
        let group = Group {
            hierarchy: "unified".into(),
            path: "/user.slice".into(),
            root: None,
        };
        assert!(group.check(1000, |_| true).is_err());
        assert_eq!(group.check(0, |_| true), Ok(()));
    }
}
