//! What packages ship beside the program, made of the definition of its arguments: manual pages, completions of shells,
//! and the file with the variables of the service.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};

use super::Cli;

/// What stands in the page of the program besides its arguments.
const FILES: &str = r"
.SH FILES
.TP
\fI/etc/linecard/linecard.env\fR
Variables of the service that Debian's package installs.
.TP
\fI/var/lib/linecard\fR
Its data folder.
.SH EXIT STATUS
0 if all went well, 1 if something did not (standard error says what, and what to do), 2 for arguments that are not
understood.
";

const HEAD: &str = "\
# Variables of the service linecard; systemctl restart linecard after a change. Every line is as it is without it.
# linecard serve --help has the same as flags, and docs/operations.md says more.
";

/// Variables that no argument stands for, as comments.
const OTHERS: &str = "
# --- The first start only; later changes are made in the database. -----------------------------

# The password of the administrator \"admin\", of at least 8 characters; generated and logged once unless set.
#LINECARD_ADMIN_PASSWORD=

# The key that callers of the Server API send as api_key; generated and logged once unless set.
#LINECARD_API_KEY=

# Addresses or ranges that may call the Server API, separated by commas.
#LINECARD_API_ALLOW=127.0.0.0/8, ::1

# --- The log (journalctl -u linecard) ------------------------------------------------------------

# How much is logged: info, warn, or info,access=off without a line for each request.
#RUST_LOG=info
";

/// Writes `man/`, `completions/` and `linecard.env` below the folder.
///
/// # Errors
/// A sentence for the operator.
pub fn write(folder: &Path) -> Result<(), String> {
    write_all(folder).map_err(|error| format!("cannot write below {}: {error}", folder.display()))
}

fn write_all(folder: &Path) -> io::Result<()> {
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    let mut command = Cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "linecard", &completions)?;
    }
    clap_mangen::generate_to(Cli::command(), &pages)?;
    fs::OpenOptions::new().append(true).open(pages.join("linecard.1"))?.write_all(FILES.as_bytes())?;
    fs::write(folder.join("linecard.env"), variables(&command))
}

/// Every variable of `serve` with what it means and what holds without it.
fn variables(command: &clap::Command) -> String {
    let arguments = command.find_subcommand("serve").into_iter().flat_map(clap::Command::get_arguments);
    let listed = arguments.filter(|argument| !argument.is_hide_set()).filter_map(|argument| {
        let name = argument.get_env()?.to_str()?;
        // The unit's own.
        let default = if name == "LINECARD_DATA" { "/var/lib/linecard".into() } else { default(argument) };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
        Some(format!("\n# {help}.\n#{name}={default}\n"))
    });
    [HEAD.to_owned()].into_iter().chain(listed).chain([OTHERS.to_owned()]).collect()
}

fn default(argument: &clap::Arg) -> String {
    let values = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    values.collect::<Vec<_>>().join(",")
}
