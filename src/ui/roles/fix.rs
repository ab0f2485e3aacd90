//! What would mend a role for a trigger: the changes, before they are made, and making them. Draws nothing.

use similar::{ChangeTag, TextDiff};

use super::data::{ASSUMED, Check};
use super::documents;
use crate::aws::iam::{
    self, Decision, LAMBDA_TRUST, MANAGED_TRIGGER_POLICIES, RoleDetail, policy_for,
};
use crate::aws::{Aws, Error};

/// Two ways to the same end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// Statements for exactly what is missing.
    #[default]
    Least,
    /// AWS's own policy, and statements for what it does not cover.
    Managed,
}

/// One change to a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Trust {
        old: String,
        new: String,
    },
    /// A policy that lives in the role; `old` is its document where there is one.
    Inline {
        policy: String,
        old: Option<String>,
        new: String,
    },
    Attach {
        name: String,
        arn: String,
    },
}

/// The changes, and what they leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) left: Vec<String>,
}

/// A line of a diff: `+`, `-` or blank, and its text.
pub(super) type Line = (char, String);

/// What makes the failed checks pass. `policy` names the inline policy that is added or extended.
pub(super) fn plan(detail: &RoleDetail, checks: &[Check], way: Way, policy: &str) -> Plan {
    let mut plan = Plan::default();
    let mut missing = Vec::new();
    let mut beyond = Vec::new();
    for check in checks {
        match &check.decision {
            Decision::NoStatement if check.action == ASSUMED => plan.changes.push(Change::Trust {
                old: documents::pretty(&detail.trust),
                new: documents::with_statements(Some(&detail.trust), LAMBDA_TRUST),
            }),
            Decision::NoStatement => missing.push(need(check)),
            Decision::Denied { by } => plan.left.push(format!(
                "A statement of {by} denies that the role may {}; a denial beats every permission, so edit or remove it",
                check.action
            )),
            Decision::Bounded => beyond.push(check.action.as_str()),
            Decision::Allowed { .. } | Decision::CannotTell { .. } => (),
        }
    }
    if !beyond.is_empty() {
        let boundary = detail.boundary.as_ref().map_or("", |it| it.name.as_str());
        plan.left.push(format!(
            "The permissions boundary {boundary} does not allow {}: whatever the role's policies say, the boundary has to be changed",
            beyond.join(", ")
        ));
    }
    if way == Way::Managed
        && let Some((name, arn)) = managed_for(&missing)
    {
        if detail.attached.iter().any(|it| it.arn == arn) {
            plan.left.push(format!("{name} is attached already"));
        } else {
            missing.retain(|(action, _)| !is_covered(arn, action));
            plan.changes.push(Change::Attach {
                name: name.to_owned(),
                arn: arn.to_owned(),
            });
        }
    }
    if !missing.is_empty() {
        let there = detail.inline.iter().find(|it| it.name == policy);
        let old = there.map(|it| it.document.as_str());
        plan.changes.push(Change::Inline {
            policy: policy.to_owned(),
            old: old.map(documents::pretty),
            new: documents::with_statements(old, &policy_for(&missing)),
        });
    }
    plan
}

/// Makes the changes in their order; stops at the first that is refused.
pub(super) async fn apply(aws: Aws, role: String, changes: Vec<Change>) -> Result<(), Error> {
    for change in changes {
        let (aws, role) = (aws.clone(), role.clone());
        match change {
            Change::Trust { new, .. } => iam::update_trust(aws, role, new).await?,
            Change::Inline { policy, new, .. } => iam::put_inline(aws, role, policy, new).await?,
            Change::Attach { arn, .. } => iam::attach(aws, role, arn).await?,
        }
    }
    Ok(())
}

impl Change {
    /// `Add inline policy waterwheel-on-order`.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Trust { .. } => "Change the trust policy".to_owned(),
            Self::Inline {
                policy, old: None, ..
            } => format!("Add inline policy {policy}"),
            Self::Inline { policy, .. } => format!("Change inline policy {policy}"),
            Self::Attach { name, .. } => format!("Attach managed policy {name}"),
        }
    }

    /// Line by line; `managed` is the document of the policy to attach, where it is known.
    pub(super) fn lines(&self, managed: Option<&str>) -> Vec<Line> {
        match self {
            Self::Trust { old, new } => lines(old, new),
            Self::Inline { old, new, .. } => lines(old.as_deref().unwrap_or_default(), new),
            Self::Attach { arn, .. } => match managed {
                Some(document) => lines("", &documents::pretty(document)),
                None => lines("", arn),
            },
        }
    }
}

fn lines(old: &str, new: &str) -> Vec<Line> {
    TextDiff::from_lines(old, new)
        .iter_all_changes()
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            (sign, change.value().trim_end().to_owned())
        })
        .collect()
}

/// What a statement has to name. Streams are listed for the whole account.
fn need(check: &Check) -> (String, String) {
    let resource = if check.action == "dynamodb:ListStreams" {
        "*"
    } else {
        &check.resource
    };
    (check.action.clone(), resource.to_owned())
}

/// The smallest of AWS's policies for these: one that reads streams, or one that only logs.
fn managed_for(missing: &[(String, String)]) -> Option<(&'static str, &'static str)> {
    let [streams, logs, _] = MANAGED_TRIGGER_POLICIES;
    let about = |service: &str| {
        missing
            .iter()
            .any(|(action, _)| action.starts_with(service))
    };
    if about("dynamodb:") {
        Some((streams.0, streams.1))
    } else if about("logs:") {
        Some((logs.0, logs.1))
    } else {
        None
    }
}

fn is_covered(arn: &str, action: &str) -> bool {
    let reads_streams = arn == MANAGED_TRIGGER_POLICIES[0].1;
    action.starts_with("logs:") || reads_streams && action.starts_with("dynamodb:")
}

#[cfg(test)]
mod tests {
    use super::super::data::Facts;
    use super::super::data::tests::{role, verdict};
    use super::*;
    use crate::aws::iam::AttachedPolicy;

    fn missing(actions: &[&str]) -> (RoleDetail, Vec<Check>) {
        let detail = role(&[]);
        let verdicts: Vec<_> = actions
            .iter()
            .map(|it| verdict(it, Decision::NoStatement))
            .collect();
        let checks = Facts::of(&detail).checks(&verdicts);
        (detail, checks)
    }

    #[test]
    fn least_privilege_names_what_is_missing_and_nothing_else() {
        let (detail, checks) = missing(&["dynamodb:GetRecords", "dynamodb:ListStreams"]);
        let plan = plan(&detail, &checks, Way::Least, "p");
        let [Change::Inline { old: None, new, .. }] = plan.changes.as_slice() else {
            panic!("{plan:?}");
        };
        let statements = documents::statements(new);
        assert_eq!(statements.len(), 2);
        assert!(statements.iter().all(|it| it.actions.items.len() == 1));
        assert!(statements.iter().any(|it| it.resources.items == ["*"]));
    }

    #[test]
    fn an_inline_policy_of_that_name_is_extended_not_replaced() {
        let (mut detail, checks) = missing(&["dynamodb:GetRecords"]);
        detail.inline = role(&[("p", &documents::template())]).inline;
        let plan = plan(&detail, &checks, Way::Least, "p");
        let lines = plan.changes[0].lines(None);
        assert!(
            lines
                .iter()
                .any(|(sign, it)| *sign == ' ' && it.contains("GetItem"))
        );
        assert!(
            lines
                .iter()
                .any(|(sign, it)| *sign == '+' && it.contains("GetRecords"))
        );
    }

    #[test]
    fn a_managed_policy_leaves_the_queue_to_a_statement() {
        let (detail, checks) = missing(&["dynamodb:GetRecords", "sqs:SendMessage"]);
        let plan = plan(&detail, &checks, Way::Managed, "p");
        assert!(
            matches!(&plan.changes[0], Change::Attach { name, .. } if name == "AWSLambdaDynamoDBExecutionRole")
        );
        assert!(
            matches!(&plan.changes[1], Change::Inline { new, .. } if !new.contains("GetRecords"))
        );
    }

    #[test]
    fn logs_alone_take_the_smaller_managed_policy() {
        let (detail, checks) = missing(&["logs:PutLogEvents"]);
        let plan = plan(&detail, &checks, Way::Managed, "p");
        assert!(
            matches!(&plan.changes[..], [Change::Attach { name, .. }] if name == "AWSLambdaBasicExecutionRole")
        );
    }

    #[test]
    fn trust_is_extended_where_lambda_is_not_named() {
        let mut detail = role(&[]);
        detail.trust = r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned();
        let checks = Facts::of(&detail).checks(&[]);
        let plan = plan(&detail, &checks, Way::Least, "p");
        let [Change::Trust { new, .. }] = plan.changes.as_slice() else {
            panic!("{plan:?}");
        };
        assert!(new.contains("lambda.amazonaws.com"));
    }

    #[test]
    fn a_denial_cannot_be_mended_by_adding() {
        let detail = role(&[]);
        let by = "guard".to_owned();
        let denied = verdict("dynamodb:GetRecords", Decision::Denied { by });
        let checks = Facts::of(&detail).checks(&[denied]);
        let plan = plan(&detail, &checks, Way::Least, "p");
        assert!(plan.changes.is_empty());
        assert_eq!(plan.left.len(), 1);
    }

    #[test]
    fn what_is_attached_is_not_attached_twice() {
        let (mut detail, checks) = missing(&["dynamodb:GetRecords"]);
        let (name, arn, _) = MANAGED_TRIGGER_POLICIES[0];
        detail.attached.push(AttachedPolicy {
            name: name.to_owned(),
            arn: arn.to_owned(),
            document: None,
        });
        let plan = plan(&detail, &checks, Way::Managed, "p");
        assert!(matches!(&plan.changes[..], [Change::Inline { .. }]));
        assert_eq!(plan.left.len(), 1);
    }
}
