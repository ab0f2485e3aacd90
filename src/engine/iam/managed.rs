//! AWS's own policies: those that triggers need. Their documents are data in `assets/policies`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use time::OffsetDateTime;
use time::macros::datetime;

use crate::engine::state::{ManagedPolicy, State};

struct Row {
    name: &'static str,
    path: &'static str,
    created: OffsetDateTime,
    document: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "AWSLambdaBasicExecutionRole",
        path: "/service-role/",
        created: datetime!(2015-04-09 15:03:43 UTC),
        document: include_str!("../../../assets/policies/AWSLambdaBasicExecutionRole.json"),
    },
    Row {
        name: "AWSLambdaDynamoDBExecutionRole",
        path: "/service-role/",
        created: datetime!(2015-04-09 15:09:29 UTC),
        document: include_str!("../../../assets/policies/AWSLambdaDynamoDBExecutionRole.json"),
    },
    Row {
        name: "AWSLambdaInvocation-DynamoDB",
        path: "/",
        created: datetime!(2015-02-06 18:40:47 UTC),
        document: include_str!("../../../assets/policies/AWSLambdaInvocation-DynamoDB.json"),
    },
    Row {
        name: "AWSLambdaSQSQueueExecutionRole",
        path: "/service-role/",
        created: datetime!(2018-06-14 21:50:45 UTC),
        document: include_str!("../../../assets/policies/AWSLambdaSQSQueueExecutionRole.json"),
    },
];

static POLICIES: LazyLock<Vec<ManagedPolicy>> = LazyLock::new(|| {
    let policy = |(index, row): (usize, &Row)| ManagedPolicy {
        name: row.name.to_owned(),
        arn: format!("arn:aws:iam::aws:policy{}{}", row.path, row.name),
        id: format!("ANPAWATERWHEEL{index:07}"),
        path: row.path.to_owned(),
        created: row.created.into(),
        description: None,
        document: row.document.to_owned(),
        version: 1,
        version_created: None,
        others: BTreeMap::new(),
        versions_made: 1,
    };
    ROWS.iter().enumerate().map(policy).collect()
});

/// AWS's own policies, by name.
pub(super) fn all() -> &'static [ManagedPolicy] {
    &POLICIES
}

/// A policy of the account or of AWS.
pub(super) fn find<'a>(state: &'a State, arn: &str) -> Option<&'a ManagedPolicy> {
    state
        .policies
        .get(arn)
        .or_else(|| all().iter().find(|policy| policy.arn == arn))
}

/// Whether AWS owns it: it can be attached, not changed.
pub(super) fn is_of_aws(arn: &str) -> bool {
    arn.starts_with("arn:aws:iam::aws:policy/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::iam::policy::{Context, check_identity, evaluate, parse};

    fn allows(name: &str, action: &str) -> bool {
        let policy = all().iter().find(|policy| policy.name == name).unwrap();
        let parsed = parse(name, &policy.document).unwrap();
        check_identity(&parsed).unwrap();
        evaluate(&parsed.statements, action, "*", &Context::default()).is_allowed()
    }

    #[test]
    fn the_stream_policy_reads_streams_and_writes_logs_and_no_more() {
        let name = "AWSLambdaDynamoDBExecutionRole";
        for action in [
            "DescribeStream",
            "GetRecords",
            "GetShardIterator",
            "ListStreams",
        ] {
            assert!(allows(name, &format!("dynamodb:{action}")), "{action}");
            assert!(!allows(
                "AWSLambdaBasicExecutionRole",
                &format!("dynamodb:{action}")
            ));
        }
        for action in ["CreateLogGroup", "CreateLogStream", "PutLogEvents"] {
            assert!(allows(name, &format!("logs:{action}")), "{action}");
            assert!(allows(
                "AWSLambdaBasicExecutionRole",
                &format!("logs:{action}")
            ));
        }
        assert!(!allows(name, "dynamodb:GetItem"));
        assert!(!allows(name, "sqs:SendMessage"));
        assert!(allows(
            "AWSLambdaInvocation-DynamoDB",
            "lambda:InvokeFunction"
        ));
        assert!(allows(
            "AWSLambdaSQSQueueExecutionRole",
            "sqs:ReceiveMessage"
        ));
    }
}
