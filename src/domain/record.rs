//! Records: the columns of each resource, written down once.
//!
//! `record!` lists a resource's columns with their types, and `columns!` those that several resources
//! share. From that one list come the record itself, the change that callers send, the facts that are
//! shown, audited and stored, and the API description. Defaults are not here: they stand in
//! `schema.sql`. A new column is one line there and one line in its `record!`.

use super::{Error, Fact, Field, Given, Kind, Resource, Result, Written, fields::time::UnixTime, ids::Id};

/// One column: its name, what it holds, and what it is for.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in `schema.sql`, in calls and in answers.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// Where the written fields of a change come from.
pub trait Source {
    /// What the caller said about the field of that name and kind.
    fn given(&mut self, name: &'static str, kind: Kind) -> Result<Given<Written>>;
}

/// The change of a record: one [`Given`] for each column.
pub trait Change: Sized + Clone + Default {
    /// Reads every column of the record from `source`.
    fn read(source: &mut dyn Source) -> Result<Self>;
}

/// Columns that callers set, of a record or of a part that records share.
pub trait Columns: Sized + Clone + Send + 'static {
    /// What a caller may say about them.
    type Change: Change + Send;

    /// Every column, in order.
    fn columns() -> Vec<Column>;
    /// Every column's value, in the same order.
    fn facts(&self) -> Vec<(&'static str, Fact)>;
    /// The columns from stored facts, asked for by their names.
    fn stored(fact: &mut dyn FnMut(&'static str) -> Option<Fact>) -> Option<Self>;
    /// New ones: what is absent or empty takes its default.
    ///
    /// # Errors
    /// [`Error::Missing`] for a column without a default.
    fn create(change: Self::Change, defaults: &Defaults) -> Result<Self>;
    /// These with a change applied: what is absent stays, what is empty takes its default.
    ///
    /// # Errors
    /// [`Error::Missing`] for an emptied column without a default.
    fn updated(&self, change: Self::Change, defaults: &Defaults) -> Result<Self>;
}

/// Columns that are a row of a resource.
pub trait Record: Columns {
    /// Its row id.
    type Id: Id;
    const RESOURCE: Resource;
}

/// A record as it stands in the database.
#[derive(Clone, Debug)]
pub struct Stored<R: Record> {
    /// Its row id.
    pub id: R::Id,
    /// The columns that callers set.
    pub record: R,
    /// When it was created.
    pub created_at: UnixTime,
    /// When it was last changed.
    pub updated_at: UnixTime,
}

/// The defaults of one table, as `schema.sql` has them. A column without an entry must be given.
/// They are few: to look through them is quicker than to hash a name.
#[derive(Clone, Debug, Default)]
pub struct Defaults(pub Vec<(&'static str, Fact)>);

impl Defaults {
    /// The default of a column as a fact, if it has one.
    pub fn get(&self, column: &str) -> Option<&Fact> {
        self.0.iter().find(|(name, _)| *name == column).map(|(_, fact)| fact)
    }

    /// The default of a column.
    ///
    /// # Errors
    /// [`Error::Missing`] if it has none.
    pub fn of<T: Field>(&self, column: &'static str) -> Result<T> {
        let fact = self.get(column).cloned();
        fact.and_then(T::stored).ok_or(Error::Missing(column))
    }
}

/// Parses what was given for one field.
pub fn parse<T: Field>(source: &mut dyn Source, name: &'static str) -> Result<Given<T>> {
    Ok(match source.given(name, T::KIND)? {
        Given::Absent => Given::Absent,
        Given::Empty => Given::Empty,
        Given::Value(written) => Given::Value(T::parse(&written).map_err(|rule| Error::invalid(name, rule))?),
    })
}

/// A value that was sent for one field, in place of the one before.
pub fn sent<T: Field>(value: T, name: &'static str, before: Option<&T>) -> Result<T> {
    value.in_place_of(before).map_err(|rule| Error::invalid(name, rule))
}

/// Defines a record, its change and which resource it is, from a list of columns.
macro_rules! record {
    (
        $(#[doc = $about:literal])*
        pub struct $record:ident / $change:ident, $id:ty, $resource:expr;
        $($columns:tt)*
    ) => {
        columns! {
            $(#[doc = $about])*
            pub struct $record / $change;
            $($columns)*
        }

        impl $crate::domain::Record for $record {
            type Id = $id;
            const RESOURCE: $crate::domain::Resource = $resource;
        }
    };
}

/// Defines columns and their change from a list; `with` takes in those of a part.
macro_rules! columns {
    (
        $(#[doc = $about:literal])*
        pub struct $record:ident / $change:ident;
        $( #[doc = $doc:literal] $name:ident: $type:ty, )*
        $( with $part:ident: $part_record:ident / $part_change:ident )?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::struct_field_names, reason = "columns are called what callers know them by")]
        pub struct $record {
            $( #[doc = $doc] pub $name: $type, )*
            $( #[doc = "The columns that it shares with others."] pub $part: $part_record, )?
        }

        #[doc = concat!("What a caller may say about the columns of a [`", stringify!($record), "`].")]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $change {
            $( #[doc = $doc] pub $name: $crate::domain::Given<$type>, )*
            $( #[doc = "The columns that it shares with others."] pub $part: $part_change, )?
        }

        impl $crate::domain::record::Change for $change {
            fn read(source: &mut dyn $crate::domain::record::Source) -> $crate::domain::Result<Self> {
                Ok(Self {
                    $( $name: $crate::domain::record::parse(source, stringify!($name))?, )*
                    $( $part: <$part_change as $crate::domain::Change>::read(source)?, )?
                })
            }
        }

        impl $crate::domain::Columns for $record {
            type Change = $change;

            fn columns() -> Vec<$crate::domain::Column> {
                #[allow(unused_mut)]
                let mut columns = vec![
                    $( $crate::domain::Column {
                        name: stringify!($name),
                        kind: <$type as $crate::domain::Field>::KIND,
                        doc: $doc.trim_ascii(),
                    }, )*
                ];
                $( columns.extend(<$part_record as $crate::domain::Columns>::columns()); )?
                columns
            }

            fn facts(&self) -> Vec<(&'static str, $crate::domain::Fact)> {
                #[allow(unused_mut)]
                let mut facts = vec![
                    $( (stringify!($name), $crate::domain::Field::fact(&self.$name)), )*
                ];
                $( facts.extend($crate::domain::Columns::facts(&self.$part)); )?
                facts
            }

            fn stored(
                fact: &mut dyn FnMut(&'static str) -> Option<$crate::domain::Fact>,
            ) -> Option<Self> {
                Some(Self {
                    $( $name: $crate::domain::Field::stored(fact(stringify!($name))?)?, )*
                    $( $part: <$part_record as $crate::domain::Columns>::stored(fact)?, )?
                })
            }

            fn create(
                change: Self::Change,
                defaults: &$crate::domain::Defaults,
            ) -> $crate::domain::Result<Self> {
                Ok(Self {
                    $( $name: match change.$name {
                        $crate::domain::Given::Value(value) => {
                            $crate::domain::record::sent(value, stringify!($name), None)?
                        }
                        _ => defaults.of(stringify!($name))?,
                    }, )*
                    $( $part: <$part_record as $crate::domain::Columns>::create(change.$part, defaults)?, )?
                })
            }

            fn updated(
                &self,
                change: Self::Change,
                defaults: &$crate::domain::Defaults,
            ) -> $crate::domain::Result<Self> {
                Ok(Self {
                    $( $name: match change.$name {
                        $crate::domain::Given::Value(value) => {
                            $crate::domain::record::sent(value, stringify!($name), Some(&self.$name))?
                        }
                        $crate::domain::Given::Empty => defaults.of(stringify!($name))?,
                        $crate::domain::Given::Absent => self.$name.clone(),
                    }, )*
                    $( $part: $crate::domain::Columns::updated(&self.$part, change.$part, defaults)?, )?
                })
            }
        }
    };
}
