//! What a page of a table is limited to, as SQL.

use rusqlite::ToSql;

use super::{Link, Table};
use crate::domain::{Fact, page::Page};

/// The conditions of a page, with their parameters. Column names come from the record, never
/// from the caller.
pub fn conditions<R: Table>(page: &Page) -> (Vec<String>, Vec<Box<dyn ToSql>>) {
    let mut conditions = Vec::new();
    let mut params: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(text) = &page.search {
        let each: Vec<String> =
            R::SEARCH.iter().map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect();
        conditions.push(format!("({})", each.join(" OR ")));
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        params.extend(R::SEARCH.iter().map(|_| Box::new(format!("%{escaped}%")) as Box<dyn ToSql>));
    }
    if let Some(since) = page.changed_since {
        conditions.push("updated_at >= ?".into());
        params.push(Box::new(since.seconds()));
    }
    for (column, value) in &page.filters {
        let param: Box<dyn ToSql> = match value {
            Fact::None => {
                conditions.push(format!("{column} IS NULL"));
                continue;
            }
            Fact::List(_) | Fact::Urls(_) => {
                conditions.push(format!("EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)"));
                Box::new(match value {
                    Fact::Urls(texts) => texts.first().map(|(whole, _)| whole.clone()),
                    Fact::List(texts) => texts.first().cloned(),
                    _ => None,
                })
            }
            Fact::Ids(ids) => {
                let Some(link) = R::LINKS.iter().find(|link| link.column == *column) else { continue };
                let Link { table, owner, target, .. } = link;
                conditions.push(format!("id IN (SELECT {owner} FROM {table} WHERE {target} = ?)"));
                Box::new(ids.first().copied())
            }
            // A caller sends a plain list.
            Fact::Masked(_) => continue,
            Fact::Number(number) => {
                conditions.push(format!("{column} = ?"));
                Box::new(*number)
            }
            Fact::Text(text) | Fact::Secret(text) | Fact::Hidden(text) => {
                // Indexes of texts leave the empty ones out.
                let filled = if text.is_empty() { String::new() } else { format!(" AND {column} <> ''") };
                conditions.push(format!("{column} = ?{filled}"));
                Box::new(text.clone())
            }
        };
        params.push(param);
    }
    (conditions, params)
}
