//! What is an address, and which belong to the public internet: for calls whose address somebody else chose.
//!
//! A parsed host is checked with [`is_public`] (an address literal never reaches the resolver), names are filtered
//! where they are resolved ([`PublicOnly`]), so that no second look-up can answer otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Whether this is an address like `https://example.com/hook`.
pub fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether an address belongs to the public internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(v4) => is_public_v4(v4),
            None => (0x2000..=0x3FFF).contains(&ip.segments()[0]) && !ip.is_multicast() && !is_documentation(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // carriers' own
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99))
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match s {
        [0, 0, 0, 0, 0, 0 | 0xFFFF, high, low] => of(high, low),
        [0, 0, 0, 0, 0xFFFF, 0, high, low] => of(high, low),
        [0x64, 0xFF9B, .., high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

fn is_documentation(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    (s[0] == 0x2001 && s[1] == 0xDB8) || (s[0] == 0x3FFF && s[1] < 0x1000) || (s[0] == 0x2001 && s[1] == 0)
}

/// Whether `url` names a private address as such. `Url` has turned every spelling of an IPv4 address (octal, one number,
/// …) into the address; a name is looked at where it is resolved.
pub fn names_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(ip.into()),
        Some(Host::Ipv6(ip)) => !is_public(ip.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Whether a call failed because the name leads into a private network.
pub fn led_home(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = cause {
        if e.is::<PrivateName>() {
            return true;
        }
        cause = e.source();
    }
    false
}

/// The name leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("the name leads into a private network")]
pub struct PrivateName;

/// Resolves names to public addresses only; a name with a private one among them is refused whole.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|a| !is_public(a.ip())) {
                return Err(PrivateName.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
