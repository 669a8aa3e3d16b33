//! Gives a file to a program on its standard input: a command that people have set, which no shell reads, which sees none of our
//! secrets, and which ends in time.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// It has so long.
const WHOLE: Duration = Duration::from_hours(2);
/// What it leaves running keeps nobody waiting for longer.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// So many bytes of what it says last are heard.
const HEARD: usize = 4 << 10;
/// What it sees of the environment: that holds the API key and the password of the first start.
const KEPT: [&str; 8] =
    ["PATH", "HOME", "LD_LIBRARY_PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Runs a program with arguments and gives it a file; `sent` counts the bytes that it has taken. Blocks; ends soon once `stop` is
/// set. It dies with the thread that waits for it.
///
/// # Errors
/// What went wrong as a sentence, with what the program said last.
pub fn feed(words: &[String], file: &Path, sent: &Arc<AtomicU64>, stop: &AtomicBool) -> Result<(), String> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    if !Path::new(program).is_file() {
        return Err(format!("There is no program {program}."));
    }
    let file = File::open(file).map_err(|error| format!("The backup cannot be read: {error}."))?;
    let mut command = Command::new("setpriv");
    command.args(["--no-new-privs", "--pdeathsig", "KILL", "--"].map(OsStr::new)).args(words);
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.process_group(0).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("{program} cannot be started with setpriv (util-linux): {error}."))?;
    sent.store(0, Ordering::Relaxed);
    let (Some(mut input), Some(errors)) = (child.stdin.take(), child.stderr.take()) else {
        return Err(format!("{program} cannot be given anything."));
    };
    // Somebody whom the program has left behind may hold both ends open: nobody waits for those threads.
    let counter = sent.clone();
    let taken = apart(move || counted(file, &mut input, &counter));
    let said = apart(move || tail(errors));
    let outcome = ended(&mut child, stop);
    let said = said.recv_timeout(AFTERWARDS).unwrap_or_default();
    match outcome {
        Ok(status) if !status.success() => {
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Err(format!("{program} ended with {status}{said}."))
        }
        Ok(_) => match taken.recv_timeout(AFTERWARDS) {
            Ok(Ok(())) => Ok(()),
            _ => Err(format!("{program} ended before it had read everything.")),
        },
        Err(why) => Err(format!("{program} {why}.")),
    }
}

/// Does something on a thread of its own; what comes of it.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, outcome) = channel();
    thread::spawn(move || done.send(work()));
    outcome
}

/// Copies all of it.
fn counted(mut from: impl Read, to: &mut impl Write, sent: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return to.flush(),
            read => {
                to.write_all(&buffer[..read])?;
                sent.fetch_add(read as u64, Ordering::Relaxed);
            }
        }
    }
}

/// The last line of what comes, without control characters.
fn tail(mut from: impl Read) -> String {
    let mut last = VecDeque::new();
    let mut buffer = [0; 1 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        last.extend(&buffer[..read]);
        last.drain(..last.len().saturating_sub(HEARD));
    }
    let text = String::from_utf8_lossy(last.make_contiguous()).into_owned();
    let line = text.trim_end().lines().next_back().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim_end_matches('.').to_owned()
}

/// Waits for its end; after that nothing of its group runs on.
fn ended(child: &mut Child, stop: &AtomicBool) -> Result<ExitStatus, String> {
    let begun = Instant::now();
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) if stop.load(Ordering::Relaxed) => break Err("was broken off".to_owned()),
            Ok(None) if begun.elapsed() > WHOLE => {
                break Err(format!("took longer than {} hours and was ended", WHOLE.as_secs() / 3_600));
            }
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(error) => break Err(format!("cannot be waited for: {error}")),
        }
    };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, arguments: &[&str]) -> (Result<(), String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("backup"), vec![7; 200_000]).unwrap();
        let path = folder.path().join("keep.sh");
        std::fs::write(&path, script).unwrap();
        let mut words = vec!["/bin/sh".to_owned(), path.display().to_string()];
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        let sent = Arc::default();
        let done = feed(&words, &folder.path().join("backup"), &sent, &AtomicBool::new(false));
        assert!(done.is_err() || sent.load(Ordering::Relaxed) == 200_000);
        (done, folder)
    }

    #[test]
    fn a_program_takes_all_of_it_with_its_arguments_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        let (done, _) = run("cd \"$1\"; cat > \"$2\"; env > env", &[&at, "a b;$(c)"]);
        assert_eq!(done, Ok(()));
        assert_eq!(std::fs::read(folder.path().join("a b;$(c)")).unwrap(), vec![7; 200_000]);
        let env = std::fs::read_to_string(folder.path().join("env")).unwrap();
        assert!(!env.contains("CARGO") && env.contains("PATH="), "{env}");
    }

    #[test]
    fn what_it_says_last_is_told_and_what_it_does_not_read_is_a_failure() {
        let why = |script: &str| run(script, &[]).0.unwrap_err();
        assert_eq!(
            why("cat > /dev/null; echo one >&2; echo no room. >&2; exit 3"),
            "/bin/sh ended with exit status: 3: no room."
        );
        assert_eq!(why("exit 0"), "/bin/sh ended before it had read everything.");
        assert!(why("kill -9 $$").contains("signal: 9"));
        let missing = feed(&["/no/such".into()], Path::new("/x"), &Arc::default(), &AtomicBool::new(false));
        assert_eq!(missing, Err("There is no program /no/such.".into()));
    }

    #[test]
    fn it_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; cat > /dev/null; wait", at.display());
        let path = folder.path().join("keep.sh");
        std::fs::write(&path, script).unwrap();
        let words = ["/bin/sh".to_owned(), path.display().to_string()];
        let stop = Arc::new(AtomicBool::new(false));
        let (waiter, file) = (stop.clone(), path.clone());
        let running = thread::spawn(move || feed(&words, &file, &Arc::default(), &waiter));
        let pid = loop {
            match std::fs::read_to_string(&at) {
                Ok(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
                _ => thread::sleep(Duration::from_millis(10)),
            }
        };
        stop.store(true, Ordering::Relaxed);
        assert_eq!(running.join().unwrap(), Err("/bin/sh was broken off.".into()));
        let status = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !status().is_empty() && !status().contains(") Z ") {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
