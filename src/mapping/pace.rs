//! How often shards are read. No I/O, no behaviour.

use std::fmt;
use std::str::FromStr;

/// When a trigger looks for new records in a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Four times a second, as Lambda does it.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
    #[default]
    FourPerSecond,
    /// As soon as something was written, and on at once while there is more.
    AsWritten,
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FourPerSecond => "4/s",
            Self::AsWritten => "as-written",
        })
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::FourPerSecond, Self::AsWritten]
            .into_iter()
            .find(|it| it.to_string() == text)
            .ok_or_else(|| format!("\"{text}\" is neither as-written nor 4/s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_known_by_its_word() {
        for pace in [Pace::FourPerSecond, Pace::AsWritten] {
            assert_eq!(pace.to_string().parse(), Ok(pace));
        }
        assert!("fast".parse::<Pace>().is_err());
    }
}
