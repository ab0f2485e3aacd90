//! What a call is about, by every name a rule may use for it. Pure.

use serde_json::Value;

use crate::engine::call::Call;
use crate::engine::streams;

/// `shown` is what the list of calls says it is about.
pub(super) fn names(call: &Call, shown: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |name: &str| {
        let bare = bare(name);
        if bare != name {
            names.push(bare.to_owned());
        }
        names.push(name.to_owned());
    };
    if !shown.is_empty() {
        add(shown);
    }
    if let Some(iterator) = call.text("ShardIterator") {
        add(streams::stream_of(iterator));
    }
    if let Some(Value::Object(tables)) = call.input.get("RequestItems") {
        tables.keys().for_each(|name| add(name));
    }
    if let Some(Value::Array(actions)) = call.input.get("TransactItems") {
        let members = actions.iter().filter_map(Value::as_object);
        let tables = members.flat_map(|it| it.values());
        let tables = tables.filter_map(|it| it["TableName"].as_str());
        tables.for_each(add);
    }
    names
}

/// `orders` of the ARN of a table or of its stream, `bill` of a function's with or without a qualifier, the last part of
/// other ARNs; any other text as it is.
fn bare(name: &str) -> &str {
    let up_to = |text: &'static str, end: char| {
        let rest = name.split_once(text).map(|(_, rest)| rest)?;
        rest.split(end).next()
    };
    if let Some(function) = up_to("function:", ':') {
        return function;
    }
    if !name.starts_with("arn:") {
        return name;
    }
    let table = up_to(":table/", '/');
    table.unwrap_or_else(|| name.rsplit([':', '/']).next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_also_known_by_the_bare_name_in_it() {
        let account = "us-east-1:123456789012";
        for (name, bare_name) in [
            ("orders", "orders"),
            (
                &format!("arn:aws:dynamodb:{account}:table/orders"),
                "orders",
            ),
            (
                &format!("arn:aws:dynamodb:{account}:table/orders/stream/2026-01-01T00:00:00.000"),
                "orders",
            ),
            (&format!("arn:aws:lambda:{account}:function:bill"), "bill"),
            (
                &format!("arn:aws:lambda:{account}:function:bill:live"),
                "bill",
            ),
            ("123456789012:function:bill:live", "bill"),
            (&format!("arn:aws:sns:{account}:lost"), "lost"),
            ("arn:aws:iam::123456789012:role/team/worker", "worker"),
        ] {
            assert_eq!(bare(name), bare_name);
        }
    }
}
