//! `action=user`: lines.

use super::{
    call::Call,
    fields::USER,
    reply::Answer,
    rows::{self, text},
};
use crate::{
    domain::{
        Error, Resource, Result,
        fields::text::{LinePassword, Username},
        ids::Id,
        subscribers::{line::LineChange, named::Named},
        viewing::session::Viewer,
    },
    ops::subscribers::lines::{self, Credentials, SaleOptions},
};

/// Makes one; without username or password with random ones. There are no plans in this dialect, so nothing is paid.
pub async fn create(mut call: Call) -> Result<Answer> {
    let change: LineChange = call.change(&USER)?;
    let change = lines::with_credentials(change)?;
    call.write(move |act| {
        let (id, line) = lines::create(act, change.clone(), SaleOptions::default())?;
        Ok(Answer::Done(vec![
            ("created_id", id.number().into()),
            ("username", text(line.username.as_str())),
            ("password", text(line.password.as_str())),
        ]))
    })
    .await
}

pub async fn edit(mut call: Call) -> Result<Answer> {
    let who = credentials(&mut call)?;
    let change: LineChange = call.change(&USER)?;
    call.write(move |act| {
        lines::update(act, &who, change.clone(), SaleOptions::default())?;
        Ok(Answer::done())
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Answer> {
    let who = credentials(&mut call)?;
    let line = call.ops.line_info(&call.actor, call.action, &who)?.line;
    let open = call.ops.viewing.connections_of(Viewer::Line(line.id));
    let last = call.ops.last_watched(&call.actor, std::slice::from_ref(&*line)).await?;
    let last = last.get(&line.id.number()).copied();
    Ok(Answer::Done(vec![("user_info", rows::user(&line, &open, last))]))
}

/// Both are needed. Those that no line can have are wrong ones, not invalid ones.
fn credentials(call: &mut Call) -> Result<Credentials> {
    let wrong = |error| match error {
        Error::Invalid { .. } => Error::no_such(Resource::Line),
        error => error,
    };
    let username: Option<Username> = call.params.take("username").map_err(wrong)?;
    let password: Option<LinePassword> = call.params.take("password").map_err(wrong)?;
    match (username, password) {
        (Some(username), Some(password)) => {
            Ok(Credentials { named: Named::By(username), password: Some(password) })
        }
        _ => Err(Error::Missing("username/password")),
    }
}
