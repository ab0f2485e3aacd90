//! Many callers at once: nothing is lost, nothing happens twice, and pages stay whole.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use waterwheel::engine::Engine;

use crate::tables::{call, make, put, world};

const STREAM: &str = "NEW_AND_OLD_IMAGES";

async fn stream_of(engine: &Engine, table: &str) -> String {
    let described = call(engine, "DescribeTable", json!({"TableName": table})).await;
    let arn = &described.unwrap()["Table"]["LatestStreamArn"];
    arn.as_str().unwrap().to_owned()
}

async fn get(engine: &Engine, table: &str, pk: &str) -> Value {
    let request = json!({"TableName": table, "Key": {"pk": {"S": pk}}, "ConsistentRead": true});
    call(engine, "GetItem", request).await.unwrap()["Item"].clone()
}

fn number(value: &Value) -> i64 {
    value["N"].as_str().unwrap().parse().unwrap()
}

fn code(error: &Value) -> &str {
    let code = error["__type"].as_str().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}

fn add(table: &str, pk: &str, by: i64) -> Value {
    json!({
        "TableName": table, "Key": {"pk": {"S": pk}}, "UpdateExpression": "ADD n :by SET g = :g",
        "ExpressionAttributeValues": {":by": {"N": by.to_string()}, ":g": {"S": "g"}},
    })
}

async fn with_stream_and_index(engine: &Engine, name: &str) {
    let more = json!({
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": STREAM},
        "AttributeDefinitions": [
            {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_n",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    make(engine, name, false, more).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_counter_that_many_add_to_counts_every_one() {
    const CALLERS: i64 = 8;
    const EACH: i64 = 40;
    let host = world();
    let engine = host.engine();
    with_stream_and_index(engine, "table").await;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let engine = engine.clone();
        callers.spawn(async move {
            for _ in 0..EACH {
                call(&engine, "UpdateItem", add("table", "a", 1))
                    .await
                    .unwrap();
            }
        });
    }
    callers.join_all().await;
    let all = CALLERS * EACH;
    assert_eq!(number(&get(engine, "table", "a").await["n"]), all);
    let scan = json!({"TableName": "table", "IndexName": "by_n"});
    let entries = call(engine, "Scan", scan).await.unwrap();
    assert_eq!(entries["Count"], 1);
    assert_eq!(number(&entries["Items"][0]["n"]), all);
    let records = crate::streams::records(engine, &stream_of(engine, "table").await).await;
    let told: Vec<i64> = records
        .iter()
        .map(|it| number(&it["dynamodb"]["NewImage"]["n"]))
        .collect();
    assert_eq!(told, (1..=all).collect::<Vec<_>>());
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_that_expect_one_version_one_wins() {
    const CALLERS: i64 = 6;
    const EACH: i64 = 15;
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    put(engine, "table", json!({"pk": {"S": "a"}, "v": {"N": "0"}})).await;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let engine = engine.clone();
        callers.spawn(async move {
            let mut won = 0;
            while won < EACH {
                let seen = number(&get(&engine, "table", "a").await["v"]);
                let request = json!({
                    "TableName": "table", "Item": {"pk": {"S": "a"}, "v": {"N": (seen + 1).to_string()}},
                    "ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": seen.to_string()}},
                });
                match call(&engine, "PutItem", request).await {
                    Ok(_) => won += 1,
                    Err(error) => assert_eq!(code(&error), "ConditionalCheckFailedException"),
                }
            }
        });
    }
    callers.join_all().await;
    let version = number(&get(engine, "table", "a").await["v"]);
    assert_eq!(version, CALLERS * EACH);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_on_one_item_conflict_and_none_happens_by_half() {
    const CALLERS: usize = 8;
    const ROUNDS_MAX: usize = 200;
    let host = world();
    let engine = host.engine();
    make(engine, "table", false, json!({})).await;
    let (mut together, mut alone, mut conflicts) = (0, 0, 0);
    for _ in 0..ROUNDS_MAX {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let engine = engine.clone();
            callers.spawn(async move {
                if caller % 4 == 3 {
                    return (
                        false,
                        call(&engine, "UpdateItem", add("table", "a", 1)).await,
                    );
                }
                let actions: Vec<Value> = ["a", "b"]
                    .iter()
                    .map(|pk| json!({"Update": add("table", pk, 1)}))
                    .collect();
                let request = json!({"TransactItems": actions});
                (true, call(&engine, "TransactWriteItems", request).await)
            });
        }
        for (is_transaction, answer) in callers.join_all().await {
            match answer {
                Ok(_) if is_transaction => together += 1,
                Ok(_) => alone += 1,
                Err(error) if is_transaction => {
                    conflicts += 1;
                    assert_eq!(code(&error), "TransactionCanceledException", "{error}");
                    assert_eq!(
                        error["CancellationReasons"],
                        json!([
                            {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
                            {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
                        ])
                    );
                }
                Err(error) => {
                    assert_eq!(code(&error), "TransactionConflictException", "{error}");
                }
            }
        }
        if conflicts > 3 {
            break;
        }
    }
    assert!(conflicts > 0);
    let n = async |pk: &str| number(&get(engine, "table", pk).await["n"]);
    assert_eq!((n("a").await, n("b").await), (together + alone, together));
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn money_moved_by_transactions_is_neither_made_nor_lost() {
    const ACCOUNTS: usize = 6;
    const EACH: i64 = 100;
    const MOVERS: u64 = 4;
    let host = world();
    let engine = host.engine();
    with_stream_and_index(engine, "table").await;
    for account in 0..ACCOUNTS {
        call(
            engine,
            "UpdateItem",
            add("table", &account.to_string(), EACH),
        )
        .await
        .unwrap();
    }
    let mut movers = JoinSet::new();
    for mover in 0..MOVERS {
        let engine = engine.clone();
        movers.spawn(async move {
            let mut dice = fastrand::Rng::with_seed(mover);
            for _ in 0..40 {
                let from = dice.usize(..ACCOUNTS);
                let to = (from + dice.usize(1..ACCOUNTS)) % ACCOUNTS;
                let amount = dice.i64(1..80);
                let mut taken = add("table", &from.to_string(), -amount);
                taken["ConditionExpression"] = json!("n >= :needed");
                taken["ExpressionAttributeValues"][":needed"] = json!({"N": amount.to_string()});
                let given = add("table", &to.to_string(), amount);
                let request = json!({"TransactItems": [{"Update": taken}, {"Update": given}]});
                if let Err(error) = call(&engine, "TransactWriteItems", request).await {
                    assert_eq!(code(&error), "TransactionCanceledException", "{error}");
                }
                let gets: Vec<Value> = (0..ACCOUNTS)
                    .map(|it| {
                        json!({"Get": {"TableName": "table", "Key": {"pk": {"S": it.to_string()}}}})
                    })
                    .collect();
                let seen = call(&engine, "TransactGetItems", json!({"TransactItems": gets})).await;
                match seen {
                    Ok(seen) => {
                        let seen = seen["Responses"].as_array().unwrap().iter();
                        let sum: i64 = seen.map(|it| number(&it["Item"]["n"])).sum();
                        assert_eq!(sum, EACH * i64::try_from(ACCOUNTS).unwrap());
                    }
                    Err(error) => assert_eq!(code(&error), "TransactionCanceledException"),
                }
            }
        });
    }
    movers.join_all().await;
    let scan = json!({"TableName": "table", "IndexName": "by_n"});
    let entries = call(engine, "Scan", scan).await.unwrap();
    let entries = entries["Items"].as_array().unwrap();
    let balances: Vec<i64> = entries.iter().map(|it| number(&it["n"])).collect();
    assert_eq!(balances.len(), ACCOUNTS);
    assert!(balances.iter().all(|it| *it >= 0), "{balances:?}");
    let all = EACH * i64::try_from(ACCOUNTS).unwrap();
    assert_eq!(balances.iter().sum::<i64>(), all);
    // Changes of one transaction are told as they happened: whoever replays the stream ends at the same balances.
    let records = crate::streams::records(engine, &stream_of(engine, "table").await).await;
    let told: i64 = records
        .iter()
        .map(|it| {
            let old = it["dynamodb"]
                .get("OldImage")
                .map_or(0, |it| number(&it["n"]));
            number(&it["dynamodb"]["NewImage"]["n"]) - old
        })
        .sum();
    assert_eq!(told, all);
    host.close().await;
}

#[tokio::test]
async fn large_pages_and_batches_end_at_their_limits_and_lose_nothing() {
    const ITEMS: usize = 60;
    const ITEM_BYTES: usize = 300_000;
    const MB: usize = 1024 * 1024;
    let host = world();
    let engine = host.engine();
    let more =
        json!({"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}});
    make(engine, "table", true, more).await;
    let long = "x".repeat(ITEM_BYTES);
    let key =
        |at: usize| json!({"pk": {"S": format!("p{}", at % 4)}, "sk": {"S": format!("{at:03}")}});
    let places: Vec<usize> = (0..ITEMS).collect();
    for some in places.chunks(20) {
        let puts: Vec<Value> = some
            .iter()
            .map(|at| {
                let mut item = key(*at);
                item["x"] = json!({"S": long});
                json!({"PutRequest": {"Item": item}})
            })
            .collect();
        let request = json!({"RequestItems": {"table": puts}});
        let answer = call(engine, "BatchWriteItem", request).await.unwrap();
        assert_eq!(answer["UnprocessedItems"], json!({}));
    }

    let mut wanted: Value = places.iter().map(|at| key(*at)).collect();
    let mut got = 0;
    let mut answers = 0;
    while !wanted.as_array().unwrap().is_empty() {
        let request =
            json!({"RequestItems": {"table": {"Keys": wanted, "ProjectionExpression": "sk"}}});
        let answer = call(engine, "BatchGetItem", request).await.unwrap();
        let found = answer["Responses"]["table"].as_array().unwrap().len();
        assert!(found > 0 && found * ITEM_BYTES <= 16 * MB, "{found}");
        got += found;
        answers += 1;
        wanted = match answer["UnprocessedKeys"].get("table") {
            Some(left) => left["Keys"].clone(),
            None => json!([]),
        };
    }
    assert_eq!((got, answers), (ITEMS, 2));

    // A page is full before its filter is asked, in a query as in every segment of a scan.
    let query = json!({
        "TableName": "table", "KeyConditionExpression": "pk = :p", "FilterExpression": "begins_with(x, :none)",
        "ExpressionAttributeValues": {":p": {"S": "p1"}, ":none": {"S": "y"}},
    });
    let (matched, pages) = pages(engine, "Query", query).await;
    assert_eq!((matched, pages), (0, 4));
    let mut all = 0;
    for segment in 0..3 {
        let scan = json!({
            "TableName": "table", "Segment": segment, "TotalSegments": 3, "ProjectionExpression": "sk",
        });
        all += self::pages(engine, "Scan", scan).await.0;
    }
    assert_eq!(all, ITEMS);
    let records = crate::streams::records(engine, &stream_of(engine, "table").await).await;
    assert_eq!(records.len(), ITEMS);
    host.close().await;
}

/// Items and pages of a query or scan; no page is larger than the first item beyond 1 MB.
async fn pages(engine: &Engine, operation: &str, mut request: Value) -> (usize, usize) {
    let (mut items, mut pages) = (0, 0);
    loop {
        let page = call(engine, operation, request.clone()).await.unwrap();
        items += page["Items"].as_array().unwrap().len();
        pages += 1;
        assert!(page["ScannedCount"].as_u64().unwrap() <= 4);
        match page.get("LastEvaluatedKey") {
            Some(last) => request["ExclusiveStartKey"] = last.clone(),
            None => return (items, pages),
        }
    }
}
