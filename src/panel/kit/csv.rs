//! Lists as CSV files (RFC 4180), a piece at a time.

use std::borrow::Cow;

use actix_web::{HttpResponse, web::Bytes};
use csv::{Terminator, WriterBuilder};
use futures_util::{Stream, StreamExt, stream};

use super::caller::attachment;
use crate::domain::{Error, Result};

/// A file of that name: the headings, then the pieces as they come.
pub fn download(
    name: &str,
    head: &[&str],
    pieces: impl Stream<Item = Result<Bytes>> + 'static,
) -> HttpResponse {
    let head = rows([head.iter().map(ToString::to_string).collect()]);
    let whole = stream::once(std::future::ready(head)).chain(pieces);
    attachment(name, "text/csv; charset=utf-8", actix_web::body::BodyStream::new(whole.boxed_local()))
}

/// Rows as they stand in a file.
///
/// # Errors
/// [`Error::Busy`] if they cannot be written, which does not happen in memory.
pub fn rows(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Bytes> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|cell| harmless(cell).into_owned());
        writer.write_record(cells).map_err(|_| Error::Busy)?;
    }
    writer.into_inner().map(Bytes::from).map_err(|_| Error::Busy)
}

/// A spreadsheet would run what begins like a formula: a quote before it keeps it a text. Numbers stay.
fn harmless(cell: &str) -> Cow<'_, str> {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<i64>().is_err();
    if runs { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(cells: &[&str]) -> String {
        let row = cells.iter().map(ToString::to_string).collect();
        String::from_utf8(rows([row]).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn cells_with_commas_quotes_and_lines_are_quoted_and_lines_end_as_the_rule_says() {
        assert_eq!(
            file(&["a", "b,c", "say \"x\"", "two\nlines", ""]),
            "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",\r\n"
        );
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text_and_numbers_stay_numbers() {
        assert_eq!(
            file(&["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "-10", "5"]),
            "'=1+1,'+49 30,'-2+3,'@SUM(A1),'\t=1,-10,5\r\n"
        );
    }
}
