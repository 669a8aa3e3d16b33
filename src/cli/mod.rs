//! The command line.

mod admin;
mod alive;
mod api_key;
mod backup;
mod doctor;
mod environment;
mod folder;
mod https;
mod import;
mod log_buffer;
mod log_line;
mod manual;
mod output;
mod rollback;
mod run;
mod whitelist;

use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode, sync::LazyLock};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{FalseyValueParser, Resettable},
};

use crate::{
    domain::{
        channels::import::Duplicates,
        field::Item,
        fields::{
            net::Network,
            text::{AdminName, Email, Name, ShortText},
            time::UnixTime,
        },
        ids::{GroupId, ResellerId},
        people::rights::Right,
    },
    host::open_files,
    ops::machine::version,
    store::Options,
    wire::listen::BROKEN_OFF,
};

/// Of the program and of its databases.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (schema {})", version::PROGRAM, version::SCHEMA));

/// The panel server of a small television operator.
#[derive(Parser)]
#[command(version = VERSION.as_str(), about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The folder that every command but healthcheck and verify works on.
#[derive(Args)]
struct Data {
    /// The folder of the database
    #[arg(long, env = "LINECARD_DATA", default_value = "./data")]
    data: PathBuf,
    /// Upgrade a database of an older version without a backup of it
    #[arg(long, env = "LINECARD_NO_UPGRADE_BACKUP", value_parser = FalseyValueParser::new(), hide_short_help = true)]
    no_upgrade_backup: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        #[command(flatten)]
        data: Data,
        /// Where to listen; port 0 takes a free one
        #[arg(long, env = "LINECARD_LISTEN", default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
        #[command(flatten)]
        https: https::Https,
        /// Addresses or ranges of proxies whose X-Forwarded-For is believed, separated by commas
        #[arg(long, env = "LINECARD_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
        trusted_proxies: Vec<Network>,
        /// A file of autonomous systems in MaxMind's format, such as GeoLite2-ASN.mmdb, for isp_lock
        #[arg(long, env = "LINECARD_ASN_DB", value_name = "FILE")]
        asn_db: Option<PathBuf>,
        /// The folder of recordings, also on another disk; in the data folder unless named
        #[arg(long, env = "LINECARD_ARCHIVE", value_name = "FOLDER")]
        archive: Option<PathBuf>,
        /// The file of the key that secrets in the database are sealed with, made if it is not there; linecard.key in
        /// the data folder unless named
        #[arg(long, env = "LINECARD_SECRET_KEY_FILE", value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
        /// Give copies of backups to no command, whatever the settings say
        #[arg(long, env = "LINECARD_NO_BACKUP_COMMAND", value_parser = clap::builder::FalseyValueParser::new())]
        no_backup_command: bool,
        /// For tests: about how many seconds each file of a recording lasts
        #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 60)]
        archive_piece: u64,
        /// For benchmarks and the durability test: at most this many writes share a commit
        #[arg(long, hide = true, default_value_t = Options::default().batch)]
        batch: usize,
        /// For the durability test: acknowledge before the disk has it
        #[arg(long, hide = true)]
        unsafe_sync: bool,
    },
    /// Ask a running server whether it is healthy; exit code 0 if it is
    Healthcheck {
        /// Where it listens
        #[arg(long, env = "LINECARD_LISTEN", default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
    },
    /// API keys of the Server API
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Addresses that may use the Server API
    #[command(subcommand)]
    Whitelist(WhitelistCommand),
    /// Administrators of the panel
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Import channels from elsewhere
    #[command(subcommand)]
    Import(ImportCommand),
    /// Fill an empty database with a made-up small operator
    Demo {
        #[command(flatten)]
        data: Data,
    },
    /// Check the database: integrity, references, ledger
    Check {
        #[command(flatten)]
        data: Data,
    },
    /// Write a backup of the database to a new file, also while the server runs
    Backup {
        #[command(flatten)]
        data: Data,
        /// The backup, such as linecard-2026-11-30.tar.zst
        file: PathBuf,
        /// With the programme guide, which can also be fetched again
        #[arg(long)]
        with_guide: bool,
        /// With the key of sealed secrets, in clear: whoever reads the backup reads them all
        #[arg(long)]
        with_key: bool,
        /// The file of that key; linecard.key in the data folder unless named
        #[arg(long, env = "LINECARD_SECRET_KEY_FILE", value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
    },
    /// Verify a backup: unpack it, bring it up to date, check its database, count its rows
    Verify {
        /// The backup
        file: PathBuf,
        /// Where it is unpacked, and deleted again; beside it unless named
        #[arg(long, value_name = "FOLDER")]
        scratch: Option<PathBuf>,
    },
    /// Put a backup in the place of the database; the server must be stopped
    Restore {
        #[command(flatten)]
        data: Data,
        /// The backup
        file: PathBuf,
        /// Also if check finds something wrong with its database
        #[arg(long)]
        even_damaged: bool,
    },
    /// Go back to the database from before the last upgrade; the server must be stopped
    Rollback {
        #[command(flatten)]
        data: Data,
        /// Write the rows of the audit trail and the ledger that are lost to a new CSV file
        #[arg(long, value_name = "FILE")]
        list: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Look at everything that a server needs, with or without one that runs, and say what to do
    Doctor {
        #[command(flatten)]
        data: Data,
        /// Where the server listens
        #[arg(long, env = "LINECARD_LISTEN", default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
        /// The folder of recordings, if it is not in the data folder
        #[arg(long, env = "LINECARD_ARCHIVE", value_name = "FOLDER")]
        archive: Option<PathBuf>,
        /// The file of the key that secrets are sealed with, if it is not in the data folder
        #[arg(long, env = "LINECARD_SECRET_KEY_FILE", value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
        #[command(flatten)]
        https: https::Https,
        /// Also pack what was found into this file, without secrets, to send it with a question
        #[arg(long, value_name = "FILE.tar.gz")]
        bundle: Option<PathBuf>,
    },
    /// Write what packages ship beside the program: manual pages, completions of shells, variables of the service
    #[command(hide = true)]
    Manual {
        /// The folder, made if it is not there
        folder: PathBuf,
    },
    /// Confirm that the clock of the machine is right, after Linecard was off for long or the clock was set
    ConfirmClock {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Subcommand)]
enum ApiKeyCommand {
    /// Create a key and print it, alone, on standard output; it is never shown again
    Create {
        #[command(flatten)]
        data: Data,
        /// Its name
        #[arg(value_parser = Name::new)]
        name: Name,
        /// full, read_only, or resources as NAME or NAME:read, separated by commas; full unless told, or all that a reseller has
        #[arg(long, value_delimiter = ',')]
        scope: Vec<Right>,
        /// An address or range that may use it; may be given several times
        #[arg(long, value_parser = network)]
        address: Vec<Network>,
        /// When it expires, in unix seconds
        #[arg(long, value_parser = UnixTime::parse)]
        expires_at: Option<UnixTime>,
        /// The id of the reseller to whose own it is confined
        #[arg(long, value_parser = ResellerId::parse_item)]
        reseller: Option<ResellerId>,
    },
    /// List the keys, without their secrets
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Revoke a key
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its name or id
        key: String,
    },
}

#[derive(Subcommand)]
enum WhitelistCommand {
    /// Add an address or CIDR range
    Add {
        #[command(flatten)]
        data: Data,
        #[arg(value_parser = network)]
        address: Network,
        /// A note
        #[arg(long, value_parser = ShortText::new)]
        note: Option<ShortText>,
    },
    /// List the whitelist
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Remove an address or CIDR range
    Remove {
        #[command(flatten)]
        data: Data,
        #[arg(value_parser = network)]
        address: Network,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Create an administrator; without LINECARD_ADMIN_PASSWORD its password is generated and printed
    Create {
        #[command(flatten)]
        data: Data,
        #[arg(value_parser = AdminName::new)]
        username: AdminName,
        #[arg(value_parser = Email::new)]
        email: Email,
        /// The id of its group: 1 is Administrators, 2 is Resellers
        #[arg(long, default_value_t = GroupId::ADMINISTRATORS.0)]
        group: i64,
    },
    /// List the administrators
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Set a new password: LINECARD_ADMIN_PASSWORD, or a generated one that is printed
    Password {
        #[command(flatten)]
        data: Data,
        #[arg(value_parser = AdminName::new)]
        username: AdminName,
    },
    /// Switch the second factor of somebody off who has lost phone and recovery codes; also ends that one's sessions
    #[command(name = "reset-2fa")]
    ResetSecondFactor {
        #[command(flatten)]
        data: Data,
        #[arg(value_parser = AdminName::new)]
        username: AdminName,
    },
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Import streams and categories from an M3U list, optionally compressed with gzip
    M3u {
        #[command(flatten)]
        data: Data,
        /// The list: a file, or an address that begins with http:// or https://
        #[arg(value_name = "FILE|URL")]
        file: String,
        /// Only show what would be done
        #[arg(long)]
        dry_run: bool,
        /// What happens to channels that exist already, by source or by name in the category: skip, add (their
        /// source to the stream) or update (the stream)
        #[arg(long, default_value = "skip", value_parser = duplicates)]
        duplicates: Duplicates,
        /// The id of a bouquet to which all are added, at its end
        #[arg(long, value_name = "ID", conflicts_with = "new_bouquet")]
        bouquet: Option<i64>,
        /// The name of a new bouquet for all
        #[arg(long, value_name = "NAME", value_parser = Name::new)]
        new_bouquet: Option<Name>,
        /// Run new streams always, not only while somebody watches
        #[arg(long)]
        always_on: bool,
    },
}

fn duplicates(word: &str) -> Result<Duplicates, String> {
    Duplicates::named(word).map_err(Into::into)
}

fn network(text: &str) -> Result<Network, String> {
    Network::new(text).map_err(Into::into)
}

/// An empty variable is one that is not set: compose files pass them on like that.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let filled = |argument: clap::Arg| match argument.get_env().and_then(std::env::var_os) {
        Some(value) if value.is_empty() => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(filled).mut_subcommands(without_empty_variables)
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let matches = without_empty_variables(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let Err(why) = open_files::enough() {
        let _ = writeln!(std::io::stderr(), "linecard: {why}");
        return ExitCode::FAILURE;
    }
    let log = match log_buffer::LogBuffer::start() {
        Ok(log) => log,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "linecard: cannot start the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .filter_module(BROKEN_OFF, log::LevelFilter::Off)
        .parse_default_env()
        .format(log_line::write)
        .target(env_logger::Target::Pipe(Box::new(log.clone())))
        .init();
    std::panic::set_hook(Box::new(|panic| {
        log::error!("{panic}\n{}", std::backtrace::Backtrace::capture());
    }));
    let outcome = actix_web::rt::System::new().block_on(run::run(cli.command));
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // By the same road: standard error may be one that nobody reads.
            let _ = log.clone().write_all(format!("linecard: {why}\n").as_bytes());
            ExitCode::FAILURE
        }
    };
    log.finish();
    code
}
