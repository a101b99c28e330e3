//! How many logins the service decides at once, and for which users.
//!
//! Logins are counted by the real uid of the application: the caller of su holds its process for as
//! long as they like, and must not keep others from logging in. Called by the listener alone.
//!
//! Source: the bounds are those of the design, so that 16 windows of one person work and one person
//! with 2,000 of them takes no place that root needs.

use std::collections::BTreeMap;

/// The most logins at once.
const ALL: usize = 1000;
/// The most logins at once of all users but root.
const OTHERS: usize = 500;
/// The most logins at once of one user who is not root.
const ONE: usize = 16;

/// The logins under way: the process that decides each, and the real uid of its application.
#[derive(Debug, Default)]
pub(super) struct Peers {
    uids: BTreeMap<i32, u32>,
}

impl Peers {
    /// Whether one more login of `uid` may begin.
    pub(super) fn has_room(&self, uid: u32) -> bool {
        let count = |matches: fn(u32, u32) -> bool| {
            let uids = self.uids.values();
            uids.filter(|other| matches(**other, uid)).count()
        };
        let is_bound = uid != 0
            && (count(|other, _| other != 0) >= OTHERS || count(|other, uid| other == uid) >= ONE);
        self.uids.len() < ALL && !is_bound
    }

    /// Counts a login that the process `pid` decides.
    pub(super) fn begin(&mut self, pid: i32, uid: u32) {
        self.uids.insert(pid, uid);
    }

    /// Counts the login of a process that has ended no longer.
    pub(super) fn end(&mut self, pid: i32) {
        self.uids.remove(&pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logins of these users: uid and how many.
    fn peers(logins: &[(u32, usize)]) -> Peers {
        let mut peers = Peers::default();
        for (uid, count) in logins {
            for _ in 0..*count {
                assert!(peers.has_room(*uid), "{uid}");
                peers.begin(i32::try_from(peers.uids.len()).unwrap() + 1, *uid);
            }
        }
        peers
    }

    #[test]
    fn one_user_takes_sixteen_places_and_no_place_of_another() {
        let peers = peers(&[(1000, 16)]);
        assert!(!peers.has_room(1000));
        assert!(peers.has_room(1001) && peers.has_room(0));
    }

    #[test]
    fn all_users_together_leave_half_of_the_places_to_root() {
        let users: Vec<_> = (0..31).map(|user| (1000 + user, 16)).collect();
        let mut peers = peers(&users);
        (0..4).for_each(|pid| peers.begin(10_000 + pid, 2000));
        assert!(!peers.has_room(3000));
        (0..500).for_each(|pid| peers.begin(20_000 + pid, 0));
        assert!(!peers.has_room(0), "a thousand in all");
        peers.end(20_000);
        assert!(peers.has_room(0) && !peers.has_room(3000));
        peers.end(10_000);
        assert!(peers.has_room(3000));
    }
}
