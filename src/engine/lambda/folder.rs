//! A function's code in a file or a folder of the user's: read, and packed the same way each time. Knows no function.

use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;

/// Lambda's limit for everything in a package, unpacked.
const UNPACKED_BYTES_MAX: u64 = 250 << 20;

/// Path in the package, with `/`, and content.
pub type File = (String, Vec<u8>);

/// Whether this is a package already.
pub fn is_zip(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|it| it.eq_ignore_ascii_case("zip"))
}

/// One file, or a folder with everything in it but hidden files and links, sorted by path.
///
/// # Errors
/// Words that name the path: nothing is there, it cannot be read, it is empty or larger than 250 MB.
pub fn files(path: &Path) -> Result<Vec<File>, String> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !about.is_dir() {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Ok(vec![(name.into_owned(), bytes)]);
    }
    let mut found = Found::default();
    found.walk(path, "")?;
    if found.files.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(found.files)
}

/// What is at this path as a package; a `.zip` as it is. The same files give the same bytes.
///
/// # Errors
/// As [`files`].
pub fn package(path: &Path) -> Result<Vec<u8>, String> {
    if is_zip(path) {
        return std::fs::read(path).map_err(|error| unreadable(path, &error));
    }
    pack(&files(path)?)
}

/// Every file may be run: a `bootstrap` has to be.
///
/// # Errors
/// Words of the packer.
pub fn pack(files: &[File]) -> Result<Vec<u8>, String> {
    let packed = || {
        let options = SimpleFileOptions::default()
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o755);
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in files {
            zip.start_file(path.as_str(), options)?;
            zip.write_all(bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    };
    packed().map_err(|error: zip::result::ZipError| format!("the files cannot be packed: {error}"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

#[derive(Default)]
struct Found {
    files: Vec<File>,
    bytes: u64,
    /// Bytes of these under `node_modules`.
    modules_bytes: u64,
}

impl Found {
    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), String> {
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

    fn count(&mut self, path: &str, bytes: u64) -> Result<(), String> {
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
        Err(format!(
            "the folder holds more than 250 MB, which Lambda does not take{hint}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_packed_the_same_way_each_time_without_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        for (path, text) in [("index.mjs", "1"), ("lib/a.mjs", "2"), (".env", "secret")] {
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        let found = files(folder.path()).unwrap();
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["index.mjs", "lib/a.mjs"]);
        let once = package(folder.path()).unwrap();
        std::fs::write(folder.path().join("lib/a.mjs"), "2").unwrap();
        assert_eq!(package(folder.path()).unwrap(), once);
        std::fs::write(folder.path().join("lib/a.mjs"), "3").unwrap();
        assert_ne!(package(folder.path()).unwrap(), once);
    }

    #[test]
    fn a_package_is_taken_as_it_is_and_a_file_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        let (zip, file) = (folder.path().join("p.ZIP"), folder.path().join("f.py"));
        std::fs::write(&zip, "anything").unwrap();
        std::fs::write(&file, "pass").unwrap();
        assert_eq!(package(&zip).unwrap(), b"anything");
        assert_eq!(
            package(&file).unwrap(),
            pack(&[("f.py".to_owned(), b"pass".to_vec())]).unwrap()
        );
    }

    #[test]
    fn what_cannot_be_a_package_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = package(folder.path()).unwrap_err();
        assert!(error.ends_with(" is empty"), "{error}");
        let error = package(&folder.path().join("gone")).unwrap_err();
        assert!(error.contains("gone cannot be read: "), "{error}");
    }

    #[test]
    fn too_much_is_refused_before_it_is_read_and_says_why() {
        let mut found = Found::default();
        found.count("index.mjs", 1).unwrap();
        let error = found.count("node_modules/huge/a", 300 << 20).unwrap_err();
        assert!(error.contains("250 MB"), "{error}");
        assert!(error.contains("npm prune"), "{error}");
        let error = Found::default().count("video.mp4", 300 << 20).unwrap_err();
        assert!(!error.contains("node_modules"), "{error}");
    }
}
