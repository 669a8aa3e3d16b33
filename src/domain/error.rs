//! What can go wrong, in product words. Each face maps these to its own replies, once.

use super::{Denied, Refused, Resource, Rule};

/// The result of every rule and every use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was refused or failed. Nothing has been changed when one of these comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Error {
    /// A value breaks the rule of its field.
    #[error("Invalid {field}: {rule}")]
    #[strum(serialize = "invalid_field")]
    Invalid {
        /// The field's name as callers write it.
        field: &'static str,
        /// The rule, as the end of a sentence.
        rule: Rule,
    },
    /// A field that has no default was absent or empty.
    #[error("Missing field: {0}")]
    #[strum(serialize = "missing_field")]
    Missing(&'static str),
    /// A field that the call does not know.
    #[error("Unknown field: {field}. {here}")]
    UnknownField {
        /// What the caller wrote, made safe to print.
        field: String,
        /// What the call takes in that place, as a sentence.
        here: String,
    },
    /// Another row has this value already.
    #[error("{field} exists")]
    Taken {
        /// Whose field it is.
        resource: Resource,
        /// The unique column.
        field: &'static str,
    },
    /// The named thing does not exist.
    #[error("{} does not exist{}", resource.noun(), which.as_deref().map(|w| format!(": {w}")).unwrap_or_default())]
    NoSuch {
        /// What kind of thing.
        resource: Resource,
        /// Which one, where a call names several.
        which: Option<String>,
    },
    /// A rule of the product forbids it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The row is no longer the one that the caller has seen.
    #[error("Changed meanwhile")]
    #[strum(serialize = "changed_meanwhile")]
    Changed,
    /// The caller has no right to do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The reseller's balance does not cover the price.
    #[error("Not enough credits")]
    NotEnoughCredits,
    /// Too much is under way; the same call may go through a moment later.
    #[error("The server is busy: try again in a moment")]
    Busy,
    /// A database statement failed.
    #[error("Database error: {}. It is entry {} of LOGS -> Panel Error Log", .0.what, .0.reference)]
    Database(Fault),
}

impl Error {
    /// The code of what went wrong: what the program compares and stores, where people read the sentence.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuch { resource, .. } => resource.no_such(),
            Self::Refused(refused) => refused.code(),
            Self::Denied(denied) => denied.code(),
            Self::Database(fault) => fault.what.code(),
            plain => plain.into(),
        }
    }

    /// A broken rule of one field.
    pub fn invalid(field: &'static str, rule: impl Into<Rule>) -> Self {
        Self::Invalid { field, rule: rule.into() }
    }

    /// The error for the person at the machine while no server runs: nobody can look into the Panel Error Log then.
    pub fn for_operator(&self) -> String {
        match self {
            Self::Database(fault) => fault.what.for_operator(&fault.detail),
            other => other.to_string(),
        }
    }

    /// Whether the same may go through a moment later: too much is under way, or another program writes to the database.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Database(fault) => fault.what == Failure::DatabaseBusy,
            _ => false,
        }
    }

    /// A thing that does not exist.
    pub fn no_such(resource: Resource) -> Self {
        Self::NoSuch { resource, which: None }
    }
}

/// A failed statement. `what` and `reference` may be shown to callers, `detail` only to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The id of its row in the Panel Error Log.
    pub reference: String,
    /// What failed, without SQL or file names.
    pub what: Failure,
    /// The engine's own words and code.
    pub detail: String,
}

/// What can fail about the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Failure {
    /// No space is left.
    #[error("disk full")]
    DiskFull,
    /// Another program writes to it.
    #[error("database busy")]
    DatabaseBusy,
    /// It can be read only.
    #[error("the database cannot be written")]
    DatabaseReadOnly,
    /// The disk answers with errors.
    #[error("the disk failed to read or write")]
    DiskFailed,
    /// The file is there, and cannot be opened.
    #[error("the database file cannot be opened")]
    CannotOpen,
    /// The file holds no sound database.
    #[error("the database file is damaged")]
    #[strum(serialize = "database_damaged")]
    Damaged,
    /// Memory is short.
    #[error("out of memory")]
    OutOfMemory,
    /// A CHECK or a reference, which no rule of ours has met before.
    #[error("a rule of the database forbids it")]
    ConstraintViolated,
    /// Anything else.
    #[error("a statement failed")]
    StatementFailed,
    /// A row that cannot be read back.
    #[error("the database holds something unexpected")]
    UnexpectedContent,
    /// The file was removed or replaced.
    #[error("the database file is gone from the data folder")]
    DatabaseGone,
    /// The log of the database or its index was.
    #[error("the log of the database is gone from the data folder: restart the server")]
    DatabaseLogGone,
    /// Another file was copied over the database.
    #[error("the database file was copied over while the server ran: restart the server")]
    DatabaseOverwritten,
    /// Somebody wrote into the log of the database.
    #[error(
        "the log of the database was overwritten while the server ran: stop the server and restore a backup"
    )]
    DatabaseLogOverwritten,
}

impl Failure {
    /// With its detail, and the way on, for the person at the machine.
    pub fn for_operator(self, detail: &str) -> String {
        let advice = match self {
            Self::Damaged => ". linecard check says what is wrong; restore a backup into an empty folder",
            Self::DiskFull => ". Make room on its file system (df -h, df -i), and start again",
            Self::DiskFailed => {
                ". See what the kernel says of the disk (dmesg) and whether files may grow (ulimit -f)"
            }
            Self::CannotOpen => {
                ". See to whom it and its folder belong (ls -la), and whether files can still be made there (df -i)"
            }
            _ => "",
        };
        format!("{self} ({detail}){advice}")
    }

    /// Whether the file itself is gone or spoilt: what is in it, its logs among that, cannot be looked up.
    pub fn is_of_the_file(self) -> bool {
        use Failure::{
            CannotOpen, Damaged, DatabaseGone, DatabaseLogGone, DatabaseLogOverwritten, DatabaseOverwritten,
        };
        matches!(
            self,
            CannotOpen
                | Damaged
                | DatabaseGone
                | DatabaseLogGone
                | DatabaseLogOverwritten
                | DatabaseOverwritten
        )
    }

    /// The code of it.
    pub fn code(self) -> &'static str {
        self.into()
    }
}
