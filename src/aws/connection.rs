//! Which cloud to talk to. The only place that tells them apart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use serde::{Deserialize, Serialize};

use super::gate::{Gate, Guard};
use super::local::Local;
use super::{About, Aws, Error, Ground};
use crate::clock::Clock;
use crate::engine;

pub use super::profiles::{Kind, Profile, looks_like_production, profiles};

/// A cloud to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// Amazon's, with a profile of the user's `~/.aws` files.
    Aws {
        profile: Option<String>,
        region: Option<String>,
    },
    /// Any emulator.
    Endpoint { url: String, region: String },
    /// The engine inside this process; `None` forgets the world at the end.
    Embedded { folder: Option<PathBuf> },
}

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long one attempt of a request may take; invocations may take as long as a function may run.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
const INVOKE_MAX: Duration = Duration::from_secs(910);

impl Connection {
    /// The embedded engine with its world in the user's data folder; without such a folder the
    /// world is forgotten at the end.
    pub fn local() -> Self {
        let folders = directories::ProjectDirs::from("", "", "waterwheel");
        Self::Embedded {
            folder: folders.map(|it| it.data_dir().join("worlds").join("default")),
        }
    }

    /// Opens the embedded engine, or prepares clients; sends nothing. Needs a tokio runtime.
    pub async fn open(&self) -> Result<Aws, Error> {
        match self {
            Self::Aws { profile, region } => open_aws(profile.as_deref(), region.as_deref()).await,
            Self::Endpoint { url, region } => open_endpoint(url, region).await,
            Self::Embedded { folder } => {
                let options = engine::Options {
                    folder: folder.clone(),
                    processes: Some(engine::lambda::process::Processes::default()),
                    ..engine::Options::temporary(Clock::real())
                };
                Aws::embedded(options)
            }
        }
    }
}

impl Aws {
    /// A world of one's own inside this process; it ends with the last clone.
    pub fn embedded(options: engine::Options) -> Result<Self, Error> {
        let clock = options.clock.clone();
        let folder = options.folder.clone();
        let name = folder.as_ref().and_then(|it| it.file_name());
        let label = name.map_or_else(
            || "temporary".to_owned(),
            |it| it.to_string_lossy().into_owned(),
        );
        let local = Local::open(options)?;
        let config = local.sdk_config();
        let about = About {
            ground: Ground::Local,
            label,
            region: region_of(&config),
            production: false,
        };
        Ok(Self::with(
            &config,
            clock,
            about,
            Gate::default(),
            Some(local),
        ))
    }

    fn with(
        config: &SdkConfig,
        clock: Clock,
        about: About,
        gate: Gate,
        local: Option<Local>,
    ) -> Self {
        let gate = Arc::new(gate);
        let guard = Guard(Arc::clone(&gate));
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(config)
                        .interceptor(guard.clone())
                        .build(),
                )
            };
        }
        let mut lambda = aws_sdk_lambda::config::Builder::from(config).interceptor(guard.clone());
        if local.is_none() {
            lambda = lambda.timeout_config(timeouts(INVOKE_MAX));
        }
        // Another endpoint need not have names for its buckets.
        let s3 = aws_sdk_s3::config::Builder::from(config).interceptor(guard.clone());
        Self {
            dynamodb: client!(aws_sdk_dynamodb),
            streams: client!(aws_sdk_dynamodbstreams),
            lambda: aws_sdk_lambda::Client::from_conf(lambda.build()),
            iam: client!(aws_sdk_iam),
            logs: client!(aws_sdk_cloudwatchlogs),
            s3: aws_sdk_s3::Client::from_conf(s3.force_path_style(true).build()),
            sns: client!(aws_sdk_sns),
            sqs: client!(aws_sdk_sqs),
            clock,
            gate,
            about: Arc::new(about),
            local,
        }
    }
}

async fn open_aws(profile: Option<&str>, region: Option<&str>) -> Result<Aws, Error> {
    if let Some(profile) = profile
        && !profiles().await.iter().any(|it| it.name == profile)
    {
        return Err(Error {
            kind: super::error::Kind::Credentials,
            ..Error::input(format!(
                "there is no profile {profile} in the configuration and credentials files of AWS"
            ))
        });
    }
    let http = https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts(ATTEMPT_MAX));
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(profile) = profile {
        // A chosen profile beats an access key in the environment, which beats it in the SDK's chain.
        let provider = ProviderConfig::without_region()
            .with_http_client(http)
            .with_region(region.map(|it| Region::new(it.to_owned())));
        let credentials = ProfileFileCredentialsProvider::builder()
            .profile_name(profile)
            .configure(&provider)
            .build();
        loader = loader
            .profile_name(profile)
            .credentials_provider(credentials);
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Error::input(
            "no region: choose one, or set it in the profile or in AWS_REGION",
        ));
    }
    let label = profile.map_or_else(default_profile, str::to_owned);
    let about = About {
        ground: Ground::Aws,
        production: looks_like_production(&label),
        label,
        region: region_of(&config),
    };
    Ok(Aws::with(
        &config,
        Clock::real(),
        about,
        Gate::locked(),
        None,
    ))
}

async fn open_endpoint(url: &str, region: &str) -> Result<Aws, Error> {
    let parsed = url::Url::parse(url).map_err(|error| {
        Error::input(format!(
            "{url} is not an address: {error}; it looks like http://localhost:8000"
        ))
    })?;
    let ("http" | "https", Some(host)) = (parsed.scheme(), parsed.host_str()) else {
        return Err(Error::input(format!(
            "{url} is not an address of a service; it looks like http://localhost:8000"
        )));
    };
    let label = parsed
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https())
        .region(Region::new(region.to_owned()))
        .endpoint_url(url)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeouts(ATTEMPT_MAX));
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        // Emulators take any key, but the SDK sends nothing without one.
        let dummy = Credentials::new("waterwheel", "waterwheel", None, None, "endpoint");
        loader = loader.credentials_provider(dummy);
    }
    let about = About {
        ground: Ground::Endpoint,
        production: looks_like_production(host),
        label,
        region: region.to_owned(),
    };
    let config = loader.load().await;
    Ok(Aws::with(
        &config,
        Clock::real(),
        about,
        Gate::default(),
        None,
    ))
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https()
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_MAX)
        .operation_attempt_timeout(attempt)
        .build()
}

fn default_profile() -> String {
    std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned())
}

fn region_of(config: &SdkConfig) -> String {
    config.region().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error;

    #[tokio::test]
    async fn an_endpoint_has_to_be_an_address() {
        for url in ["localhost:8000", "ftp://localhost", "not one", "http://"] {
            let connection = Connection::Endpoint {
                url: url.to_owned(),
                region: "us-east-1".to_owned(),
            };
            let error = connection.open().await.err().unwrap();
            assert_eq!(error.kind, error::Kind::Input, "{url}");
            assert!(error.message.contains("looks like http://"), "{url}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_is_known_by_its_host_and_open_for_writes() {
        let connection = Connection::Endpoint {
            url: "http://localhost:8000".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let aws = connection.open().await.unwrap();
        assert_eq!(aws.about().label, "localhost:8000");
        assert_eq!(aws.about().ground, Ground::Endpoint);
        assert!(!aws.gate().is_locked());
    }

    #[tokio::test]
    async fn aws_opens_locked() {
        let connection = Connection::Aws {
            profile: None,
            region: Some("eu-west-1".to_owned()),
        };
        let aws = connection.open().await.unwrap();
        assert!(aws.gate().is_locked());
        assert_eq!(aws.about().region, "eu-west-1");
        assert!(!aws.is_local());
    }

    #[test]
    fn production_is_a_word_of_the_name() {
        for name in [
            "prod",
            "acme-PROD-eu",
            "production",
            "shop_live",
            "prd.shop",
        ] {
            assert!(looks_like_production(name), "{name}");
        }
        for name in ["delivery", "olive", "dev", "non-critical", "alive"] {
            assert!(!looks_like_production(name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_profile_that_is_not_there_is_a_matter_of_credentials() {
        let connection = Connection::Aws {
            profile: Some("waterwheel-test-nowhere".to_owned()),
            region: Some("us-east-1".to_owned()),
        };
        let error = connection.open().await.err().unwrap();
        assert_eq!(error.kind, error::Kind::Credentials, "{error:?}");
        assert!(error.message.contains("waterwheel-test-nowhere"));
    }
}
