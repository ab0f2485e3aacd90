//! Functions: listing, making, changing, invoking. Their code is in `code`, their triggers in `mappings`, their versions
//! and aliases in `versions`.

mod code;
mod mappings;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, LogType, Runtime, State,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use code::{Code, unzip, zip_files};
pub use mappings::{
    NewMapping, config_of, create_mapping, delete_mapping, get_mapping, list_mappings,
    set_mapping_enabled, update_mapping,
};
pub use versions::{
    AliasPlan, Versions, delete_alias, delete_version, list_versions, publish_version, put_alias,
};

use super::{Aws, Error, Ground};
use crate::mapping::progress::Answer;

/// A function with its source.
#[derive(Clone, Debug)]
pub struct FunctionDetail {
    pub configuration: FunctionConfiguration,
    /// Path in the package and text, sorted by path.
    pub files: Vec<(String, String)>,
    /// Paths in the package that are not text or too large to edit.
    pub others: Vec<String>,
    /// Why the package could not be read, where it could not.
    pub unread: Option<String>,
}

/// A function that does not exist yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFunction {
    pub name: String,
    /// `nodejs22.x`
    pub runtime: String,
    /// `index.handler`
    pub handler: String,
    pub role_arn: String,
    pub code: Code,
    /// Seconds; AWS's default is 3.
    pub timeout_secs: u32,
    /// AWS's default is 128.
    pub memory_mb: u32,
    pub environment: BTreeMap<String, String>,
    pub description: String,
}

impl NewFunction {
    /// On `nodejs22.x` with AWS's defaults.
    pub fn new(name: &str, handler: &str, role_arn: &str, code: Code) -> Self {
        Self {
            name: name.to_owned(),
            runtime: "nodejs22.x".to_owned(),
            handler: handler.to_owned(),
            role_arn: role_arn.to_owned(),
            code,
            timeout_secs: 3,
            memory_mb: 128,
            environment: BTreeMap::new(),
            description: String::new(),
        }
    }
}

/// Settings to change; `None` leaves them as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionSettings {
    pub name: String,
    pub runtime: Option<String>,
    pub handler: Option<String>,
    pub role_arn: Option<String>,
    pub timeout_secs: Option<u32>,
    pub memory_mb: Option<u32>,
    /// Replaces all variables.
    pub environment: Option<BTreeMap<String, String>>,
    pub description: Option<String>,
}

/// Every function.
pub async fn list_functions(aws: Aws) -> Result<Vec<FunctionConfiguration>, Error> {
    let mut found = Vec::new();
    let mut pages = aws.lambda.list_functions().into_paginator().items().send();
    while let Some(function) = pages.next().await {
        found.push(function?);
    }
    Ok(found)
}

/// A function's settings only.
pub async fn get_configuration(aws: Aws, name: String) -> Result<FunctionConfiguration, Error> {
    configuration(&aws, &name).await
}

/// One function with the files of its package.
pub async fn get_function(aws: Aws, name: String) -> Result<FunctionDetail, Error> {
    let answer = aws.lambda.get_function().function_name(name).send().await?;
    let configuration = answer
        .configuration
        .ok_or_else(|| Error::odd("GetFunction", "Configuration"))?;
    let location = answer.code.and_then(|it| it.location);
    let unpacked = match code::fetch(&aws, &configuration, location.as_deref()).await {
        Ok(bytes) => tokio::task::spawn_blocking(move || unzip(&bytes))
            .await
            .map_err(|error| Error::stopped(error.to_string()))?,
        Err(error) => Err(error),
    };
    let (unpacked, unread) = match unpacked {
        Ok(unpacked) => (unpacked, None),
        Err(error) => (code::Unpacked::default(), Some(error.message)),
    };
    Ok(FunctionDetail {
        configuration,
        files: unpacked.files,
        others: unpacked.others,
        unread,
    })
}

/// Makes a function and returns when it is `Active`. On AWS a role made a moment ago cannot be
/// assumed yet; that is tried again for some seconds.
pub async fn create_function(aws: Aws, new: NewFunction) -> Result<FunctionConfiguration, Error> {
    let zip = new.code.into_zip().await?;
    let name = new.name.clone();
    let request = aws
        .lambda
        .create_function()
        .function_name(&new.name)
        .runtime(Runtime::from(new.runtime.as_str()))
        .handler(&new.handler)
        .role(&new.role_arn)
        .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
        .timeout(signed(new.timeout_secs))
        .memory_size(signed(new.memory_mb))
        .set_description(Some(new.description).filter(|it| !it.is_empty()))
        .set_environment(
            Some(new.environment)
                .filter(|it| !it.is_empty())
                .map(environment),
        );
    patiently(&aws, "cannot be assumed", || {
        let request = request.clone();
        async { Ok(request.send().await?) }
    })
    .await?;
    settled(&aws, &name).await
}

/// Replaces the package and returns when the update is `Successful`.
pub async fn update_code(
    aws: Aws,
    name: String,
    code: Code,
) -> Result<FunctionConfiguration, Error> {
    aws.lambda
        .update_function_code()
        .function_name(&name)
        .zip_file(Blob::new(code.into_zip().await?))
        .send()
        .await?;
    settled(&aws, &name).await
}

/// Changes settings and returns when the update is `Successful`.
pub async fn update_configuration(
    aws: Aws,
    settings: FunctionSettings,
) -> Result<FunctionConfiguration, Error> {
    aws.lambda
        .update_function_configuration()
        .function_name(&settings.name)
        .set_runtime(settings.runtime.map(|it| Runtime::from(it.as_str())))
        .set_handler(settings.handler)
        .set_role(settings.role_arn)
        .set_timeout(settings.timeout_secs.map(signed))
        .set_memory_size(settings.memory_mb.map(signed))
        .set_environment(settings.environment.map(environment))
        .set_description(settings.description)
        .send()
        .await?;
    settled(&aws, &settings.name).await
}

/// Deletes a function; its event source mappings stay.
pub async fn delete_function(aws: Aws, name: String) -> Result<(), Error> {
    aws.lambda
        .delete_function()
        .function_name(name)
        .send()
        .await?;
    Ok(())
}

/// Calls a function with this JSON text and waits for its answer. A function that fails is an
/// answer with `function_error`; an error means that it was not called.
pub async fn invoke(aws: Aws, name: String, payload: String) -> Result<Answer, Error> {
    let started = aws.clock.uptime();
    let answer = aws
        .lambda
        .invoke()
        .function_name(name)
        .log_type(LogType::Tail)
        .payload(Blob::new(payload))
        .send()
        .await?;
    let took = aws.clock.since(started);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let log = answer.log_result().map(|it| BASE64.decode(it));
    Ok(Answer {
        request_id: answer.request_id().unwrap_or_default().to_owned(),
        status: u16::try_from(answer.status_code).unwrap_or(0),
        function_error: answer.function_error.clone(),
        executed_version: answer.executed_version.clone().unwrap_or_default(),
        payload: answer
            .payload
            .as_ref()
            .map(|it| text(it.as_ref()))
            .unwrap_or_default(),
        log_tail: text(&log.and_then(Result::ok).unwrap_or_default()),
        took,
    })
}

async fn configuration(aws: &Aws, name: &str) -> Result<FunctionConfiguration, Error> {
    let answer = aws.lambda.get_function().function_name(name).send().await?;
    answer
        .configuration
        .ok_or_else(|| Error::odd("GetFunction", "Configuration"))
}

/// Waits until a function is neither being made nor being changed.
async fn settled(aws: &Aws, name: &str) -> Result<FunctionConfiguration, Error> {
    for _ in 0..300 {
        let function = configuration(aws, name).await?;
        match (&function.state, &function.last_update_status) {
            (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => {
                aws.clock.wait(aws.pace()).await;
            }
            (Some(State::Failed), _) => {
                let reason = function.state_reason.unwrap_or_default();
                return Err(Error::stopped(format!("{name} cannot run: {reason}")));
            }
            (_, Some(LastUpdateStatus::Failed)) => {
                let reason = function.last_update_status_reason.unwrap_or_default();
                return Err(Error::stopped(format!(
                    "{name} could not be updated: {reason}"
                )));
            }
            _ => return Ok(function),
        }
    }
    Err(Error::stopped(format!("{name} is still not ready")))
}

fn environment(variables: BTreeMap<String, String>) -> Environment {
    let variables = variables.into_iter().collect();
    Environment::builder()
        .set_variables(Some(variables))
        .build()
}

/// Asks again for some seconds on AWS while the refusal has these words: roles and policies made
/// a moment ago are not known everywhere yet.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(
    aws: &Aws,
    words: &str,
    ask: impl Fn() -> F,
) -> Result<T, Error> {
    let mut left = if aws.about.ground == Ground::Aws {
        12
    } else {
        0
    };
    loop {
        match ask().await {
            Err(error) if left > 0 && error.message.contains(words) => {
                left -= 1;
                aws.clock.wait(Duration::from_secs(1)).await;
            }
            answer => return answer,
        }
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
