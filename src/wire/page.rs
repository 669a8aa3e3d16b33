//! The parameters of a list: `limit`, `offset` or `after`, `search`, `changed_since`, columns.

use super::fields::Fields;
use crate::domain::{
    Column, Error, Fact, Given, Kind, Result, Written,
    fields::{number::whole, time::UnixTime},
    ids::parse_id,
    page::{Limit, Page, Start},
    record::Source,
};

const STAMPS: [(&str, Kind); 3] =
    [("id", Kind::Number), ("created_at", Kind::Time), ("updated_at", Kind::Time)];

/// Reads a page; every one of `columns` may be a filter, and `id` and the two stamps.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub fn read(fields: &mut Fields, columns: &[Column]) -> Result<Page> {
    let columns = columns.iter().map(|column| (column.name, column.kind)).chain(STAMPS);
    filtered(fields, columns)
}

/// Reads a page of a log, whose columns are all there is to filter by.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub fn read_log(fields: &mut Fields, columns: &[Column]) -> Result<Page> {
    filtered(fields, columns.iter().map(|column| (column.name, column.kind)))
}

/// Reads `limit`, `offset` and `after` alone.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub fn read_window(fields: &mut Fields) -> Result<Page> {
    let mut page = Page::default();
    if let Some(text) = text(fields, "limit")? {
        let limit = whole(&text).and_then(Limit::new);
        page.limit = limit.ok_or(Error::invalid("limit", "a whole number from 1 to 1000"))?;
    }
    let natural = |name, text: &str| {
        let number = whole(text).filter(|number| *number >= 0);
        number.ok_or(Error::invalid(name, "a whole number from 0"))
    };
    match (text(fields, "offset")?, text(fields, "after")?) {
        (Some(_), Some(_)) => return Err(Error::invalid("offset", "not together with after")),
        (Some(offset), None) => page.start = Start::Offset(natural("offset", &offset)?),
        (None, Some(after)) => page.start = Start::After(natural("after", &after)?),
        (None, None) => {}
    }
    Ok(page)
}

/// Reads what narrows a list alone: `search`, `changed_since`, and the columns as [`read`] takes them.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub fn read_filters(fields: &mut Fields, columns: &[Column]) -> Result<Page> {
    let columns = columns.iter().map(|column| (column.name, column.kind)).chain(STAMPS);
    narrowed(fields, Page::default(), columns)
}

fn filtered(fields: &mut Fields, columns: impl Iterator<Item = (&'static str, Kind)>) -> Result<Page> {
    let page = read_window(fields)?;
    narrowed(fields, page, columns)
}

fn narrowed(
    fields: &mut Fields,
    mut page: Page,
    columns: impl Iterator<Item = (&'static str, Kind)>,
) -> Result<Page> {
    page.search = text(fields, "search")?;
    let bad = |search: &String| search.chars().count() > 200 || search.chars().any(char::is_control);
    if page.search.as_ref().is_some_and(bad) {
        return Err(Error::invalid("search", "at most 200 characters, no control characters"));
    }
    // The beginning of time, with which a first synchronisation asks, is no moment here.
    if let Some(text) = text(fields, "changed_since")?.filter(|text| text != "0") {
        let since = UnixTime::parse(&text).map_err(|rule| Error::invalid("changed_since", rule))?;
        page.changed_since = Some(since);
    }
    for (name, kind) in columns {
        if let Some(fact) = filter(fields, name, kind)? {
            page.filters.push((name, fact));
        }
    }
    Ok(page)
}

fn text(fields: &mut Fields, name: &'static str) -> Result<Option<String>> {
    match fields.given(name, Kind::Text)? {
        Given::Value(Written::Text(text)) => Ok(Some(text)),
        Given::Value(Written::List(_)) => Err(Error::invalid(name, "one value, not a list")),
        Given::Absent | Given::Empty => Ok(None),
    }
}

/// The value that a column is to have; for a list, the item that it is to hold.
fn filter(fields: &mut Fields, name: &'static str, kind: Kind) -> Result<Option<Fact>> {
    let scalar = match kind {
        Kind::List | Kind::References(_) => Kind::Text,
        kind => kind,
    };
    let text = match fields.given(name, scalar)? {
        Given::Absent => return Ok(None),
        Given::Value(Written::List(_)) => return Err(Error::invalid(name, "one value, not a list")),
        Given::Value(Written::Text(text)) => text,
        Given::Empty => {
            return Ok(match kind {
                Kind::Reference(_) | Kind::Time => Some(Fact::None),
                Kind::Text => Some(Fact::Text(String::new())),
                _ => return Err(Error::invalid(name, "a value to filter by")),
            });
        }
    };
    let number = |rule: &'static str| whole(&text).map(Fact::Number).ok_or(Error::invalid(name, rule));
    Ok(Some(match kind {
        Kind::Number => number("a whole number")?,
        Kind::Flag => match text.as_str() {
            "1" | "true" => Fact::Number(1),
            "0" | "false" => Fact::Number(0),
            _ => return Err(Error::invalid(name, "1 or 0")),
        },
        Kind::Time | Kind::Reference(_) if text == "0" => Fact::None,
        Kind::Time | Kind::Reference(_) => number("a whole number")?,
        Kind::References(_) => Fact::Ids(vec![parse_id(&text).map_err(|rule| Error::invalid(name, rule))?]),
        Kind::List => Fact::List(vec![text]),
        Kind::Text | Kind::Hidden => Fact::Text(text),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Columns, subscribers::line::Line};

    fn page(query: &str) -> Result<Page> {
        let map = super::super::form::parse_form(query.as_bytes()).unwrap_or_else(|e| panic!("{}", e.0));
        read(&mut Fields::new(map), &Line::columns())
    }

    #[test]
    fn a_page_is_100_rows_from_the_start_unless_told() {
        assert_eq!(page(""), Ok(Page::default()));
        assert_eq!(page("limit=").map(|page| page.limit.rows()), Ok(100));
    }

    #[test]
    fn limits_have_bounds_and_a_page_has_one_start() {
        for query in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit[]=5",
            "offset=-1",
            "after=1&offset=1",
            "changed_since=x",
        ] {
            assert!(matches!(page(query), Err(Error::Invalid { .. })), "{query}");
        }
    }

    #[test]
    fn every_column_can_be_a_filter() {
        let filters = |query| page(query).map(|page| page.filters);
        assert_eq!(filters("disabled=1"), Ok(vec![("disabled", Fact::Number(1))]));
        assert_eq!(filters("reseller_id="), Ok(vec![("reseller_id", Fact::None)]));
        assert_eq!(filters("bouquets=3"), Ok(vec![("bouquets", Fact::Ids(vec![3]))]));
        assert_eq!(
            filters("allowed_ips=192.0.2.1"),
            Ok(vec![("allowed_ips", Fact::List(vec!["192.0.2.1".into()]))])
        );
        assert!(filters("disabled=maybe").is_err());
    }
}
