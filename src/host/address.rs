//! Where a login comes from: the remote address, and the networks that addresses are compared with.
//!
//! Only a parsed IP address counts. A host name comes from a resolver, which an attacker may
//! control, so a name never counts as an address. Used by `pam::attempt`, `store::config` and
//! `login::policy`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Returns the remote address: the first field of SSH_CONNECTION, where the application has put
/// that into the PAM environment, else PAM_RHOST if it is an address. An IPv4 address that was
/// mapped into IPv6 is returned as IPv4; a zone (`fe80::1%eth0`) is dropped.
///
/// Source: sshd(8) on SSH_CONNECTION (`client port server port`); RFC 4291 §2.5.5.2, RFC 4007 §11.
#[must_use]
pub fn remote(ssh_connection: Option<&str>, rhost: Option<&str>) -> Option<IpAddr> {
    match ssh_connection {
        Some(text) => parse(text.split(' ').next()?),
        None => parse(rhost?),
    }
}

fn parse(text: &str) -> Option<IpAddr> {
    let address: IpAddr = match text.split_once('%') {
        Some((address, zone)) if !zone.is_empty() => IpAddr::V6(address.parse::<Ipv6Addr>().ok()?),
        Some(_) => return None,
        None => text.parse().ok()?,
    };
    Some(address.to_canonical())
}

/// Returns the text by which logins from an address are counted. IPv6 addresses count per /64
/// network, because even the smallest customer has at least a /64 (RFC 6177).
#[must_use]
pub fn counted(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let network = Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64")
        }
    }
}

/// A network: an address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It is not written like a network.
    #[error("a network is written like 192.0.2.0/24, 2001:db8::/32 or as one address")]
    Form,
    /// Bits after the prefix are set.
    #[error("the address has bits behind its prefix: did you mean {0}?")]
    HostBits(Network),
}

impl Network {
    /// Whether `address` is in this network. IPv4 that was mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == self.address
    }

    /// Whether every address of its family is in this network.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.bits == 0
    }
}

/// Returns the address with all bits after the first `bits` cleared.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Form)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| InvalidNetwork::Form)?
            }
            Some(_) => return Err(InvalidNetwork::Form),
        };
        // Addresses are compared in their canonical form, which this one never has.
        if bits > most || address.to_canonical() != address {
            return Err(InvalidNetwork::Form);
        }
        let network = Self {
            address: masked(address, bits),
            bits,
        };
        if network.address == address {
            Ok(network)
        } else {
            Err(InvalidNetwork::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_address_of_ssh_connection_is_used_before_pam_rhost() {
        let connection = Some("192.0.2.7 40000 198.51.100.1 22");
        assert_eq!(
            remote(connection, Some("evil.example")),
            Some(address("192.0.2.7"))
        );
        assert_eq!(remote(None, Some("192.0.2.7")), Some(address("192.0.2.7")));
    }

    #[test]
    fn a_name_or_a_malformed_text_is_not_an_address() {
        for junk in [
            "",
            "host.example",
            "10.0.0.0/8",
            "10.1",
            "0x7f.1",
            "10.0.0.1 ",
            "::1%",
            "%",
            "1.2.3.4%eth0",
            "010.0.0.1",
        ] {
            assert_eq!(remote(None, Some(junk)), None, "{junk:?}");
            assert_eq!(
                remote(Some(junk), Some("127.0.0.1")),
                if junk == "10.0.0.1 " {
                    Some(address("10.0.0.1"))
                } else {
                    None
                },
                "{junk:?}"
            );
        }
        assert_eq!(remote(None, None), None);
    }

    #[test]
    fn mapped_addresses_are_ipv4_and_zones_are_dropped() {
        assert_eq!(
            remote(None, Some("::ffff:192.0.2.7")),
            Some(address("192.0.2.7"))
        );
        assert_eq!(remote(None, Some("fe80::1%eth0")), Some(address("fe80::1")));
    }

    #[test]
    fn a_network_contains_its_own_addresses_alone() {
        let network: Network = "192.0.2.0/25".parse().unwrap();
        assert!(network.contains(address("192.0.2.127")));
        assert!(network.contains(address("::ffff:192.0.2.1")));
        assert!(!network.contains(address("192.0.2.128")));
        assert!(!network.contains(address("::1")));
        assert!(
            !"::/0"
                .parse::<Network>()
                .unwrap()
                .contains(address("192.0.2.1"))
        );
        assert!(
            "0.0.0.0/0"
                .parse::<Network>()
                .unwrap()
                .contains(address("192.0.2.1"))
        );
        let one: Network = "2001:db8::1".parse().unwrap();
        assert!(one.contains(address("2001:db8::1")) && !one.contains(address("2001:db8::2")));
    }

    #[test]
    fn host_bits_and_other_forms_are_refused() {
        let wrong = "10.0.0.1/8".parse::<Network>().unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the address has bits behind its prefix: did you mean 10.0.0.0/8?"
        );
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "fe80::1%eth0",
            "host/8",
            "::ffff:10.0.0.0/104",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(
                text.parse::<Network>(),
                Err(InvalidNetwork::Form),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in any::<String>()) {
            let _ = text.parse::<Network>();
            let _ = remote(Some(&text), Some(&text));
        }

        #[test]
        fn a_network_is_shown_as_it_is_written(bits in 0_u8..=32, number in any::<u32>()) {
            let network = Network { address: masked(IpAddr::V4(number.into()), bits), bits };
            prop_assert_eq!(network.to_string().parse(), Ok(network));
            prop_assert!(network.contains(IpAddr::V4(number.into())));
        }
    }
}
