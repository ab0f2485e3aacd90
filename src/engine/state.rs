//! Everything the control plane remembers, one plain serde struct. No behaviour.
//!
//! Items, stream records, log events, messages, objects, code and checkpoints live in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::Account;
use crate::mapping::MappingConfig;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Whose world it is: everything in it is named by ARNs of this account. Folders of older versions do not say.
    pub account: Option<Account>,
    /// How far jumps have brought the world's time ahead of the machine's.
    pub clock_ahead_millis: u64,
    /// By name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// By ARN; streams outlive the switch-off and the table for 24 hours.
    pub streams: BTreeMap<String, Stream>,
    /// By name.
    pub roles: BTreeMap<String, Role>,
    /// By name.
    pub users: BTreeMap<String, User>,
    /// Access keys of users by id.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// Ids of access keys that were deleted: they stay refused, where ids nobody ever had count as the account's.
    pub deleted_keys: BTreeSet<String>,
    /// Customer managed policies by ARN; AWS's own come from `assets/`.
    pub policies: BTreeMap<String, ManagedPolicy>,
    /// By name.
    pub functions: BTreeMap<String, Function>,
    /// By UUID.
    pub mappings: BTreeMap<String, Mapping>,
    /// ARNs of the keys that are declared unusable.
    pub unusable_keys: BTreeSet<String>,
    /// By name.
    pub queues: BTreeMap<String, Queue>,
    /// By name.
    pub topics: BTreeMap<String, Topic>,
    /// By ARN, which begins with the topic's.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// By name.
    pub buckets: BTreeMap<String, Bucket>,
    /// By name.
    pub log_groups: BTreeMap<String, LogGroup>,
    /// Backups by ARN.
    pub backups: BTreeMap<String, Backup>,
    /// Policies of tables and streams, by ARN.
    pub resource_policies: BTreeMap<String, ResourcePolicy>,
    /// Key prefixes of copies under way; what the end of the process left of them becomes trash.
    pub scratch: Vec<u64>,
    /// Key prefixes of tables, indexes and shards that are gone; what they held is cleared in the background.
    pub trash: Vec<u64>,
    /// Next number for a table's or stream's key prefix in the store; never used twice.
    pub next_store_id: u64,
}

/// Type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    S,
    N,
    B,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyType,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    pub partition: KeyAttribute,
    pub sort: Option<KeyAttribute>,
    #[serde(default)]
    pub more: MoreKeys,
}

/// Further key attributes, in their order: global indexes may have up to four of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreKeys {
    pub partition: Vec<KeyAttribute>,
    pub sort: Vec<KeyAttribute>,
}

/// What a secondary index carries of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    /// Key prefix in the store.
    pub store_id: u64,
    pub global: bool,
    pub keys: KeySchema,
    pub projection: Projection,
    /// `CREATING`, `ACTIVE`, `DELETING`.
    pub status: String,
    /// `Backfilling`, while an index that was added to a table is made.
    #[serde(default)]
    pub backfilling: Option<bool>,
    /// `ProvisionedThroughput` as given.
    pub throughput: Option<Value>,
    /// Settings that are stored and returned: `OnDemandThroughput`, `WarmThroughput`.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

/// `StreamViewType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ViewType {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

impl ViewType {
    /// As AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub arn: String,
    /// `TableId`.
    pub id: String,
    /// Key prefix in the store.
    pub store_id: u64,
    pub created: SystemTime,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`.
    pub status: String,
    /// When the status began, while it is a passing one.
    #[serde(default)]
    pub since: Option<SystemTime>,
    /// Every attribute named in a key, in the order of the request.
    pub attributes: Vec<KeyAttribute>,
    pub keys: KeySchema,
    pub indexes: Vec<Index>,
    pub pay_per_request: bool,
    /// `ProvisionedThroughput` as given.
    pub throughput: Option<Value>,
    /// ARN of the enabled stream.
    pub stream: Option<String>,
    /// ARN of the newest stream, enabled or not.
    pub latest_stream: Option<String>,
    pub deletion_protection: bool,
    pub tags: BTreeMap<String, String>,
    /// Time to live, while it is not `DISABLED`.
    #[serde(default)]
    pub expiry: Option<Expiry>,
    /// Point-in-time recovery, while it is on.
    #[serde(default)]
    pub undo: Option<Undo>,
    /// Where its first items came from.
    #[serde(default)]
    pub restored: Option<Restored>,
    /// Settings that are stored and returned: `TableClass`, `SSESpecification`, `OnDemandThroughput`.
    pub settings: BTreeMap<String, Value>,
}

/// Time to live of a table. Its items are kept by the time they end in entries of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    pub attribute: String,
    /// Key prefix of the entries in the store.
    pub store_id: u64,
    /// `ENABLING`, `ENABLED`, `DISABLING`.
    pub status: String,
    /// When the status began.
    pub since: SystemTime,
}

/// Point-in-time recovery of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Key prefix of what was there before each write.
    pub store_id: u64,
    pub since: SystemTime,
    /// `RecoveryPeriodInDays`.
    pub days: u32,
}

/// Of a table that was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub backup: Option<String>,
    /// ARN of the table that was copied.
    pub table: String,
    pub at: SystemTime,
    /// Key prefix of the items that are copied, until they are.
    pub source: Option<u64>,
    /// Nobody needs the source afterwards.
    pub drops_source: bool,
}

/// An on-demand backup: a table's definition, and its items under a key prefix of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    pub arn: String,
    pub name: String,
    pub created: SystemTime,
    pub store_id: u64,
    pub items: u64,
    pub bytes: u64,
    /// The table as it was.
    pub table: Arc<Table>,
    /// Its stream, if it had one.
    pub view_type: Option<ViewType>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// JSON text, as given.
    pub document: String,
    pub revision: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    pub arn: String,
    pub label: String,
    pub table: String,
    /// Key prefix of its records in the store.
    pub store_id: u64,
    pub view_type: ViewType,
    pub keys: KeySchema,
    pub created: SystemTime,
    /// Open while `None`.
    pub disabled: Option<SystemTime>,
    pub shards: Vec<Shard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// `shardId-` + 20 digits + `-` + 8 hex.
    pub id: String,
    pub parent: Option<String>,
    /// Key prefix of its records in the store.
    pub store_id: u64,
    /// First sequence number it may hold.
    pub starting: String,
    /// Set when the shard is closed.
    pub ending: Option<String>,
    /// Partition key hashes it takes, inclusive.
    pub hash_range: (u64, u64),
    pub created: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub arn: String,
    /// `AROA…`.
    pub id: String,
    pub path: String,
    pub created: SystemTime,
    pub description: Option<String>,
    pub max_session_secs: u32,
    /// JSON text, as given.
    pub trust_policy: String,
    #[serde(flatten)]
    pub grants: Grants,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub arn: String,
    /// `AIDA…`.
    pub id: String,
    pub path: String,
    pub created: SystemTime,
    #[serde(flatten)]
    pub grants: Grants,
}

/// What decides what a role or a user may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grants {
    /// Policy name to JSON text.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies, in the order attached.
    pub attached: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// ARN of the managed policy that is the permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// Its id is its key in [`State::access_keys`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessKey {
    /// Name of the user.
    pub user: String,
    pub is_active: bool,
    pub created: SystemTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    pub name: String,
    pub arn: String,
    /// `ANPA…`.
    pub id: String,
    pub path: String,
    pub created: SystemTime,
    pub description: Option<String>,
    /// JSON text of the default version.
    pub document: String,
    /// Number of the default version.
    #[serde(default = "first")]
    pub version: u32,
    /// When the default version was made, where that was after the policy.
    #[serde(default)]
    pub version_created: Option<SystemTime>,
    /// The versions that are not the default, by number.
    #[serde(default)]
    pub others: BTreeMap<u32, PolicyVersion>,
    /// Versions ever made; no number is used twice.
    #[serde(default = "first")]
    pub versions_made: u32,
}

fn first() -> u32 {
    1
}

/// A version of a managed policy that is not its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// JSON text.
    pub document: String,
    pub created: SystemTime,
}

/// A function by its name: what all of its versions share, and these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// `$LATEST`, the version that can be changed.
    #[serde(flatten)]
    pub latest: Arc<Version>,
    pub reserved_concurrency: Option<u32>,
    pub tags: BTreeMap<String, String>,
    /// Published versions by number; they never change.
    #[serde(default)]
    pub published: BTreeMap<u64, Arc<Version>>,
    /// Number of the last version that was published; none is used twice.
    #[serde(default)]
    pub last_published: u64,
    /// By name.
    #[serde(default)]
    pub aliases: BTreeMap<String, Alias>,
    /// Path of a file or a folder of this machine whose contents are deployed whenever they are saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

/// A name for a version of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    pub description: String,
    /// A second version that takes part of the invocations.
    pub share: Option<Share>,
    pub revision_id: String,
}

/// The second version of an alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// A number.
    pub version: String,
    /// From 0, which is none of the invocations, to 1, which is all of them.
    pub weight: f64,
}

/// Code and configuration of a function: its `$LATEST` or a published version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Of the function.
    pub name: String,
    /// Of the function, without a qualifier.
    pub arn: String,
    /// `$LATEST` or a number.
    #[serde(default = "latest")]
    pub version: String,
    /// `nodejs22.x`; any name of the current API model.
    pub runtime: String,
    pub handler: String,
    /// ARN of the execution role.
    pub role: String,
    pub description: String,
    /// What publishing it said instead of `description`.
    #[serde(default)]
    pub published_as: Option<String>,
    pub timeout_secs: u32,
    pub memory_mb: u32,
    pub environment: BTreeMap<String, String>,
    /// Base64 of the package's SHA-256; also the key of its bytes in the store.
    pub code_sha256: String,
    pub code_size: u64,
    pub revision_id: String,
    pub last_modified: SystemTime,
    /// When `Pending` becomes `Active`, or an update becomes `Successful`.
    pub ready_at: SystemTime,
    pub created: bool,
    /// Members that are stored and returned: `Architectures`, `LoggingConfig`, `Layers`.
    pub settings: BTreeMap<String, Value>,
}

fn latest() -> String {
    "$LATEST".to_owned()
}

/// `State` of an event source mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappingState {
    Creating,
    Enabling,
    Enabled,
    Disabling,
    Disabled,
    Updating,
    Deleting,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    pub uuid: String,
    pub stream_arn: String,
    pub function_arn: String,
    pub config: MappingConfig,
    /// What the user wants; the supervisor works towards it.
    pub enabled: bool,
    pub state: MappingState,
    /// When a passing state (`Creating`, `Updating`, …) ends.
    pub settles_at: SystemTime,
    pub last_modified: SystemTime,
    pub last_processing_result: String,
    pub tags: BTreeMap<String, String>,
    /// Grows with every update, so that a running poller can be told apart from a stale one.
    pub revision: u64,
    /// What an update asked for: it holds, and is shown, once the passing state is over.
    #[serde(default)]
    pub next: Option<NextSettings>,
    /// When polling takes effect; at once where it is `None`.
    #[serde(default)]
    pub polls_from: Option<SystemTime>,
    /// Its poller begins nothing until it is resumed. Not an affair of Lambda's: its API does not show it.
    #[serde(default)]
    pub paused: bool,
}

/// What an update of an event source mapping asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextSettings {
    pub function_arn: String,
    pub config: MappingConfig,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub name: String,
    pub arn: String,
    pub url: String,
    pub created: SystemTime,
    /// Key prefix of its messages in the store.
    pub store_id: u64,
    /// Attributes as set by the user: `VisibilityTimeout`, `Policy`.
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    pub name: String,
    pub created: SystemTime,
    pub region: String,
    /// Key prefix of its objects in the store.
    pub store_id: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    pub name: String,
    pub arn: String,
    pub created: SystemTime,
    /// Attributes as set by the user: `DisplayName`, `Policy`.
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// `SubscriptionsDeleted`.
    pub subscriptions_deleted: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub arn: String,
    /// ARN of the topic.
    pub topic: String,
    /// ARN of the queue; it need not exist.
    pub endpoint: String,
    /// ARN of the caller who subscribed.
    pub principal: String,
    /// Attributes as set by the user: `RawMessageDelivery`, `FilterPolicy`.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    pub name: String,
    pub arn: String,
    pub created: SystemTime,
    pub retention_days: Option<u32>,
    /// By name.
    pub streams: BTreeMap<String, LogStream>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogStream {
    pub name: String,
    pub created: SystemTime,
    /// Key prefix of its events in the store.
    pub store_id: u64,
}

impl State {
    /// A number no table, stream or queue has had before.
    pub fn take_store_id(&mut self) -> u64 {
        self.next_store_id += 1;
        self.next_store_id
    }
}
