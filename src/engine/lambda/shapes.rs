//! The types of the members of requests on event source mappings, aliases and tags, as the service model declares them.
//! Pure.

use serde_json::Value;

use crate::engine::call::Fault;

/// What a member may be.
pub(super) enum Shape {
    Text,
    Whole,
    Double,
    Flag,
    Time,
    List(&'static Self),
    /// By names of the request's own.
    Map(&'static Self),
    Structure(&'static [Member]),
}

/// Its name and what it may be.
pub(super) type Member = (&'static str, Shape);

use Shape::{Double, Flag, List, Map, Structure, Text, Time, Whole};

/// `CreateEventSourceMappingRequest`
pub(super) const CREATE_MAPPING: &[Member] = &[
    ("EventSourceArn", Text),
    ("StartingPosition", Text),
    ("StartingPositionTimestamp", Time),
    ("Tags", Map(&Text)),
    ("Topics", List(&Text)),
    ("Queues", List(&Text)),
    ("SelfManagedEventSource", Structure(&[])),
];

/// `UpdateEventSourceMappingRequest`; a creation may carry these, too.
pub(super) const UPDATE_MAPPING: &[Member] = &[
    ("FunctionName", Text),
    ("Enabled", Flag),
    ("BatchSize", Whole),
    (
        "FilterCriteria",
        Structure(&[("Filters", List(&Structure(&[("Pattern", Text)])))]),
    ),
    ("MaximumBatchingWindowInSeconds", Whole),
    ("ParallelizationFactor", Whole),
    (
        "DestinationConfig",
        Structure(&[
            ("OnSuccess", Structure(&[("Destination", Text)])),
            ("OnFailure", Structure(&[("Destination", Text)])),
        ]),
    ),
    ("MaximumRecordAgeInSeconds", Whole),
    ("BisectBatchOnFunctionError", Flag),
    ("MaximumRetryAttempts", Whole),
    ("TumblingWindowInSeconds", Whole),
    ("FunctionResponseTypes", List(&Text)),
    ("KMSKeyArn", Text),
    ("MetricsConfig", Structure(&[("Metrics", List(&Text))])),
    ("AmazonManagedKafkaEventSourceConfig", Structure(&[])),
    ("DocumentDBEventSourceConfig", Structure(&[])),
    ("LoggingConfig", Structure(&[])),
    ("ProvisionedPollerConfig", Structure(&[])),
    ("ScalingConfig", Structure(&[])),
    ("SelfManagedKafkaEventSourceConfig", Structure(&[])),
    ("SourceAccessConfigurations", List(&Structure(&[]))),
];

/// `CreateAliasRequest`, `UpdateAliasRequest`
pub(super) const ALIAS: &[Member] = &[
    ("Name", Text),
    ("FunctionVersion", Text),
    ("Description", Text),
    ("RevisionId", Text),
    (
        "RoutingConfig",
        Structure(&[("AdditionalVersionWeights", Map(&Double))]),
    ),
];

/// `TagResourceRequest`
pub(super) const TAG: &[Member] = &[("Tags", Map(&Text))];

/// Refuses members of a wrong type; `null` is as good as nothing.
pub(super) fn check(input: &Value, members: &[Member]) -> Result<(), Fault> {
    for (name, shape) in members {
        if let Some(value) = input.get(*name) {
            typed(value, shape)?;
        }
    }
    Ok(())
}

fn typed(value: &Value, shape: &Shape) -> Result<(), Fault> {
    match (shape, value) {
        (_, Value::Null)
        | (Text, Value::String(_))
        | (Flag, Value::Bool(_))
        | (Double | Time, Value::Number(_)) => Ok(()),
        (Whole, Value::Number(number)) if number.is_i64() => Ok(()),
        (List(of), Value::Array(elements)) => elements.iter().try_for_each(|it| typed(it, of)),
        (Map(of), Value::Object(members)) => members.values().try_for_each(|it| typed(it, of)),
        (Structure(members), Value::Object(_)) => check(value, members),
        _ => Err(wrong_type(value, wanted(shape))),
    }
}

/// The class in AWS's words; nothing where the member is made of others.
fn wanted(shape: &Shape) -> Option<&'static str> {
    match shape {
        Text => Some("String"),
        Whole => Some("Integer"),
        Double => Some("Double"),
        Flag => Some("Boolean"),
        Time => Some("Date"),
        List(_) | Map(_) | Structure(_) => None,
    }
}

/// 400 `SerializationException`. AWS tells the classes of its own parser, whose words these are.
pub(super) fn wrong_type(value: &Value, wanted: Option<&str>) -> Fault {
    let class = match value {
        Value::Null | Value::Object(_) | Value::Array(_) => None,
        Value::Bool(_) => Some("java.lang.Boolean"),
        Value::Number(_) => Some("com.amazon.coral.value.json.numbers.TruncatingBigNumber"),
        Value::String(_) => Some("java.lang.String"),
    };
    let message = match (class, wanted, value) {
        (Some(class), Some(wanted), _) => {
            format!("class {class} can not be converted to an {wanted}")
        }
        (None, _, Value::Array(_)) => "Start of list found where not expected".to_owned(),
        (None, _, _) => "Start of structure or map found where not expected.".to_owned(),
        (Some(_), None, _) => "Unexpected field type".to_owned(),
    };
    Fault::new(400, "SerializationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_words(input: &Value, expected: Option<&str>) {
        let told = check(input, UPDATE_MAPPING).err().map(|fault| {
            assert_eq!((fault.status, fault.code), (400, "SerializationException"));
            fault.message
        });
        assert_eq!(told.as_deref(), expected, "{input}");
    }

    #[test]
    fn a_member_of_a_wrong_type_is_named_by_its_class() {
        check_words(
            &json!({"Enabled": "true"}),
            Some("class java.lang.String can not be converted to an Boolean"),
        );
        check_words(
            &json!({"BatchSize": "5"}),
            Some("class java.lang.String can not be converted to an Integer"),
        );
        check_words(
            &json!({"FunctionName": 5}),
            Some(
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
            ),
        );
        check_words(
            &json!({"FunctionResponseTypes": [true]}),
            Some("class java.lang.Boolean can not be converted to an String"),
        );
    }

    #[test]
    fn collections_and_texts_are_not_taken_for_each_other() {
        let list = Some("Start of list found where not expected");
        let map = Some("Start of structure or map found where not expected.");
        check_words(&json!({"FilterCriteria": []}), list);
        check_words(&json!({"BatchSize": [1]}), list);
        check_words(&json!({"FunctionResponseTypes": {}}), map);
        check_words(
            &json!({"FilterCriteria": {"Filters": [{"Pattern": {}}]}}),
            map,
        );
        check_words(
            &json!({"MetricsConfig": "EventCount"}),
            Some("Unexpected field type"),
        );
    }

    #[test]
    fn null_and_unknown_members_are_as_good_as_nothing() {
        check_words(
            &json!({"Enabled": null, "Nonsense": 7, "FilterCriteria": {"Filters": null}}),
            None,
        );
        check_words(
            &json!({"Enabled": false, "BatchSize": 7, "MetricsConfig": {"Metrics": []}}),
            None,
        );
    }
}
