//! `DescribeLimits` and `DescribeEndpoints`.

use serde_json::json;

use crate::engine::Engine;
use crate::engine::call::{Answer, Call, Reply};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every operation may fail, this one never does"
)]
pub(super) fn describe_limits(_: &Engine, _: &Call) -> Answer {
    Ok(Reply::from(json!({
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    })))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every operation may fail, this one never does"
)]
pub(super) fn describe_endpoints(_: &Engine, call: &Call) -> Answer {
    let region = &call.account.region;
    Ok(Reply::from(json!({
        "Endpoints": [{
            "Address": format!("dynamodb.{region}.amazonaws.com"),
            "CachePeriodInMinutes": 1440,
        }],
    })))
}
