//! Event source mappings on DynamoDB streams, in the vocabulary of [`MappingConfig`].

use aws_sdk_lambda::types::{
    DestinationConfig, EventSourceMappingConfiguration, EventSourceMappingMetric,
    EventSourceMappingMetricsConfig, EventSourcePosition, Filter, FilterCriteria,
    FunctionResponseType, OnFailure,
};

use super::{patiently, signed};
use crate::aws::{Aws, Error};
use crate::mapping::MappingConfig;
use crate::mapping::config::StartingPosition;

/// A trigger that does not exist yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMapping {
    /// Name or ARN.
    pub function: String,
    pub stream_arn: String,
    pub config: MappingConfig,
    pub enabled: bool,
}

/// Every mapping, of whatever source.
pub async fn list_mappings(aws: Aws) -> Result<Vec<EventSourceMappingConfiguration>, Error> {
    let mut found = Vec::new();
    let mut pages = aws
        .lambda
        .list_event_source_mappings()
        .into_paginator()
        .items()
        .send();
    while let Some(mapping) = pages.next().await {
        let mapping = mapping?;
        // A list does not show filters that a key encrypts.
        match (mapping.kms_key_arn(), mapping.uuid()) {
            (Some(_), Some(uuid)) => found.push(get_mapping(aws.clone(), uuid.to_owned()).await?),
            _ => found.push(mapping),
        }
    }
    Ok(found)
}

/// One mapping by UUID.
pub async fn get_mapping(aws: Aws, uuid: String) -> Result<EventSourceMappingConfiguration, Error> {
    let answer = aws
        .lambda
        .get_event_source_mapping()
        .uuid(uuid)
        .send()
        .await?;
    Ok(EventSourceMappingConfiguration::builder()
        .set_uuid(answer.uuid)
        .set_starting_position(answer.starting_position)
        .set_batch_size(answer.batch_size)
        .set_maximum_batching_window_in_seconds(answer.maximum_batching_window_in_seconds)
        .set_parallelization_factor(answer.parallelization_factor)
        .set_event_source_arn(answer.event_source_arn)
        .set_filter_criteria(answer.filter_criteria)
        .set_filter_criteria_error(answer.filter_criteria_error)
        .set_metrics_config(answer.metrics_config)
        .set_kms_key_arn(answer.kms_key_arn)
        .set_function_arn(answer.function_arn)
        .set_last_modified(answer.last_modified)
        .set_last_processing_result(answer.last_processing_result)
        .set_state(answer.state)
        .set_state_transition_reason(answer.state_transition_reason)
        .set_destination_config(answer.destination_config)
        .set_maximum_record_age_in_seconds(answer.maximum_record_age_in_seconds)
        .set_bisect_batch_on_function_error(answer.bisect_batch_on_function_error)
        .set_maximum_retry_attempts(answer.maximum_retry_attempts)
        .set_tumbling_window_in_seconds(answer.tumbling_window_in_seconds)
        .set_function_response_types(answer.function_response_types)
        .set_event_source_mapping_arn(answer.event_source_mapping_arn)
        .build())
}

/// Makes a trigger; it is `Creating` at first. On AWS a role that may not read the stream is asked
/// about again for some seconds: its policies may be too new.
pub async fn create_mapping(
    aws: Aws,
    new: NewMapping,
) -> Result<EventSourceMappingConfiguration, Error> {
    let NewMapping {
        function,
        stream_arn,
        config,
        enabled,
    } = new;
    let position = match config.starting_position {
        StartingPosition::Latest => EventSourcePosition::Latest,
        StartingPosition::TrimHorizon => EventSourcePosition::TrimHorizon,
    };
    let request = aws
        .lambda
        .create_event_source_mapping()
        .function_name(function)
        .event_source_arn(stream_arn)
        .starting_position(position)
        .enabled(enabled)
        .batch_size(signed(config.batch_size))
        .maximum_batching_window_in_seconds(signed(config.batching_window_secs))
        .parallelization_factor(signed(config.parallelization_factor))
        .maximum_retry_attempts(or_none(config.retry_attempts_max, -1))
        .maximum_record_age_in_seconds(or_none(config.record_age_secs_max, -1))
        .bisect_batch_on_function_error(config.bisect_on_function_error)
        .set_tumbling_window_in_seconds(config.tumbling_window_secs.map(signed))
        .set_function_response_types(Some(response_types(&config)).filter(|it| !it.is_empty()))
        .set_destination_config(config.on_failure.as_deref().map(destination))
        .set_filter_criteria(Some(filters(&config)).filter(|it| !it.filters().is_empty()))
        .set_metrics_config(Some(metrics(&config)).filter(|it| !it.metrics().is_empty()))
        .set_kms_key_arn(config.kms_key.clone());
    let answer = patiently(&aws, "Please ensure the role can perform", || {
        let request = request.clone();
        async { Ok(request.send().await?) }
    })
    .await?;
    let uuid = answer
        .uuid
        .ok_or_else(|| Error::odd("CreateEventSourceMapping", "UUID"))?;
    get_mapping(aws, uuid).await
}

/// Replaces the settings of a trigger (the starting position cannot change); `None` leaves the
/// switch or the function as they are.
pub async fn update_mapping(
    aws: Aws,
    uuid: String,
    config: MappingConfig,
    enabled: Option<bool>,
    function: Option<String>,
) -> Result<EventSourceMappingConfiguration, Error> {
    aws.lambda
        .update_event_source_mapping()
        .uuid(&uuid)
        .set_function_name(function)
        .set_enabled(enabled)
        .batch_size(signed(config.batch_size))
        .maximum_batching_window_in_seconds(signed(config.batching_window_secs))
        .parallelization_factor(signed(config.parallelization_factor))
        .maximum_retry_attempts(or_none(config.retry_attempts_max, -1))
        .maximum_record_age_in_seconds(or_none(config.record_age_secs_max, -1))
        .bisect_batch_on_function_error(config.bisect_on_function_error)
        .tumbling_window_in_seconds(or_none(config.tumbling_window_secs, 0))
        .set_function_response_types(Some(response_types(&config)))
        .destination_config(destination(
            config.on_failure.as_deref().unwrap_or_default(),
        ))
        .filter_criteria(filters(&config))
        .metrics_config(metrics(&config))
        // An empty one removes the key there is.
        .kms_key_arn(config.kms_key.clone().unwrap_or_default())
        .send()
        .await?;
    get_mapping(aws, uuid).await
}

/// Switches a trigger on or off.
pub async fn set_mapping_enabled(
    aws: Aws,
    uuid: String,
    enabled: bool,
) -> Result<EventSourceMappingConfiguration, Error> {
    aws.lambda
        .update_event_source_mapping()
        .uuid(&uuid)
        .enabled(enabled)
        .send()
        .await?;
    get_mapping(aws, uuid).await
}

/// Deletes a trigger; it is `Deleting` for a while.
pub async fn delete_mapping(aws: Aws, uuid: String) -> Result<(), Error> {
    aws.lambda
        .delete_event_source_mapping()
        .uuid(uuid)
        .send()
        .await?;
    Ok(())
}

/// The settings of a mapping as AWS describes it.
pub fn config_of(mapping: &EventSourceMappingConfiguration) -> MappingConfig {
    let defaults = MappingConfig::default();
    // -1 and 0 mean "none"; so does silence.
    let positive = |number: Option<i32>| number.and_then(|it| u32::try_from(it).ok());
    let destination = mapping
        .destination_config()
        .and_then(DestinationConfig::on_failure)
        .and_then(OnFailure::destination);
    let position = match mapping.starting_position() {
        Some(EventSourcePosition::TrimHorizon) => StartingPosition::TrimHorizon,
        _ => StartingPosition::Latest,
    };
    MappingConfig {
        batch_size: positive(mapping.batch_size).unwrap_or(defaults.batch_size),
        batching_window_secs: positive(mapping.maximum_batching_window_in_seconds).unwrap_or(0),
        parallelization_factor: positive(mapping.parallelization_factor).unwrap_or(1),
        retry_attempts_max: positive(mapping.maximum_retry_attempts),
        record_age_secs_max: positive(mapping.maximum_record_age_in_seconds),
        bisect_on_function_error: mapping.bisect_batch_on_function_error.unwrap_or(false),
        tumbling_window_secs: positive(mapping.tumbling_window_in_seconds).filter(|it| *it > 0),
        report_batch_item_failures: mapping
            .function_response_types()
            .contains(&FunctionResponseType::ReportBatchItemFailures),
        on_failure: destination.filter(|it| !it.is_empty()).map(str::to_owned),
        filters: mapping
            .filter_criteria()
            .map(FilterCriteria::filters)
            .unwrap_or_default()
            .iter()
            .filter_map(|it| it.pattern.clone())
            .collect(),
        starting_position: position,
        event_count_metrics: mapping
            .metrics_config()
            .is_some_and(|it| it.metrics().contains(&EventSourceMappingMetric::EventCount)),
        kms_key: mapping.kms_key_arn.clone().filter(|it| !it.is_empty()),
    }
}

fn or_none(number: Option<u32>, none: i32) -> i32 {
    number.map_or(none, signed)
}

fn response_types(config: &MappingConfig) -> Vec<FunctionResponseType> {
    if config.report_batch_item_failures {
        vec![FunctionResponseType::ReportBatchItemFailures]
    } else {
        Vec::new()
    }
}

/// An empty destination removes the one there is.
fn destination(arn: &str) -> DestinationConfig {
    let on_failure = OnFailure::builder().destination(arn).build();
    DestinationConfig::builder().on_failure(on_failure).build()
}

fn filters(config: &MappingConfig) -> FilterCriteria {
    let filters = config
        .filters
        .iter()
        .map(|it| Filter::builder().pattern(it).build())
        .collect();
    FilterCriteria::builder().set_filters(Some(filters)).build()
}

fn metrics(config: &MappingConfig) -> EventSourceMappingMetricsConfig {
    let metrics = if config.event_count_metrics {
        vec![EventSourceMappingMetric::EventCount]
    } else {
        Vec::new()
    };
    EventSourceMappingMetricsConfig::builder()
        .set_metrics(Some(metrics))
        .build()
}
