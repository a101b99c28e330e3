//! Which network interfaces this process sees.
//!
//! A process can be in a network namespace of its own, as the helper of polkit is: it reaches
//! nothing, and that is no outage. Called when a login is wired, by an engine that was spawned in
//! the application's surroundings.

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// Whether this process sees no network interface but loopback. True as well where the interfaces
/// cannot be listed, since nothing then shows that there is a network. Does not block.
#[must_use]
pub fn has_only_loopback() -> bool {
    // An interface without an address is listed too, by its link-layer address.
    getifaddrs().map_or(true, |all| {
        are_only_loopback(all.map(|interface| interface.flags))
    })
}

fn are_only_loopback(mut interfaces: impl Iterator<Item = InterfaceFlags>) -> bool {
    interfaces.all(|flags| flags.contains(InterfaceFlags::IFF_LOOPBACK))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: InterfaceFlags = InterfaceFlags::IFF_LOOPBACK.union(InterfaceFlags::IFF_UP);

    #[test]
    fn one_interface_besides_loopback_is_a_network_even_when_it_is_down() {
        let down = InterfaceFlags::empty();
        let up = InterfaceFlags::IFF_UP;
        let rows: [(&[InterfaceFlags], bool); 6] = [
            (&[], true),
            (&[LOOPBACK], true),
            (&[LOOPBACK, LOOPBACK], true),
            (&[LOOPBACK, up], false),
            (&[down, LOOPBACK], false),
            (&[up], false),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .filter(|(flags, expected)| are_only_loopback(flags.iter().copied()) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn the_answer_is_that_of_the_kernel() {
        /// ARPHRD_LOOPBACK of the kernel's if_arp.h.
        const LOOPBACK_TYPE: &str = "772";
        let types: Vec<_> = std::fs::read_dir("/sys/class/net")
            .unwrap()
            .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path().join("type")).ok())
            .collect();
        let expected = types.iter().all(|kind| kind.trim() == LOOPBACK_TYPE);
        assert_eq!(has_only_loopback(), expected, "{types:?}");
    }
}
