//! The requests of DynamoDB and its streams as the service model declares them: what `validate::check` goes by.
//! Data only. `TableName` is missing: it is checked before the rest, see `names`.

use super::validate::{Member, Shape};

const COUNT_MAX: i64 = i32::MAX as i64;
const CAPACITY: Shape = Shape::Long(1, i64::MAX);
const ITEM_MAP: Shape = Shape::Map(&Shape::Value);
const NAME_MAP: Shape = Shape::Map(&EXPRESSION);
const KEY_NAME: Shape = Shape::Text(1, 255);
const INDEX_NAME: Shape = Shape::Name(3, 255);
const RETURN_CONSUMED: Shape = Shape::Enum(&["INDEXES", "TOTAL", "NONE"]);
const RETURN_COLLECTION: Shape = Shape::Enum(&["SIZE", "NONE"]);
const RETURN_VALUES: Shape =
    Shape::Enum(&["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]);
const RETURN_ON_FAILURE: Shape = Shape::Enum(&["ALL_OLD", "NONE"]);
const SELECT: Shape = Shape::Enum(&[
    "SPECIFIC_ATTRIBUTES",
    "COUNT",
    "ALL_ATTRIBUTES",
    "ALL_PROJECTED_ATTRIBUTES",
]);
const CONDITIONAL_OPERATOR: Member =
    Member::new("ConditionalOperator", Shape::Enum(&["OR", "AND"]));
const COMPARISON_OPERATOR: Shape = Shape::Enum(&[
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
]);
static CONDITION_ON: Shape = Shape::Structure(
    "Condition",
    &[
        Member::new("AttributeValueList", Shape::List(0, 0, &Shape::Value)),
        Member::required("ComparisonOperator", COMPARISON_OPERATOR),
    ],
);
static EXPECTED_VALUE: Shape = Shape::Structure(
    "ExpectedAttributeValue",
    &[
        Member::new("AttributeValueList", Shape::List(0, 0, &Shape::Value)),
        Member::new("ComparisonOperator", COMPARISON_OPERATOR),
        Member::new("Exists", Shape::Flag),
        Member::new("Value", Shape::Value),
    ],
);
static VALUE_UPDATE: Shape = Shape::Structure(
    "AttributeValueUpdate",
    &[
        Member::new("Action", Shape::Enum(&["ADD", "PUT", "DELETE"])),
        Member::new("Value", Shape::Value),
    ],
);
const EXPECTED: Member = Member::new("Expected", Shape::Map(&EXPECTED_VALUE));
/// Expressions say themselves what is wrong with them.
const EXPRESSION: Shape = Shape::Text(0, 0);

static KEY_SCHEMA_ELEMENT: Shape = Shape::Structure(
    "KeySchemaElement",
    &[
        Member::required("AttributeName", KEY_NAME),
        Member::required("KeyType", Shape::Enum(&["HASH", "RANGE"])),
    ],
);
static ATTRIBUTE_DEFINITION: Shape = Shape::Structure(
    "AttributeDefinition",
    &[
        Member::required("AttributeName", KEY_NAME),
        Member::required("AttributeType", Shape::Enum(&["B", "N", "S"])),
    ],
);
static ATTRIBUTE_NAME: Shape = KEY_NAME;
static TAG_KEY: Shape = Shape::Text(1, 128);
static TAG: Shape = Shape::Structure(
    "Tag",
    &[
        Member::required("Key", Shape::Text(1, 128)),
        Member::required("Value", Shape::Text(0, 256)),
    ],
);
const THROUGHPUT: Shape = Shape::Structure(
    "ProvisionedThroughput",
    &[
        Member::required("WriteCapacityUnits", CAPACITY),
        Member::required("ReadCapacityUnits", CAPACITY),
    ],
);
const PROJECTION: Shape = Shape::Structure(
    "Projection",
    &[
        Member::new(
            "ProjectionType",
            Shape::Enum(&["ALL", "INCLUDE", "KEYS_ONLY"]),
        ),
        Member::new("NonKeyAttributes", Shape::List(1, 20, &ATTRIBUTE_NAME)),
    ],
);
const KEY_SCHEMA: Shape = Shape::List(1, 2, &KEY_SCHEMA_ELEMENT);
/// Up to four of each kind, counted where they are read.
const GLOBAL_KEY_SCHEMA: Shape = Shape::List(1, 0, &KEY_SCHEMA_ELEMENT);
const STREAM_SPECIFICATION: Shape = Shape::Structure(
    "StreamSpecification",
    &[
        Member::required("StreamEnabled", Shape::Flag),
        Member::new(
            "StreamViewType",
            Shape::Enum(&["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"]),
        ),
    ],
);
const SSE: Shape = Shape::Structure(
    "SSESpecification",
    &[
        Member::new("Enabled", Shape::Flag),
        Member::new("SSEType", Shape::Enum(&["AES256", "KMS"])),
        Member::new("KMSMasterKeyId", Shape::Text(0, 0)),
    ],
);
const BILLING_MODE: Shape = Shape::Enum(&["PROVISIONED", "PAY_PER_REQUEST"]);
static LOCAL_INDEX: Shape = Shape::Structure(
    "LocalSecondaryIndex",
    &[
        Member::required("IndexName", INDEX_NAME),
        Member::required("KeySchema", KEY_SCHEMA),
        Member::required("Projection", PROJECTION),
    ],
);
/// -1 takes a limit away.
const REQUEST_UNITS: Shape = Shape::Integer(-1, i64::MAX);
const ON_DEMAND_THROUGHPUT: Shape = Shape::Structure(
    "OnDemandThroughput",
    &[
        Member::new("MaxReadRequestUnits", REQUEST_UNITS),
        Member::new("MaxWriteRequestUnits", REQUEST_UNITS),
    ],
);
const WARM_THROUGHPUT: Shape = Shape::Structure(
    "WarmThroughput",
    &[
        Member::new("ReadUnitsPerSecond", CAPACITY),
        Member::new("WriteUnitsPerSecond", CAPACITY),
    ],
);
const GLOBAL_INDEX_MEMBERS: &[Member] = &[
    Member::required("IndexName", INDEX_NAME),
    Member::required("KeySchema", GLOBAL_KEY_SCHEMA),
    Member::required("Projection", PROJECTION),
    Member::new("ProvisionedThroughput", THROUGHPUT),
    Member::new("OnDemandThroughput", ON_DEMAND_THROUGHPUT),
    Member::new("WarmThroughput", WARM_THROUGHPUT),
];
static GLOBAL_INDEX: Shape = Shape::Structure("GlobalSecondaryIndex", GLOBAL_INDEX_MEMBERS);
static GLOBAL_INDEX_UPDATE: Shape = Shape::Structure(
    "GlobalSecondaryIndexUpdate",
    &[
        Member::new(
            "Update",
            Shape::Structure(
                "UpdateGlobalSecondaryIndexAction",
                &[
                    Member::required("IndexName", INDEX_NAME),
                    Member::new("ProvisionedThroughput", THROUGHPUT),
                    Member::new("OnDemandThroughput", ON_DEMAND_THROUGHPUT),
                    Member::new("WarmThroughput", WARM_THROUGHPUT),
                ],
            ),
        ),
        Member::new(
            "Create",
            Shape::Structure("CreateGlobalSecondaryIndexAction", GLOBAL_INDEX_MEMBERS),
        ),
        Member::new(
            "Delete",
            Shape::Structure(
                "DeleteGlobalSecondaryIndexAction",
                &[Member::required("IndexName", INDEX_NAME)],
            ),
        ),
    ],
);

pub static CREATE_TABLE: &[Member] = &[
    Member::required(
        "AttributeDefinitions",
        Shape::List(0, 0, &ATTRIBUTE_DEFINITION),
    ),
    Member::new("BillingMode", BILLING_MODE),
    Member::new("ProvisionedThroughput", THROUGHPUT),
    Member::required("KeySchema", KEY_SCHEMA),
    Member::new("LocalSecondaryIndexes", Shape::List(0, 0, &LOCAL_INDEX)),
    Member::new("GlobalSecondaryIndexes", Shape::List(0, 0, &GLOBAL_INDEX)),
    Member::new("StreamSpecification", STREAM_SPECIFICATION),
    Member::new("SSESpecification", SSE),
    Member::new("Tags", Shape::List(0, 0, &TAG)),
    Member::new("DeletionProtectionEnabled", Shape::Flag),
    Member::new("OnDemandThroughput", ON_DEMAND_THROUGHPUT),
    Member::new("WarmThroughput", WARM_THROUGHPUT),
    Member::new("ResourcePolicy", Shape::Text(0, 0)),
];
pub static UPDATE_TABLE: &[Member] = &[
    Member::new(
        "AttributeDefinitions",
        Shape::List(0, 0, &ATTRIBUTE_DEFINITION),
    ),
    Member::new("BillingMode", BILLING_MODE),
    Member::new("ProvisionedThroughput", THROUGHPUT),
    Member::new(
        "GlobalSecondaryIndexUpdates",
        Shape::List(0, 0, &GLOBAL_INDEX_UPDATE),
    ),
    Member::new("StreamSpecification", STREAM_SPECIFICATION),
    Member::new("SSESpecification", SSE),
    Member::new("DeletionProtectionEnabled", Shape::Flag),
    Member::new("OnDemandThroughput", ON_DEMAND_THROUGHPUT),
    Member::new("WarmThroughput", WARM_THROUGHPUT),
];
pub static LIST_TABLES: &[Member] = &[
    Member::new("Limit", Shape::Integer(1, 100)),
    Member::new("ExclusiveStartTableName", Shape::Name(3, 255)),
];
pub static NOTHING: &[Member] = &[];
pub static UPDATE_TIME_TO_LIVE: &[Member] = &[Member::required(
    "TimeToLiveSpecification",
    Shape::Structure(
        "TimeToLiveSpecification",
        &[
            Member::required("AttributeName", Shape::Text(1, 255)),
            Member::required("Enabled", Shape::Flag),
        ],
    ),
)];
pub static TAG_RESOURCE: &[Member] = &[
    Member::required("ResourceArn", Shape::Text(1, 1283)),
    Member::required("Tags", Shape::List(0, 0, &TAG)),
];
pub static UNTAG_RESOURCE: &[Member] = &[
    Member::required("ResourceArn", Shape::Text(1, 1283)),
    Member::required("TagKeys", Shape::List(0, 0, &TAG_KEY)),
];
pub static LIST_TAGS: &[Member] = &[
    Member::required("ResourceArn", Shape::Text(1, 1283)),
    Member::new("NextToken", Shape::Text(0, 0)),
];

pub static GET_ITEM: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("AttributesToGet", Shape::List(1, 255, &ATTRIBUTE_NAME)),
    Member::required("Key", ITEM_MAP),
    Member::new("ConsistentRead", Shape::Flag),
    Member::new("ProjectionExpression", EXPRESSION),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
pub static PUT_ITEM: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::required("Item", ITEM_MAP),
    CONDITIONAL_OPERATOR,
    EXPECTED,
    Member::new("ReturnValues", RETURN_VALUES),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::new("ReturnValuesOnConditionCheckFailure", RETURN_ON_FAILURE),
    Member::new("ConditionExpression", EXPRESSION),
    Member::new("ExpressionAttributeValues", ITEM_MAP),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
pub static UPDATE_ITEM: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::required("Key", ITEM_MAP),
    CONDITIONAL_OPERATOR,
    EXPECTED,
    Member::new("AttributeUpdates", Shape::Map(&VALUE_UPDATE)),
    Member::new("ReturnValues", RETURN_VALUES),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::new("ReturnValuesOnConditionCheckFailure", RETURN_ON_FAILURE),
    Member::new("UpdateExpression", EXPRESSION),
    Member::new("ConditionExpression", EXPRESSION),
    Member::new("ExpressionAttributeValues", ITEM_MAP),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
pub static DELETE_ITEM: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::required("Key", ITEM_MAP),
    CONDITIONAL_OPERATOR,
    EXPECTED,
    Member::new("ReturnValues", RETURN_VALUES),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::new("ReturnValuesOnConditionCheckFailure", RETURN_ON_FAILURE),
    Member::new("ConditionExpression", EXPRESSION),
    Member::new("ExpressionAttributeValues", ITEM_MAP),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
/// Query; its `Limit` is worded differently, see `query`.
pub static QUERY: &[Member] = &[
    Member::new("Select", SELECT),
    Member::new("IndexName", INDEX_NAME),
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("QueryFilter", Shape::Map(&CONDITION_ON)),
    CONDITIONAL_OPERATOR,
    Member::new("AttributesToGet", Shape::List(1, 255, &ATTRIBUTE_NAME)),
    Member::new("Limit", Shape::Integer(i64::MIN, COUNT_MAX)),
    Member::new("KeyConditions", Shape::Map(&CONDITION_ON)),
    Member::new("ExclusiveStartKey", ITEM_MAP),
    Member::new("ConsistentRead", Shape::Flag),
    Member::new("ScanIndexForward", Shape::Flag),
    Member::new("KeyConditionExpression", EXPRESSION),
    Member::new("FilterExpression", EXPRESSION),
    Member::new("ProjectionExpression", EXPRESSION),
    Member::new("ExpressionAttributeValues", ITEM_MAP),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
pub static SCAN: &[Member] = &[
    Member::new("Select", SELECT),
    Member::new("IndexName", INDEX_NAME),
    Member::new("TotalSegments", Shape::Integer(1, 1_000_000)),
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    CONDITIONAL_OPERATOR,
    Member::new("ScanFilter", Shape::Map(&CONDITION_ON)),
    Member::new("Segment", Shape::Integer(0, 999_999)),
    Member::new("Limit", Shape::Integer(1, COUNT_MAX)),
    Member::new("AttributesToGet", Shape::List(1, 255, &ATTRIBUTE_NAME)),
    Member::new("ExclusiveStartKey", ITEM_MAP),
    Member::new("ConsistentRead", Shape::Flag),
    Member::new("FilterExpression", EXPRESSION),
    Member::new("ProjectionExpression", EXPRESSION),
    Member::new("ExpressionAttributeValues", ITEM_MAP),
    Member::new("ExpressionAttributeNames", NAME_MAP),
];
/// `BatchGetItem` and `BatchWriteItem`; what is asked of each table has words of its own, see `batch`.
pub static BATCH: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::required("RequestItems", Shape::Map(&Shape::Value)),
];
pub static BATCH_GET: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::required("RequestItems", Shape::Map(&KEYS_AND_ATTRIBUTES)),
];
pub static BATCH_WRITE: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::required("RequestItems", Shape::Map(&WRITE_REQUESTS)),
];
static KEYS_AND_ATTRIBUTES: Shape = Shape::Structure(
    "KeysAndAttributes",
    &[
        Member::required("Keys", Shape::List(1, 100, &ITEM_MAP)),
        Member::new("AttributesToGet", Shape::List(1, 255, &ATTRIBUTE_NAME)),
        Member::new("ConsistentRead", Shape::Flag),
        Member::new("ProjectionExpression", EXPRESSION),
        Member::new("ExpressionAttributeNames", NAME_MAP),
    ],
);
static WRITE_REQUESTS: Shape = Shape::List(1, 25, &WRITE_REQUEST);
static WRITE_REQUEST: Shape = Shape::Structure(
    "WriteRequest",
    &[
        Member::new(
            "PutRequest",
            Shape::Structure("PutRequest", &[Member::required("Item", ITEM_MAP)]),
        ),
        Member::new(
            "DeleteRequest",
            Shape::Structure("DeleteRequest", &[Member::required("Key", ITEM_MAP)]),
        ),
    ],
);

const TABLE: Member = Member::required("TableName", Shape::Text(1, 1024));
const KEY: Member = Member::required("Key", ITEM_MAP);
const CONDITION: Member = Member::new("ConditionExpression", EXPRESSION);
const NAMES: Member = Member::new("ExpressionAttributeNames", NAME_MAP);
const VALUES: Member = Member::new("ExpressionAttributeValues", ITEM_MAP);
const ON_FAILURE: Member = Member::new("ReturnValuesOnConditionCheckFailure", RETURN_ON_FAILURE);
const ITEM: Member = Member::required("Item", ITEM_MAP);
const UPDATE: Member = Member::required("UpdateExpression", EXPRESSION);
const CHECK: Member = Member::required("ConditionExpression", EXPRESSION);
static TRANSACT_WRITE: Shape = Shape::Structure(
    "TransactWriteItem",
    &[
        Member::new(
            "ConditionCheck",
            Shape::Structure(
                "ConditionCheck",
                &[TABLE, KEY, CHECK, NAMES, VALUES, ON_FAILURE],
            ),
        ),
        Member::new(
            "Put",
            Shape::Structure("Put", &[TABLE, ITEM, CONDITION, NAMES, VALUES, ON_FAILURE]),
        ),
        Member::new(
            "Delete",
            Shape::Structure(
                "Delete",
                &[TABLE, KEY, CONDITION, NAMES, VALUES, ON_FAILURE],
            ),
        ),
        Member::new(
            "Update",
            Shape::Structure(
                "Update",
                &[TABLE, KEY, UPDATE, CONDITION, NAMES, VALUES, ON_FAILURE],
            ),
        ),
    ],
);
static TRANSACT_GET: Shape = Shape::Structure(
    "TransactGetItem",
    &[Member::required(
        "Get",
        Shape::Structure(
            "Get",
            &[
                TABLE,
                KEY,
                Member::new("ProjectionExpression", EXPRESSION),
                NAMES,
            ],
        ),
    )],
);
pub static TRANSACT_WRITE_ITEMS: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("ReturnItemCollectionMetrics", RETURN_COLLECTION),
    Member::new("ClientRequestToken", Shape::Text(1, 36)),
    Member::required("TransactItems", Shape::List(1, 100, &TRANSACT_WRITE)),
];
pub static TRANSACT_GET_ITEMS: &[Member] = &[
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::required("TransactItems", Shape::List(1, 100, &TRANSACT_GET)),
];

const STATEMENT: Member = Member::required("Statement", Shape::Text(1, 8192));
const PARAMETERS: Member = Member::new("Parameters", Shape::List(1, 0, &Shape::Value));
const CONSISTENT: Member = Member::new("ConsistentRead", Shape::Flag);
static BATCH_STATEMENT: Shape = Shape::Structure(
    "BatchStatementRequest",
    &[STATEMENT, PARAMETERS, CONSISTENT, ON_FAILURE],
);
static TRANSACT_STATEMENT: Shape = Shape::Structure(
    "ParameterizedStatement",
    &[STATEMENT, PARAMETERS, ON_FAILURE],
);
pub static EXECUTE_STATEMENT: &[Member] = &[
    STATEMENT,
    PARAMETERS,
    CONSISTENT,
    Member::new("NextToken", Shape::Text(1, 32_768)),
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
    Member::new("Limit", Shape::Integer(1, COUNT_MAX)),
    ON_FAILURE,
];
pub static BATCH_EXECUTE_STATEMENT: &[Member] = &[
    Member::required("Statements", Shape::List(1, 25, &BATCH_STATEMENT)),
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
];
pub static EXECUTE_TRANSACTION: &[Member] = &[
    Member::required(
        "TransactStatements",
        Shape::List(1, 100, &TRANSACT_STATEMENT),
    ),
    Member::new("ClientRequestToken", Shape::Text(1, 36)),
    Member::new("ReturnConsumedCapacity", RETURN_CONSUMED),
];

pub static LIST_STREAMS: &[Member] = &[
    Member::new("TableName", Shape::Name(3, 255)),
    Member::new("Limit", Shape::Integer(1, 100)),
    Member::new("ExclusiveStartStreamArn", Shape::Text(37, 1024)),
];
pub static DESCRIBE_STREAM: &[Member] = &[
    Member::required("StreamArn", Shape::Text(37, 1024)),
    Member::new("Limit", Shape::Integer(1, 100)),
    Member::new("ExclusiveStartShardId", Shape::Text(28, 65)),
    Member::new(
        "ShardFilter",
        Shape::Structure(
            "ShardFilter",
            &[
                Member::new("Type", Shape::Enum(&["CHILD_SHARDS"])),
                Member::new("ShardId", Shape::Text(28, 65)),
            ],
        ),
    ),
];
pub static GET_SHARD_ITERATOR: &[Member] = &[
    Member::required("StreamArn", Shape::Text(37, 1024)),
    Member::required("ShardId", Shape::Text(28, 65)),
    Member::required(
        "ShardIteratorType",
        Shape::Enum(&[
            "TRIM_HORIZON",
            "LATEST",
            "AT_SEQUENCE_NUMBER",
            "AFTER_SEQUENCE_NUMBER",
            "AT_TIMESTAMP",
        ]),
    ),
    Member::new("SequenceNumber", Shape::Text(21, 40)),
];
pub static GET_RECORDS: &[Member] = &[
    Member::required("ShardIterator", Shape::Text(1, 2048)),
    Member::new("Limit", Shape::Integer(1, COUNT_MAX)),
];
