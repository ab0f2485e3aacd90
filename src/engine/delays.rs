//! How long event source mappings take from one state to the next. Pure but for the dice.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::state::MappingState;
use crate::ids::Ids;

/// How long mappings take to be made, changed, switched and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delays {
    /// No time at all.
    Instant,
    /// A fifth of a second for each.
    #[default]
    Quick,
    /// As long as recorded on AWS: up to a minute for each, and some minutes until polling takes effect.
    Aws,
}

const QUICK: Duration = Duration::from_millis(200);
/// Least and most until a mapping is made, changed or switched on, as tests against AWS took.
const AWS_STARTS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(1));
/// Least and most until a mapping is switched off or gone, after its last invocation has returned.
const AWS_STOPS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(1));
/// Least and most until an enabled mapping polls. The documentation speaks of several minutes:
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
const AWS_FIRST_POLL: (Duration, Duration) = (Duration::ZERO, Duration::from_mins(3));

impl Delays {
    /// How long this passing state lasts; nothing for the others.
    pub fn of(self, state: MappingState, ids: &Ids) -> Duration {
        let aws = match state {
            MappingState::Creating | MappingState::Enabling | MappingState::Updating => AWS_STARTS,
            MappingState::Disabling | MappingState::Deleting => AWS_STOPS,
            MappingState::Enabled | MappingState::Disabled => return Duration::ZERO,
        };
        match self {
            Self::Instant => Duration::ZERO,
            Self::Quick => QUICK,
            Self::Aws => between(aws, ids),
        }
    }

    /// How long an enabled mapping is not polled for yet.
    pub fn until_first_poll(self, ids: &Ids) -> Duration {
        match self {
            Self::Instant | Self::Quick => Duration::ZERO,
            Self::Aws => between(AWS_FIRST_POLL, ids),
        }
    }
}

/// `instant`, `quick` or `aws`.
impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instant => "instant",
            Self::Quick => "quick",
            Self::Aws => "aws",
        })
    }
}

impl FromStr for Delays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Instant, Self::Quick, Self::Aws]
            .into_iter()
            .find(|it| it.to_string() == text)
            .ok_or_else(|| format!("\"{text}\" is none of instant, quick and aws"))
    }
}

/// Any time of these in whole milliseconds, each as likely.
fn between((least, most): (Duration, Duration), ids: &Ids) -> Duration {
    let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
    least + Duration::from_millis(ids.number() % (span + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_aws_are_thrown_within_what_was_recorded() {
        let ids = Ids::seeded(1);
        let secs = |secs| Duration::from_secs(secs);
        let mut seen = (Duration::MAX, Duration::ZERO);
        for _ in 0..1000 {
            let time = Delays::Aws.of(MappingState::Creating, &ids);
            assert!((secs(10)..=secs(60)).contains(&time), "{time:?}");
            let time = Delays::Aws.of(MappingState::Deleting, &ids);
            assert!((secs(30)..=secs(60)).contains(&time), "{time:?}");
            let time = Delays::Aws.until_first_poll(&ids);
            seen = (seen.0.min(time), seen.1.max(time));
        }
        assert!(seen.0 < secs(5) && seen.1 > secs(175) && seen.1 <= secs(180));
    }

    #[test]
    fn the_other_times_are_fixed() {
        let ids = Ids::seeded(1);
        for state in [MappingState::Creating, MappingState::Disabling] {
            assert_eq!(Delays::Instant.of(state, &ids), Duration::ZERO);
            assert_eq!(Delays::Quick.of(state, &ids), Duration::from_millis(200));
        }
        assert_eq!(Delays::Aws.of(MappingState::Enabled, &ids), Duration::ZERO);
        assert_eq!(Delays::Quick.until_first_poll(&ids), Duration::ZERO);
    }

    #[test]
    fn delays_are_named_by_a_word() {
        for delays in [Delays::Instant, Delays::Quick, Delays::Aws] {
            assert_eq!(delays.to_string().parse(), Ok(delays));
        }
        assert_eq!(Delays::default(), Delays::Quick);
        assert!("slow".parse::<Delays>().is_err());
    }
}
