//! Starts an engine: a process that is root's alone, out of reach of the application's caller.
//!
//! The application may be su, whose caller may signal, limit and starve it. So the engine is started
//! by a middle process that ends at once: the application gets no child and no SIGCHLD. Between
//! clone and exec only system calls are made, on stacks of our own and in the application's memory
//! (as vfork does, so that a large application costs no more than a small one). The child becomes
//! fully root where the effective user is root, and takes over nothing of its caller: no signal
//! setting, limit, priority, descriptor, environment or folder. What it cannot change here it
//! changes after its start (`engine::isolation`). Called by `connect`.
//!
//! Sources: clone(2), vfork(2), execveat(2), signal-safety(7), sched(7), credentials(7).

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use libc::uid_t;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::getuid;

/// The size of the stack of each of the two processes.
const STACK: usize = 32 * 1024;
/// The engine finds its end of the channel at this number (see [`ARGUMENTS`]).
const CHANNEL: c_int = 3;
/// Its program is at this number until the exec closes it.
const PROGRAM: c_int = 4;
/// The least number that the child's copies of both have before.
const FIRST_COPY: c_int = 10;
/// The engine's arguments.
const ARGUMENTS: [&CStr; 3] = [c"pam_authyd", c"--fd", c"3"];

/// Everything that the two processes need, prepared before the first clone. Both run in the memory
/// of the application, so that they write their error into it.
struct Plan {
    channel: RawFd,
    program: RawFd,
    arguments: [*const c_char; ARGUMENTS.len() + 1],
    environment: [*const c_char; 1],
    becomes_root: bool,
    /// The application's real user.
    uid: uid_t,
    /// The upper end of the engine's stack.
    stack: *mut c_void,
    /// The engine's process while it is in this memory; then the kernel writes 0.
    engine: AtomicI32,
    /// The number of the system call's error that prevented the start.
    error: c_int,
}

/// Starts `program` as an engine and returns the module's end of the channel to it. Blocks until the
/// engine's program runs.
///
/// # Errors
/// No descriptor, memory or process is left, or the program cannot be executed.
pub(super) fn spawn(program: &File, becomes_root: bool) -> Result<OwnedFd, Errno> {
    let (stream, flags) = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
    let (ours, theirs) = socketpair(AddressFamily::Unix, stream, None, flags)?;
    // Above the numbers that the child uses: su may run without the descriptors 0 to 2.
    let (channel, program) = (copy(&theirs)?, copy(program)?);
    let mut arguments = [ptr::null(); ARGUMENTS.len() + 1];
    for (argument, text) in arguments.iter_mut().zip(ARGUMENTS) {
        *argument = text.as_ptr();
    }
    let (mut middle_stack, mut engine_stack) = (vec![0_u8; STACK], vec![0_u8; STACK]);
    let mut plan = Plan {
        channel: channel.as_raw_fd(),
        program: program.as_raw_fd(),
        arguments,
        environment: [ptr::null()],
        becomes_root,
        uid: getuid().as_raw(),
        stack: top(&mut engine_stack),
        engine: AtomicI32::new(0),
        error: 0,
    };
    let dumpable = get_dumpable();
    let mask = block_signals();
    let started = run_middle(&mut plan, top(&mut middle_stack));
    restore_signals(&mask);
    restore_dumpable(dumpable);
    started?;
    match plan.error {
        0 => Ok(ours),
        error => Err(Errno::from_raw(error)),
    }
}

/// Duplicates a descriptor to a number from [`FIRST_COPY`] on.
///
/// # Errors
/// No descriptor is left.
pub(super) fn copy(descriptor: impl AsFd) -> Result<OwnedFd, Errno> {
    let copy = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(FIRST_COPY))?;
    // SAFETY: fcntl has just made this descriptor, and nothing else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// The upper end of a stack, aligned as every ABI needs it; stacks grow downwards.
fn top(stack: &mut [u8]) -> *mut c_void {
    let end = stack.as_mut_ptr_range().end;
    end.wrapping_sub(end as usize % 64).cast()
}

/// Runs the middle process, which starts the engine, and reaps it. The plan has the error of what
/// failed in it. Returns when both have left this memory.
///
/// # Errors
/// It was killed or cannot be reaped.
fn run_middle(plan: &mut Plan, stack: *mut c_void) -> Result<(), Errno> {
    // No signal at its end, so that the application's handler of SIGCHLD does not see it, and
    // neither does a thread that waits for any child.
    let flags = libc::CLONE_VM | libc::CLONE_VFORK;
    let plan = ptr::from_mut(plan);
    // SAFETY: `middle` gets the plan that it expects. The stack is unused and stays allocated until
    // the process ends, which CLONE_VFORK waits for; so does the plan.
    let pid = unsafe { libc::clone(middle, stack, flags, plan.cast()) };
    if pid < 0 {
        return Err(Errno::last());
    }
    let ended = reap(pid);
    // SAFETY: the plan is valid; the engine's process may be in it, and the number is atomic.
    wait_until_zero(unsafe { &(*plan).engine });
    ended
}

/// Waits for the end of the middle process.
fn reap(pid: c_int) -> Result<(), Errno> {
    let mut status = 0;
    // SAFETY: `status` is valid for a write. The process is a child that only this thread knows.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } < 0 {
        let errno = Errno::last();
        if errno != Errno::EINTR {
            return Err(errno);
        }
    }
    if status == 0 {
        Ok(())
    } else {
        // It was killed: its own end is always 0.
        Err(Errno::ECANCELED)
    }
}

/// Waits until the kernel has written 0 there and woken this thread. Without an end, as vfork: the
/// application must not go on while another process, root, uses its memory and this module's code.
fn wait_until_zero(number: &AtomicI32) {
    loop {
        let seen = number.load(Ordering::Acquire);
        if seen == 0 {
            return;
        }
        // SAFETY: the kernel only reads the number; there is no time-out.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                number.as_ptr(),
                libc::FUTEX_WAIT,
                seen,
                ptr::null::<libc::timespec>(),
            );
        }
    }
}

/// The middle process: starts the engine and ends, so that the application has no child.
extern "C" fn middle(plan: *mut c_void) -> c_int {
    let plan = plan.cast::<Plan>();
    // The caller of su may kill this process, at least through a control group of their own. So the
    // application waits for the engine, too: the kernel writes its number into the plan before it
    // runs, and 0 when it has left this memory. Source: CLONE_CHILD_CLEARTID in clone(2).
    let number = libc::CLONE_PARENT_SETTID | libc::CLONE_CHILD_CLEARTID;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | number | libc::SIGCHLD;
    // SAFETY: as in `run_middle`: the application waits until this process ends and until the
    // engine has left this memory by its exec or its end.
    unsafe {
        let number = (*plan).engine.as_ptr();
        let no_tls = ptr::null_mut::<c_void>();
        // First, so that from here on the caller of su can neither signal nor trace this process.
        if (*plan).becomes_root && !become_root()
            || libc::clone(
                engine,
                (*plan).stack,
                flags,
                plan.cast(),
                number,
                no_tls,
                number,
            ) < 0
        {
            (*plan).error = errno();
        }
        // Where the application was killed meanwhile, its caller may be the one who must reap this
        // process, and does not: it counts among the caller's own (see `engine::isolation`).
        set_real_user((*plan).uid);
        libc::syscall(libc::SYS_exit_group, 0);
        0
    }
}

/// The engine's process before its exec. Makes system calls only: the memory is the application's,
/// and other threads of it may have a lock of the allocator or of libc.
extern "C" fn engine(plan: *mut c_void) -> c_int {
    let plan = plan.cast::<Plan>();
    // SAFETY: the plan lives until this process has left this memory (see `middle`), and no other
    // process or thread uses it meanwhile.
    unsafe {
        (*plan).error = become_engine(&*plan);
        set_real_user((*plan).uid);
        libc::syscall(libc::SYS_exit_group, 0);
        0
    }
}

/// Makes this process the engine's. Returns the error that prevented it.
///
/// # Safety
/// Only in a process that may lose everything it has.
unsafe fn become_engine(plan: &Plan) -> c_int {
    // SAFETY: the functions below are called in the process that `engine` is for; the descriptors
    // and the lists of texts of the plan are valid, and each list ends with a null pointer.
    unsafe {
        libc::syscall(libc::SYS_setsid);
        reset_signals();
        reset_limits();
        reset_scheduling();
        libc::syscall(libc::SYS_umask, 0o077);
        if libc::syscall(libc::SYS_chdir, c"/".as_ptr()) < 0 || !keep_descriptors(plan) {
            return errno();
        }
        unblock_signals();
        libc::syscall(
            libc::SYS_execveat,
            PROGRAM,
            c"".as_ptr(),
            plan.arguments.as_ptr(),
            plan.environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        errno()
    }
}

/// The error of the last system call.
unsafe fn errno() -> c_int {
    // SAFETY: the pointer is valid in every thread, and this one has the application's to itself.
    unsafe { *libc::__errno_location() }
}

#[cfg(target_pointer_width = "64")]
const SET_IDS: [c_long; 3] = [
    libc::SYS_setgroups,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
];
#[cfg(target_pointer_width = "32")]
const SET_IDS: [c_long; 3] = [
    libc::SYS_setgroups32,
    libc::SYS_setresgid32,
    libc::SYS_setresuid32,
];

/// Sets all user and group ids to root's, and drops all other groups. libc's functions would change
/// the ids of the application's threads too.
unsafe fn become_root() -> bool {
    let [groups, gid, uid] = SET_IDS;
    // SAFETY: the calls read no memory: the list of groups has no entries.
    unsafe {
        libc::syscall(groups, 0, ptr::null::<c_void>()) == 0
            && libc::syscall(gid, 0, 0, 0) == 0
            && libc::syscall(uid, 0, 0, 0) == 0
    }
}

/// Sets the real user id alone.
unsafe fn set_real_user(uid: uid_t) {
    let [_, _, set_uid] = SET_IDS;
    // SAFETY: the call reads no memory.
    unsafe { libc::syscall(set_uid, uid, -1, -1) };
}

/// The signals of Linux, and the size of a set of them in the kernel.
const SIGNALS: c_int = 64;
const MASK_SIZE: usize = 8;

/// Sets all signals to their default: what is ignored would stay so beyond the exec. All of them are
/// blocked here.
unsafe fn reset_signals() {
    // The kernel's struct sigaction, all zero: SIG_DFL, no flags, no mask. It is not larger anywhere.
    let default = [0_u64; 8];
    for signal in 1..=SIGNALS {
        // SAFETY: the kernel reads the action and writes none. It refuses SIGKILL and SIGSTOP.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null::<c_void>(),
                MASK_SIZE,
            );
        }
    }
}

unsafe fn unblock_signals() {
    let none = 0_u64;
    // SAFETY: the kernel reads the mask and writes none.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            ptr::null::<c_void>(),
            MASK_SIZE,
        );
    }
}

/// A limit, as prlimit64 has it on every architecture.
#[repr(C)]
struct Limit {
    soft: u64,
    hard: u64,
}

const INFINITE: u64 = u64::MAX;
/// The size of the engine's stack, and how many descriptors it may have.
const ENGINE_STACK: u64 = 8 * 1024 * 1024;
const ENGINE_DESCRIPTORS: u64 = 1024;

/// Resets the limits that the caller may have set. A hard limit that cannot be raised, for lack of
/// CAP_SYS_RESOURCE, stays, and the soft one is set to it.
unsafe fn reset_limits() {
    let all = [
        (libc::RLIMIT_CPU, INFINITE),
        (libc::RLIMIT_FSIZE, INFINITE),
        (libc::RLIMIT_DATA, INFINITE),
        (libc::RLIMIT_STACK, ENGINE_STACK),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_RSS, INFINITE),
        (libc::RLIMIT_NPROC, INFINITE),
        (libc::RLIMIT_NOFILE, ENGINE_DESCRIPTORS),
        (libc::RLIMIT_MEMLOCK, INFINITE),
        (libc::RLIMIT_AS, INFINITE),
        (libc::RLIMIT_LOCKS, INFINITE),
        (libc::RLIMIT_SIGPENDING, INFINITE),
        (libc::RLIMIT_MSGQUEUE, INFINITE),
        (libc::RLIMIT_RTTIME, INFINITE),
    ];
    for (resource, wanted) in all {
        let raised = Limit {
            soft: wanted,
            hard: wanted,
        };
        // SAFETY: the kernel reads or writes one limit through each pointer, if it is not null.
        unsafe {
            if prlimit(resource, &raw const raised, ptr::null_mut()) == 0 {
                continue;
            }
            let mut limit = Limit { soft: 0, hard: 0 };
            if prlimit(resource, ptr::null(), &raw mut limit) == 0 {
                limit.soft = if wanted < limit.hard {
                    wanted
                } else {
                    limit.hard
                };
                prlimit(resource, &raw const limit, ptr::null_mut());
            }
        }
    }
}

unsafe fn prlimit(resource: impl Into<i64>, new: *const Limit, old: *mut Limit) -> c_long {
    // SAFETY: the caller's.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource.into(), new, old) }
}

/// Bytes of a set of processors: more than any machine has.
const PROCESSORS: usize = 1024;
/// IOPRIO_WHO_PROCESS of ioprio_set(2).
const IOPRIO_WHO_PROCESS: c_int = 1;

/// Sets priority, scheduling policy, processors, I/O priority and the score of the out-of-memory
/// killer to what a process usually has. What fails stays: it delays the login at most.
unsafe fn reset_scheduling() {
    let (all, policy) = ([0xff_u8; PROCESSORS], [0_u64; 8]);
    // SAFETY: the kernel reads the set of processors, the parameters of the policy (all zero), the
    // path and the text, and writes nothing.
    unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            libc::SCHED_OTHER,
            policy.as_ptr(),
        );
        libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, 0);
        libc::syscall(libc::SYS_sched_setaffinity, 0, PROCESSORS, all.as_ptr());
        libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
        let path = c"/proc/self/oom_score_adj".as_ptr();
        let score = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, libc::O_WRONLY);
        if score >= 0 {
            libc::syscall(libc::SYS_write, score, c"0".as_ptr(), 1);
            libc::syscall(libc::SYS_close, score);
        }
    }
}

/// Leaves the channel and the program open, at their numbers, and nothing else.
unsafe fn keep_descriptors(plan: &Plan) -> bool {
    // SAFETY: the calls read no memory; the descriptors that they close belong to this process,
    // whose table of descriptors is a copy.
    unsafe {
        libc::syscall(libc::SYS_dup3, plan.channel, CHANNEL, 0) >= 0
            && libc::syscall(libc::SYS_dup3, plan.program, PROGRAM, libc::O_CLOEXEC) >= 0
            && close_range(0, CHANNEL - 1)
            && close_range(PROGRAM + 1, c_int::MAX)
    }
}

/// Closes the descriptors from `first` to `last`, also before Linux 5.9, which has no close_range.
unsafe fn close_range(first: c_int, last: c_int) -> bool {
    // SAFETY: as in `keep_descriptors`.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) == 0 {
            return true;
        }
        let mut limit = Limit { soft: 0, hard: 0 };
        if prlimit(libc::RLIMIT_NOFILE, ptr::null(), &raw mut limit) != 0 {
            return false;
        }
        let mut number = first;
        // A descriptor may be above the limit, which may have been lowered since it was opened; the
        // kernel's own maximum is above this number only where root has raised it.
        while number <= last && number < 1 << 20 {
            libc::syscall(libc::SYS_close, number);
            number += 1;
        }
        true
    }
}

/// Blocks all signals, also those that libc keeps for itself: the two processes share the memory,
/// and no handler may run in them. Returns the mask before.
fn block_signals() -> u64 {
    let (all, mut before) = (u64::MAX, 0_u64);
    // SAFETY: the kernel reads one mask and writes the other; both have its size.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const all,
            &raw mut before,
            MASK_SIZE,
        );
    }
    before
}

fn restore_signals(mask: &u64) {
    // SAFETY: the kernel reads the mask and writes none.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            ptr::from_ref(mask),
            ptr::null::<c_void>(),
            MASK_SIZE,
        );
    }
}

/// Whether the application may dump core; a change of ids in the shared memory forbids it.
fn get_dumpable() -> c_long {
    // SAFETY: this option reads no memory.
    unsafe { libc::syscall(libc::SYS_prctl, libc::PR_GET_DUMPABLE, 0, 0, 0, 0) }
}

fn restore_dumpable(before: c_long) {
    if before == 1 && get_dumpable() != 1 {
        // SAFETY: this option reads no memory.
        unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    }
}
