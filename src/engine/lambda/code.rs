//! Deployment packages: checked, kept under their SHA-256, and opened into files. Runs no code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};
use std::sync::{Arc, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::checks::invalid;
use super::package::Package;
use crate::engine::Engine;
use crate::engine::call::Fault;
use crate::engine::state::State;
use crate::engine::store::Shelf;

/// Largest package that may be uploaded directly.
const ZIPPED_BYTES_MAX: usize = 52_428_800;
/// Largest package once it is opened.
const UNZIPPED_BYTES_MAX: u64 = 262_144_000;

/// A package that passed every check.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) zip: Vec<u8>,
    /// Base64, as `CodeSha256` shows it.
    pub(super) sha256: String,
}

impl Code {
    /// From the members of `Code` or of an `UpdateFunctionCode` request. Slow for large packages.
    pub(super) fn read(members: &Value) -> Result<Self, Fault> {
        let has = |name: &str| members.get(name).is_some_and(|it| !it.is_null());
        if has("ImageUri") {
            return Err(invalid(
                "Container images cannot be run here; upload a deployment package instead.",
            ));
        }
        let Some(text) = members.get("ZipFile").and_then(Value::as_str) else {
            return Err(if has("S3Bucket") {
                invalid(
                    "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
                )
            } else {
                invalid("Please provide a source for function code.")
            });
        };
        let zip = STANDARD
            .decode(text)
            .map_err(|error| Fault::new(400, "SerializationException", error.to_string()))?;
        if zip.len() > ZIPPED_BYTES_MAX {
            return Err(Fault::new(
                413,
                "RequestEntityTooLargeException",
                format!("Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes"),
            ));
        }
        unpack(&zip)?;
        let sha256 = STANDARD.encode(Sha256::digest(&zip));
        Ok(Self { zip, sha256 })
    }

    pub(super) fn save(&self, engine: &Engine) -> Result<(), Fault> {
        let key = self.sha256.clone().into_bytes();
        Ok(engine.store().put(Shelf::Code, key, self.zip.clone())?)
    }
}

/// Opened packages that some environment still uses.
#[derive(Default)]
pub(super) struct Packages(Mutex<BTreeMap<String, Weak<Package>>>);

impl Packages {
    /// The package with this hash, opened once for all who use it at the time.
    pub(super) fn open(&self, engine: &Engine, sha256: &str) -> Result<Arc<Package>, Fault> {
        if let Some(package) = self.0.lock().get(sha256).and_then(Weak::upgrade) {
            return Ok(package);
        }
        let zip = stored(engine, sha256)?;
        let package = Arc::new(unpack(&zip)?);
        let mut known = self.0.lock();
        known.retain(|_, package| package.strong_count() > 0);
        known.insert(sha256.to_owned(), Arc::downgrade(&package));
        Ok(package)
    }
}

/// The bytes of a package, as uploaded.
pub(super) fn stored(engine: &Engine, sha256: &str) -> Result<Vec<u8>, Fault> {
    engine
        .store()
        .get(Shelf::Code, sha256.as_bytes())?
        .map(|package| package.to_vec())
        .ok_or_else(|| Fault::internal(format!("the package {sha256} is not in the data folder")))
}

/// Forgets a package that no version of any function uses any more.
pub(super) fn release(engine: &Engine, state: &State, sha256: &str) -> Result<(), Fault> {
    let used = state.functions.values().any(|function| {
        let mut versions = function.published.values().chain([&function.latest]);
        versions.any(|it| it.code_sha256 == sha256)
    });
    if !used {
        engine
            .store()
            .remove(Shelf::Code, sha256.as_bytes().to_vec())?;
    }
    Ok(())
}

fn unpack(zip: &[u8]) -> Result<Package, Fault> {
    let bad = || {
        invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    };
    let mut archive = ZipArchive::new(Cursor::new(zip)).ok().ok_or_else(bad)?;
    if archive.is_empty() {
        return Err(invalid("Uploaded file must be a non-empty zip"));
    }
    let mut left = UNZIPPED_BYTES_MAX;
    let mut files = BTreeMap::new();
    let mut executables = BTreeSet::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).ok().ok_or_else(bad)?;
        if file.is_dir() {
            continue;
        }
        let path = file.enclosed_name().ok_or_else(bad)?;
        let path = path.to_string_lossy().replace('\\', "/");
        // The sizes an archive claims may be wrong: count what really comes out.
        let mut bytes = Vec::new();
        (&mut file)
            .take(left + 1)
            .read_to_end(&mut bytes)
            .ok()
            .ok_or_else(bad)?;
        let size = bytes.len() as u64;
        if size > left {
            return Err(invalid(format!(
                "Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes"
            )));
        }
        left -= size;
        if file.unix_mode().is_some_and(|mode| mode & 0o111 != 0) {
            executables.insert(path.clone());
        }
        files.insert(path, Bytes::from(bytes));
    }
    Ok(Package { files, executables })
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use serde_json::json;
    use zip::write::SimpleFileOptions;

    use super::*;

    pub(in crate::engine::lambda) fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in files {
            writer
                .start_file(*path, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn read(zip: &[u8]) -> Result<Code, Fault> {
        Code::read(&json!({ "ZipFile": STANDARD.encode(zip) }))
    }

    #[test]
    fn a_package_opens_into_its_files() {
        let zip = zip_of(&[("index.js", "1"), ("lib/a.js", "2")]);
        let code = read(&zip).unwrap();
        assert_eq!(code.sha256.len(), 44);
        let package = unpack(&code.zip).unwrap();
        assert_eq!(package.text("lib/a.js"), Some("2"));
        assert!(package.has_folder("lib"));
        assert!(!package.has_folder("li"));
        assert!(!package.has_folder("index.js"));
    }

    #[test]
    fn what_is_no_package_is_refused_in_the_words_of_lambda() {
        let check = |zip: &[u8], message: &str| {
            let fault = read(zip).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterValueException");
            assert_eq!(fault.message, message);
        };
        let bad =
            "Could not unzip uploaded file. Please check your file, then try to upload again.";
        check(b"hello", bad);
        check(&zip_of(&[("../up.js", "")]), bad);
        check(&zip_of(&[]), "Uploaded file must be a non-empty zip");
        let none = Code::read(&json!({})).unwrap_err();
        assert_eq!(none.message, "Please provide a source for function code.");
    }

    #[test]
    fn a_package_too_large_is_refused() {
        let fault = read(&vec![0; ZIPPED_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(
            (fault.status, fault.code),
            (413, "RequestEntityTooLargeException")
        );
        assert_eq!(
            fault.message,
            "Zipped size must be smaller than 52428800 bytes"
        );
    }
}
