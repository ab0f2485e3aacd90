//! Amazon Resource Names: parse, build, print. Knows no rules of any service.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `arn:partition:service:region:account:resource`; the resource keeps its own colons and slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    pub resource: String,
}

/// The text has fewer than six parts, or does not begin with `arn:`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an ARN; it should look like arn:aws:service:region:account:resource")]
pub struct NotAnArn(pub String);

impl Arn {
    /// An ARN of the partition `aws`.
    pub fn new(service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: "aws".to_owned(),
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.into(),
        }
    }

    /// The last segment of the resource after `/` or `:`: a table, function, role or queue name.
    pub fn name(&self) -> &str {
        self.resource
            .rsplit(['/', ':'])
            .next()
            .unwrap_or(&self.resource)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl FromStr for Arn {
    type Err = NotAnArn;

    fn from_str(text: &str) -> Result<Self, NotAnArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned);
        match (next(), next(), next(), next(), next(), next()) {
            (
                Some(arn),
                Some(partition),
                Some(service),
                Some(region),
                Some(account),
                Some(resource),
            ) if arn == "arn" && !resource.is_empty() => Ok(Self {
                partition,
                service,
                region,
                account,
                resource,
            }),
            _ => Err(NotAnArn(text.to_owned())),
        }
    }
}

impl Serialize for Arn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_arn_keeps_the_colons_of_its_label() {
        let text = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.resource, "table/T/stream/2026-01-01T00:00:00.000");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn a_name_is_the_last_segment() {
        let arn = Arn::new("iam", "", "123456789012", "role/path/reader");
        assert_eq!(arn.name(), "reader");
    }

    #[test]
    fn too_few_parts_are_refused_with_a_hint() {
        let error = "arn:aws:s3".parse::<Arn>().unwrap_err();
        assert!(error.to_string().contains("should look like"));
    }
}
