//! What a role's documents say, worked out once when they arrive: who is trusted, what is granted, and how a check ended. Pure.

use super::documents::{self, Clause, Statement};
use super::near;
use crate::arn::Arn;
use crate::aws::iam::{Decision, RoleDetail, Verdict};

/// The service that runs functions and their triggers.
pub(super) const LAMBDA: &str = "lambda.amazonaws.com";

/// A policy of the role and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) is_inline: bool,
    pub(super) statements: Vec<Statement>,
}

/// What one statement says of one action and one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) allows: bool,
    /// The policy.
    pub(super) by: String,
    /// Only under conditions on these keys.
    pub(super) conditions: Vec<String>,
}

/// Everything the documents of a role say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// `lambda.amazonaws.com`, `account 123456789012`, `anyone`.
    pub(super) trusted: Vec<String>,
    /// Whether Lambda may assume the role.
    pub(super) lambda: Decision,
    pub(super) sources: Vec<Source>,
    pub(super) grants: Vec<Grant>,
    /// Managed policies whose documents may not be read.
    pub(super) unread: Vec<String>,
}

/// One row of the answer to "can this role run this trigger?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// `dynamodb:GetRecords`, or [`ASSUMED`].
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) decision: Decision,
    /// The statement that came closest, in words.
    pub(super) near: Option<String>,
}

/// How the checks ended together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    /// The trigger runs, but nothing is logged.
    WithoutLogs,
    CannotTell,
    No,
}

/// The check that is no action of the role's own.
pub(super) const ASSUMED: &str = "be assumed by Lambda";

impl Source {
    /// `inline "stream"`, `AWSLambdaBasicExecutionRole`.
    pub(super) fn title(&self) -> String {
        if self.is_inline {
            format!("inline \"{}\"", self.name)
        } else {
            self.name.clone()
        }
    }
}

impl Facts {
    pub(super) fn of(detail: &RoleDetail) -> Self {
        let inline = detail.inline.iter().map(|it| Source {
            name: it.name.clone(),
            is_inline: true,
            statements: documents::statements(&it.document),
        });
        let attached = detail.attached.iter().map(|it| Source {
            name: it.name.clone(),
            is_inline: false,
            statements: documents::statements(it.document.as_deref().unwrap_or_default()),
        });
        let sources: Vec<Source> = inline.chain(attached).collect();
        let unread = detail.attached.iter().filter(|it| it.document.is_none());
        Self {
            trusted: trusted(&detail.trust),
            lambda: trusts(&detail.trust, LAMBDA),
            grants: grants(&sources),
            sources,
            unread: unread.map(|it| it.name.clone()).collect(),
        }
    }

    /// The rows for the verdicts of IAM, the trust policy first.
    pub(super) fn checks(&self, verdicts: &[Verdict]) -> Vec<Check> {
        let first = Check {
            action: ASSUMED.to_owned(),
            resource: String::new(),
            decision: self.lambda.clone(),
            near: None,
        };
        let others = verdicts.iter().map(|it| Check {
            action: it.action.clone(),
            resource: it.resource.clone(),
            decision: it.decision.clone(),
            near: match it.decision {
                Decision::NoStatement => near::closest(&self.sources, &it.action, &it.resource),
                _ => None,
            },
        });
        std::iter::once(first).chain(others).collect()
    }

    /// Why a check ended as it did: `allowed by inline "stream"`. Why it is open is in its decision.
    pub(super) fn reason(&self, check: &Check) -> String {
        let by = |verb: &str, by: &str| {
            let titles: Vec<String> = by.split(", ").map(|id| self.title_of(id)).collect();
            match titles.join(", ") {
                by if by.is_empty() => verb.to_owned(),
                by => format!("{verb} by {by}"),
            }
        };
        match &check.decision {
            Decision::Allowed { by: id } => by("allowed", id),
            Decision::Denied { by: id } => by("denied", id),
            Decision::NoStatement if check.action == ASSUMED => {
                format!("no statement of the trust policy names {LAMBDA}")
            }
            Decision::NoStatement => "no statement allows it".to_owned(),
            Decision::Bounded => "beyond the permissions boundary".to_owned(),
            Decision::CannotTell { .. } => "cannot tell".to_owned(),
        }
    }

    /// IAM names inline policies `role_<role>_<policy>`.
    fn title_of(&self, id: &str) -> String {
        let named =
            |it: &&Source| it.name == id || it.is_inline && id.ends_with(&format!("_{}", it.name));
        self.sources
            .iter()
            .find(named)
            .map_or_else(|| id.to_owned(), Source::title)
    }
}

/// The answer, and it in words: `No: 1 of 8 checks fails`.
pub(super) fn answer(checks: &[Check]) -> (Answer, String) {
    let failed: Vec<&Check> = checks.iter().filter(|it| it.fails()).collect();
    let open = checks
        .iter()
        .filter(|it| matches!(it.decision, Decision::CannotTell { .. }))
        .count();
    let total = checks.len();
    let of = |count: usize| match count {
        1 => format!("1 of {total} checks fails"),
        count => format!("{count} of {total} checks fail"),
    };
    let only_logs = failed.iter().all(|it| it.action.starts_with("logs:"));
    match (failed.len(), open) {
        (0, 0) => (Answer::Yes, "Yes".to_owned()),
        (0, open) => {
            let words = format!("Cannot tell: {open} of {total} checks are open");
            (Answer::CannotTell, words)
        }
        (count, 0) if only_logs => {
            let words = format!("Yes, but nothing is logged: {}", of(count));
            (Answer::WithoutLogs, words)
        }
        (count, _) => (Answer::No, format!("No: {}", of(count))),
    }
}

impl Check {
    /// IAM said no, as opposed to not knowing.
    pub(super) fn fails(&self) -> bool {
        matches!(
            self.decision,
            Decision::NoStatement | Decision::Bounded | Decision::Denied { .. }
        )
    }
}

/// Who may assume a role.
fn trusted(trust: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in documents::statements(trust).iter().filter(|it| it.allows) {
        for (kind, name) in &statement.principals.items {
            let words = match (kind.as_str(), name.parse::<Arn>()) {
                (_, _) if name == "*" => "anyone".to_owned(),
                ("AWS", Ok(arn)) if arn.resource == "root" => format!("account {}", arn.account),
                ("AWS", Ok(arn)) => arn.resource,
                ("AWS", Err(_)) => format!("account {name}"),
                _ => name.clone(),
            };
            let words = if statement.principals.is_but {
                format!("anyone but {words}")
            } else {
                words
            };
            if !found.contains(&words) {
                found.push(words);
            }
        }
    }
    found
}

/// Whether a trust policy lets a service assume its role.
fn trusts(trust: &str, service: &str) -> Decision {
    let all = documents::statements(trust);
    let about = |it: &&Statement| it.names_service(service) && it.covers_action("sts:AssumeRole");
    let (allow, deny): (Vec<_>, Vec<_>) = all.iter().filter(about).partition(|it| it.allows);
    let plain = |it: &&&Statement| it.conditions.is_empty();
    let by = || "the trust policy".to_owned();
    if deny.iter().any(|it| plain(&it)) {
        return Decision::Denied { by: by() };
    }
    if allow.is_empty() {
        return Decision::NoStatement;
    }
    if deny.is_empty() && allow.iter().any(|it| plain(&it)) {
        return Decision::Allowed { by: by() };
    }
    let keys: Vec<&str> = deny
        .iter()
        .chain(&allow)
        .flat_map(|it| it.conditions.iter().map(String::as_str))
        .collect();
    Decision::CannotTell {
        why: format!("the trust policy has a condition on {}", keys.join(", ")),
    }
}

/// Every action on every resource, by action; the other order is the reader's to sort.
fn grants(sources: &[Source]) -> Vec<Grant> {
    let mut found = Vec::new();
    for source in sources {
        for statement in &source.statements {
            for action in words(&statement.actions) {
                for resource in words(&statement.resources) {
                    found.push(Grant {
                        action: action.clone(),
                        resource,
                        allows: statement.allows,
                        by: source.title(),
                        conditions: statement.conditions.clone(),
                    });
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// One word for each item; what leaves items out is one word for all of them.
fn words(clause: &Clause<String>) -> Vec<String> {
    if clause.is_but {
        vec![format!("all but {}", clause.items.join(", "))]
    } else {
        clause.items.clone()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::aws::iam::{AttachedPolicy, InlinePolicy, LAMBDA_TRUST};

    pub(in crate::ui::roles) const STREAM: &str =
        "arn:aws:dynamodb:eu-west-1:111122223333:table/Orders/stream/2026-01-01T00:00:00.000";

    pub(in crate::ui::roles) fn role(inline: &[(&str, &str)]) -> RoleDetail {
        let role = aws_sdk_iam::types::Role::builder()
            .path("/")
            .role_name("r")
            .role_id("AROA")
            .arn("arn:aws:iam::111122223333:role/r")
            .create_date(std::time::SystemTime::UNIX_EPOCH.into())
            .build()
            .unwrap();
        let inline = inline.iter().map(|(name, document)| InlinePolicy {
            name: (*name).to_owned(),
            document: (*document).to_owned(),
        });
        RoleDetail {
            boundary: None,
            role,
            trust: LAMBDA_TRUST.to_owned(),
            inline: inline.collect(),
            attached: Vec::new(),
        }
    }

    pub(in crate::ui::roles) fn verdict(action: &str, decision: Decision) -> Verdict {
        Verdict {
            action: action.to_owned(),
            resource: STREAM.to_owned(),
            decision,
        }
    }

    fn allowed(by: &str) -> Decision {
        Decision::Allowed { by: by.to_owned() }
    }

    #[test]
    fn a_trust_policy_is_read_for_its_principals() {
        let trust = r#"{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":
            {"Service":["lambda.amazonaws.com","events.amazonaws.com"],"AWS":"arn:aws:iam::111122223333:root"}}]}"#;
        assert_eq!(
            trusted(trust),
            [LAMBDA, "events.amazonaws.com", "account 111122223333"]
        );
        assert!(trusts(trust, LAMBDA).is_allowed());
        assert_eq!(trusts(trust, "ec2.amazonaws.com"), Decision::NoStatement);
    }

    #[test]
    fn a_condition_on_trust_leaves_it_open_and_a_denial_settles_it() {
        let open = r#"{"Statement":{"Effect":"Allow","Action":"sts:*","Principal":{"Service":"lambda.amazonaws.com"},
            "Condition":{"StringEquals":{"aws:SourceAccount":"1"}}}}"#;
        let Decision::CannotTell { why } = trusts(open, LAMBDA) else {
            panic!("a condition was taken for settled");
        };
        assert!(why.contains("aws:SourceAccount"), "{why}");
        let denied = r#"{"Statement":[
            {"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}},
            {"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}]}"#;
        assert!(matches!(trusts(denied, LAMBDA), Decision::Denied { .. }));
    }

    #[test]
    fn one_failing_check_makes_the_answer_no_and_says_how_many() {
        let facts = Facts::of(&role(&[]));
        let verdicts = [
            verdict("dynamodb:GetRecords", Decision::NoStatement),
            verdict("logs:PutLogEvents", allowed("logs")),
        ];
        let checks = facts.checks(&verdicts);
        assert_eq!(
            answer(&checks),
            (Answer::No, "No: 1 of 3 checks fails".to_owned())
        );
        assert!(checks[0].decision.is_allowed());
    }

    #[test]
    fn missing_logs_alone_do_not_stop_a_trigger() {
        let facts = Facts::of(&role(&[]));
        let checks = facts.checks(&[verdict("logs:PutLogEvents", Decision::NoStatement)]);
        assert_eq!(answer(&checks).0, Answer::WithoutLogs);
    }

    #[test]
    fn not_knowing_is_neither_yes_nor_no() {
        let facts = Facts::of(&role(&[]));
        let why = "refused".to_owned();
        let checks = facts.checks(&[verdict("dynamodb:GetRecords", Decision::CannotTell { why })]);
        assert_eq!(answer(&checks).0, Answer::CannotTell);
    }

    #[test]
    fn the_policy_that_allows_is_named_as_the_user_knows_it() {
        let facts = Facts::of(&role(&[("stream", "{}")]));
        let check = |by: &str| facts.checks(&[verdict("a:b", allowed(by))]).remove(1);
        for by in ["stream", "role_r_stream"] {
            assert_eq!(facts.reason(&check(by)), "allowed by inline \"stream\"");
        }
        assert_eq!(facts.reason(&check("Other")), "allowed by Other");
    }

    #[test]
    fn grants_name_their_policy_and_unread_policies_are_known() {
        let document =
            r#"{"Statement":[{"Effect":"Allow","Action":["b:1","a:1"],"Resource":["*"]}]}"#;
        let mut detail = role(&[("p", document)]);
        detail.attached.push(AttachedPolicy {
            name: "Secret".to_owned(),
            arn: "arn:aws:iam::1:policy/Secret".to_owned(),
            document: None,
        });
        let facts = Facts::of(&detail);
        let actions: Vec<&str> = facts.grants.iter().map(|it| it.action.as_str()).collect();
        assert_eq!(actions, ["a:1", "b:1"]);
        assert_eq!(facts.grants[0].by, "inline \"p\"");
        assert_eq!(facts.unread, ["Secret"]);
    }
}
