//! Writing and deleting items, and what their keys are.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeyType, PutRequest, TableDescription, WriteRequest,
};

use super::json::{JsonForm, attribute_text, item_to_line};
use super::{Item, describe_table};
use crate::aws::{Aws, Error};

/// When a put may happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PutRule {
    /// Replaces whatever is there.
    #[default]
    Any,
    /// Fails with `ConditionalCheckFailedException` when an item with this key exists.
    OnlyNew,
    /// Fails with `ConditionalCheckFailedException` when the stored item is no longer this one,
    /// as far as the attributes of both items tell.
    OnlyIfUnchanged(Item),
}

/// One item by its key, read consistently; `None` when there is none.
pub async fn get_item(aws: Aws, table: String, key: Item) -> Result<Option<Item>, Error> {
    let answer = aws
        .dynamodb
        .get_item()
        .table_name(table)
        .set_key(Some(key))
        .consistent_read(true)
        .send()
        .await?;
    Ok(answer.item)
}

/// A condition as it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    pub expression: String,
    pub names: HashMap<String, String>,
    pub values: HashMap<String, AttributeValue>,
}

impl PutRule {
    /// What is sent beside the item, for a table with this partition key; also for showing the call.
    pub fn condition(self, partition: &str, item: &Item) -> Option<Condition> {
        let guard = match self {
            Self::Any => return None,
            Self::OnlyNew => {
                let mut guard = Guard::default();
                guard.missing(partition.to_owned());
                guard
            }
            Self::OnlyIfUnchanged(former) => Guard::unchanged(former, item),
        };
        (!guard.clauses.is_empty()).then(|| Condition {
            expression: guard.clauses.join(" AND "),
            names: guard.names,
            values: guard.values,
        })
    }
}

/// Writes one item whole.
pub async fn put_item(aws: Aws, table: String, item: Item, rule: PutRule) -> Result<(), Error> {
    let partition = match rule {
        PutRule::OnlyNew => {
            let described = describe_table(aws.clone(), table.clone()).await?;
            key_names(&described).into_iter().next().unwrap_or_default()
        }
        PutRule::Any | PutRule::OnlyIfUnchanged(_) => String::new(),
    };
    let condition = rule.condition(&partition, &item);
    let mut request = aws
        .dynamodb
        .put_item()
        .table_name(table)
        .set_item(Some(item));
    if let Some(condition) = condition {
        request = request
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values).filter(|it| !it.is_empty()));
    }
    request.send().await?;
    Ok(())
}

/// Deletes one item; fine when there is none.
pub async fn delete_item(aws: Aws, table: String, key: Item) -> Result<(), Error> {
    aws.dynamodb
        .delete_item()
        .table_name(table)
        .set_key(Some(key))
        .send()
        .await?;
    Ok(())
}

/// Puts all items, 25 per call, and returns how many were written: all of them, or an error that
/// says how many. Of items with the same key the last one stays.
pub async fn write_items(aws: Aws, table: String, items: Vec<Item>) -> Result<u64, Error> {
    let described = describe_table(aws.clone(), table.clone()).await?;
    let put = |item: Item| {
        let key = key_of(&described, &item);
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        Ok((key, WriteRequest::builder().put_request(put).build()))
    };
    let writes: Result<Vec<_>, Error> = items.into_iter().map(put).collect();
    write_all(&aws, &table, writes?, "written").await
}

/// Deletes the items with these keys, 25 per call, and returns how many were asked for.
pub async fn delete_items(aws: Aws, table: String, keys: Vec<Item>) -> Result<u64, Error> {
    let delete = |key: Item| {
        let delete = DeleteRequest::builder()
            .set_key(Some(key.clone()))
            .build()?;
        Ok((key, WriteRequest::builder().delete_request(delete).build()))
    };
    let writes: Result<Vec<_>, Error> = keys.into_iter().map(delete).collect();
    write_all(&aws, &table, writes?, "deleted").await
}

/// The key attributes of an item, in a map of their own.
pub fn key_of(table: &TableDescription, item: &Item) -> Item {
    key_names(table)
        .into_iter()
        .filter_map(|name| Some((name.clone(), item.get(&name)?.clone())))
        .collect()
}

/// The key in words, partition first: `cust-7 / 2026-11-02`.
pub fn key_text(table: &TableDescription, item: &Item) -> String {
    let parts: Vec<String> = key_names(table)
        .iter()
        .filter_map(|name| item.get(name))
        .map(attribute_text)
        .collect();
    parts.join(" / ")
}

/// An item from columns and values.
pub fn item_from_row<const N: usize>(row: [(&str, AttributeValue); N]) -> Item {
    row.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Names of the key attributes, partition first.
fn key_names(table: &TableDescription) -> Vec<String> {
    let mut keys: Vec<_> = table.key_schema().iter().collect();
    keys.sort_by_key(|key| key.key_type != KeyType::Hash);
    keys.into_iter()
        .map(|key| key.attribute_name.clone())
        .collect()
}

/// A condition in the making.
#[derive(Default)]
struct Guard {
    clauses: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Guard {
    fn unchanged(former: Item, next: &Item) -> Self {
        let mut guard = Self::default();
        let added: BTreeSet<&String> = next.keys().filter(|it| !former.contains_key(*it)).collect();
        for name in added {
            guard.missing(name.clone());
        }
        let mut former: Vec<_> = former.into_iter().collect();
        former.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, value) in former {
            let at = guard.clauses.len();
            guard.clauses.push(format!("#g{at} = :g{at}"));
            guard.names.insert(format!("#g{at}"), name);
            guard.values.insert(format!(":g{at}"), value);
        }
        guard
    }

    fn missing(&mut self, name: String) {
        let at = self.clauses.len();
        self.clauses.push(format!("attribute_not_exists(#g{at})"));
        self.names.insert(format!("#g{at}"), name);
    }
}

/// Most writes in one `BatchWriteItem`.
const BATCH_MAX: usize = 25;
/// Most answers in a row that took nothing of a batch.
const STALLS_MAX: u32 = 12;

async fn write_all(
    aws: &Aws,
    table: &str,
    writes: Vec<(Item, WriteRequest)>,
    done_word: &str,
) -> Result<u64, Error> {
    let total = writes.len();
    let mut done = 0_usize;
    let mut waiting = writes.into_iter().peekable();
    while waiting.peek().is_some() {
        let mut batch = Vec::new();
        // A batch may not name a key twice; the second waits for the next batch.
        let mut seen = BTreeSet::new();
        while batch.len() < BATCH_MAX
            && let Some((_, write)) =
                waiting.next_if(|(key, _)| seen.insert(item_to_line(key, JsonForm::DynamoDb)))
        {
            batch.push(write);
        }
        let size = batch.len();
        match write_batch(aws, table, batch).await {
            Ok(()) => done += size,
            Err((error, left)) => {
                done += size - left;
                if done == 0 {
                    return Err(error);
                }
                let message = format!("{done} of {total} {done_word}: {}", error.message);
                return Err(Error { message, ..error });
            }
        }
    }
    Ok(u64::try_from(done).unwrap_or(u64::MAX))
}

/// One batch until nothing of it is left; the error comes with how many writes did not happen.
async fn write_batch(
    aws: &Aws,
    table: &str,
    mut batch: Vec<WriteRequest>,
) -> Result<(), (Error, usize)> {
    let mut stalls = 0;
    while !batch.is_empty() {
        let before = batch.len();
        let answer = aws
            .dynamodb
            .batch_write_item()
            .request_items(table, batch)
            .send()
            .await
            .map_err(|error| (Error::from(error), before))?;
        batch = answer
            .unprocessed_items
            .and_then(|mut left| left.remove(table))
            .unwrap_or_default();
        if batch.len() == before {
            stalls += 1;
        }
        if stalls > STALLS_MAX {
            let words = "the table's throughput is used up; try again later";
            return Err((Error::stopped(words), batch.len()));
        }
        if !batch.is_empty() {
            let wait = Duration::from_millis(50) * 2_u32.pow(stalls.min(6));
            aws.clock.wait(wait).await;
        }
    }
    Ok(())
}
