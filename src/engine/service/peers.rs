//! How many logins the service decides at once, and for which users.
//!
//! Logins are counted by the real uid of the application: the caller of su holds its process for as
//! long as they like, and must not keep others from logging in. Called by the listener alone.
//!
//! Source: the bounds are those of the design, so that 16 windows of one person work and one person
//! with 2,000 of them takes no place that root needs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The most logins at once.
const ALL: usize = 1000;
/// The most logins at once of all users but root.
const OTHERS: usize = 500;
/// The most logins at once of one user who is not root.
const ONE: usize = 16;

/// How long a locker's place is taken at least. A login that ends at once costs a process, a line
/// in the log and a connection to the provider, and a program makes hundreds of them in a second;
/// the journal then drops the lines of all logins.
const LOCKER: Duration = Duration::from_secs(1);

/// The logins under way: the process that decides each, and whose it is.
#[derive(Debug, Default)]
pub(super) struct Peers {
    logins: BTreeMap<i32, Login>,
    /// The least time that a login takes one of the places of its user.
    least: Duration,
    /// The logins that have ended before that.
    ended: Vec<Login>,
}

/// A login of this real uid.
#[derive(Debug, Clone, Copy)]
struct Login {
    uid: u32,
    begun: Instant,
}

impl Peers {
    /// The logins of lockers.
    pub(super) fn of_lockers() -> Self {
        Self {
            least: LOCKER,
            ..Self::default()
        }
    }

    /// Whether one more login of `uid` may begin.
    pub(super) fn has_room(&mut self, uid: u32, now: Instant) -> bool {
        let least = self.least;
        self.ended
            .retain(|login| now.duration_since(login.begun) < least);
        let logins = || self.logins.values();
        let others = logins().filter(|login| login.uid != 0).count();
        let of_user = logins()
            .chain(&self.ended)
            .filter(|login| login.uid == uid)
            .count();
        self.logins.len() < ALL && (uid == 0 || others < OTHERS && of_user < ONE)
    }

    /// Counts a login that the process `pid` decides.
    pub(super) fn begin(&mut self, pid: i32, uid: u32, now: Instant) {
        self.logins.insert(pid, Login { uid, begun: now });
    }

    /// Counts the login of a process that has ended no longer than it has to.
    pub(super) fn end(&mut self, pid: i32) {
        let login = self.logins.remove(&pid);
        self.ended.extend(login.filter(|_| !self.least.is_zero()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logins of these users: uid and how many.
    fn peers(logins: &[(u32, usize)]) -> Peers {
        let (mut peers, now) = (Peers::default(), Instant::now());
        for (uid, count) in logins {
            for _ in 0..*count {
                assert!(peers.has_room(*uid, now), "{uid}");
                let pid = i32::try_from(peers.logins.len()).unwrap() + 1;
                peers.begin(pid, *uid, now);
            }
        }
        peers
    }

    #[test]
    fn one_user_takes_sixteen_places_and_no_place_of_another() {
        let (mut peers, now) = (peers(&[(1000, 16)]), Instant::now());
        assert!(!peers.has_room(1000, now));
        assert!(peers.has_room(1001, now) && peers.has_room(0, now));
        peers.end(1);
        assert!(peers.has_room(1000, now));
    }

    #[test]
    fn all_users_together_leave_half_of_the_places_to_root() {
        let users: Vec<_> = (0..31).map(|user| (1000 + user, 16)).collect();
        let (mut peers, now) = (peers(&users), Instant::now());
        (0..4).for_each(|pid| peers.begin(10_000 + pid, 2000, now));
        assert!(!peers.has_room(3000, now));
        (0..500).for_each(|pid| peers.begin(20_000 + pid, 0, now));
        assert!(!peers.has_room(0, now), "a thousand in all");
        peers.end(20_000);
        assert!(peers.has_room(0, now) && !peers.has_room(3000, now));
        peers.end(10_000);
        assert!(peers.has_room(3000, now));
    }

    #[test]
    fn the_lockers_of_one_user_begin_sixteen_logins_a_second_and_take_no_place_of_another() {
        let (mut peers, begun) = (Peers::of_lockers(), Instant::now());
        let users = 1000..1100;
        for uid in users.clone() {
            for pid in 1..=16 {
                assert!(peers.has_room(uid, begun), "{uid} {pid}");
                peers.begin(pid, uid, begun);
                peers.end(pid);
            }
            assert!(!peers.has_room(uid, begun), "{uid}");
        }
        assert!(peers.has_room(1100, begun), "500 have ended");
        let later = begun + LOCKER;
        assert!(users.into_iter().all(|uid| peers.has_room(uid, later)));
        assert!(peers.ended.is_empty());
    }
}
