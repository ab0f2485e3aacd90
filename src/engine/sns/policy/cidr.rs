//! Ranges of addresses: `10.0.0.0/24`. Pure.

use std::net::IpAddr;

/// The first and the last address of a range, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cidr {
    first: IpAddr,
    last: IpAddr,
}

impl Cidr {
    /// Fails with AWS's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let [address, mask] = parts[..] else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let mask: Result<i32, _> = mask.parse();
        let Ok(mask) = mask else {
            return Err("Malformed CIDR, mask bits must be an integer".to_owned());
        };
        let Ok(mask) = u32::try_from(mask) else {
            return Err("Malformed CIDR, mask bits must not be negative".to_owned());
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(format!("Nonstandard IP address: {address}"));
        };
        match address {
            IpAddr::V4(address) => {
                if mask > 31 {
                    return Err("IPv4 mask bits must be < 32".to_owned());
                }
                let rest = u32::MAX >> mask;
                let bits = address.to_bits();
                Ok(Self {
                    first: IpAddr::V4((bits & !rest).into()),
                    last: IpAddr::V4((bits | rest).into()),
                })
            }
            IpAddr::V6(address) => {
                if mask > 127 {
                    return Err("IPv6 mask bits must be < 128".to_owned());
                }
                let rest = u128::MAX >> mask;
                let bits = address.to_bits();
                Ok(Self {
                    first: IpAddr::V6((bits & !rest).into()),
                    last: IpAddr::V6((bits | rest).into()),
                })
            }
        }
    }

    pub(super) fn contains(self, text: &str) -> bool {
        text.parse::<IpAddr>().is_ok_and(|address| {
            address.is_ipv4() == self.first.is_ipv4() && (self.first..=self.last).contains(&address)
        })
    }
}
