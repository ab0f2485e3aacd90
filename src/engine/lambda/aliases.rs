//! Aliases: names for one version of a function, or for two that share its invocations.

use serde_json::{Value, json};

use super::checks::{Checks, conflict, invalid, not_found, whole};
use super::functions::{check_revision, no_content};
use super::names::{self, LATEST, Reference};
use super::{shapes, targets, versions};
use crate::engine::call::{Answer, Call, Fault, Reply};
use crate::engine::state::{Alias, Function, Share, State, Version};

/// Aliases in one page, whatever is asked for.
const PAGE_MAX: usize = 50;
const NAME_CHARS_MAX: usize = 128;
const VERSION_CHARS_MAX: usize = 1024;
const NAME_PATTERN: &str = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)";
const VERSION_PATTERN: &str = r"(\$LATEST(\.PUBLISHED)?|[0-9]+)";

/// `CreateAlias`
pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    let asked = Asked::read(call, true)?;
    let version = asked.version.unwrap_or_default();
    let function = whole_function(state, call, &reference, Some(version))?;
    let name = asked.name.to_owned();
    check_version(function, version)?;
    if function.aliases.contains_key(&name) {
        return Err(conflict(format!(
            "Alias already exists: {}",
            arn(function, &name)
        )));
    }
    let alias = Alias {
        name: name.clone(),
        version: version.to_owned(),
        description: asked.description.unwrap_or_default().to_owned(),
        share: asked.shares.unwrap_or_default().only()?,
        revision_id: call.ids.uuid(),
    };
    check_share(function, &alias)?;
    let shown = shown(function, &alias);
    function.aliases.insert(name, alias);
    Ok(Reply::json(201, shown))
}

/// `GetAlias`
pub(super) fn get(state: &mut State, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    let name = checked_name(call)?;
    let function = whole_function(state, call, &reference, None)?;
    match function.aliases.get(name) {
        Some(alias) => Ok(shown(function, alias).into()),
        None => Err(not_found(format!(
            "Cannot find alias arn: {}",
            arn(function, name)
        ))),
    }
}

/// `UpdateAlias`: what is not given stays; the revision changes even where nothing is.
pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    let asked = Asked::read(call, false)?;
    let function = whole_function(state, call, &reference, None)?;
    let Some(mut alias) = function.aliases.get(asked.name).cloned() else {
        return Err(not_found(format!(
            "Alias not found: {}",
            arn(function, asked.name)
        )));
    };
    check_revision(call, &alias.revision_id)?;
    if let Some(version) = asked.version {
        check_version(function, version)?;
        version.clone_into(&mut alias.version);
    }
    if let Some(description) = asked.description {
        description.clone_into(&mut alias.description);
    }
    if let Some(shares) = asked.shares {
        alias.share = shares.only()?;
    }
    check_share(function, &alias)?;
    alias.revision_id = call.ids.uuid();
    let shown = shown(function, &alias);
    function.aliases.insert(alias.name.clone(), alias);
    Ok(shown.into())
}

/// `DeleteAlias`; one that is not there is as good as deleted.
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    let name = checked_name(call)?;
    let function = whole_function(state, call, &reference, None)?;
    function.aliases.remove(name);
    Ok(no_content())
}

/// `ListAliases`, by name.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    let reference = names::reference(call)?;
    let asked = whole(&call.input, "MaxItems")?.unwrap_or(i64::MAX);
    let version = call.text("FunctionVersion");
    let mut checks = Checks::default();
    check_version_form(version, &mut checks);
    checks.range("maxItems", asked.min(10_000), (1, 10_000));
    checks.finish()?;
    let function = whole_function(state, call, &reference, None)?;
    let limit = usize::try_from(asked).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let after = call.text("Marker").unwrap_or_default();
    let mut rest = function.aliases.values().filter(|alias| {
        alias.name.as_str() > after && version.is_none_or(|version| alias.version == version)
    });
    let page: Vec<&Alias> = rest.by_ref().take(limit).collect();
    let rows: Vec<Value> = page.iter().map(|it| shown(function, it)).collect();
    let mut reply = json!({ "Aliases": rows });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        reply["NextMarker"] = json!(last.name);
    }
    Ok(reply.into())
}

/// Names of the aliases that lead to a version, mainly or in part.
pub(super) fn leading_to<'f>(function: &'f Function, version: &str) -> Vec<&'f str> {
    let leads = |alias: &&Alias| {
        let share = alias.share.as_ref();
        alias.version == version || share.is_some_and(|it| it.version == version)
    };
    let aliases = function.aliases.values().filter(leads);
    aliases.map(|it| it.name.as_str()).collect()
}

/// `AliasConfiguration`
fn shown(function: &Function, alias: &Alias) -> Value {
    let mut out = json!({
        "AliasArn": arn(function, &alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    });
    if let Some(share) = &alias.share {
        let weights = json!({ share.version.clone(): share.weight });
        out["RoutingConfig"] = json!({ "AdditionalVersionWeights": weights });
    }
    out
}

fn arn(function: &Function, alias: &str) -> String {
    format!("{}:{alias}", function.latest.arn)
}

/// What a call says of an alias, right in its form.
struct Asked<'c> {
    name: &'c str,
    version: Option<&'c str>,
    description: Option<&'c str>,
    shares: Option<Shares>,
}

/// `AdditionalVersionWeights`
#[derive(Default)]
struct Shares(Vec<Share>);

impl<'c> Asked<'c> {
    fn read(call: &'c Call, is_creation: bool) -> Result<Self, Fault> {
        shapes::check(&call.input, shapes::ALIAS)?;
        let asked = Self {
            name: call.text("Name").unwrap_or_default(),
            version: call.text("FunctionVersion"),
            description: call.text("Description"),
            shares: Shares::read(&call.input["RoutingConfig"]),
        };
        let mut checks = Checks::default();
        check_name(call, &mut checks);
        if is_creation && asked.version.is_none() {
            checks.missing("functionVersion");
        }
        check_version_form(asked.version, &mut checks);
        if let Some(description) = asked.description {
            checks.length("description", description, versions::DESCRIPTION_CHARS_MAX);
        }
        if let Some(shares) = &asked.shares {
            shares.check(&mut checks);
        }
        checks.finish()?;
        Ok(asked)
    }
}

impl Shares {
    /// An empty configuration takes the weights away.
    fn read(routing: &Value) -> Option<Self> {
        let weights = routing.as_object()?.get("AdditionalVersionWeights");
        let weights = weights.and_then(Value::as_object).into_iter().flatten();
        let shares = weights.map(|(version, weight)| Share {
            version: version.clone(),
            weight: weight.as_f64().unwrap_or(f64::NAN),
        });
        Some(Self(shares.collect()))
    }

    fn check(&self, checks: &mut Checks) {
        const MEMBER: &str = "routingConfig.additionalVersionWeights";
        let pairs = self
            .0
            .iter()
            .map(|it| format!("{}={:?}", it.version, it.weight));
        let shown = format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "));
        let is_number =
            |it: &Share| !it.version.is_empty() && it.version.bytes().all(|it| it.is_ascii_digit());
        if !self
            .0
            .iter()
            .all(|it| is_number(it) && it.version.len() <= VERSION_CHARS_MAX)
        {
            checks.violated(MEMBER, &shown, "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]");
        }
        if !self.0.iter().all(|it| (0.0..=1.0).contains(&it.weight)) {
            checks.violated(MEMBER, &shown, "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]");
        }
    }

    fn only(mut self) -> Result<Option<Share>, Fault> {
        if self.0.len() > 1 {
            return Err(invalid(
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ));
        }
        Ok(self.0.pop())
    }
}

fn checked_name(call: &Call) -> Result<&str, Fault> {
    let mut checks = Checks::default();
    check_name(call, &mut checks);
    checks.finish()?;
    Ok(call.text("Name").unwrap_or_default())
}

fn check_name(call: &Call, checks: &mut Checks) {
    let Some(name) = call.text("Name") else {
        return checks.missing("name");
    };
    let fits = names::is_name(name) && versions::number(name).is_none();
    checks.pattern("name", name, fits, NAME_PATTERN);
    checks.length("name", name, NAME_CHARS_MAX);
}

fn check_version_form(version: Option<&str>, checks: &mut Checks) {
    let Some(version) = version else {
        return;
    };
    let is_named = [LATEST, "$LATEST.PUBLISHED"].contains(&version);
    let fits = is_named || versions::number(version).is_some();
    checks.pattern("functionVersion", version, fits, VERSION_PATTERN);
    checks.length("functionVersion", version, VERSION_CHARS_MAX);
}

fn check_version(function: &Function, version: &str) -> Result<(), Fault> {
    if version == LATEST || targets::published(function, version).is_some() {
        return Ok(());
    }
    Err(not_found(format!(
        "Function not found: {}",
        arn(function, version)
    )))
}

/// Two versions that are there, not the same, none of them the one that changes, and both with the same role and
/// dead-letter queue: <https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html>
fn check_share(function: &Function, alias: &Alias) -> Result<(), Fault> {
    let Some(share) = &alias.share else {
        return Ok(());
    };
    let version = &alias.version;
    if share.version == *version {
        return Err(invalid(format!(
            "Invalid function version {version}. Function version {version} is already included in routing configuration."
        )));
    }
    if version == LATEST {
        return Err(invalid(
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ));
    }
    check_version(function, &share.version)?;
    let find = |version: &str| targets::published(function, version);
    let (Some(one), Some(other)) = (find(version), find(&share.version)) else {
        return Ok(());
    };
    if one.role != other.role {
        return Err(invalid(
            "Specified versions must be associated with the same execution role",
        ));
    }
    let queue = |it: &Version| it.settings.get("DeadLetterConfig").cloned();
    if queue(one) != queue(other) {
        return Err(invalid(
            "Specified versions must be associated with the same dead-letter queue",
        ));
    }
    Ok(())
}

/// The function of an alias; the words for one that is not there name the version that was asked for.
fn whole_function<'s>(
    state: &'s mut State,
    call: &Call,
    reference: &Reference,
    version: Option<&str>,
) -> Result<&'s mut Function, Fault> {
    names::find_whole(state, call).map_err(|fault| match version {
        Some(version) if fault.status == 404 => {
            names::missing(&reference.with(version), &call.account)
        }
        _ => fault,
    })?;
    state
        .functions
        .get_mut(&reference.name)
        .ok_or_else(|| names::missing(reference, &call.account))
}

#[cfg(test)]
#[path = "aliases_tests.rs"]
mod tests;
