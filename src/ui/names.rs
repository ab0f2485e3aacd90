//! Short names for what AWS names by ARN: the words of lists and headings.

use aws_sdk_lambda::types::EventSourceMappingConfiguration as Mapping;

use super::Cx;
use crate::mapping::pace::Pace;

/// The table of a stream's ARN.
pub(super) fn stream_table(arn: &str) -> Option<&str> {
    arn.split_once(":table/")?.1.split('/').next()
}

/// The table a trigger reads; empty when its source is no DynamoDB stream.
pub(super) fn table_of(mapping: &Mapping) -> &str {
    let arn = mapping.event_source_arn().unwrap_or_default();
    stream_table(arn).unwrap_or_default()
}

/// The function a trigger calls, without the version or alias that AWS appends to its ARN.
pub(super) fn function_of(mapping: &Mapping) -> &str {
    let arn = mapping.function_arn().unwrap_or_default();
    arn.split(':').nth(6).unwrap_or(arn)
}

/// The version or alias of its function that a trigger calls; empty for the function itself.
pub(super) fn qualifier_of(mapping: &Mapping) -> &str {
    let arn = mapping.function_arn().unwrap_or_default();
    arn.split(':').nth(7).unwrap_or_default()
}

/// `on-order`, `on-order:live`: what a trigger calls, as the API takes it.
pub(super) fn qualified_of(mapping: &Mapping) -> String {
    qualified(function_of(mapping), qualifier_of(mapping))
}

/// A function and its version or alias, as the API takes it; without one the function itself.
pub(super) fn qualified(function: &str, qualifier: &str) -> String {
    match qualifier {
        "" => function.to_owned(),
        _ => format!("{function}:{qualifier}"),
    }
}

/// `Orders › on-order`
pub(super) fn trigger_of(mapping: &Mapping) -> String {
    format!("{} › {}", table_of(mapping), function_of(mapping))
}

/// The same by UUID, or the UUID while the listing is on its way.
pub(super) fn trigger(cx: &Cx<'_>, uuid: &str) -> String {
    let known = cx.catalog.mappings.value().and_then(|all| {
        let mapping = all.iter().find(|it| it.uuid() == Some(uuid))?;
        Some(trigger_of(mapping))
    });
    known.unwrap_or_else(|| uuid.to_owned())
}

/// The eight hex digits a shard's id ends with.
pub(super) fn short_shard(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// How often triggers read.
pub(super) fn pace(pace: Pace) -> &'static str {
    match pace {
        Pace::FourPerSecond => "4/s",
        Pace::AsWritten => "as written",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(function: &str) -> Mapping {
        Mapping::builder()
            .event_source_arn(
                "arn:aws:dynamodb:us-east-1:1:table/Orders/stream/2026-11-21T00:00:00.000",
            )
            .function_arn(function)
            .build()
    }

    #[test]
    fn a_trigger_of_an_alias_goes_by_the_name_of_its_function() {
        for arn in [
            "arn:aws:lambda:us-east-1:1:function:on-order",
            "arn:aws:lambda:us-east-1:1:function:on-order:live",
            "arn:aws:lambda:us-east-1:1:function:on-order:7",
        ] {
            assert_eq!(trigger_of(&mapping(arn)), "Orders › on-order");
        }
    }

    #[test]
    fn what_a_trigger_calls_is_named_with_its_version_or_alias() {
        let arn = "arn:aws:lambda:us-east-1:1:function:on-order";
        assert_eq!(qualified_of(&mapping(arn)), "on-order");
        assert_eq!(qualifier_of(&mapping(arn)), "");
        let live = mapping(&format!("{arn}:live"));
        assert_eq!(qualified_of(&live), "on-order:live");
    }

    #[test]
    fn other_sources_have_no_table() {
        assert_eq!(stream_table("arn:aws:sqs:us-east-1:1:lost"), None);
        assert_eq!(
            stream_table("arn:aws:dynamodb:us-east-1:1:table/T"),
            Some("T")
        );
    }

    #[test]
    fn a_shard_goes_by_its_last_digits() {
        assert_eq!(
            short_shard("shardId-00000001795312345678-0a1b2c3d"),
            "0a1b2c3d"
        );
    }
}
