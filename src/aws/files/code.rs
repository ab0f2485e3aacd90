//! A function's code from a file or a folder.

use std::path::{Path, PathBuf};

use super::blocking;
use crate::aws::Error;
use crate::aws::lambda::Code;
use crate::engine::lambda::folder::{self, File};

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
    if folder::is_zip(path) {
        return folder::package(path).map(Code::Zip).map_err(Error::input);
    }
    let files = folder::files(path).map_err(Error::input)?;
    if files.len() > TEXTS_MAX || files.iter().any(|(_, bytes)| !is_text(bytes)) {
        return folder::pack(&files).map(Code::Zip).map_err(Error::input);
    }
    let text = |(path, bytes): File| (path, String::from_utf8_lossy(&bytes).into_owned());
    Ok(Code::Files(files.into_iter().map(text).collect()))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.len() <= TEXT_BYTES_MAX && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
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
}
