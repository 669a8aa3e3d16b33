//! The logs: audit, Panel Error Log, logins, ended connections, refusals of viewers, API calls.

use rusqlite::{Connection, ToSql, params, params_from_iter};

use crate::{
    domain::{
        Fact, Kind, Resource, Result,
        fields::time::UnixTime,
        page::{Page, Rows, Start},
        people::actor::Actor,
    },
    store::{
        Read, Write,
        engine::{
            columns::{Param, fact},
            fault::Noted,
        },
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Every write.
    Audit,
    /// Every failed statement: LOGS -> Panel Error Log.
    Error,
    /// Every attempt to sign in.
    Login,
    /// Every session of a viewer that ended.
    Connection,
    /// Every viewer who was turned away.
    Refusal,
    /// Every call of the Server API.
    Api,
}

impl Log {
    /// Every log by the name that `logs/list` gives it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("error", Self::Error),
        ("audit", Self::Audit),
        ("login", Self::Login),
        ("connection", Self::Connection),
        ("refusal", Self::Refusal),
        ("api", Self::Api),
    ];

    /// What `logs/list` calls it.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, log)| *log == self).map_or("", |(name, _)| name)
    }

    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Audit => "audit_log",
            Self::Error => "error_log",
            Self::Login => "login_log",
            Self::Connection => "connection_log",
            Self::Refusal => "refusal_log",
            Self::Api => "api_log",
        }
    }

    /// Its columns, which are also its filters.
    pub fn columns(self) -> &'static [(&'static str, Kind)] {
        use Kind::{Number, Text, Time};
        match self {
            Self::Audit => &[
                ("id", Number),
                ("at", Time),
                ("actor_kind", Text),
                ("actor", Text),
                ("address", Text),
                ("resource", Text),
                ("action", Text),
                ("target_id", Number),
                ("target", Text),
                ("before", Text),
                ("after", Text),
            ],
            Self::Error => &[
                ("id", Number),
                ("reference", Text),
                ("at", Time),
                ("resource", Text),
                ("action", Text),
                ("actor", Text),
                ("address", Text),
                ("error", Text),
                ("detail", Text),
            ],
            Self::Login => &[
                ("id", Number),
                ("at", Time),
                ("face", Text),
                ("username", Text),
                ("address", Text),
                ("outcome", Text),
            ],
            Self::Connection => &[
                ("id", Number),
                ("at", Time),
                ("started_at", Time),
                ("line_id", Number),
                ("mag_id", Number),
                ("subscriber", Text),
                ("stream_id", Number),
                ("stream", Text),
                ("kind", Text),
                ("address", Text),
                ("user_agent", Text),
                ("container", Text),
                ("bytes_sent", Number),
                ("reason", Text),
            ],
            Self::Refusal => &[
                ("id", Number),
                ("at", Time),
                ("line_id", Number),
                ("mag_id", Number),
                ("subscriber", Text),
                ("stream_id", Number),
                ("kind", Text),
                ("address", Text),
                ("user_agent", Text),
                ("reason", Text),
            ],
            Self::Api => &[
                ("id", Number),
                ("at", Time),
                ("key_name", Text),
                ("address", Text),
                ("resource", Text),
                ("action", Text),
                ("outcome", Text),
                ("micros", Number),
            ],
        }
    }
}

impl Log {
    /// Its columns for a SELECT whose rows [`Log::row`] reads.
    pub(crate) fn names(self) -> String {
        let names: Vec<&str> = self.columns().iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    fn row(self, row: &rusqlite::Row<'_>) -> Result<LogRow> {
        let columns = self.columns().iter().enumerate();
        columns.map(|(place, (name, kind))| Ok((*name, fact(row.get_ref(place)?, *kind)?))).collect()
    }
}

/// A row of a log: its columns in order.
pub type LogRow = Vec<(&'static str, Fact)>;

/// A call of the Server API.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// When it was answered.
    pub at: UnixTime,
    /// The name of its key.
    pub key_name: String,
    /// From where.
    pub address: String,
    /// What was called.
    pub resource: &'static str,
    pub action: &'static str,
    /// `ok`, or the refusal as it was answered.
    pub outcome: String,
    /// How long it took, in millionths of a second.
    pub micros: u64,
}

/// One row of the audit trail.
pub struct AuditRow<'a> {
    /// When.
    pub at: UnixTime,
    pub actor_kind: &'static str,
    /// The actor's name.
    pub actor: &'a str,
    /// From where.
    pub address: Option<String>,
    pub resource: &'static str,
    /// What was done.
    pub action: &'static str,
    /// The row that it was done to.
    pub target_id: Option<i64>,
    /// Its name at that time.
    pub target: &'a str,
    /// The columns that changed, as a JSON object, before.
    pub before: &'a str,
    /// The same, after.
    pub after: &'a str,
}

impl Read<'_> {
    /// A page of a log in the order of time: the `search` looks through every text.
    pub fn log_page(&self, log: Log, page: &Page) -> Result<Rows<LogRow>> {
        let mut conditions: Vec<String> = Vec::new();
        let mut params: Vec<Box<dyn ToSql>> = Vec::new();
        for (column, value) in &page.filters {
            conditions.push(format!("{column} IS ?"));
            match value {
                Fact::Number(number) => params.push(Box::new(*number)),
                Fact::Text(text) => params.push(Box::new(text.clone())),
                _ => params.push(Box::new(rusqlite::types::Null)),
            }
        }
        if let Some(since) = page.changed_since {
            conditions.push("at >= ?".into());
            params.push(Box::new(since.seconds()));
        }
        if let Some(search) = &page.search {
            let texts: Vec<&str> =
                log.columns().iter().filter(|(_, kind)| *kind == Kind::Text).map(|(n, _)| *n).collect();
            let each: Vec<String> = texts.iter().map(|column| format!("instr({column}, ?) > 0")).collect();
            conditions.push(format!("({})", each.join(" OR ")));
            params.extend(texts.iter().map(|_| Box::new(search.clone()) as Box<dyn ToSql>));
        }
        let matching = |conditions: &[String]| match conditions {
            [] => String::new(),
            some => format!(" WHERE {}", some.join(" AND ")),
        };
        let sql = format!("SELECT count(*) FROM {}{}", log.table(), matching(&conditions));
        let total = self.conn.prepare_cached(&sql)?.query_row(params_from_iter(&params), |row| row.get(0))?;

        let offset = match page.start {
            Start::Offset(offset) => offset,
            Start::After(id) => {
                conditions.push("id > ?".into());
                params.push(Box::new(id));
                0
            }
        };
        params.push(Box::new(page.limit.rows()));
        params.push(Box::new(offset));
        let sql = format!(
            "SELECT {} FROM {}{} ORDER BY id LIMIT ? OFFSET ?",
            log.names(),
            log.table(),
            matching(&conditions)
        );
        Ok(Rows { total, rows: self.log_rows(log, &sql, params_from_iter(&params))? })
    }

    /// The newest rows of a log whose columns have those values, newest first: at most `most` of them, older
    /// than row `before`.
    pub fn latest(
        &self,
        log: Log,
        columns: &[(&'static str, Fact)],
        before: Option<i64>,
        most: u32,
    ) -> Result<Vec<LogRow>> {
        let mut conditions: Vec<String> = columns.iter().map(|(column, _)| format!("{column} = ?")).collect();
        conditions.push("id < ?".into());
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY id DESC LIMIT ?",
            log.names(),
            log.table(),
            conditions.join(" AND ")
        );
        let (before, most) = (Fact::Number(before.unwrap_or(i64::MAX)), Fact::Number(most.into()));
        let values = columns.iter().map(|(_, value)| value).chain([&before, &most]);
        self.log_rows(log, &sql, params_from_iter(values.map(Param)))
    }

    pub(crate) fn log_rows(&self, log: Log, sql: &str, params: impl rusqlite::Params) -> Result<Vec<LogRow>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement.query(params)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(log.row(row)?);
        }
        Ok(rows)
    }

    /// The latest rows of the audit trail about one row of a resource, the newest first.
    pub fn audit_of(&self, resource: Resource, id: i64, most: u16) -> Result<Vec<LogRow>> {
        let of = [("resource", Fact::Text(resource.name().into())), ("target_id", Fact::Number(id))];
        self.latest(Log::Audit, &of, None, most.into())
    }

    /// Whether anybody but that actor's kind has changed something, as far as the audit trail goes back.
    pub fn has_changes_beside(&self, actor: &Actor) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM audit_log WHERE actor_kind <> ?)";
        Ok(self.conn.query_row(sql, [actor.kind()], |row| row.get(0))?)
    }
}

impl Write<'_> {
    /// Adds a row to the audit trail.
    pub fn insert_audit(&self, row: &AuditRow<'_>) -> Result<()> {
        let sql = "INSERT INTO audit_log (at, actor_kind, actor, address, resource, action, target_id, target, \
                   before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![
            row.at.seconds(),
            row.actor_kind,
            row.actor,
            row.address,
            row.resource,
            row.action,
            row.target_id,
            row.target,
            row.before,
            row.after
        ])?;
        Ok(())
    }

    /// Adds calls of the Server API to their log.
    pub fn insert_calls(&self, rows: &[CallRow]) -> Result<()> {
        let sql = "INSERT INTO api_log (at, key_name, address, resource, action, outcome, micros) \
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        let mut insert = self.conn.prepare_cached(sql)?;
        for row in rows {
            let micros = i64::try_from(row.micros).unwrap_or(i64::MAX);
            let (at, outcome) = (row.at.seconds(), &row.outcome);
            insert.execute(params![
                at,
                row.key_name,
                row.address,
                row.resource,
                row.action,
                outcome,
                micros
            ])?;
        }
        Ok(())
    }

    /// Adds a row to the login log.
    pub fn insert_login(
        &self,
        at: UnixTime,
        face: &str,
        name: &str,
        address: &str,
        outcome: &str,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO login_log (at, face, username, address, outcome) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![at.seconds(), face, name, address, outcome])?;
        Ok(())
    }
}

/// Adds a row to the Panel Error Log. A row that is there already is no failure: it would keep all
/// that wait behind it out of the log.
pub fn insert_fault(conn: &Connection, Noted { origin, fault }: &Noted) -> Result<()> {
    let facts = [
        Fact::Text(fault.reference.clone()),
        Fact::Number(origin.at.seconds()),
        Fact::Text(origin.resource.name().into()),
        Fact::Text(origin.action.into()),
        Fact::Text(origin.actor.clone()),
        origin.address.map_or(Fact::None, |address| Fact::Text(address.to_string())),
        Fact::Text(fault.what.to_string()),
        Fact::Text(fault.detail.clone()),
    ];
    let sql = "INSERT INTO error_log (reference, at, resource, action, actor, address, error, detail) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reference) DO NOTHING";
    conn.prepare_cached(sql)?.execute(params_from_iter(facts.iter().map(Param)))?;
    Ok(())
}
