//! Read-only connections: refuses every operation that would change something, below the console.
//!
//! The gate sits in every client of a connection and judges by the operation's name, so a verb that
//! forgets to ask is refused as well. What is not known to be a read is a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Begins every refusal.
pub const REFUSED: &str = "This connection is read-only";

/// Open or locked.
#[derive(Debug, Default)]
pub struct Gate {
    locked: AtomicBool,
}

/// An operation that was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{REFUSED}: {operation} was not sent. Unlock the connection to allow writes.")]
pub struct Refused {
    pub operation: String,
}

impl Gate {
    pub fn locked() -> Self {
        Self {
            locked: AtomicBool::new(true),
        }
    }

    pub fn is_locked(&self) -> bool {
        self.locked.load(Ordering::Acquire)
    }

    /// Allows writes.
    pub fn unlock(&self) {
        self.locked.store(false, Ordering::Release);
    }

    /// Refuses writes; those already sent go on.
    pub fn lock(&self) {
        self.locked.store(true, Ordering::Release);
    }

    /// Refuses an operation that would change something, while locked.
    pub(super) fn judge(&self, operation: &str) -> Result<(), Refused> {
        if self.is_locked() && !is_read(operation) {
            return Err(Refused {
                operation: operation.to_owned(),
            });
        }
        Ok(())
    }
}

/// Whether an operation only looks. `ReceiveMessage` hides messages from others, `Invoke` runs code
/// and `ExecuteStatement` may write: they are changes.
pub fn is_read(operation: &str) -> bool {
    const PREFIXES: [&str; 6] = [
        "BatchGet",
        "Describe",
        "Get",
        "List",
        "Simulate",
        "TransactGet",
    ];
    const WHOLE: [&str; 5] = [
        "FilterLogEvents",
        "Query",
        "Scan",
        "StartQuery",
        "StopQuery",
    ];
    // A read's prefix is a whole word: `GetItem`, not `Getaway`.
    let begins = |prefix: &&str| {
        operation
            .strip_prefix(*prefix)
            .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_uppercase()))
    };
    WHOLE.contains(&operation) || PREFIXES.iter().any(begins)
}

/// The gate as part of an SDK client.
#[derive(Clone, Debug)]
pub(super) struct Guard(pub(super) Arc<Gate>);

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Gate"
    }

    // Earlier hooks do not know the operation's name yet.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An operation without a name is none we know to be a read.
        let operation = cfg.load::<Metadata>().map_or("The request", Metadata::name);
        Ok(self.0.judge(operation)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation the verbs of this layer send.
    const READS: &[&str] = &[
        "BatchGetItem",
        "DescribeLogGroups",
        "DescribeLogStreams",
        "DescribeStream",
        "DescribeTable",
        "FilterLogEvents",
        "GetEventSourceMapping",
        "GetFunction",
        "GetItem",
        "GetLogEvents",
        "GetPolicy",
        "GetPolicyVersion",
        "GetQueueAttributes",
        "GetQueueUrl",
        "GetRecords",
        "GetRole",
        "GetRolePolicy",
        "GetShardIterator",
        "ListAttachedRolePolicies",
        "ListBuckets",
        "ListEventSourceMappings",
        "ListFunctions",
        "ListQueues",
        "ListRolePolicies",
        "ListRoles",
        "ListStreams",
        "ListTables",
        "ListTopics",
        "Query",
        "Scan",
        "SimulateMapping",
        "SimulatePrincipalPolicy",
        "TransactGetItems",
    ];
    const CHANGES: &[&str] = &[
        "AddFaultRules",
        "AttachRolePolicy",
        "BatchExecuteStatement",
        "BatchWriteItem",
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "CreateEventSourceMapping",
        "CreateFunction",
        "CreateQueue",
        "CreateRole",
        "CreateTable",
        "CreateTopic",
        "DeleteEventSourceMapping",
        "DeleteFaultRules",
        "DeleteFunction",
        "DeleteItem",
        "DeleteLogGroup",
        "DeleteMessage",
        "DeleteQueue",
        "DeleteRole",
        "DeleteRolePolicy",
        "DeleteTable",
        "DeleteTopic",
        "DetachRolePolicy",
        "ExecuteStatement",
        "ExecuteTransaction",
        "FollowFolder",
        "Invoke",
        "PausePoller",
        "Publish",
        "PurgeQueue",
        "PutItem",
        "PutRolePolicy",
        "ReceiveMessage",
        "ReplayBatch",
        "RestartFaultRules",
        "ResumePoller",
        "RollShard",
        "SendMessage",
        "SetClock",
        "SetEngineSettings",
        "SkipRecord",
        "SplitShard",
        "StepPoller",
        "Subscribe",
        "SwitchFaultRule",
        "TransactWriteItems",
        "TrimStream",
        "UnfollowFolder",
        "UpdateAssumeRolePolicy",
        "UpdateEventSourceMapping",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "UpdateItem",
        "UpdateTable",
    ];

    #[test]
    fn a_locked_gate_lets_reads_through_and_nothing_else() {
        let gate = Gate::locked();
        for operation in READS {
            assert_eq!(gate.judge(operation), Ok(()), "{operation}");
        }
        for operation in CHANGES {
            let refused = gate.judge(operation).unwrap_err();
            assert_eq!(refused.operation, *operation);
        }
    }

    #[test]
    fn every_operation_the_verbs_send_is_judged_here() {
        let sources = [
            include_str!("demo/writer.rs"),
            include_str!("dynamodb/mod.rs"),
            include_str!("dynamodb/items.rs"),
            include_str!("dynamodb/read.rs"),
            include_str!("dynamodb/statement.rs"),
            include_str!("iam/check.rs"),
            include_str!("iam/mod.rs"),
            include_str!("lambda/mod.rs"),
            include_str!("lambda/mappings.rs"),
            include_str!("logs.rs"),
            include_str!("s3.rs"),
            include_str!("sns.rs"),
            include_str!("sqs.rs"),
            include_str!("streams/mod.rs"),
        ];
        let mut found = 0;
        for operation in sources.iter().flat_map(|it| operations_in(it)) {
            let known = READS.contains(&operation.as_str());
            assert!(
                known || CHANGES.contains(&operation.as_str()),
                "{operation} is in neither list"
            );
            found += 1;
        }
        assert!(found > 40, "only {found} calls were found");
    }

    /// `aws.iam.get_role()` and `aws\n.iam\n.get_role()` send `GetRole`.
    fn operations_in(source: &str) -> Vec<String> {
        const CLIENTS: [&str; 8] = [
            "dynamodb", "streams", "lambda", "iam", "logs", "s3", "sns", "sqs",
        ];
        let dense: String = source.split_whitespace().collect();
        let mut found = Vec::new();
        for client in CLIENTS {
            for call in dense.split(&format!("aws.{client}.")).skip(1) {
                let name = call.split('(').next().unwrap();
                let camel = name.split('_').map(|word| {
                    let (first, rest) = word.split_at(1);
                    first.to_ascii_uppercase() + rest
                });
                found.push(camel.collect());
            }
        }
        found
    }

    #[test]
    fn words_that_only_begin_like_a_read_are_changes() {
        for operation in ["Getaway", "Get", "Listen", "", "The request", "Describer"] {
            assert!(!is_read(operation), "{operation}");
        }
    }

    #[test]
    fn an_unlocked_gate_lets_everything_through() {
        let gate = Gate::locked();
        gate.unlock();
        for operation in CHANGES {
            assert_eq!(gate.judge(operation), Ok(()));
        }
        gate.lock();
        assert!(gate.judge("PutItem").is_err());
    }

    #[test]
    fn a_refusal_says_what_was_not_sent_and_what_to_do() {
        let words = Gate::locked().judge("PutItem").unwrap_err().to_string();
        assert_eq!(
            words,
            "This connection is read-only: PutItem was not sent. Unlock the connection to allow writes."
        );
    }
}
