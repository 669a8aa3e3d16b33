//! A run of ffmpeg as a child: what it sees of the environment, what it may do, and that it dies with its maker.

use std::{path::Path, process::Stdio};

use tokio::process::{Child, Command};

/// What ffmpeg sees of the environment: it holds the API key and the password of the first start.
const KEPT: [&str; 7] = ["PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"];

const FFMPEG_MISSING: &str =
    "ffmpeg is not installed: install it (apt-get install ffmpeg), or put it on PATH";

/// What is missing of the programs that streams need, if anything is.
pub fn missing() -> Option<String> {
    let setpriv = "setpriv is not installed: install it (apt-get install util-linux), or put it on PATH";
    let needed = [("ffmpeg", FFMPEG_MISSING), ("setpriv", setpriv)];
    needed.into_iter().find(|(program, _)| !is_there(Path::new(program))).map(|(_, why)| why.to_owned())
}

/// A child of a process group of its own that dies when its maker's thread does.
/// The streams are its input, output and errors.
///
/// # Errors
/// A sentence about what is missing.
pub fn spawn(ffmpeg: &Path, arguments: &[String], streams: [Stdio; 3]) -> Result<Child, String> {
    let [input, output, errors] = streams;
    let with = |program: &Path, leading: &[&std::ffi::OsStr]| {
        let mut command = Command::new(program);
        command.args(leading).args(arguments);
        clear_environment(&mut command);
        command.process_group(0).kill_on_drop(true);
        command
    };
    if !is_there(ffmpeg) {
        return Err(FFMPEG_MISSING.into());
    }
    let options = ["--no-new-privs", "--pdeathsig", "KILL", "--"].map(std::ffi::OsStr::new);
    let leading = [&options, [ffmpeg.as_os_str()].as_slice()].concat();
    let child = with(Path::new("setpriv"), &leading).stdin(input).stdout(output).stderr(errors).spawn();
    let child =
        child.map_err(|error| format!("ffmpeg cannot be started with setpriv (util-linux): {error}"))?;
    limit(&child);
    Ok(child)
}

/// Leaves a child what it needs of the environment.
pub fn clear_environment(command: &mut Command) {
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
}

/// A child writes no files and leaves no memory behind, and needs few descriptors.
fn limit(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    // No id is that of the server itself.
    let Some(pid) = pid else { return };
    for (resource, most) in [(Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 256)] {
        // One that has ended meanwhile needs none.
        let _ = prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Whether ffmpeg and what it is started with could be found.
pub fn can_spawn(ffmpeg: &Path) -> bool {
    is_there(ffmpeg) && is_there(Path::new("setpriv"))
}

/// Whether a program could be found.
fn is_there(program: &Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
