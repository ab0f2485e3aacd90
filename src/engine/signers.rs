//! Whose a request is, by the access key it is signed with. Signatures themselves are not checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::Engine;
use super::call::Principal;
use super::iam::policy::Statement;
use super::iam::{self, Whose};

/// What is known of access keys while the engine runs.
#[derive(Default)]
pub(super) struct Live {
    /// Those the engine issued, by id.
    issued: Mutex<BTreeMap<String, Signer>>,
    /// When a key of a user was used last, and for which service.
    used: Mutex<BTreeMap<String, (SystemTime, &'static str)>>,
}

/// Who signs with an access key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signer {
    pub(super) principal: Principal,
    /// What the session's own policies allow, where `AssumeRole` was given some.
    pub(super) session_policies: Option<Arc<[Statement]>>,
}

impl Engine {
    /// An access key id under which requests count as this principal's.
    pub fn issue_key(&self, principal: &Principal) -> String {
        let mut issued = self.0.keys.issued.lock();
        let known = issued
            .iter()
            .find(|(_, it)| it.principal == *principal && it.session_policies.is_none());
        if let Some((key, _)) = known {
            return key.clone();
        }
        let prefix = match principal {
            Principal::Root | Principal::User { .. } => "AKIA",
            Principal::Role { .. } | Principal::Service(_) => "ASIA",
        };
        let key = self.ids().key(prefix, 16);
        let signer = Signer {
            principal: principal.clone(),
            session_policies: None,
        };
        issued.insert(key.clone(), signer);
        key
    }

    /// An access key id of a session that its own policies limit.
    pub(super) fn issue_limited_key(
        &self,
        principal: &Principal,
        session_policies: Arc<[Statement]>,
    ) -> String {
        let key = self.ids().key("ASIA", 16);
        let signer = Signer {
            principal: principal.clone(),
            session_policies: Some(session_policies),
        };
        self.0.keys.issued.lock().insert(key.clone(), signer);
        key
    }

    /// Who signs with this key; `None` where it is refused. Unknown keys are root's unless the engine is strict.
    pub(super) fn signer(&self, key: &str) -> Option<Signer> {
        if let Some(known) = self.0.keys.issued.lock().get(key) {
            return Some(known.clone());
        }
        let principal = match self.read(|state| iam::whose(state, key)) {
            Whose::User(user) => user,
            Whose::Nobody if !self.has_strict_keys() => Principal::Root,
            Whose::Nobody | Whose::Refused => return None,
        };
        Some(Signer {
            principal,
            session_policies: None,
        })
    }

    /// A request of a user was signed with this key.
    pub(super) fn key_used(&self, key: &str, at: SystemTime, service: &'static str) {
        let mut used = self.0.keys.used.lock();
        used.insert(key.to_owned(), (at, service));
    }

    /// When a user's key was used last since the engine was opened, and for which service.
    pub(super) fn last_use(&self, key: &str) -> Option<(SystemTime, &'static str)> {
        self.0.keys.used.lock().get(key).copied()
    }
}
