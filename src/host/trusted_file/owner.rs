//! Whose files a process trusts.
//!
//! su and sudo run the module as root in a process that belongs to their caller, so the rule looks
//! at both user ids of the process. It is used for every file, folder and link on the path to a
//! file, and for the state folder (`store::state`).

use nix::unistd::{Uid, geteuid, getuid};

/// The user ids of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessIds {
    /// Who started the process.
    pub(crate) real: Uid,
    /// Whose rights the process has.
    pub(crate) effective: Uid,
}

impl ProcessIds {
    /// The ids of this process.
    pub(crate) fn own() -> Self {
        Self {
            real: getuid(),
            effective: geteuid(),
        }
    }

    /// Whether a process with these ids trusts what `owner` owns. U and V are two users, both not
    /// root.
    ///
    /// | owner | real uid | effective uid | trusted | example |
    /// |---|---|---|---|---|
    /// | root | any | any | yes | a file in /etc |
    /// | U | U | U | yes | `authyctl` run by U with files of their own |
    /// | U | root | root | no | sshd and the user who logs in |
    /// | U | U | root | no | su and sudo: the caller's own files |
    /// | U | V | root | no | su and sudo: files of another user |
    /// | U | root | U | no | a daemon that acts as U for a moment |
    /// | U | V | U | no | a set-user-ID program of U that V runs |
    /// | U | U | V | no | a set-user-ID program of V that U runs |
    /// | U | V | V | no | another user's files |
    pub(crate) fn trusts(self, owner: Uid) -> bool {
        owner.is_root() || (self.real == self.effective && owner == self.effective)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_trusted_by_all_and_a_user_by_their_own_plain_processes_alone() {
        const ROOT: u32 = 0;
        const U: u32 = 1000;
        const V: u32 = 1001;
        // Owner, real uid, effective uid, whether the owner is trusted.
        let rows = [
            (ROOT, ROOT, ROOT, true),
            (ROOT, U, ROOT, true),
            (ROOT, ROOT, U, true),
            (ROOT, U, U, true),
            (ROOT, U, V, true),
            (U, U, U, true),
            (U, ROOT, ROOT, false),
            (U, U, ROOT, false),
            (U, V, ROOT, false),
            (U, ROOT, U, false),
            (U, V, U, false),
            (U, U, V, false),
            (U, V, V, false),
            (U, ROOT, V, false),
        ];
        let failed: Vec<_> = rows
            .into_iter()
            .filter(|(owner, real, effective, trusted)| {
                let ids = ProcessIds {
                    real: Uid::from_raw(*real),
                    effective: Uid::from_raw(*effective),
                };
                ids.trusts(Uid::from_raw(*owner)) != *trusted
            })
            .collect();
        assert!(
            failed.is_empty(),
            "owner, real, effective, trusted: {failed:?}"
        );
    }
}
