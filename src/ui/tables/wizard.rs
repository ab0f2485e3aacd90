//! The form of a new table, and the table it means or what is wrong with it, in AWS's limits. Pure.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_sdk_dynamodb::types::ScalarAttributeType;

use super::views::ViewType;
use crate::aws::dynamodb::{IndexProjection, KeyPart, NewIndex, NewTable};
use crate::ui::widgets::form::Number;

pub(super) const UNITS: RangeInclusive<i64> = 1..=40_000;
pub(super) const GLOBAL_MAX: usize = 20;
pub(super) const LOCAL_MAX: usize = 5;
/// Attributes that indexes name to carry, over all indexes of a table.
const INCLUDED_MAX: usize = 100;

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyKind {
    #[default]
    Text,
    Number,
    Binary,
}

impl KeyKind {
    pub(super) const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Binary];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Number => "Number",
            Self::Binary => "Binary",
        }
    }

    fn for_aws(self) -> ScalarAttributeType {
        match self {
            Self::Text => ScalarAttributeType::S,
            Self::Number => ScalarAttributeType::N,
            Self::Binary => ScalarAttributeType::B,
        }
    }
}

/// A key attribute as typed; without a name there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct KeyForm {
    pub(super) name: String,
    pub(super) kind: KeyKind,
}

impl KeyForm {
    fn part(&self) -> KeyPart {
        KeyPart {
            name: self.name.clone(),
            kind: self.kind.for_aws(),
        }
    }

    fn optional(&self) -> Option<KeyPart> {
        (!self.name.is_empty()).then(|| self.part())
    }
}

/// What an index carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Carries {
    #[default]
    All,
    Keys,
    Include,
}

/// An index as typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IndexForm {
    pub(super) name: String,
    pub(super) is_global: bool,
    /// A local index has the table's.
    pub(super) partition: KeyForm,
    pub(super) sort: KeyForm,
    pub(super) carries: Carries,
    /// Names with commas between.
    pub(super) include: String,
}

impl Default for IndexForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            is_global: true,
            partition: KeyForm::default(),
            sort: KeyForm::default(),
            carries: Carries::default(),
            include: String::new(),
        }
    }
}

impl IndexForm {
    fn included(&self) -> Vec<String> {
        let names = self.include.split(',').map(str::trim);
        let names = names.filter(|it| !it.is_empty());
        names.map(str::to_owned).collect()
    }
}

/// A new table as typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableForm {
    pub(super) name: String,
    pub(super) partition: KeyForm,
    pub(super) sort: KeyForm,
    pub(super) is_provisioned: bool,
    pub(super) read_units: Number,
    pub(super) write_units: Number,
    pub(super) indexes: Vec<IndexForm>,
    pub(super) has_stream: bool,
    pub(super) view: ViewType,
    pub(super) is_protected: bool,
}

impl Default for TableForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            partition: KeyForm::default(),
            sort: KeyForm::default(),
            is_provisioned: false,
            read_units: Number::of(Some(5)),
            write_units: Number::of(Some(5)),
            indexes: Vec::new(),
            has_stream: true,
            view: ViewType::default(),
            is_protected: false,
        }
    }
}

/// A place in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Name,
    Partition,
    Sort,
    Units,
    Index(usize, IndexPlace),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexPlace {
    Name,
    Partition,
    Sort,
    Include,
}

/// What is wrong with a place in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: Place,
    pub(super) message: String,
}

impl TableForm {
    /// The table, or all that is wrong. `taken` are names of tables that exist.
    pub(super) fn table(&self, taken: &[&str]) -> Result<NewTable, Vec<Wrong>> {
        let wrong = self.wrong(taken);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let units = |number: &Number| {
            let value = number.value(&UNITS).ok().flatten();
            value.and_then(|it| u32::try_from(it).ok()).unwrap_or(1)
        };
        let provisioned = self
            .is_provisioned
            .then(|| (units(&self.read_units), units(&self.write_units)));
        Ok(NewTable {
            name: self.name.clone(),
            partition: self.partition.part(),
            sort: self.sort.optional(),
            indexes: self.indexes.iter().map(|it| self.index(it)).collect(),
            provisioned,
            stream: self.has_stream.then(|| self.view.for_aws()),
            is_protected: self.is_protected,
        })
    }

    /// The table's keys for samples, with names where none are typed yet.
    pub(super) fn sample_keys(&self) -> (KeyPart, Option<KeyPart>) {
        let mut partition = self.partition.part();
        if partition.name.is_empty() {
            "id".clone_into(&mut partition.name);
        }
        (partition, self.sort.optional())
    }

    fn index(&self, form: &IndexForm) -> NewIndex {
        let partition = if form.is_global {
            form.partition.part()
        } else {
            self.partition.part()
        };
        NewIndex {
            name: form.name.clone(),
            global: form.is_global,
            partition,
            sort: form.sort.optional(),
            projection: match form.carries {
                Carries::All => IndexProjection::All,
                Carries::Keys => IndexProjection::KeysOnly,
                Carries::Include => IndexProjection::Include(form.included()),
            },
        }
    }

    fn wrong(&self, taken: &[&str]) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut note = |place, message: Option<String>| {
            wrong.extend(message.map(|message| Wrong { place, message }));
        };
        let exists = taken.contains(&self.name.as_str());
        note(
            Place::Name,
            name_problem(&self.name)
                .or_else(|| exists.then(|| "A table with this name exists".to_owned())),
        );
        note(Place::Partition, key_problem(&self.partition.name));
        if !self.sort.name.is_empty() {
            let same = self.sort.name == self.partition.name;
            note(
                Place::Sort,
                same.then(|| "Must differ from the partition key".to_owned())
                    .or_else(|| key_problem(&self.sort.name)),
            );
        }
        if self.is_provisioned {
            for units in [&self.read_units, &self.write_units] {
                let empty = units.text.trim().is_empty();
                note(
                    Place::Units,
                    empty.then(|| "Say how many capacity units".to_owned()),
                );
                note(Place::Units, units.value(&UNITS).err());
            }
        }
        for nth in 0..self.indexes.len() {
            self.index_wrong(nth, &mut |place, message| {
                note(Place::Index(nth, place), message);
            });
        }
        wrong
    }

    fn index_wrong(&self, nth: usize, note: &mut dyn FnMut(IndexPlace, Option<String>)) {
        let form = &self.indexes[nth];
        let before = &self.indexes[..nth];
        let said = |words: &str| Some(words.to_owned());
        let same_kind = before.iter().filter(|it| it.is_global == form.is_global);
        let room = if form.is_global {
            GLOBAL_MAX
        } else {
            LOCAL_MAX
        };
        let kind = if form.is_global { "global" } else { "local" };
        note(
            IndexPlace::Name,
            if same_kind.count() >= room {
                Some(format!("A table has at most {room} {kind} indexes"))
            } else if before.iter().any(|it| it.name == form.name) {
                said("Another index has this name")
            } else {
                name_problem(&form.name)
            },
        );
        if form.is_global {
            let problem = key_problem(&form.partition.name).or(self.type_clash(&form.partition));
            note(IndexPlace::Partition, problem);
        }
        let partition = if form.is_global {
            &form.partition
        } else {
            &self.partition
        };
        let sort = &form.sort;
        note(
            IndexPlace::Sort,
            if !form.is_global && self.sort.name.is_empty() {
                said("Local indexes need a table with a sort key")
            } else if !form.is_global && sort.name.is_empty() {
                said("A local index needs a sort key of its own")
            } else if sort.name.is_empty() {
                None
            } else if sort.name == partition.name {
                said("Must differ from the partition key")
            } else {
                key_problem(&sort.name).or(self.type_clash(sort))
            },
        );
        if form.carries == Carries::Include {
            let all: usize = self.indexes.iter().map(|it| it.included().len()).sum();
            note(
                IndexPlace::Include,
                if form.included().is_empty() {
                    said("Name at least one attribute")
                } else if all > INCLUDED_MAX {
                    Some(format!("At most {INCLUDED_MAX} names over all indexes"))
                } else {
                    None
                },
            );
        }
    }

    /// An attribute has one type, whatever key it is in.
    fn type_clash(&self, key: &KeyForm) -> Option<String> {
        let of_indexes = self.indexes.iter().flat_map(|it| {
            let partition = it.is_global.then_some(&it.partition);
            partition.into_iter().chain(std::iter::once(&it.sort))
        });
        let mut kinds: BTreeMap<&str, KeyKind> = BTreeMap::new();
        for it in [&self.partition, &self.sort].into_iter().chain(of_indexes) {
            kinds.entry(&it.name).or_insert(it.kind);
        }
        let first = kinds.get(key.name.as_str())?;
        (*first != key.kind).then(|| format!("{} is a {} elsewhere", key.name, first.words()))
    }
}

/// Names of tables and indexes.
fn name_problem(name: &str) -> Option<String> {
    let fine = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.');
    if !(3..=255).contains(&name.chars().count()) {
        Some("Must have 3 to 255 characters".to_owned())
    } else if !name.chars().all(fine) {
        Some("May have letters a to z, digits, _ - and . only".to_owned())
    } else {
        None
    }
}

/// Names of key attributes.
fn key_problem(name: &str) -> Option<String> {
    (!(1..=255).contains(&name.len())).then(|| "Must have 1 to 255 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, kind: KeyKind) -> KeyForm {
        KeyForm {
            name: name.to_owned(),
            kind,
        }
    }

    fn form() -> TableForm {
        TableForm {
            name: "Orders".to_owned(),
            partition: key("customer", KeyKind::Text),
            sort: key("order", KeyKind::Number),
            ..TableForm::default()
        }
    }

    fn places(form: &TableForm) -> Vec<Place> {
        let wrong = form.table(&["Taken"]).err().unwrap_or_default();
        wrong.into_iter().map(|it| it.place).collect()
    }

    #[test]
    fn a_filled_form_is_the_table_it_says() {
        let mut form = form();
        form.indexes.push(IndexForm {
            name: "by-status".to_owned(),
            partition: key("status", KeyKind::Text),
            carries: Carries::Include,
            include: " total, ,coupon ".to_owned(),
            ..IndexForm::default()
        });
        let table = form.table(&[]).unwrap();
        assert_eq!(table.sort.unwrap().kind, ScalarAttributeType::N);
        assert_eq!(table.provisioned, None);
        assert!(table.stream.is_some());
        let names = ["total".to_owned(), "coupon".to_owned()];
        assert_eq!(
            table.indexes[0].projection,
            IndexProjection::Include(names.to_vec())
        );
    }

    #[test]
    fn names_keep_to_the_limits_of_aws() {
        for (name, is_fine) in [
            ("ab", false),
            ("abc", true),
            ("a b", false),
            ("Taken", false),
        ] {
            let mut form = form();
            form.name = name.to_owned();
            assert_eq!(places(&form).is_empty(), is_fine, "{name}");
        }
        assert_eq!(
            places(&TableForm::default()),
            [Place::Name, Place::Partition]
        );
    }

    #[test]
    fn a_local_index_shares_the_partition_key_and_needs_sort_keys() {
        let mut form = form();
        form.indexes.push(IndexForm {
            name: "by-total".to_owned(),
            is_global: false,
            sort: key("total", KeyKind::Number),
            ..IndexForm::default()
        });
        let table = form.table(&[]).unwrap();
        assert_eq!(table.indexes[0].partition.name, "customer");
        form.indexes[0].sort.name.clear();
        assert_eq!(places(&form), [Place::Index(0, IndexPlace::Sort)]);
        form.indexes[0].sort.name = "total".to_owned();
        form.sort.name.clear();
        assert_eq!(places(&form), [Place::Index(0, IndexPlace::Sort)]);
    }

    #[test]
    fn an_attribute_has_the_same_type_in_every_key() {
        let mut form = form();
        form.indexes.push(IndexForm {
            name: "by-order".to_owned(),
            partition: key("order", KeyKind::Text),
            ..IndexForm::default()
        });
        let wrong = form.table(&[]).unwrap_err();
        assert_eq!(wrong[0].message, "order is a Number elsewhere");
    }

    #[test]
    fn capacity_units_are_asked_for_only_when_they_are_provisioned() {
        let mut form = form();
        form.read_units.text.clear();
        assert!(places(&form).is_empty());
        form.is_provisioned = true;
        assert_eq!(places(&form), [Place::Units]);
    }
}
