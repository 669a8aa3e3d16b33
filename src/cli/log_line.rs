//! A line of the log: as env_logger writes it, but the second is put into words once and not for every line.

use std::{
    cell::RefCell,
    io::{self, Write},
};

use log::Record;

use crate::{domain::fields::time::UnixTime, ops::clock};

thread_local! {
    /// The second of the last line of this thread, and that in words.
    static LAST: RefCell<(UnixTime, String)> = const { RefCell::new((UnixTime::FIRST, String::new())) };
}

/// Writes `[2026-11-24T08:00:00Z INFO  target] what there is to say`; further lines of that are indented.
///
/// # Errors
/// Those of `to`.
pub fn write(to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    write_at(clock::now(), to, record)
}

fn write_at(now: UnixTime, to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    LAST.with_borrow_mut(|(second, words)| {
        if *second != now || words.is_empty() {
            (*second, *words) = (now, now.iso());
        }
        write!(to, "[{words} {:<5} {}] ", record.level(), record.target())
    })?;
    Indented(to).write_fmt(*record.args())?;
    to.write_all(b"\n")
}

/// Writes four spaces behind each end of a line.
struct Indented<'t, T>(&'t mut T);

impl<T: Write> Write for Indented<'_, T> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut lines = text.split(|byte| *byte == b'\n');
        self.0.write_all(lines.next().unwrap_or_default())?;
        for line in lines {
            self.0.write_all(b"\n    ")?;
            self.0.write_all(line)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_as_env_logger_has_them() {
        let line = |second, level, args: std::fmt::Arguments<'_>| {
            let mut line = Vec::new();
            let record = Record::builder().level(level).target("access").args(args).build();
            write_at(UnixTime::clamped(second), &mut line, &record).unwrap();
            String::from_utf8(line).unwrap()
        };
        let seconds = 1_795_507_200;
        let (info, error) = (log::Level::Info, log::Level::Error);
        assert_eq!(line(seconds, info, format_args!("a {}", 1)), "[2026-11-24T08:00:00Z INFO  access] a 1\n");
        assert_eq!(line(seconds, error, format_args!("a")), "[2026-11-24T08:00:00Z ERROR access] a\n");
        let two = format_args!("a\nb{}\n", "\nc");
        assert_eq!(
            line(seconds + 1, info, two),
            "[2026-11-24T08:00:01Z INFO  access] a\n    b\n    c\n    \n"
        );
    }
}
