//! Which table a request means, by name or ARN, and the ARNs that IAM judges. Pure.

use serde_json::Value;

use super::validate::{is_name, report, violation};
use crate::arn::Arn;
use crate::engine::call::{Call, Fault};

const SHORTEST: usize = 3;
const NAME_MAX: usize = 255;
const ARN_MAX: usize = 1024;

/// `TableName` of an operation on items.
pub(super) fn of_items(call: &Call) -> Result<&str, Fault> {
    let name = call.text("TableName");
    checked(name, 1).unwrap_or_else(|| {
        Err(Fault::validation(
            "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: \
             Member must not be null",
        ))
    })
}

/// `TableName` of an operation on the table itself; a new one has three letters at least.
pub(super) fn of_table(call: &Call, shortest: usize) -> Result<String, Fault> {
    let name = checked(call.text("TableName"), shortest).unwrap_or_else(|| {
        Err(Fault::validation(
            "The parameter 'TableName' is required but was not present in the request",
        ))
    });
    name.map(str::to_owned)
}

/// `TableName` of an operation on a table that is there, which words a wrong length in its own way.
pub(super) fn of_known(call: &Call) -> Result<String, Fault> {
    let name = call.text("TableName").unwrap_or("no name");
    if in_arn(name).is_none() && !(SHORTEST..=NAME_MAX).contains(&name.len()) {
        return Err(Fault::validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    of_table(call, 1)
}

/// A name or ARN that stands elsewhere in a request: a key of `RequestItems`.
pub(super) fn checked(name: Option<&str>, shortest: usize) -> Option<Result<&str, Fault>> {
    name.map(|name| {
        if let Some(table) = in_arn(name).filter(|it| it.len() >= shortest) {
            return Ok(table);
        }
        let mut violations = Vec::new();
        let mut broken = |constraint: &str| {
            violations.push(violation(&format!("'{name}'"), "tableName", constraint));
        };
        if !name.is_empty() && !is_name(name) {
            broken("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
        }
        if name.len() < shortest {
            broken(&format!(
                "Member must have length greater than or equal to {shortest}"
            ));
        } else if name.len() > NAME_MAX {
            broken(&format!(
                "Member must have length less than or equal to {NAME_MAX}"
            ));
        }
        report(&violations).map(|()| name)
    })
}

/// Refuses a request that names a table of another account or region.
pub(super) fn check_own(call: &Call) -> Result<(), Fault> {
    let input = &call.input;
    if let Some(name) = call.text("TableName") {
        return own(call, name);
    }
    if let Some(tables) = input.get("RequestItems").and_then(Value::as_object) {
        return tables.keys().try_for_each(|name| own(call, name));
    }
    let actions = input.get("TransactItems").and_then(Value::as_array);
    for action in actions.into_iter().flatten().filter_map(Value::as_object) {
        for one in action.values() {
            let name = one.get("TableName").and_then(Value::as_str);
            name.map_or(Ok(()), |name| own(call, name))?;
        }
    }
    Ok(())
}

fn own(call: &Call, name: &str) -> Result<(), Fault> {
    if !name.starts_with("arn:") || in_arn(name).is_none() {
        return Ok(());
    }
    let Ok(arn) = name.parse::<Arn>() else {
        return Ok(());
    };
    if arn.account != call.account.id {
        let user = call.principal.arn(&call.account);
        let operation = &call.operation;
        return Err(Fault::new(
            400,
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: dynamodb:{operation} on resource: {name} because no \
                 resource-based policy allows the dynamodb:{operation} action"
            ),
        ));
    }
    if arn.region != call.account.region {
        return Err(Fault::new(
            400,
            "ResourceNotFoundException",
            "Requested resource not found",
        ));
    }
    Ok(())
}

/// ARN of the table in `TableName`.
pub(super) fn table_arn(call: &Call) -> String {
    arn_of(call, call.text("TableName").unwrap_or_default())
}

/// ARN of the index that is read, of the table without one.
pub(super) fn index_arn(call: &Call) -> String {
    let table = table_arn(call);
    call.text("IndexName")
        .map_or(table.clone(), |index| format!("{table}/index/{index}"))
}

/// `BackupArn`.
pub(super) fn backup_arn(call: &Call) -> String {
    call.text("BackupArn").unwrap_or("*").to_owned()
}

/// ARN of the table that is restored to a former moment.
pub(super) fn source_table_arn(call: &Call) -> String {
    let name = call.text("SourceTableName").unwrap_or_default();
    let arn = call.text("SourceTableArn").map(str::to_owned);
    arn.unwrap_or_else(|| arn_of(call, name))
}

/// `TableArn` of an export.
pub(super) fn exported_arn(call: &Call) -> String {
    call.text("TableArn").unwrap_or("*").to_owned()
}

/// `ResourceArn`, for tags.
pub(super) fn resource_arn(call: &Call) -> String {
    call.text("ResourceArn").unwrap_or("*").to_owned()
}

/// ARN of a table that is named, maybe by its ARN.
pub(super) fn arn_of(call: &Call, name: &str) -> String {
    if in_arn(name).is_some() {
        return name.to_owned();
    }
    call.account
        .arn("dynamodb", format!("table/{name}"))
        .to_string()
}

/// The table's name in a table's ARN.
pub(super) fn in_arn(text: &str) -> Option<&str> {
    // Nearly every text is a name.
    let arn: Arn = text.starts_with("arn:").then(|| text.parse().ok())??;
    if arn.service != "dynamodb" || text.len() > ARN_MAX {
        return None;
    }
    let (_, name) = text.split_once(":table/")?;
    is_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str, shortest: usize) -> String {
        checked(Some(name), shortest).unwrap().unwrap_err().message
    }

    #[test]
    fn a_table_may_be_named_by_its_arn() {
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders.v2";
        assert_eq!(checked(Some(arn), 1), Some(Ok("orders.v2")));
        assert_eq!(in_arn("arn:aws:sqs:us-east-1:123456789012:table/x"), None);
        assert_eq!(in_arn(&format!("{arn}/stream/x")), None);
    }

    #[test]
    fn a_wrong_name_is_refused_in_the_words_of_aws() {
        let prefix = |name: &str| {
            format!(
                "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must"
            )
        };
        assert_eq!(
            words("ab", 3),
            format!("{} have length greater than or equal to 3", prefix("ab"))
        );
        assert!(
            words("a;", 3).starts_with("2 validation errors detected: Value 'a;' at 'tableName'")
        );
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/ab";
        assert!(checked(Some(arn), 3).unwrap().is_err());
        assert!(checked(Some(arn), 1).unwrap().is_ok());
        assert_eq!(
            words("bad table!", 1),
            format!(
                "{} satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                prefix("bad table!")
            )
        );
        let long = "a".repeat(256);
        assert_eq!(
            words(&long, 1),
            format!("{} have length less than or equal to 255", prefix(&long))
        );
    }
}
