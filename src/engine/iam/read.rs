//! Policies, read once: pollers ask four times a second whether they may, and policies seldom change.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use super::policy::{self, Statement};

/// Roles, users or resources whose policies are kept; with more, all are forgotten and read again as they are needed.
const KEPT_MAX: usize = 256;

/// By the ARN of whose they are. What is kept holds the documents it was read from, so it is never older than they are.
type Kept = LazyLock<Mutex<HashMap<String, Known>>>;

/// What roles and users may do.
static ALLOWED: Kept = LazyLock::new(Mutex::default);
/// What they may do at most.
static BOUNDED: Kept = LazyLock::new(Mutex::default);
/// Who may do what to a table or stream.
static OPENED: Kept = LazyLock::new(Mutex::default);
/// Who may assume roles.
static TRUSTED: Kept = LazyLock::new(Mutex::default);

struct Known {
    /// Names and texts.
    documents: Vec<(String, String)>,
    statements: Arc<[Statement]>,
}

impl Known {
    fn is_of<'a>(&self, documents: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> bool {
        documents.clone().count() == self.documents.len()
            && documents
                .zip(&self.documents)
                .all(|(it, known)| it.0 == known.0 && it.1 == known.1)
    }
}

/// The statements of these documents, names and texts, which are all that count for the role or user.
pub(super) fn statements<'a>(
    arn: &str,
    documents: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Arc<[Statement]> {
    read(&ALLOWED, arn, documents)
}

/// The statements of a permissions boundary, by its name and text.
pub(super) fn boundary(arn: &str, document: (&str, &str)) -> Arc<[Statement]> {
    read(&BOUNDED, arn, [document].into_iter())
}

/// The statements of the policy of a table or stream.
pub(super) fn resource(arn: &str, document: &str) -> Arc<[Statement]> {
    read(&OPENED, arn, [("resource policy", document)].into_iter())
}

/// The statements of the role's trust policy.
pub(super) fn trust(role_arn: &str, document: &str) -> Arc<[Statement]> {
    read(&TRUSTED, role_arn, [("trust policy", document)].into_iter())
}

fn read<'a>(
    known: &Mutex<HashMap<String, Known>>,
    arn: &str,
    documents: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Arc<[Statement]> {
    let mut known = known.lock();
    if let Some(found) = known.get(arn).filter(|it| it.is_of(documents.clone())) {
        return Arc::clone(&found.statements);
    }
    let statements: Arc<[Statement]> = documents
        .clone()
        // Documents are checked before they are kept; one that cannot be read allows nothing.
        .filter_map(|(name, text)| policy::parse(name, text).ok())
        .flat_map(|policy| policy.statements)
        .collect();
    if known.len() >= KEPT_MAX {
        known.clear();
    }
    let documents = documents.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let read = Known {
        documents: documents.collect(),
        statements: Arc::clone(&statements),
    };
    known.insert(arn.to_owned(), read);
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;

    #[test]
    fn changed_documents_are_read_again() {
        let role = "arn:aws:iam::123456789012:role/reads";
        let deny = ALLOW.replace("Allow", "Deny");
        let first = statements(role, [("a", ALLOW)].into_iter());
        let again = statements(role, [("a", ALLOW)].into_iter());
        assert!(Arc::ptr_eq(&first, &again));
        let changed = statements(role, [("a", deny.as_str())].into_iter());
        assert_ne!(first[0].effect, changed[0].effect);
        let both = statements(role, [("a", ALLOW), ("b", deny.as_str())].into_iter());
        assert_eq!(both.len(), 2);
        assert_eq!(statements(role, [].into_iter()).len(), 0);
    }
}
