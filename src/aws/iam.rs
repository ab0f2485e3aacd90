//! Roles, policies and what they allow.

use aws_sdk_iam::types::Role;

use super::{Aws, Error};

pub async fn list_roles(aws: Aws) -> Result<Vec<Role>, Error> {
    let mut found = Vec::new();
    let mut pages = aws.iam.list_roles().into_paginator().items().send();
    while let Some(role) = pages.next().await {
        found.push(role?);
    }
    Ok(found)
}
