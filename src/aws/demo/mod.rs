//! A sample world made of ordinary API calls: orders, a function that bills them, and one bad order.

mod writer;

use aws_sdk_dynamodb::types::StreamViewType;

pub use writer::{Poison, Writer, writer};

use super::dynamodb::{self, KeyPart, NewTable};
use super::iam::{self, InlinePolicy, NewRole};
use super::lambda::{self, Code, NewFunction, NewMapping};
use super::sqs::{self, Queue};
use super::{Aws, Error, Ground};
use crate::mapping::MappingConfig;
use crate::mapping::config::StartingPosition;

pub const TABLE: &str = "Orders";
pub const QUEUE: &str = "orders-dlq";
pub const ROLE: &str = "on-order-role";
pub const FUNCTION: &str = "on-order";
/// File of the function's code in its package.
pub const FILE: &str = "index.mjs";
/// The function as the demo deploys it.
pub const SOURCE: &str = include_str!("../../../assets/demo/index.mjs");
/// The function with the line that the bad order breaks guarded.
pub const FIXED: &str = include_str!("../../../assets/demo/index.fixed.mjs");
/// The line of [`SOURCE`] that the bad order breaks, counted from 1.
pub const POISON_LINE: u32 = 14;

/// What [`build`] made or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub stream_arn: String,
    pub function_arn: String,
    pub role_arn: String,
    pub queue: Queue,
    /// UUID.
    pub mapping: String,
}

/// Makes the sample world; what is there already stays as it is, so that a repaired function is
/// not broken again. Refused on AWS.
pub async fn build(aws: Aws) -> Result<World, Error> {
    if aws.about().ground == Ground::Aws {
        let words = "the demo is made in the local cloud or an emulator, not in an AWS account";
        return Err(Error::input(words));
    }
    let queue = sqs::create_queue(aws.clone(), QUEUE.to_owned()).await?;
    let stream_arn = table_with_stream(&aws).await?;
    let role_arn = role(&aws, &stream_arn, &queue.arn).await?;
    let function_arn = function(&aws, &role_arn).await?;
    let mapping = mapping(&aws, &stream_arn, &function_arn, &queue.arn).await?;
    Ok(World {
        stream_arn,
        function_arn,
        role_arn,
        queue,
        mapping,
    })
}

/// The settings of the demo's trigger.
pub fn trigger(queue_arn: &str) -> MappingConfig {
    MappingConfig {
        batch_size: 8,
        batching_window_secs: 1,
        retry_attempts_max: Some(2),
        bisect_on_function_error: true,
        on_failure: Some(queue_arn.to_owned()),
        filters: vec![r#"{"eventName":["INSERT","MODIFY"]}"#.to_owned()],
        starting_position: StartingPosition::TrimHorizon,
        ..MappingConfig::default()
    }
}

async fn table_with_stream(aws: &Aws) -> Result<String, Error> {
    let new = NewTable {
        sort: Some(KeyPart::text("order")),
        stream: Some(StreamViewType::NewAndOldImages),
        ..NewTable::new(TABLE, KeyPart::text("customer"))
    };
    let table = match dynamodb::create_table(aws.clone(), new).await {
        Err(error) if error.code == "ResourceInUseException" => {
            let table = dynamodb::describe_table(aws.clone(), TABLE.to_owned()).await?;
            let streams = table.stream_specification();
            if streams.is_some_and(aws_sdk_dynamodb::types::StreamSpecification::stream_enabled) {
                table
            } else {
                let view = Some(StreamViewType::NewAndOldImages);
                dynamodb::set_stream(aws.clone(), TABLE.to_owned(), view).await?
            }
        }
        made => made?,
    };
    table
        .latest_stream_arn
        .ok_or_else(|| Error::odd("DescribeTable", "LatestStreamArn"))
}

async fn role(aws: &Aws, stream_arn: &str, queue_arn: &str) -> Result<String, Error> {
    let log_group = format!("/aws/lambda/{FUNCTION}");
    let needs = iam::trigger_needs(stream_arn, Some(queue_arn), &log_group);
    let policy = InlinePolicy {
        name: "read-orders-stream".to_owned(),
        document: iam::policy_for(&needs),
    };
    let new = NewRole {
        name: ROLE.to_owned(),
        inline: vec![policy.clone()],
        ..NewRole::default()
    };
    match iam::create_role(aws.clone(), new).await {
        Err(error) if error.code.starts_with("EntityAlreadyExists") => {
            // The stream may be a new one since the role was made.
            iam::put_inline(aws.clone(), ROLE.to_owned(), policy.name, policy.document).await?;
            let detail = iam::get_role(aws.clone(), ROLE.to_owned()).await?;
            Ok(detail.role.arn)
        }
        made => Ok(made?.arn),
    }
}

async fn function(aws: &Aws, role_arn: &str) -> Result<String, Error> {
    let code = Code::Files(vec![(FILE.to_owned(), SOURCE.to_owned())]);
    let new = NewFunction {
        description: "Bills orders as they change".to_owned(),
        ..NewFunction::new(FUNCTION, "index.handler", role_arn, code)
    };
    let made = match lambda::create_function(aws.clone(), new).await {
        Err(error) if error.code == "ResourceConflictException" => {
            lambda::get_configuration(aws.clone(), FUNCTION.to_owned()).await?
        }
        made => made?,
    };
    made.function_arn
        .ok_or_else(|| Error::odd("CreateFunction", "FunctionArn"))
}

async fn mapping(
    aws: &Aws,
    stream_arn: &str,
    function_arn: &str,
    queue_arn: &str,
) -> Result<String, Error> {
    let there = lambda::list_mappings(aws.clone()).await?;
    let there = there.into_iter().find(|it| {
        it.event_source_arn() == Some(stream_arn) && it.function_arn() == Some(function_arn)
    });
    let mapping = if let Some(mapping) = there {
        mapping
    } else {
        let new = NewMapping {
            function: FUNCTION.to_owned(),
            stream_arn: stream_arn.to_owned(),
            config: trigger(queue_arn),
            enabled: true,
        };
        lambda::create_mapping(aws.clone(), new).await?
    };
    mapping
        .uuid
        .ok_or_else(|| Error::odd("CreateEventSourceMapping", "UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fix_is_the_one_line_the_bad_order_breaks() {
        let lines = |text: &'static str| text.lines().collect::<Vec<_>>();
        let (broken, fixed) = (lines(SOURCE), lines(FIXED));
        let differing: Vec<usize> = (0..broken.len())
            .filter(|at| broken[*at] != fixed[*at])
            .collect();
        assert_eq!(broken.len(), fixed.len());
        assert_eq!(differing, [POISON_LINE as usize - 1]);
    }
}
