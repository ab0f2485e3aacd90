//! Items as JSON lines: one object a line, plain or DynamoDB JSON.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{blocking, unreadable, write_whole};
use crate::aws::dynamodb::{self, Item, JsonForm, ReadRequest};
use crate::aws::{Aws, Error};

/// Items an import or export has done so far; share it to show it.
pub type Counter = Arc<AtomicU64>;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub written: u64,
    /// Lines of plain JSON.
    pub plain: u64,
    /// Lines of DynamoDB JSON.
    pub typed: u64,
}

/// Items sent between two looks at the file.
const CHUNK: usize = 500;

/// Writes every line of the file as an item. The form of each line is recognized by itself. The
/// whole file is read through before the first write, so that a line that is no item stops the
/// import before it begins; when the service refuses later, the error says how many were written.
pub async fn import_items(
    aws: Aws,
    table: String,
    path: PathBuf,
    progress: Counter,
) -> Result<Imported, Error> {
    let checked = path.clone();
    let mut imported = blocking(move || check(&checked)).await?;
    let opened = path.clone();
    let mut reader = blocking(move || Reader::open(&opened)).await?;
    loop {
        let chunk;
        (reader, chunk) = blocking(move || {
            let chunk = reader.take(CHUNK)?;
            Ok((reader, chunk))
        })
        .await?;
        if chunk.is_empty() {
            return Ok(imported);
        }
        let done = dynamodb::write_items(aws.clone(), table.clone(), chunk).await;
        let before = imported.written;
        imported.written += done.map_err(|error| Error {
            message: format!("after {before} items: {}", error.message),
            ..error
        })?;
        progress.store(imported.written, Ordering::Release);
    }
}

/// Reads the table (or what the request asks for) to its end and writes every item as a line.
/// Returns how many.
pub async fn export_items(
    aws: Aws,
    mut request: ReadRequest,
    path: PathBuf,
    form: JsonForm,
    progress: Counter,
) -> Result<u64, Error> {
    // Pages go through a channel, so that the file is written whole or not at all.
    let (send, mut receive) = tokio::sync::mpsc::channel::<Result<Vec<Item>, ()>>(2);
    let writing = blocking(move || {
        write_whole(&path, |file| {
            let mut count = 0_u64;
            while let Some(page) = receive.blocking_recv() {
                let page = page.map_err(|()| std::io::Error::other("reading was broken off"))?;
                for item in page {
                    writeln!(file, "{}", dynamodb::item_to_line(&item, form))?;
                    count += 1;
                }
                progress.store(count, Ordering::Release);
            }
            Ok(count)
        })
    });
    let reading = async {
        loop {
            match dynamodb::read(aws.clone(), request.clone()).await {
                Ok(page) => {
                    if send.send(Ok(page.items)).await.is_err() || page.next.is_none() {
                        drop(send);
                        return Ok(());
                    }
                    request.start = page.next;
                }
                Err(error) => {
                    // The file is given up; a writer that is gone has given it up already.
                    send.send(Err(())).await.ok();
                    return Err(error);
                }
            }
        }
    };
    let (read, written) = tokio::join!(reading, writing);
    read?;
    written
}

/// Writes these items as lines. Returns how many.
pub async fn save_items(items: Vec<Item>, path: PathBuf, form: JsonForm) -> Result<u64, Error> {
    blocking(move || {
        write_whole(&path, |file| {
            for item in &items {
                writeln!(file, "{}", dynamodb::item_to_line(item, form))?;
            }
            Ok(items.len() as u64)
        })
    })
    .await
}

/// A file's items, line by line.
struct Reader {
    lines: Lines<BufReader<std::fs::File>>,
    path: PathBuf,
    line: u64,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            lines: BufReader::new(file).lines(),
            path: path.to_owned(),
            line: 0,
        })
    }

    /// The next item; `None` at the end. Empty lines are nothing.
    fn next(&mut self) -> Result<Option<(Item, JsonForm)>, Error> {
        for line in self.lines.by_ref() {
            self.line += 1;
            let line = line.map_err(|error| unreadable(&self.path, &error))?;
            let text = line.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                continue;
            }
            return match dynamodb::item_from_json(text) {
                Ok(found) => Ok(Some(found)),
                Err(error) => Err(Error {
                    message: format!("line {}: {}", self.line, error.message),
                    ..error
                }),
            };
        }
        Ok(None)
    }

    fn take(&mut self, most: usize) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        while items.len() < most
            && let Some((item, _)) = self.next()?
        {
            items.push(item);
        }
        Ok(items)
    }
}

/// Reads through the file and counts the forms.
fn check(path: &Path) -> Result<Imported, Error> {
    let mut counts = Imported::default();
    let mut reader = Reader::open(path)?;
    while let Some((_, form)) = reader.next()? {
        match form {
            JsonForm::Plain => counts.plain += 1,
            JsonForm::DynamoDb => counts.typed += 1,
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn each_line_may_have_its_own_form() {
        let file = file(
            "\u{feff}{\"id\":\"1\"}\n\n  {\"id\":{\"S\":\"2\"}}\r\n{\"Item\":{\"id\":{\"S\":\"3\"}}}",
        );
        let counts = check(file.path()).unwrap();
        assert_eq!((counts.plain, counts.typed, counts.written), (1, 2, 0));
        let items = Reader::open(file.path()).unwrap().take(10).unwrap();
        let ids: Vec<_> = items.iter().map(|it| it["id"].as_s().unwrap()).collect();
        assert_eq!(ids, ["1", "2", "3"]);
    }

    #[test]
    fn a_line_that_is_no_item_is_named() {
        let file = file("{\"id\":\"1\"}\n\n{\"id\":\n");
        let error = check(file.path()).unwrap_err();
        assert!(
            error.message.starts_with("line 3: this is not JSON"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn saved_items_are_the_items_that_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.jsonl");
        let digits = "12345678901234567890123456789012345678";
        let items: Vec<Item> = (0..3)
            .map(|at| {
                let id = AttributeValue::S(format!("line\n{at}"));
                let number = AttributeValue::N(digits.to_owned());
                Item::from([("id".to_owned(), id), ("n".to_owned(), number)])
            })
            .collect();
        for form in [JsonForm::Plain, JsonForm::DynamoDb] {
            let count = save_items(items.clone(), path.clone(), form).await.unwrap();
            assert_eq!(count, 3);
            assert_eq!(Reader::open(&path).unwrap().take(10).unwrap(), items);
        }
    }
}
