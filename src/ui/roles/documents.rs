//! Policy documents as far as the console reads them: statements, wildcards, and what is wrong with typed JSON. Pure.

use serde_json::{Map, Value, json};

/// What a document is for; decides which members it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a role may do.
    Permissions,
    /// Who may assume a role.
    Trust,
}

/// One statement of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its `Sid`, or "statement 2".
    pub(super) label: String,
    /// Anything but `Deny`.
    pub(super) allows: bool,
    pub(super) actions: Clause<String>,
    pub(super) resources: Clause<String>,
    /// Kind and name: `Service`, `lambda.amazonaws.com`; `AWS`, `*`.
    pub(super) principals: Clause<(String, String)>,
    /// Keys its conditions ask for.
    pub(super) conditions: Vec<String>,
}

/// A list of what is meant, or of all that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause<T> {
    pub(super) items: Vec<T>,
    /// Everything but the items: `NotAction`, `NotResource`, `NotPrincipal`.
    pub(super) is_but: bool,
}

/// What keeps a typed document from being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// Counted from 1.
    pub(super) line: u32,
    pub(super) message: String,
}

impl Statement {
    pub(super) fn covers_action(&self, action: &str) -> bool {
        let action = action.to_lowercase();
        self.actions
            .covers(|it| matches(&it.to_lowercase(), &action))
    }

    pub(super) fn covers_resource(&self, resource: &str) -> bool {
        self.resources.covers(|it| matches(it, resource))
    }

    pub(super) fn names_service(&self, service: &str) -> bool {
        self.principals
            .covers(|(kind, name)| kind == "*" || kind == "Service" && name == service)
    }
}

impl<T> Clause<T> {
    fn covers(&self, meant: impl Fn(&T) -> bool) -> bool {
        self.items.iter().any(meant) != self.is_but
    }
}

/// Every statement of a document; none where it cannot be read.
pub(super) fn statements(document: &str) -> Vec<Statement> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    listed(&document["Statement"])
        .iter()
        .enumerate()
        .filter_map(|(nth, it)| Some(read(nth, it.as_object()?)))
        .collect()
}

/// What is wrong with a document, first things first. What is not found here the service may still refuse.
pub(super) fn violation(kind: Kind, text: &str) -> Option<Violation> {
    let at = |line: usize, message: String| {
        let line = u32::try_from(line).unwrap_or(u32::MAX).max(1);
        Some(Violation { line, message })
    };
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            return at(error.line(), format!("not JSON: {words}"));
        }
    };
    let Some(members) = document.as_object() else {
        return at(1, "a policy is an object: { … }".to_owned());
    };
    let listed = match members.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => all.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) => return at(1, "Statement must hold at least one statement".to_owned()),
        None => return at(1, "Statement is missing".to_owned()),
    };
    let lines = statement_lines(text);
    let wrong = listed
        .iter()
        .enumerate()
        .find_map(|(nth, it)| Some((nth, wrong_with(kind, it)?)));
    let (nth, message) = wrong?;
    at(lines.get(nth).copied().unwrap_or(1), message)
}

/// `*` stands for anything, `?` for one character.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The last star, and how much text it takes.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(it) if *it == '?' || *it == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *place + 1;
                    read = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|it| *it == '*')
}

/// A document with the statements of another one behind its own, as pretty JSON.
/// Without an old one, or when it cannot be read, that is the other one.
pub(super) fn with_statements(old: Option<&str>, more: &str) -> String {
    let more: Value = serde_json::from_str(more).unwrap_or_default();
    let old = old.and_then(|it| serde_json::from_str::<Value>(it).ok());
    let Some(mut old) = old.filter(Value::is_object) else {
        return format!("{more:#}");
    };
    let mut all = listed(&old["Statement"]).to_vec();
    for statement in listed(&more["Statement"]) {
        if !all.contains(statement) {
            all.push(statement.clone());
        }
    }
    old["Statement"] = Value::Array(all);
    format!("{old:#}")
}

/// A document as JSON is written everywhere; as it is where it cannot be read.
pub(super) fn pretty(document: &str) -> String {
    match serde_json::from_str::<Value>(document) {
        Ok(document) => format!("{document:#}"),
        Err(_) => document.to_owned(),
    }
}

/// Something to begin with.
pub(super) fn template() -> String {
    let statement = json!({ "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["*"] });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    format!("{document:#}")
}

/// One or many.
fn listed(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let texts = listed(value).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn read(nth: usize, members: &Map<String, Value>) -> Statement {
    let either = |one: &str, other: &str| match (members.get(one), members.get(other)) {
        (None, Some(value)) => (value.clone(), true),
        (value, _) => (value.cloned().unwrap_or_default(), false),
    };
    let clause = |one: &str, other: &str| {
        let (value, is_but) = either(one, other);
        let items = texts(&value);
        Clause { items, is_but }
    };
    let (who, is_but) = either("Principal", "NotPrincipal");
    let mut principals = Vec::new();
    match &who {
        Value::String(all) => principals.push((all.clone(), all.clone())),
        Value::Object(kinds) => {
            for (kind, names) in kinds {
                principals.extend(texts(names).into_iter().map(|name| (kind.clone(), name)));
            }
        }
        _ => (),
    }
    let conditions = members.get("Condition").and_then(Value::as_object);
    let keys = conditions
        .into_iter()
        .flat_map(Map::values)
        .filter_map(Value::as_object)
        .flat_map(|it| it.keys().cloned());
    let sid = members.get("Sid").and_then(Value::as_str);
    let sid = sid.filter(|it| !it.is_empty());
    Statement {
        label: sid.map_or_else(|| format!("statement {}", nth + 1), str::to_owned),
        allows: members.get("Effect").and_then(Value::as_str) != Some("Deny"),
        actions: clause("Action", "NotAction"),
        resources: clause("Resource", "NotResource"),
        principals: Clause {
            items: principals,
            is_but,
        },
        conditions: keys.collect(),
    }
}

fn wrong_with(kind: Kind, statement: &Value) -> Option<String> {
    let Some(members) = statement.as_object() else {
        return Some("a statement is an object: { … }".to_owned());
    };
    let has = |name: &str| members.contains_key(name);
    let effect = members.get("Effect").and_then(Value::as_str);
    if !matches!(effect, Some("Allow" | "Deny")) {
        return Some("Effect must be Allow or Deny".to_owned());
    }
    if !has("Action") && !has("NotAction") {
        return Some("Action is missing".to_owned());
    }
    let has_resource = has("Resource") || has("NotResource");
    let has_principal = has("Principal") || has("NotPrincipal");
    let words = match kind {
        Kind::Permissions if has_principal => {
            "Principal belongs to trust policies: the role itself is meant here"
        }
        Kind::Permissions if !has_resource => "Resource is missing",
        Kind::Trust if has_resource => "a trust policy has no Resource: the role itself is meant",
        Kind::Trust if !has_principal => "Principal is missing: who may assume the role?",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The line each statement begins in, of a text that is JSON.
fn statement_lines(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut line, mut depth) = (1, 0_usize);
    let mut word: Option<String> = None;
    let mut last = String::new();
    let mut inside = false;
    let mut escaped = false;
    for it in text.chars() {
        if it == '\n' {
            line += 1;
        }
        if let Some(read) = &mut word {
            if escaped || (it != '"' && it != '\\') {
                read.push(it);
                escaped = false;
            } else if it == '\\' {
                escaped = true;
            } else {
                let read = word.take().unwrap_or_default();
                if depth == 1 {
                    last = read;
                }
            }
            continue;
        }
        match it {
            '"' => word = Some(String::new()),
            '{' | '[' => {
                if it == '{' && (depth == 2 && inside || depth == 1 && last == "Statement") {
                    found.push(line);
                } else if depth == 1 {
                    inside = last == "Statement";
                }
                depth += 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => (),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_anything_or_one_character() {
        for (pattern, text, expected) in [
            ("*", "anything", true),
            ("dynamodb:Get*", "dynamodb:GetRecords", true),
            ("table/*/stream/*", "table/Orders/stream/2026", true),
            ("table/*/stream/*", "table/Orders", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*x*y", "1x2x3y", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_statement_may_stand_alone_and_its_lists_too() {
        let read = statements(
            r#"{"Statement":{"Sid":"read","Effect":"Allow","Action":"dynamodb:Get*","Resource":"*"}}"#,
        );
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].label, "read");
        assert!(read[0].covers_action("DynamoDB:getrecords"));
        assert!(read[0].covers_resource("arn:aws:sqs:::q"));
    }

    #[test]
    fn not_action_covers_everything_else() {
        let read = statements(
            r#"{"Statement":[{"Effect":"Deny","NotAction":["logs:*"],"Resource":"*"}]}"#,
        );
        assert!(!read[0].allows);
        assert!(read[0].covers_action("sqs:SendMessage"));
        assert!(!read[0].covers_action("logs:PutLogEvents"));
        assert_eq!(read[0].label, "statement 1");
    }

    #[test]
    fn a_broken_document_names_its_line() {
        let broken = violation(
            Kind::Permissions,
            "{\n  \"Version\": \"x\"\n  \"Statement\": []\n}",
        );
        let broken = broken.unwrap();
        assert_eq!(broken.line, 3);
        assert!(broken.message.starts_with("not JSON"), "{}", broken.message);
    }

    #[test]
    fn a_wrong_statement_names_the_line_it_begins_in() {
        let text = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow", "Action": "a:{b", "Resource": "*"
    },
    {
      "Effect": "Maybe", "Action": "a:b", "Resource": "*"
    }
  ]
}"#;
        let found = violation(Kind::Permissions, text).unwrap();
        assert_eq!(
            (found.line, found.message.as_str()),
            (7, "Effect must be Allow or Deny")
        );
    }

    #[test]
    fn trust_wants_a_principal_and_permissions_refuse_one() {
        let trust = crate::aws::iam::LAMBDA_TRUST;
        assert_eq!(violation(Kind::Trust, trust), None);
        assert!(violation(Kind::Permissions, trust).is_some());
        assert_eq!(violation(Kind::Permissions, &template()), None);
        assert!(violation(Kind::Trust, &template()).is_some());
    }

    #[test]
    fn statements_are_added_once_behind_those_that_are_there() {
        let more = template();
        let both = with_statements(Some(r#"{"Statement":{"Effect":"Deny"}}"#), &more);
        assert_eq!(statements(&both).len(), 2);
        assert_eq!(with_statements(Some(&both), &more), both);
        assert_eq!(with_statements(None, &more), more);
    }
}
