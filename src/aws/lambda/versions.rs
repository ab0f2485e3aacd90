//! Versions of functions, and the aliases that point to them.

use aws_sdk_lambda::types::{AliasConfiguration, AliasRoutingConfiguration, FunctionConfiguration};

use crate::aws::{Aws, Error};

/// All versions and aliases of a function.
#[derive(Clone, Debug)]
pub struct Versions {
    /// `$LATEST` first, then by number.
    pub versions: Vec<FunctionConfiguration>,
    /// By name.
    pub aliases: Vec<AliasConfiguration>,
}

/// Where an alias is to point.
#[derive(Clone, Debug, PartialEq)]
pub struct AliasPlan {
    pub function: String,
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// A second version and its share of the invocations, 0 to 1.
    pub share: Option<(String, f64)>,
    /// Whether there is no such alias yet.
    pub is_new: bool,
}

/// Every version and alias of a function.
pub async fn list_versions(aws: Aws, function: String) -> Result<Versions, Error> {
    let list = aws.lambda.list_versions_by_function();
    let list = list.function_name(&function).into_paginator();
    let mut pages = list.items().send();
    let mut versions = Vec::new();
    while let Some(version) = pages.next().await {
        versions.push(version?);
    }
    let list = aws.lambda.list_aliases().function_name(function);
    let mut pages = list.into_paginator().items().send();
    let mut aliases = Vec::new();
    while let Some(alias) = pages.next().await {
        aliases.push(alias?);
    }
    Ok(Versions { versions, aliases })
}

/// Publishes `$LATEST` and answers the number; an older one where nothing changed since. An empty description leaves
/// that of `$LATEST`.
pub async fn publish_version(
    aws: Aws,
    function: String,
    description: String,
) -> Result<String, Error> {
    let publish = aws.lambda.publish_version().function_name(function);
    let description = Some(description).filter(|it| !it.is_empty());
    let published = publish.set_description(description).send().await?;
    published
        .version
        .ok_or_else(|| Error::odd("PublishVersion", "Version"))
}

/// Deletes a version that no alias points to.
pub async fn delete_version(aws: Aws, function: String, version: String) -> Result<(), Error> {
    let delete = aws.lambda.delete_function().function_name(function);
    delete.qualifier(version).send().await?;
    Ok(())
}

/// Makes an alias or points it elsewhere. Without a share, it points to one version only.
pub async fn put_alias(aws: Aws, plan: AliasPlan) -> Result<(), Error> {
    let routing = AliasRoutingConfiguration::builder()
        .set_additional_version_weights(Some(plan.share.into_iter().collect()))
        .build();
    if plan.is_new {
        let create = aws.lambda.create_alias().function_name(plan.function);
        let create = create.name(plan.name).function_version(plan.version);
        create.routing_config(routing).send().await?;
    } else {
        let update = aws.lambda.update_alias().function_name(plan.function);
        let update = update.name(plan.name).function_version(plan.version);
        update.routing_config(routing).send().await?;
    }
    Ok(())
}

/// Deletes an alias; triggers that call it wait for one of that name.
pub async fn delete_alias(aws: Aws, function: String, alias: String) -> Result<(), Error> {
    let delete = aws.lambda.delete_alias().function_name(function);
    delete.name(alias).send().await?;
    Ok(())
}
