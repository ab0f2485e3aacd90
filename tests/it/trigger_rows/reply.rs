//! Replies of the SDK under the names that the wire gives their members, and refusals.

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::list_event_source_mappings::builders::ListEventSourceMappingsFluentBuilder as List;
use aws_sdk_lambda::operation::list_tags::builders::ListTagsFluentBuilder as ListTags;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::{Value, json};

/// What is shown, or status, code and words of a refusal.
pub(crate) type Answer = Result<Value, (u16, String, String)>;

/// `EventSourceMappingConfiguration`, whichever operation's reply it is.
macro_rules! shown {
    ($reply:expr) => {{
        let reply = $reply;
        let mut out = serde_json::Map::new();
        let mut put = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                out.insert(name.to_owned(), value);
            }
        };
        let text = |it: &Option<String>| it.as_deref().map(serde_json::Value::from);
        let whole = |it: Option<i32>| it.map(serde_json::Value::from);
        put("UUID", text(&reply.uuid));
        put("EventSourceArn", text(&reply.event_source_arn));
        put("EventSourceMappingArn", text(&reply.event_source_mapping_arn));
        put("FunctionArn", text(&reply.function_arn));
        put("KMSKeyArn", text(&reply.kms_key_arn));
        put("LastProcessingResult", text(&reply.last_processing_result));
        put("State", text(&reply.state));
        put("StateTransitionReason", text(&reply.state_transition_reason));
        put("BatchSize", whole(reply.batch_size));
        put("MaximumBatchingWindowInSeconds", whole(reply.maximum_batching_window_in_seconds));
        put("MaximumRecordAgeInSeconds", whole(reply.maximum_record_age_in_seconds));
        put("MaximumRetryAttempts", whole(reply.maximum_retry_attempts));
        put("ParallelizationFactor", whole(reply.parallelization_factor));
        put("TumblingWindowInSeconds", whole(reply.tumbling_window_in_seconds));
        put("BisectBatchOnFunctionError", reply.bisect_batch_on_function_error.map(serde_json::Value::from));
        put("LastModified", reply.last_modified.map(|it| serde_json::Value::from(it.as_secs_f64())));
        put("StartingPosition", reply.starting_position.as_ref().map(|it| serde_json::Value::from(it.as_str())));
        put("FunctionResponseTypes", reply.function_response_types.as_ref().map(|types| {
            types.iter().map(|it| it.as_str().to_owned()).collect()
        }));
        put("DestinationConfig", reply.destination_config.as_ref().map($crate::trigger_rows::reply::destination));
        put("FilterCriteria", reply.filter_criteria.as_ref().map($crate::trigger_rows::reply::filters));
        put("FilterCriteriaError", reply.filter_criteria_error.as_ref().map(|error| {
            serde_json::json!({ "ErrorCode": error.error_code(), "Message": error.message() })
        }));
        put("MetricsConfig", reply.metrics_config.as_ref().map(|config| {
            let metrics: Vec<_> = config.metrics().iter().map(|it| it.as_str()).collect();
            serde_json::json!({ "Metrics": metrics })
        }));
        assert!(reply.scaling_config.is_none() && reply.starting_position_timestamp.is_none());
        serde_json::Value::Object(out)
    }};
}
pub(crate) use shown;

/// Sends a request that is answered with a mapping.
macro_rules! answer {
    ($request:expr) => {
        match $request.send().await {
            Ok(reply) => Ok(shown!(reply)),
            Err(error) => Err($crate::trigger_rows::reply::refusal(&error)),
        }
    };
}
pub(crate) use answer;

pub(crate) async fn list(list: List) -> Answer {
    let reply = list.send().await.map_err(|error| refusal(&error))?;
    let mappings = reply.event_source_mappings.unwrap_or_default();
    Ok(mappings.into_iter().map(|it| shown!(it)).collect())
}

pub(crate) async fn tags(list: ListTags) -> Answer {
    let reply = list.send().await.map_err(|error| refusal(&error))?;
    Ok(json!({ "Tags": reply.tags }))
}

pub(crate) fn nothing<T, E>(answer: Result<T, SdkError<E, HttpResponse>>) -> Answer
where
    E: ProvideErrorMetadata,
{
    match answer {
        Ok(_) => Ok(json!({})),
        Err(error) => Err(refusal(&error)),
    }
}

pub(crate) fn refusal<E>(error: &SdkError<E, HttpResponse>) -> (u16, String, String)
where
    E: ProvideErrorMetadata,
{
    let status = error.raw_response().map_or(0, |it| it.status().as_u16());
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    (status, text(error.code()), text(error.message()))
}

pub(crate) fn destination(config: &aws_sdk_lambda::types::DestinationConfig) -> Value {
    assert!(config.on_success().is_none());
    let on_failure = config.on_failure().unwrap();
    match on_failure.destination() {
        Some(destination) => json!({ "OnFailure": { "Destination": destination } }),
        None => json!({ "OnFailure": {} }),
    }
}

pub(crate) fn filters(criteria: &aws_sdk_lambda::types::FilterCriteria) -> Value {
    let filters = criteria.filters().iter();
    let filters: Vec<_> = filters
        .map(|it| json!({ "Pattern": it.pattern() }))
        .collect();
    json!({ "Filters": filters })
}
