//! Steps about versions and aliases of the function.

use aws_sdk_lambda::types::AliasRoutingConfiguration;
use serde_json::Value;

use crate::lab::Lab;

const FUNCTION: &str = "bill";

/// Publishes `$LATEST`.
pub(super) async fn publish(lab: &Lab) {
    let publish = lab.lambda.publish_version().function_name(FUNCTION);
    publish.send().await.unwrap();
}

/// Deletes a version.
pub(super) async fn unpublish(lab: &Lab, version: &str) {
    let delete = lab.lambda.delete_function().function_name(FUNCTION);
    delete.qualifier(version).send().await.unwrap();
}

/// Points an alias, new or not, to a version, and to a second one by weight.
pub(super) async fn alias(lab: &Lab, name: &str, version: &str, weights: &Value) {
    let weights = weights.as_object().into_iter().flatten();
    let weights = weights.map(|(version, weight)| (version.clone(), weight.as_f64().unwrap()));
    let routing = AliasRoutingConfiguration::builder();
    let routing = routing.set_additional_version_weights(Some(weights.collect()));
    let routing = routing.build();
    let update = lab.lambda.update_alias().function_name(FUNCTION);
    let update = update.name(name).function_version(version);
    if let Err(error) = update.routing_config(routing.clone()).send().await {
        assert!(error.into_service_error().is_resource_not_found_exception());
        let create = lab.lambda.create_alias().function_name(FUNCTION).name(name);
        let create = create.function_version(version).routing_config(routing);
        create.send().await.unwrap();
    }
}

/// Deletes an alias.
pub(super) async fn unalias(lab: &Lab, name: &str) {
    let delete = lab.lambda.delete_alias().function_name(FUNCTION);
    delete.name(name).send().await.unwrap();
}

/// The version a log stream belongs to: `2026/01/01/[1]0123…`
pub(super) fn of_stream(name: &str) -> String {
    let (_, rest) = name.split_once('[').unwrap();
    rest.split_once(']').unwrap().0.to_owned()
}
