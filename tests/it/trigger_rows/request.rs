//! Requests of the rows as the SDK's builders have them. Every member is taken, or the row fails.

use std::collections::HashMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder as Create;
use aws_sdk_lambda::operation::list_event_source_mappings::builders::ListEventSourceMappingsFluentBuilder as List;
use aws_sdk_lambda::operation::tag_resource::builders::TagResourceFluentBuilder as Tag;
use aws_sdk_lambda::operation::untag_resource::builders::UntagResourceFluentBuilder as Untag;
use aws_sdk_lambda::operation::update_event_source_mapping::builders::UpdateEventSourceMappingFluentBuilder as Update;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types::{
    AmazonManagedKafkaEventSourceConfig, DestinationConfig, DocumentDbEventSourceConfig,
    EndPointType, EventSourceMappingLoggingConfig, EventSourceMappingMetric,
    EventSourceMappingMetricsConfig, EventSourceMappingSystemLogLevel, EventSourcePosition, Filter,
    FilterCriteria, FunctionResponseType, OnFailure, OnSuccess, ProvisionedPollerConfig,
    ScalingConfig, SelfManagedEventSource, SelfManagedKafkaEventSourceConfig,
    SourceAccessConfiguration, SourceAccessType,
};
use serde_json::Value;

/// Members that both requests have; those left over are given back.
macro_rules! both {
    ($builder:expr, $name:expr, $value:expr) => {
        match $name {
            "FunctionName" => $builder.function_name(text($value)),
            "Enabled" => $builder.enabled($value.as_bool().unwrap()),
            "BatchSize" => $builder.batch_size(whole($value)),
            "MaximumBatchingWindowInSeconds" => {
                $builder.maximum_batching_window_in_seconds(whole($value))
            }
            "ParallelizationFactor" => $builder.parallelization_factor(whole($value)),
            "MaximumRetryAttempts" => $builder.maximum_retry_attempts(whole($value)),
            "MaximumRecordAgeInSeconds" => $builder.maximum_record_age_in_seconds(whole($value)),
            "TumblingWindowInSeconds" => $builder.tumbling_window_in_seconds(whole($value)),
            "BisectBatchOnFunctionError" => {
                $builder.bisect_batch_on_function_error($value.as_bool().unwrap())
            }
            "FunctionResponseTypes" => $builder.set_function_response_types(Some(
                texts($value).map(FunctionResponseType::from).collect(),
            )),
            "DestinationConfig" => $builder.destination_config(destination($value)),
            "FilterCriteria" => $builder.filter_criteria(filters($value)),
            "KMSKeyArn" => $builder.kms_key_arn(text($value)),
            "MetricsConfig" => $builder.metrics_config(metrics($value)),
            "LoggingConfig" => {
                let level = EventSourceMappingSystemLogLevel::from(text(&$value["SystemLogLevel"]));
                let config = EventSourceMappingLoggingConfig::builder().system_log_level(level);
                $builder.logging_config(config.build())
            }
            "ScalingConfig" => {
                let most = whole(&$value["MaximumConcurrency"]);
                let config = ScalingConfig::builder().maximum_concurrency(most);
                $builder.scaling_config(config.build())
            }
            "ProvisionedPollerConfig" => {
                let least = whole(&$value["MinimumPollers"]);
                let config = ProvisionedPollerConfig::builder().minimum_pollers(least);
                $builder.provisioned_poller_config(config.build())
            }
            "SourceAccessConfigurations" => {
                let access = SourceAccessConfiguration::builder()
                    .r#type(SourceAccessType::from(text(&$value[0]["Type"])))
                    .uri(text(&$value[0]["URI"]));
                $builder.source_access_configurations(access.build())
            }
            "AmazonManagedKafkaEventSourceConfig" => {
                let group = text(&$value["ConsumerGroupId"]);
                let config = AmazonManagedKafkaEventSourceConfig::builder();
                $builder.amazon_managed_kafka_event_source_config(
                    config.consumer_group_id(group).build(),
                )
            }
            "SelfManagedKafkaEventSourceConfig" => {
                let group = text(&$value["ConsumerGroupId"]);
                let config = SelfManagedKafkaEventSourceConfig::builder();
                $builder
                    .self_managed_kafka_event_source_config(config.consumer_group_id(group).build())
            }
            "DocumentDBEventSourceConfig" => {
                let name = text(&$value["DatabaseName"]);
                let config = DocumentDbEventSourceConfig::builder().database_name(name);
                $builder.document_db_event_source_config(config.build())
            }
            "UUID" => $builder,
            other => panic!("no member {other} in this request"),
        }
    };
}

pub(crate) fn create(client: &Client, input: &Value) -> Create {
    let mut create = client.create_event_source_mapping();
    for (name, value) in members(input) {
        create = match name.as_str() {
            "EventSourceArn" => create.event_source_arn(text(value)),
            "StartingPosition" => create.starting_position(EventSourcePosition::from(text(value))),
            "StartingPositionTimestamp" => {
                let at = DateTime::from_secs(value.as_i64().unwrap());
                create.starting_position_timestamp(at)
            }
            "Tags" => create.set_tags(Some(map(value))),
            "Topics" => create.set_topics(Some(texts(value).map(str::to_owned).collect())),
            "Queues" => create.set_queues(Some(texts(value).map(str::to_owned).collect())),
            "SelfManagedEventSource" => {
                let servers = texts(&value["Endpoints"]["KAFKA_BOOTSTRAP_SERVERS"]);
                let servers = servers.map(str::to_owned).collect();
                let source = SelfManagedEventSource::builder()
                    .endpoints(EndPointType::KafkaBootstrapServers, servers);
                create.self_managed_event_source(source.build())
            }
            name => both!(create, name, value),
        };
    }
    create
}

pub(crate) fn update(client: &Client, uuid: &str, input: &Value) -> Update {
    let mut update = client.update_event_source_mapping().uuid(uuid);
    for (name, value) in members(input) {
        update = both!(update, name.as_str(), value);
    }
    update
}

pub(crate) fn list(client: &Client, input: &Value) -> List {
    let mut list = client.list_event_source_mappings();
    for (name, value) in members(input) {
        list = match name.as_str() {
            "EventSourceArn" => list.event_source_arn(text(value)),
            "FunctionName" => list.function_name(text(value)),
            "MaxItems" => list.max_items(whole(value)),
            other => panic!("no member {other} in this request"),
        };
    }
    list
}

pub(crate) fn tag(client: &Client, resource: &str, input: &Value) -> Tag {
    let tag = client.tag_resource().resource(resource);
    tag.set_tags(Some(map(&input["Tags"])))
}

pub(crate) fn untag(client: &Client, resource: &str, input: &Value) -> Untag {
    let keys = texts(&input["TagKeys"]).map(str::to_owned).collect();
    let untag = client.untag_resource().resource(resource);
    untag.set_tag_keys(Some(keys))
}

/// Those that are given.
fn members(input: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let members = input.as_object().unwrap().iter();
    members.filter(|(_, value)| !value.is_null())
}

fn destination(value: &Value) -> DestinationConfig {
    let mut config = DestinationConfig::builder();
    for (side, value) in members(value) {
        let to = value["Destination"].as_str().map(str::to_owned);
        config = match side.as_str() {
            "OnSuccess" => config.on_success(OnSuccess::builder().set_destination(to).build()),
            "OnFailure" => config.on_failure(OnFailure::builder().set_destination(to).build()),
            other => panic!("no side {other}"),
        };
    }
    config.build()
}

fn filters(value: &Value) -> FilterCriteria {
    let filters = value["Filters"].as_array().map(|filters| {
        let patterns = filters.iter().map(|it| it["Pattern"].as_str());
        let filters = patterns.map(|it| {
            let filter = Filter::builder().set_pattern(it.map(str::to_owned));
            filter.build()
        });
        filters.collect()
    });
    FilterCriteria::builder().set_filters(filters).build()
}

fn metrics(value: &Value) -> EventSourceMappingMetricsConfig {
    let metrics = texts(&value["Metrics"]).map(EventSourceMappingMetric::from);
    EventSourceMappingMetricsConfig::builder()
        .set_metrics(Some(metrics.collect()))
        .build()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().unwrap().iter().map(text)
}

fn whole(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

fn map(value: &Value) -> HashMap<String, String> {
    let members = members(value);
    members
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect()
}
