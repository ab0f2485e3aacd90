//! A function's code from a file or a folder.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;

use super::{blocking, unreadable};
use crate::aws::Error;
use crate::aws::lambda::Code;

/// Lambda's limit for everything in a package, unpacked.
const UNPACKED_BYTES_MAX: u64 = 250 << 20;
/// Most files that are taken as editable text; a folder with more becomes a package.
const TEXTS_MAX: usize = 100;
/// Largest file that is taken as editable text.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The code of a function: a `.zip` as it is, one file, or a folder with everything in it but
/// hidden files and links. Texts stay editable; a folder with binaries or many files is packed.
pub async fn load_code(path: PathBuf) -> Result<Code, Error> {
    blocking(move || load(&path)).await
}

fn load(path: &Path) -> Result<Code, Error> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if about.is_dir() {
        let mut found = Found::default();
        found.walk(path, "")?;
        if found.files.is_empty() {
            return Err(Error::input(format!("{} is empty", path.display())));
        }
        return found.into_code();
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    if path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("zip"))
    {
        return Ok(Code::Zip(bytes));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let found = Found {
        files: vec![(name.into_owned(), bytes)],
        ..Found::default()
    };
    found.into_code()
}

#[derive(Default)]
struct Found {
    /// Path in the package and content.
    files: Vec<(String, Vec<u8>)>,
    bytes: u64,
    /// Bytes of these under `node_modules`.
    modules_bytes: u64,
}

impl Found {
    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), Error> {
        let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        let mut entries: Vec<_> = entries
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(folder, &error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, &error))?;
            if name.starts_with('.') || kind.is_symlink() {
                continue;
            }
            let inside = format!("{prefix}{name}");
            if kind.is_dir() {
                self.walk(&path, &format!("{inside}/"))?;
            } else {
                let about = entry
                    .metadata()
                    .map_err(|error| unreadable(&path, &error))?;
                self.count(&inside, about.len())?;
                let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
                self.files.push((inside, bytes));
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &str, bytes: u64) -> Result<(), Error> {
        self.bytes += bytes;
        if path.split('/').any(|it| it == "node_modules") {
            self.modules_bytes += bytes;
        }
        if self.bytes <= UNPACKED_BYTES_MAX {
            return Ok(());
        }
        let hint = if self.modules_bytes > self.bytes / 2 {
            "; most of it is node_modules, so leave out what is only needed for development \
             (npm prune --omit=dev)"
        } else {
            ""
        };
        Err(Error::input(format!(
            "the folder holds more than 250 MB, which Lambda does not take{hint}"
        )))
    }

    fn into_code(self) -> Result<Code, Error> {
        let is_text = |bytes: &[u8]| {
            bytes.len() <= TEXT_BYTES_MAX
                && !bytes.contains(&0)
                && std::str::from_utf8(bytes).is_ok()
        };
        if self.files.len() <= TEXTS_MAX && self.files.iter().all(|(_, bytes)| is_text(bytes)) {
            let text = |(path, bytes): (String, Vec<u8>)| {
                (path, String::from_utf8_lossy(&bytes).into_owned())
            };
            return Ok(Code::Files(self.files.into_iter().map(text).collect()));
        }
        let packed = || {
            let options = SimpleFileOptions::default()
                .last_modified_time(zip::DateTime::default())
                .unix_permissions(0o755);
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (path, bytes) in &self.files {
                zip.start_file(path.as_str(), options)?;
                zip.write_all(bytes)?;
            }
            Ok(zip.finish()?.into_inner())
        };
        packed()
            .map(Code::Zip)
            .map_err(|error: zip::result::ZipError| {
                Error::input(format!("the folder cannot be packed: {error}"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::lambda::unzip;

    #[tokio::test]
    async fn a_folder_of_texts_stays_editable() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        std::fs::write(folder.path().join("index.mjs"), "1").unwrap();
        std::fs::write(folder.path().join("lib/a.mjs"), "2").unwrap();
        std::fs::write(folder.path().join(".env"), "secret").unwrap();
        let code = load_code(folder.path().to_owned()).await.unwrap();
        let expected = [("index.mjs", "1"), ("lib/a.mjs", "2")]
            .map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(code, Code::Files(expected.to_vec()));
    }

    #[tokio::test]
    async fn a_folder_with_a_binary_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.mjs"), "1").unwrap();
        std::fs::write(folder.path().join("addon.node"), [0, 1, 2]).unwrap();
        let Code::Zip(bytes) = load_code(folder.path().to_owned()).await.unwrap() else {
            panic!("not packed");
        };
        let unpacked = unzip(&bytes).unwrap();
        assert_eq!(unpacked.files, [("index.mjs".to_owned(), "1".to_owned())]);
        assert_eq!(unpacked.others, ["addon.node"]);
    }

    #[tokio::test]
    async fn one_file_and_a_zip_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, zip) = (folder.path().join("f.py"), folder.path().join("p.zip"));
        std::fs::write(&file, "pass").unwrap();
        std::fs::write(&zip, "anything").unwrap();
        let expected = vec![("f.py".to_owned(), "pass".to_owned())];
        assert_eq!(load_code(file).await.unwrap(), Code::Files(expected));
        assert_eq!(
            load_code(zip).await.unwrap(),
            Code::Zip(b"anything".to_vec())
        );
    }

    #[test]
    fn too_much_is_refused_before_it_is_read_and_says_why() {
        let mut found = Found::default();
        found.count("index.mjs", 1).unwrap();
        let error = found.count("node_modules/huge/a", 300 << 20).unwrap_err();
        assert!(error.message.contains("250 MB"), "{error}");
        assert!(error.message.contains("npm prune"), "{error}");
        let error = Found::default().count("video.mp4", 300 << 20).unwrap_err();
        assert!(!error.message.contains("node_modules"), "{error}");
    }
}
