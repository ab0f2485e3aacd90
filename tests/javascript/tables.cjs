// Tables through the AWS SDK for JavaScript, version 3: plain client, document client, paginators, waiters.
//
// Usage: node tables.cjs ENDPOINT, with the packages on NODE_PATH. Prints one line per step; exits with 1 where a
// step differs.

const assert = require("node:assert/strict");
const {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  TransactionCanceledException,
  waitUntilTableExists,
} = require("@aws-sdk/client-dynamodb");
const {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
  paginateQuery,
  paginateScan,
} = require("@aws-sdk/lib-dynamodb");
const {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} = require("@aws-sdk/client-dynamodb-streams");

const settings = {
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "AKIAANYKEYATALL00000", secretAccessKey: "any" },
  maxAttempts: 1,
};
const TableName = "js-orders";
const ok = (what) => console.log(`ok ${what}`);

async function main() {
  const client = new DynamoDBClient(settings);
  const documents = DynamoDBDocumentClient.from(client);
  const streams = new DynamoDBStreamsClient(settings);

  const made = await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "n", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        { AttributeName: "n", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  assert.ok(made.TableDescription.CreationDateTime instanceof Date);
  const waited = await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
  assert.equal(waited.state, "SUCCESS");
  ok("table");

  await client.send(
    new PutItemCommand({
      TableName,
      Item: { id: { S: "a" }, n: { N: "0" }, bytes: { B: Uint8Array.of(0, 255) }, set: { NS: ["1", "2"] } },
    }),
  );
  const got = await documents.send(new GetCommand({ TableName, Key: { id: "a", n: 0 }, ConsistentRead: true }));
  assert.deepEqual(got.Item, { id: "a", n: 0, bytes: Uint8Array.of(0, 255), set: new Set([1, 2]) });
  ok("put and get");

  const puts = Array.from({ length: 25 }, (_, at) => ({
    PutRequest: { Item: { id: "a", n: at + 1, nested: { list: [1, "x", null, { deep: true }] } } },
  }));
  const written = await documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
  assert.deepEqual(written.UnprocessedItems, {});
  const found = await documents.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: "id = :id AND n BETWEEN :low AND :high",
      FilterExpression: "nested.#list[3].deep = :yes",
      ExpressionAttributeNames: { "#list": "list" },
      ExpressionAttributeValues: { ":id": "a", ":low": 5, ":high": 7, ":yes": true },
      ScanIndexForward: false,
    }),
  );
  assert.deepEqual(found.Items.map((it) => it.n), [7, 6, 5]);
  ok("batch and query");

  const counts = [];
  const query = { TableName, KeyConditionExpression: "id = :id", ExpressionAttributeValues: { ":id": "a" } };
  for await (const page of paginateQuery({ client: documents, pageSize: 10 }, query)) counts.push(page.Count);
  assert.deepEqual(counts, [10, 10, 6]);
  let scanned = 0;
  for await (const page of paginateScan({ client: documents, pageSize: 4 }, { TableName })) scanned += page.Items.length;
  assert.equal(scanned, 26);
  ok("paginators");

  const updated = await documents.send(
    new UpdateCommand({
      TableName,
      Key: { id: "a", n: 1 },
      UpdateExpression: "SET nested.#list[0] = nested.#list[0] + :one REMOVE nested.#list[1]",
      ExpressionAttributeNames: { "#list": "list" },
      ExpressionAttributeValues: { ":one": 1 },
      ReturnValues: "ALL_NEW",
    }),
  );
  assert.deepEqual(updated.Attributes.nested.list, [2, null, { deep: true }]);
  ok("update");

  await documents.send(
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: { id: "b", n: 1 } } },
        { Delete: { TableName, Key: { id: "a", n: 2 } } },
      ],
    }),
  );
  const together = await documents.send(
    new TransactGetCommand({
      TransactItems: [
        { Get: { TableName, Key: { id: "b", n: 1 } } },
        { Get: { TableName, Key: { id: "a", n: 2 } } },
      ],
    }),
  );
  assert.deepEqual(together.Responses.map((it) => it.Item), [{ id: "b", n: 1 }, undefined]);
  const guarded = new TransactWriteCommand({
    TransactItems: [
      {
        Put: {
          TableName,
          Item: { id: "b", n: 1 },
          ConditionExpression: "attribute_not_exists(id)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
    ],
  });
  await assert.rejects(documents.send(guarded), (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.equal(error.CancellationReasons[0].Code, "ConditionalCheckFailed");
    return true;
  });
  ok("transactions");

  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const StreamArn = Table.LatestStreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const events = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const start = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" };
    const { ShardIterator } = await streams.send(new GetShardIteratorCommand(start));
    const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    assert.ok(Records.every((it) => it.dynamodb.ApproximateCreationDateTime instanceof Date));
    events.push(...Records.map((it) => it.eventName));
  }
  const count = (event) => events.filter((it) => it === event).length;
  assert.deepEqual(["INSERT", "MODIFY", "REMOVE"].map(count), [27, 1, 1]);
  ok("stream");

  await client.send(new DeleteTableCommand({ TableName }));
  await assert.rejects(client.send(new DescribeTableCommand({ TableName })), { name: "ResourceNotFoundException" });
  ok("clean up");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
