//! The calls that are measured, and the tables they are made on.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::LocalSet;
use waterwheel::clock::Clock;

use crate::http::{Connection, request};
use crate::server::Server;

/// Items of a partition: a query reads one.
const PARTITION: u64 = 50;
/// Items that calls are made on, however many the table has.
const BUSY: u64 = 1000;
/// Different requests of a call; more than [`BUSY`], so that the next put of an item differs from the last.
const REQUESTS: u64 = 5000;
const BATCH: u64 = 25;
const PAGE: usize = 100;
/// Connections that fill a table.
const FILLERS: usize = 8;

#[derive(Clone, Copy)]
pub(crate) enum Call {
    Put,
    Get,
    Update,
    Query,
    Batch,
    Scan,
}

pub(crate) const CALLS: [Call; 6] = [
    Call::Put,
    Call::Get,
    Call::Update,
    Call::Query,
    Call::Batch,
    Call::Scan,
];

impl Call {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Put => "PutItem",
            Self::Get => "GetItem",
            Self::Update => "UpdateItem",
            Self::Query => "Query of 50",
            Self::Batch => "BatchWriteItem of 25",
            Self::Scan => "Scan, page of 100",
        }
    }
}

/// A table with items of about 230 bytes.
pub(crate) struct Table {
    name: String,
    pub(crate) streams: bool,
    pub(crate) items: u64,
    /// One scan request for each page of the busy items.
    scans: Rc<[Vec<u8>]>,
    /// Calls so far: rounds go on with the next request, so that no put repeats the last one of its item.
    next: Rc<Cell<usize>>,
}

impl Table {
    /// Makes a table and puts so many items into it.
    pub(crate) async fn fill(
        server: &Server,
        streams: bool,
        size: &str,
        items: u64,
    ) -> anyhow::Result<Self> {
        let name = format!("{size}-{}", if streams { "on" } else { "off" });
        let mut connection = Connection::open(server.address).await?;
        let mut table = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}
            ],
        });
        if streams {
            table["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        }
        connection
            .call(&request("CreateTable", &table.to_string()))
            .await?;
        let next = Rc::new(Cell::new(0));
        let fillers = LocalSet::new();
        for _ in 0..FILLERS {
            let (name, next) = (name.clone(), Rc::clone(&next));
            let mut connection = Connection::open(server.address).await?;
            fillers.spawn_local(async move {
                while next.get() < items {
                    let first = next.replace(next.get() + BATCH);
                    connection.call(&batch(&name, first, 0)).await?;
                }
                anyhow::Ok(())
            });
        }
        fillers.await;
        anyhow::ensure!(next.get() >= items, "the table was not filled");
        let scans = scans(&mut connection, &name).await?;
        Ok(Self {
            name,
            streams,
            items,
            scans,
            next: Rc::default(),
        })
    }

    pub(crate) fn load(&self, call: Call, connections: usize, time: Duration) -> Load {
        let key = |it: u64| json!({"TableName": self.name, "Key": key_of(it % BUSY)});
        let requests: Rc<[Vec<u8>]> = match call {
            Call::Put => (0..REQUESTS)
                .map(|it| {
                    let body = format!(
                        r#"{{"TableName":"{}","Item":{}}}"#,
                        self.name,
                        item(it % BUSY, it)
                    );
                    request("PutItem", &body)
                })
                .collect(),
            Call::Get => (0..REQUESTS)
                .map(|it| request("GetItem", &key(it).to_string()))
                .collect(),
            Call::Update => (0..REQUESTS)
                .map(|it| {
                    let mut body = key(it);
                    body["UpdateExpression"] = json!("SET version = version + :one, note = :note");
                    body["ExpressionAttributeValues"] =
                        json!({":one": {"N": "1"}, ":note": {"S": "y".repeat(150)}});
                    request("UpdateItem", &body.to_string())
                })
                .collect(),
            Call::Query => (0..BUSY / PARTITION)
                .map(|it| {
                    let body = json!({
                        "TableName": self.name, "KeyConditionExpression": "pk = :pk",
                        "ExpressionAttributeValues": {":pk": key_of(it * PARTITION)["pk"]},
                    });
                    request("Query", &body.to_string())
                })
                .collect(),
            Call::Batch => (0..REQUESTS / BATCH)
                .map(|it| batch(&self.name, it * BATCH % BUSY, it * BATCH + 1))
                .collect(),
            Call::Scan => Rc::clone(&self.scans),
        };
        Load {
            requests,
            next: Rc::clone(&self.next),
            connections,
            time,
        }
    }
}

/// Requests that are made again and again for some time.
pub(crate) struct Load {
    requests: Rc<[Vec<u8>]>,
    next: Rc<Cell<usize>>,
    connections: usize,
    time: Duration,
}

/// What one round measured.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    /// Half of the calls were answered within it.
    pub(crate) half_within: Duration,
    /// Of the server, for a call.
    pub(crate) cpu: Option<Duration>,
}

impl Load {
    pub(crate) async fn run(&self, server: &Server, clock: &Clock) -> anyhow::Result<Measured> {
        let lanes = LocalSet::new();
        let mut open = Vec::new();
        for _ in 0..self.connections {
            open.push(Connection::open(server.address).await?);
        }
        let cpu = server.cpu();
        let stopwatch = clock.stopwatch();
        let mut running = Vec::new();
        for mut connection in open {
            let (requests, next, time) =
                (Rc::clone(&self.requests), Rc::clone(&self.next), self.time);
            running.push(lanes.spawn_local(async move {
                let mut times = Vec::new();
                let mut before = stopwatch.elapsed();
                while before < time {
                    let at = next.replace(next.get() + 1);
                    connection.call(&requests[at % requests.len()]).await?;
                    let now = stopwatch.elapsed();
                    times.push(now.saturating_sub(before));
                    before = now;
                }
                anyhow::Ok(times)
            }));
        }
        lanes.await;
        let took = stopwatch.elapsed();
        let cpu = server
            .cpu()
            .zip(cpu)
            .map(|(after, before)| after.saturating_sub(before));
        let mut times = Vec::new();
        for lane in running {
            times.extend(lane.await??);
        }
        times.sort_unstable();
        let calls = u32::try_from(times.len())?.max(1);
        Ok(Measured {
            per_second: f64::from(calls) / took.as_secs_f64(),
            half_within: times.get(times.len() / 2).copied().unwrap_or_default(),
            cpu: cpu.map(|it| it / calls),
        })
    }
}

impl Measured {
    /// The round in the middle.
    pub(crate) fn median(mut rounds: Vec<Self>) -> Self {
        rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        rounds.swap_remove(rounds.len() / 2)
    }
}

/// Scans of the first pages, each from where the one before ended.
async fn scans(connection: &mut Connection, table: &str) -> anyhow::Result<Rc<[Vec<u8>]>> {
    let mut scans = Vec::new();
    let mut body = json!({"TableName": table, "Limit": PAGE});
    while scans.len() < usize::try_from(BUSY)? / PAGE {
        let scan = request("Scan", &body.to_string());
        let page: Value = serde_json::from_slice(connection.call(&scan).await?)?;
        anyhow::ensure!(page["Count"] == PAGE, "a page is not full");
        scans.push(scan);
        let last = page.get("LastEvaluatedKey");
        body["ExclusiveStartKey"] = last.context("the table ends early")?.clone();
    }
    Ok(scans.into())
}

/// Puts of so many items in a row.
fn batch(table: &str, first: u64, version: u64) -> Vec<u8> {
    let mut puts = String::new();
    for number in first..first + BATCH {
        let comma = if puts.is_empty() { "" } else { "," };
        let item = item(number, version);
        // Writing to a text never fails.
        write!(puts, r#"{comma}{{"PutRequest":{{"Item":{item}}}}}"#).ok();
    }
    request(
        "BatchWriteItem",
        &format!(r#"{{"RequestItems":{{"{table}":[{puts}]}}}}"#),
    )
}

fn item(number: u64, version: u64) -> Value {
    let mut item = key_of(number);
    item["version"] = json!({"N": version.to_string()});
    item["customer"] = json!({"S": "c-1234567890"});
    item["note"] = json!({"S": "x".repeat(150)});
    item
}

fn key_of(number: u64) -> Value {
    json!({
        "pk": {"S": format!("p-{:06}", number / PARTITION)},
        "sk": {"S": format!("s-{:02}", number % PARTITION)},
    })
}
