//! Packages: files to zip and back, and fetching what a function runs.

use std::io::{Cursor, Read as _};

use aws_sdk_lambda::types::FunctionConfiguration;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt as _;

use crate::aws::{Aws, Error};
use crate::engine::lambda::folder::{self, File};
use crate::engine::store::Shelf;

/// What a function is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Path in the package and text.
    Files(Vec<(String, String)>),
    /// A package as it is.
    Zip(Vec<u8>),
}

/// Largest file shown as text; longer ones are listed only.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Largest package Lambda takes directly.
const ZIP_BYTES_MAX: usize = 50 << 20;

/// What is in a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Path and text, sorted by path.
    pub files: Vec<(String, String)>,
    /// Paths of everything that is not text or too large to show.
    pub others: Vec<String>,
}

impl Code {
    /// The package to send.
    pub(super) async fn into_zip(self) -> Result<Vec<u8>, Error> {
        let zip = match self {
            Self::Zip(bytes) => bytes,
            Self::Files(files) => tokio::task::spawn_blocking(move || zip_files(&files))
                .await
                .map_err(|error| Error::stopped(error.to_string()))??,
        };
        if zip.len() > ZIP_BYTES_MAX {
            return Err(Error::input(format!(
                "the package is {} MB; Lambda takes at most 50 MB directly",
                zip.len() >> 20
            )));
        }
        Ok(zip)
    }
}

/// A package of text files. The same files give the same bytes.
pub fn zip_files(files: &[(String, String)]) -> Result<Vec<u8>, Error> {
    let bytes = |(path, text): &(String, String)| (path.clone(), text.clone().into_bytes());
    let files: Vec<File> = files.iter().map(bytes).collect();
    folder::pack(&files).map_err(Error::input)
}

/// The text files of a package, and the names of the rest.
pub fn unzip(bytes: &[u8]) -> Result<Unpacked, Error> {
    let wrong = |error: &dyn std::fmt::Display| {
        Error::input(format!("the package cannot be unpacked: {error}"))
    };
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| wrong(&error))?;
    let mut out = Unpacked::default();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).map_err(|error| wrong(&error))?;
        if file.is_dir() {
            continue;
        }
        let path = file.name().map_err(|error| wrong(&error))?.into_owned();
        let mut text = String::new();
        let limited = &mut (&mut file).take(TEXT_BYTES_MAX + 1);
        let is_text = limited.read_to_string(&mut text).is_ok() && !text.contains('\0');
        if is_text && text.len() as u64 <= TEXT_BYTES_MAX {
            out.files.push((path, text));
        } else {
            out.others.push(path);
        }
    }
    out.files.sort();
    out.others.sort();
    Ok(out)
}

/// Fetches a package: the embedded engine has it, AWS says where it is.
pub(super) async fn fetch(
    aws: &Aws,
    function: &FunctionConfiguration,
    url: Option<&str>,
) -> Result<Vec<u8>, Error> {
    let failed = |words: &dyn std::fmt::Display| {
        Error::stopped(format!("the package could not be fetched: {words}"))
    };
    if let Ok(engine) = aws.engine() {
        let sha256 = function.code_sha256.as_deref().unwrap_or_default();
        let stored = engine.store().get(Shelf::Code, sha256.as_bytes());
        return stored
            .map_err(|error| failed(&error))?
            .map(|package| package.to_vec())
            .ok_or_else(|| failed(&"the engine does not have it"));
    }
    let url = url.ok_or_else(|| failed(&"the service does not say where it is"))?;
    let request = HttpRequest::get(url).map_err(|error| failed(&error))?;
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build();
    let response = connector
        .call(request)
        .await
        .map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let bytes = body.map_err(|error| failed(&error))?.to_bytes().to_vec();
    if status == 200 {
        Ok(bytes)
    } else {
        Err(failed(&format!("HTTP status {status}")))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn a_package_holds_the_files_it_was_made_of() {
        let files = vec![
            ("index.mjs".to_owned(), "export const a = 1;\n".to_owned()),
            ("lib/b.mjs".to_owned(), "// ü\n".to_owned()),
        ];
        let zip = zip_files(&files).unwrap();
        let unpacked = unzip(&zip).unwrap();
        assert_eq!(unpacked.files, files);
        assert_eq!(unpacked.others, Vec::<String>::new());
        assert_eq!(zip, zip_files(&files).unwrap());
    }

    #[test]
    fn binaries_and_long_texts_are_only_named() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("image.png", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&[0, 159, 146, 150]).unwrap();
        zip.start_file("long.txt", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&vec![b'x'; (1 << 20) + 1]).unwrap();
        let unpacked = unzip(&zip.finish().unwrap().into_inner()).unwrap();
        assert_eq!(unpacked.files, []);
        assert_eq!(unpacked.others, ["image.png", "long.txt"]);
    }

    #[test]
    fn what_is_no_package_is_refused_in_words() {
        let error = unzip(b"no zip").unwrap_err();
        assert!(error.message.starts_with("the package cannot be unpacked"));
    }
}
