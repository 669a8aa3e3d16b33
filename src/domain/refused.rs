//! What rules of the product refuse and what rights do not allow. Each has a code, which is what the program
//! compares and stores, and a sentence, which is what people read; docs/codes.md lists the codes.

use super::{
    Failure, Resource,
    people::rights::{Access, Right},
};

/// A rule of the product forbids it; the sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Refused {
    /// `demo` on a database that is in use, and what is there.
    #[error("There are {0} already: demo fills only an empty database. Name another folder with --data")]
    NotEmpty(&'static str),
    /// A test picture could not be drawn, and why.
    #[error("{0}")]
    NoPicture(String),
    /// The guide of the demo could not be written, and why.
    #[error("The guide cannot be written: {0}")]
    NoGuide(String),
    /// A stream has no preview, and why.
    #[error("There is no preview: {0}")]
    NoPreview(String),
    /// Recordings cannot be deleted, and why.
    #[error("The recordings cannot be deleted: {0}")]
    RecordingsStay(String),
    /// A mass edit of those who watch.
    #[error("Who is watching changes from moment to moment: choose another state for a mass edit")]
    StateNeverStays,
    /// A mass edit that changes nothing.
    #[error("Choose what to change")]
    NothingToChange,
    /// More days for what has no end.
    #[error("it never expires")]
    NeverExpires,
    /// A mass edit without its preview.
    #[error("Preview the edit first")]
    NotPreviewed,
    /// A sale at other terms than the form showed, and what of them changed.
    #[error(
        "{0} since this was shown, and nothing was done: look again, and send it once more if you still want it"
    )]
    TermsChanged(String),
    /// A mass edit at other terms than its preview showed, and what of them changed.
    #[error("{0} since the preview: preview it again")]
    TermsChangedSincePreview(String),
    /// A restreamer as a MAG.
    #[error("A restreamer cannot become a MAG: set restreamer to 0 first")]
    RestreamerAsMag,
    /// A refresh of a source of the guide that is not used.
    #[error("This guide source is disabled: enable it first")]
    GuideSourceDisabled,
    /// More webhooks than there may be.
    #[error("There are {0} webhooks already: delete one first")]
    TooManyWebhooks(usize),
    /// More message targets than there may be.
    #[error("There are {0} message targets already: delete one first")]
    TooManyMessageTargets(i64),
    /// A backup while one is made.
    #[error("A backup is being made already: wait for its end")]
    BackupUnderWay,
    /// More backups than there may be.
    #[error("There are {0} backups already: delete some first")]
    TooManyBackups(usize),
    /// Something is to be done with a backup that has no file.
    #[error("This backup has no file")]
    BackupHasNoFile,
    /// A backup could not be made, verified or sent, and why.
    #[error("The backup failed: {0}")]
    BackupFailed(String),
    /// A command as the target of backups, where none may be run.
    #[error("backup_target may be no command here: this server was started with LINECARD_NO_BACKUP_COMMAND")]
    NoBackupCommands,
    /// E-mail is to be sent while none can be.
    #[error("E-mail is not set up: set smtp_url and mail_from first")]
    NoMail,
    /// A reminder is to be sent again that is not true any more, and why.
    #[error("This reminder is not true any more: {0}")]
    ReminderOutdated(&'static str),
    /// A message target is to be called that is not used.
    #[error("This message target is disabled: enable it first")]
    MessageTargetDisabled,
    /// Something is to be sent to a webhook that is not used.
    #[error("This webhook is disabled: enable it first")]
    WebhookDisabled,
    /// A test of a webhook while there are no events.
    #[error("There are no events: set event_retention_days to a number of days first")]
    NoEvents,
    /// Events that are deleted for their age, and the oldest that there is.
    #[error("Events before {0} are gone")]
    EventsGone(i64),
    /// An event that this log has not given yet.
    #[error("Event {0} is not there yet: the log is another one, begin with after=0")]
    EventNotThere(i64),
    /// Others use what is to be deleted: what it is, and how many of each.
    #[error("{what} is still used by {users}: move or delete them first")]
    StillUsed {
        /// What is to be deleted, as the subject of the sentence.
        what: &'static str,
        /// "2 lines, 1 MAG".
        users: String,
    },
    /// Server 1 is to be deleted.
    #[error("Server 1 is the main server and cannot be deleted")]
    MainServerStays,
    /// A group that is built in is to be deleted.
    #[error("Groups 1 (Administrators) and 2 (Resellers) cannot be deleted")]
    BuiltInGroupStays,
    /// Group 1 is to lose the right full.
    #[error("Group 1 (Administrators) keeps the right full")]
    GroupKeepsFull,
    /// Nobody would be left who may do everything.
    #[error(
        "The last full administrator cannot be deleted, disabled or moved out of its group: make another one first"
    )]
    LastFullAdministrator,
    /// One `Idempotency-Key` for two calls.
    #[error(
        "This Idempotency-Key was used for another call within the last 24 hours: send a new key with a new call"
    )]
    KeyOfAnotherCall,
    /// The kept answer of a repeat is damaged.
    #[error("The first answer cannot be read back")]
    AnswerUnreadable,
    /// A form that made something already, from other fields.
    #[error("This form was already sent with different content. It has been renewed: send it again")]
    FormSentAlready,
    /// A form that does not say which one it is.
    #[error("This form could not be identified. It has been renewed: send it again")]
    FormUnknown,
    /// A box that does not fetch its events.
    #[error("{0} events wait for this MAG already: its box has not asked for them")]
    TooManyEvents(usize),
    /// Id and username of two administrators or resellers.
    #[error("id and username name different {0}: send one of them")]
    NamesDiffer(Resource),
    /// An account at a provider that nobody here has.
    #[error(
        "Nobody here has this account: sign in with your password, and connect the account on the page Your account"
    )]
    AccountOfNobody,
    /// An account at a provider that has none of the groups here.
    #[error("None of the groups of this account is a group here: ask whoever looks after the accounts")]
    NoGroupOfAccount,
    /// An account at a provider that somebody else has.
    #[error("Somebody else here has this account already")]
    AccountOfAnother,
    /// An account at a provider whose e-mail address somebody has.
    #[error(
        "Somebody here has the e-mail address of this account: sign in with the password, and connect the account on the page \
         Your account"
    )]
    AddressOfAnother,
    /// An account at a provider without an e-mail address, of somebody new.
    #[error(
        "The provider gave no e-mail address, and nobody is here without one: let it send the claim email"
    )]
    AccountWithoutAddress,
    /// An account at a provider that is not connected any more.
    #[error("This account is not connected")]
    AccountNotConnected,
    /// More accounts at providers than one person may have.
    #[error("You have {0} accounts already: disconnect one first")]
    TooManyAccounts(usize),
    /// An address that is to leave the whitelist and is not on it.
    #[error("{0} is not on the whitelist")]
    NotOnWhitelist(String),
    /// A session of the panel that is over.
    #[error("This session has ended already")]
    PanelSessionOver,
    /// A second factor is switched on that is on.
    #[error("The second factor is on already")]
    SecondFactorIsOn,
    /// Something of a second factor that is off.
    #[error("The second factor is off")]
    SecondFactorIsOff,
    /// A second factor whose secret was sealed with another key.
    #[error(
        "Codes of the app cannot be checked: linecard.key is not the file with which they were set up. Use a recovery code, or ask the \
         operator to put that file back, or to reset your second factor"
    )]
    SecondFactorUnreadable,
    /// One's own second factor, reset without a code.
    #[error("Switch your own second factor off at Your account, with a code")]
    OwnSecondFactor,
    /// A link to a new password that is used, over or none.
    #[error("This link is good no more: ask for a new one")]
    PasswordLinkOver,
    /// An API key that nobody has.
    #[error("API key does not exist")]
    NoSuchApiKey,
    /// Both of what tells a line or a MAG.
    #[error("Send {0} or reference, not both")]
    NameOrReference(&'static str),
    /// What failed of the database in a dry run.
    #[error("Database error: {0}. It was a dry run: the Panel Error Log has no entry of it")]
    DryRunFailed(Failure),
    /// More rows than one batch may have.
    #[error("These are more than {0} rows: narrow the filter")]
    TooManyRows(usize),
    /// A preview that is not remembered, or somebody else's.
    #[error("There is no preview {0} any more: ask for another")]
    PreviewGone(i64),
    /// A batch that can no longer be undone.
    #[error("Batch {0} ended more than 24 hours ago: it can no longer be undone")]
    BatchTooOld(i64),
    /// A batch that is under way.
    #[error("Batch {0} is not over yet: wait for its end")]
    BatchNotOver(i64),
    /// A batch of which nobody knows what it is to do.
    #[error("Batch {0} cannot be read back")]
    BatchUnreadable(i64),
    /// Id and name of an API key.
    #[error("Send id or name, not both")]
    IdOrName,
    /// None or several of what tells the connections that are to end.
    #[error("Send one of: connection_id, username, mac_address, reference, stream_id")]
    OneOfFive,
    /// A reseller that sells no trials.
    #[error("Reseller {0} may sell no trials")]
    NoTrials(String),
    /// A reseller that has sold its trials of today.
    #[error(
        "Reseller {name} may sell {most} {} in a day, and has sold {}: the next one tomorrow",
        if *most == 1 { "trial" } else { "trials" },
        if *most == 1 { "it" } else { "them" }
    )]
    TrialsSold {
        /// The reseller.
        name: String,
        /// How many it may sell in a day.
        most: i64,
    },
    /// More connections than a reseller's subscribers may have together.
    #[error(
        "Reseller {name} may have {ceiling} connections in all; with this {}. \
         Lower max_allowed_connections here, or raise the reseller's",
        wanted.map_or("there would be no limit".to_owned(), |wanted| format!("they would be {wanted}"))
    )]
    OverCeiling {
        /// The reseller.
        name: String,
        /// How many there may be.
        ceiling: i64,
        /// How many there would be; `None` with one that has no limit.
        wanted: Option<i64>,
    },
    /// A request to the panel from which no address can be made.
    #[error("The request has no Host")]
    NoHost,
    /// A link that does not fit into a QR code.
    #[error("The address is too long for a QR code")]
    TooLongForQrCode,
    /// A button that the page does not have.
    #[error("There is no such button")]
    NoSuchButton,
}

/// The caller has no right to do this; the sentence names the right, or who has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Denied {
    /// The API key was revoked while the call waited.
    #[error("This API key was revoked")]
    KeyRevoked,
    /// Somebody of a reseller, at what resellers do not have.
    #[error("Resellers have only lines and MAGs: {0} are for the operator")]
    NotForResellers(Resource),
    /// A right is missing.
    #[error(
        "Not allowed to {} {resource}: add {} to {}",
        match access { Access::Read => "read", Access::Write => "change" },
        match access { Access::Read => Right::Reading(resource.right()), Access::Write => Right::On(resource.right()) },
        if *is_key { "the scope of this API key" } else { "the rights of your group" }
    )]
    NoRight {
        /// To what.
        resource: Resource,
        /// To look at it or to change it.
        access: Access,
        /// Whether an API key asks, and not an administrator.
        is_key: bool,
    },
    /// A right is to be given by somebody who does not have it.
    #[error("You cannot give the right {0}: you do not have it yourself")]
    NotYoursToGive(Right),
    /// A setting by which somebody would do, or let others do, what he has no right to.
    #[error("{setting} cannot be changed without the right {right}: it lets others do what takes that right")]
    SettingGivesMore {
        /// The setting.
        setting: &'static str,
        /// What it takes.
        right: Right,
    },
    /// An address on the whitelist that lets a key in with more rights than those of whoever adds it.
    #[error("You cannot let in the API key {0}: it may do more than you")]
    LetsInMore(String),
    /// `free` by somebody who may not do everything.
    #[error("free needs an API key with the scope full")]
    FreeNeedsFull,
    /// A webhook that is told passwords, by somebody who may not do everything.
    #[error("A webhook with passwords needs the right full")]
    PasswordsNeedFull,
    /// A download of a backup, by somebody who may not do everything.
    #[error("Downloading a backup needs the right full: everything is in it")]
    BackupsNeedFull,
    /// The mail server, by somebody who may not do everything.
    #[error("smtp_url needs the right full")]
    MailServerNeedsFull,
    /// `banned` by somebody of a reseller.
    #[error("banned is set by the operator; set disabled instead")]
    BannedIsOperators,
    /// Another field that somebody of a reseller may not set.
    #[error("{0} is set by the operator")]
    FieldIsOperators(&'static str),
    /// A change in the panel that is not for people of resellers.
    #[error("Only the operator can change this")]
    ChangeIsOperators,
    /// A batch by somebody of whom nobody could tell, while it goes on, whether he may still do that.
    #[error("Only an API key or somebody in the panel can order a batch: {0} cannot")]
    OrdersNoBatches(&'static str),
    /// An undo that gives credits back, by somebody of a reseller.
    #[error("Only the operator gives credits back")]
    RefundIsOperators,
    /// An API key that would reach further than the one that makes it.
    #[error("A key cannot create one that expires later or works from more addresses than itself")]
    KeyOutreachesOwn,
}

impl Refused {
    /// The code of it.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl Denied {
    /// The code of it.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
