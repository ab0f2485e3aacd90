//! Tables: listing, making, changing. Items are in `items`, reading in `read`, PartiQL in
//! `statement`, their JSON forms in `json`.

mod items;
mod json;
mod read;
mod statement;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, LocalSecondaryIndex, Projection, ProvisionedThroughput, ScalarAttributeType,
    StreamSpecification, StreamViewType, TableDescription, TableStatus,
};

pub use items::{
    Condition, PutRule, delete_item, delete_items, get_item, item_from_row, key_of, key_text,
    put_item, write_items,
};
pub use json::{
    JsonForm, attribute_from_dynamodb_json, attribute_from_plain_json, attribute_text,
    attribute_to_dynamodb_json, attribute_to_plain_json, item_from_dynamodb_json, item_from_json,
    item_from_plain_json, item_to_dynamodb_json, item_to_line, item_to_plain_json,
};
pub use read::{Expressions, FilterPart, Page, ReadKind, ReadRequest, Test, read};
pub use statement::{StatementPage, execute_statement};

use super::{Aws, Error, together};

/// An item in the SDK's shape.
pub type Item = HashMap<String, AttributeValue>;

/// One attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    pub name: String,
    pub kind: ScalarAttributeType,
}

impl KeyPart {
    /// A key attribute of type `S`.
    pub fn text(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: ScalarAttributeType::S,
        }
    }
}

/// What an index carries of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IndexProjection {
    #[default]
    All,
    KeysOnly,
    Include(Vec<String>),
}

/// An index of a table that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndex {
    pub name: String,
    /// A local index has the table's partition key and needs a sort key of its own.
    pub global: bool,
    pub partition: KeyPart,
    pub sort: Option<KeyPart>,
    pub projection: IndexProjection,
}

/// A table that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTable {
    pub name: String,
    pub partition: KeyPart,
    pub sort: Option<KeyPart>,
    pub indexes: Vec<NewIndex>,
    /// Read and write capacity units; `None` is on demand.
    pub provisioned: Option<(u32, u32)>,
    /// Turns the stream on from the start.
    pub stream: Option<StreamViewType>,
    /// Refuses to be deleted until this is turned off.
    pub is_protected: bool,
}

impl NewTable {
    /// On demand, without indexes or stream.
    pub fn new(name: impl Into<String>, partition: KeyPart) -> Self {
        Self {
            name: name.into(),
            partition,
            sort: None,
            indexes: Vec::new(),
            provisioned: None,
            stream: None,
            is_protected: false,
        }
    }
}

/// Every table, described, in the service's order (by name).
pub async fn list_tables(aws: Aws) -> Result<Vec<TableDescription>, Error> {
    let mut names = Vec::new();
    let mut pages = aws.dynamodb.list_tables().into_paginator().items().send();
    while let Some(name) = pages.next().await {
        names.push(name?);
    }
    let describe = |name| {
        let described = describe_table(aws.clone(), name);
        async {
            match described.await {
                // Deleted between the two calls.
                Err(error) if error.code == "ResourceNotFoundException" => Ok(None),
                described => described.map(Some),
            }
        }
    };
    let tables = together(names.into_iter().map(describe)).await?;
    Ok(tables.into_iter().flatten().collect())
}

/// One table as the service describes it.
pub async fn describe_table(aws: Aws, name: String) -> Result<TableDescription, Error> {
    let answer = aws
        .dynamodb
        .describe_table()
        .table_name(name)
        .send()
        .await?;
    answer
        .table
        .ok_or_else(|| Error::odd("DescribeTable", "Table"))
}

/// Makes the table and returns when it is `ACTIVE`.
pub async fn create_table(aws: Aws, new: NewTable) -> Result<TableDescription, Error> {
    let mut request = aws
        .dynamodb
        .create_table()
        .table_name(&new.name)
        .set_key_schema(Some(key_schema(&new.partition, new.sort.as_ref())?))
        .set_attribute_definitions(Some(definitions(&new)?));
    request = match new.provisioned {
        None => request.billing_mode(BillingMode::PayPerRequest),
        Some(units) => request
            .billing_mode(BillingMode::Provisioned)
            .provisioned_throughput(throughput(units)?),
    };
    if let Some(view) = new.stream {
        request = request.stream_specification(stream_specification(Some(view))?);
    }
    if new.is_protected {
        request = request.deletion_protection_enabled(true);
    }
    for index in &new.indexes {
        let keys = key_schema(&index.partition, index.sort.as_ref())?;
        let projection = projection(&index.projection);
        if index.global {
            let mut global = GlobalSecondaryIndex::builder()
                .index_name(&index.name)
                .set_key_schema(Some(keys))
                .projection(projection);
            if let Some(units) = new.provisioned {
                global = global.provisioned_throughput(throughput(units)?);
            }
            request = request.global_secondary_indexes(global.build()?);
        } else {
            let local = LocalSecondaryIndex::builder()
                .index_name(&index.name)
                .set_key_schema(Some(keys))
                .projection(projection);
            request = request.local_secondary_indexes(local.build()?);
        }
    }
    request.send().await?;
    until_active(&aws, &new.name).await
}

/// Deletes the table with all its items and returns when it is gone.
pub async fn delete_table(aws: Aws, name: String) -> Result<(), Error> {
    aws.dynamodb.delete_table().table_name(&name).send().await?;
    for _ in 0..WAITS_MAX {
        match describe_table(aws.clone(), name.clone()).await {
            Ok(_) => aws.clock.wait(aws.pace()).await,
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(Error::stopped(format!("{name} is still being deleted")))
}

/// Turns the stream on with this view, or off; returns when the table is `ACTIVE` again.
/// The view of a stream that is on can only change by turning it off first.
pub async fn set_stream(
    aws: Aws,
    name: String,
    view: Option<StreamViewType>,
) -> Result<TableDescription, Error> {
    aws.dynamodb
        .update_table()
        .table_name(&name)
        .stream_specification(stream_specification(view)?)
        .send()
        .await?;
    until_active(&aws, &name).await
}

/// Turns deletion protection on or off; returns when the table is `ACTIVE` again.
pub async fn set_protection(
    aws: Aws,
    name: String,
    is_protected: bool,
) -> Result<TableDescription, Error> {
    aws.dynamodb
        .update_table()
        .table_name(&name)
        .deletion_protection_enabled(is_protected)
        .send()
        .await?;
    until_active(&aws, &name).await
}

/// Most looks at something that is being made or deleted.
const WAITS_MAX: u32 = 150;

async fn until_active(aws: &Aws, name: &str) -> Result<TableDescription, Error> {
    for _ in 0..WAITS_MAX {
        let table = describe_table(aws.clone(), name.to_owned()).await?;
        if table.table_status == Some(TableStatus::Active) {
            return Ok(table);
        }
        aws.clock.wait(aws.pace()).await;
    }
    Err(Error::stopped(format!("{name} is still not ACTIVE")))
}

impl Aws {
    /// How often to look whether something is ready: a simulated cloud is quick.
    pub(super) fn pace(&self) -> Duration {
        if self.is_local() {
            Duration::from_millis(20)
        } else {
            Duration::from_secs(1)
        }
    }
}

fn key_schema(partition: &KeyPart, sort: Option<&KeyPart>) -> Result<Vec<KeySchemaElement>, Error> {
    let element = |part: &KeyPart, kind| {
        KeySchemaElement::builder()
            .attribute_name(&part.name)
            .key_type(kind)
            .build()
    };
    let mut keys = vec![element(partition, KeyType::Hash)?];
    if let Some(sort) = sort {
        keys.push(element(sort, KeyType::Range)?);
    }
    Ok(keys)
}

/// Every attribute named in a key, once.
fn definitions(new: &NewTable) -> Result<Vec<AttributeDefinition>, Error> {
    let of_indexes = new
        .indexes
        .iter()
        .flat_map(|index| std::iter::once(&index.partition).chain(&index.sort));
    let parts: BTreeMap<&str, &ScalarAttributeType> = std::iter::once(&new.partition)
        .chain(&new.sort)
        .chain(of_indexes)
        .map(|part| (part.name.as_str(), &part.kind))
        .collect();
    let definition = |(name, kind): (&str, &ScalarAttributeType)| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind.clone())
            .build()
            .map_err(Error::from)
    };
    parts.into_iter().map(definition).collect()
}

fn throughput((read, write): (u32, u32)) -> Result<ProvisionedThroughput, Error> {
    Ok(ProvisionedThroughput::builder()
        .read_capacity_units(read.into())
        .write_capacity_units(write.into())
        .build()?)
}

fn projection(wanted: &IndexProjection) -> Projection {
    use aws_sdk_dynamodb::types::ProjectionType;
    let builder = Projection::builder();
    match wanted {
        IndexProjection::All => builder.projection_type(ProjectionType::All),
        IndexProjection::KeysOnly => builder.projection_type(ProjectionType::KeysOnly),
        IndexProjection::Include(names) => builder
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(names.clone())),
    }
    .build()
}

fn stream_specification(view: Option<StreamViewType>) -> Result<StreamSpecification, Error> {
    Ok(StreamSpecification::builder()
        .stream_enabled(view.is_some())
        .set_stream_view_type(view)
        .build()?)
}
