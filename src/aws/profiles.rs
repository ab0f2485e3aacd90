//! The profiles in the user's `~/.aws` files: names and what kind they are. Reads no secret.
//!
//! The SDK resolves a chosen profile itself; this is for choosing one.
//! Format: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where a profile's credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An access key in the files.
    Static,
    Sso,
    AssumeRole,
    /// `credential_process`
    Process,
    /// Nothing this program knows.
    Other,
}

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub region: Option<String>,
    pub kind: Kind,
    /// The name says production: `prod`, `live`.
    pub looks_like_production: bool,
    /// Until when the last sign-in counts, for SSO; `None` when there was none.
    pub signed_in_until: Option<SystemTime>,
}

/// Every profile in the files the SDK reads (`AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`
/// are honoured), `default` first, then by name. Files that are not there have none.
pub async fn profiles() -> Vec<Profile> {
    let files = Files::of_user();
    tokio::task::spawn_blocking(move || files.profiles())
        .await
        .unwrap_or_default()
}

/// Whether a profile or host name sounds like production.
pub fn looks_like_production(name: &str) -> bool {
    name.to_lowercase()
        .split(|it: char| !it.is_ascii_alphanumeric())
        .any(|word| word.starts_with("prod") || word == "prd" || word == "live")
}

/// The files to read.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) config: PathBuf,
    pub(super) credentials: PathBuf,
    pub(super) sso_cache: PathBuf,
}

type Settings = BTreeMap<String, String>;

impl Files {
    fn of_user() -> Self {
        let home = directories::BaseDirs::new().map(|it| it.home_dir().join(".aws"));
        let folder = home.unwrap_or_default();
        let chosen = |variable: &str, name: &str| {
            std::env::var_os(variable).map_or_else(|| folder.join(name), PathBuf::from)
        };
        Self {
            config: chosen("AWS_CONFIG_FILE", "config"),
            credentials: chosen("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            sso_cache: folder.join("sso").join("cache"),
        }
    }

    pub(super) fn profiles(&self) -> Vec<Profile> {
        let mut profiles: BTreeMap<String, Settings> = BTreeMap::new();
        let mut sessions: BTreeMap<String, Settings> = BTreeMap::new();
        for (head, settings) in sections(&text_of(&self.config)) {
            let name = match head.split_once(char::is_whitespace) {
                Some(("profile", name)) => name.trim(),
                Some(("sso-session", name)) => {
                    sessions
                        .entry(name.trim().to_owned())
                        .or_default()
                        .extend(settings);
                    continue;
                }
                None if head == "default" => "default",
                _ => continue,
            };
            profiles
                .entry(name.to_owned())
                .or_default()
                .extend(settings);
        }
        for (name, settings) in sections(&text_of(&self.credentials)) {
            profiles.entry(name).or_default().extend(settings);
        }
        let mut found: Vec<Profile> = profiles
            .into_iter()
            .map(|(name, settings)| self.profile(name, &settings, &sessions))
            .collect();
        found.sort_by_key(|it| (it.name != "default", it.name.clone()));
        found
    }

    fn profile(
        &self,
        name: String,
        settings: &Settings,
        sessions: &BTreeMap<String, Settings>,
    ) -> Profile {
        let has = |key: &str| settings.contains_key(key);
        let kind = if has("role_arn") {
            Kind::AssumeRole
        } else if has("sso_session") || has("sso_start_url") {
            Kind::Sso
        } else if has("credential_process") {
            Kind::Process
        } else if has("aws_access_key_id") {
            Kind::Static
        } else {
            Kind::Other
        };
        let session = settings.get("sso_session").and_then(|it| sessions.get(it));
        let url = session.unwrap_or(settings).get("sso_start_url");
        Profile {
            looks_like_production: looks_like_production(&name),
            region: settings.get("region").cloned(),
            signed_in_until: url.and_then(|it| self.signed_in_until(it)),
            kind,
            name,
        }
    }

    /// When the newest cached sign-in at this address ends.
    fn signed_in_until(&self, start_url: &str) -> Option<SystemTime> {
        let entries = std::fs::read_dir(&self.sso_cache).ok()?;
        let ends = |entry: std::fs::DirEntry| {
            let text = text_of(&entry.path());
            let token: serde_json::Value = serde_json::from_str(&text).ok()?;
            let here = token["startUrl"].as_str()? == start_url;
            let end = OffsetDateTime::parse(token["expiresAt"].as_str()?, &Rfc3339).ok()?;
            here.then(|| SystemTime::from(end))
        };
        entries.filter_map(Result::ok).filter_map(ends).max()
    }
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Section heads and their settings, in order. Indented lines belong to the setting above.
fn sections(text: &str) -> Vec<(String, Settings)> {
    let mut found: Vec<(String, Settings)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(head) = trimmed.strip_prefix('[') {
            let head = head.split(']').next().unwrap_or_default();
            found.push((head.trim().to_owned(), Settings::new()));
        } else if !line.starts_with(char::is_whitespace)
            && let Some((key, value)) = trimmed.split_once('=')
            && let Some((_, settings)) = found.last_mut()
        {
            let value = value.split(" #").next().unwrap_or_default();
            let value = value.split(" ;").next().unwrap_or_default();
            settings.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(config: &str, credentials: &str) -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            config: folder.path().join("config"),
            credentials: folder.path().join("credentials"),
            sso_cache: folder.path().to_owned(),
        };
        std::fs::write(&files.config, config).unwrap();
        std::fs::write(&files.credentials, credentials).unwrap();
        (folder, files)
    }

    #[test]
    fn both_files_make_one_list_with_default_first() {
        let config = "
# a comment
[profile acme-prod]
region = eu-west-1   # the big one
role_arn = arn:aws:iam::111122223333:role/Admin
source_profile = default

[default]
region=us-east-1
s3 =
  region = not-this-one

[profile tool]
credential_process = /usr/bin/true

[sso-session corp]
sso_start_url = https://corp.example/start

[profile sso]
sso_session = corp

[services local]
dynamodb =
  endpoint_url = http://localhost:1
";
        let credentials = "
[default]
aws_access_key_id = AKIA
aws_secret_access_key = secret
[olive]
aws_access_key_id = AKIA
";
        let (folder, files) = files(config, credentials);
        std::fs::write(
            folder.path().join("token.json"),
            r#"{"startUrl":"https://corp.example/start","expiresAt":"2026-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let found = files.profiles();
        let rows: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.region.as_deref(), it.kind))
            .collect();
        assert_eq!(
            rows,
            [
                ("default", Some("us-east-1"), Kind::Static),
                ("acme-prod", Some("eu-west-1"), Kind::AssumeRole),
                ("olive", None, Kind::Static),
                ("sso", None, Kind::Sso),
                ("tool", None, Kind::Process),
            ]
        );
        let production: Vec<_> = found.iter().map(|it| it.looks_like_production).collect();
        assert_eq!(production, [false, true, false, false, false]);
        let until = found[3].signed_in_until.unwrap();
        assert_eq!(crate::clock::iso_secs(until), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn files_that_are_not_there_have_no_profiles() {
        let (_folder, mut files) = files("", "");
        files.config = PathBuf::from("/nowhere/config");
        assert_eq!(files.profiles(), []);
    }
}
