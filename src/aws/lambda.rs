//! Functions, invocations and event source mappings.

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionConfiguration};

use super::{Aws, Error};

pub async fn list_functions(aws: Aws) -> Result<Vec<FunctionConfiguration>, Error> {
    let mut found = Vec::new();
    let mut pages = aws.lambda.list_functions().into_paginator().items().send();
    while let Some(function) = pages.next().await {
        found.push(function?);
    }
    Ok(found)
}

pub async fn list_mappings(aws: Aws) -> Result<Vec<EventSourceMappingConfiguration>, Error> {
    let mut found = Vec::new();
    let mut pages = aws
        .lambda
        .list_event_source_mappings()
        .into_paginator()
        .items()
        .send();
    while let Some(mapping) = pages.next().await {
        found.push(mapping?);
    }
    Ok(found)
}
