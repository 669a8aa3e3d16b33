//! `admin`: administrators of the panel, new passwords for them, and resets of their second factors.

use super::{
    AdminCommand,
    environment::password,
    folder::{open, open_existing},
    output::{print, say},
};
use crate::{
    domain::{
        Given, Resource,
        ids::{GroupId, Id},
        page::{Limit, Page, Rows, Start},
        people::{actor::Actor, admin::AdminChange},
    },
    ops::{
        Act, Action,
        people::{
            admins::{self, Selector},
            passwords::Whose,
            second_factor,
        },
    },
};

/// Runs it; an error is a sentence for the operator.
pub async fn run(command: AdminCommand) -> Result<(), String> {
    let action = |name| Action { resource: Resource::Administrators, name };
    match command {
        AdminCommand::Create { data, username, email, group } => {
            let ops = open(&data).await?;
            let (password, shown) = password()?;
            let mut change = AdminChange {
                username: Given::Value(username),
                email: Given::Value(email),
                group_id: Given::Value(GroupId(group)),
                must_change_password: Given::Value(shown.is_some()),
                ..AdminChange::default()
            };
            let whose = Whose::after(None, &change);
            change.password = Given::Value(ops.hash_chosen("password", password, &whose).await.map_err(say)?);
            let done =
                ops.write(Actor::COMMAND_LINE, action("new"), move |act| admins::create(act, change.clone()));
            done.await.map_err(say)?;
            ops.close();
            shown.map_or(Ok(()), |password| print(&password))
        }
        AdminCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let mut page = Page { limit: Limit::MOST, ..Page::default() };
            print("id\tusername\temail\tgroup\treseller\tdisabled\t2fa")?;
            loop {
                let asked = page.clone();
                let read = ops
                    .read(&Actor::COMMAND_LINE, action("list"), move |look| admins::list(look, &asked))
                    .await;
                let Rows { rows, .. } = read.map_err(say)?;
                let Some(last) = rows.last() else { break };
                page.start = Start::After(last.admin.id.number());
                for admins::AdminRow { admin, group, reseller, has_2fa, .. } in rows {
                    let (id, record) = (admin.id.number(), admin.record);
                    let (name, email) = (record.username.as_str(), record.email.as_str());
                    let reseller = reseller.unwrap_or_default();
                    print(&format!(
                        "{id}\t{name}\t{email}\t{group}\t{reseller}\t{}\t{}",
                        u8::from(record.disabled),
                        u8::from(has_2fa)
                    ))?;
                }
            }
            ops.close();
            Ok(())
        }
        AdminCommand::Password { data, username } => {
            let ops = open_existing(&data).await?;
            let (password, shown) = password()?;
            let who = Selector::Username(username);
            let asked = who.clone();
            let listed = ops
                .read(&Actor::COMMAND_LINE, action("password"), move |look| admins::info(look, &asked))
                .await
                .map_err(say)?;
            let whose = Whose::of(&listed.admin.record);
            let hash = ops.hash_chosen("password", password, &whose).await.map_err(say)?;
            // What is printed is good for one login.
            let change = AdminChange {
                password: Given::Value(hash),
                must_change_password: Given::Value(shown.is_some()),
                ..AdminChange::default()
            };
            let done = ops.write(Actor::COMMAND_LINE, action("password"), move |act| {
                admins::update(act, &who, change.clone())
            });
            done.await.map_err(say)?;
            ops.close();
            shown.map_or(Ok(()), |password| print(&password))
        }
        AdminCommand::ResetSecondFactor { data, username } => {
            let ops = open_existing(&data).await?;
            let who = Selector::Username(username);
            let job = move |act: &Act<'_>| second_factor::reset(act, &who);
            let admin = ops.write(Actor::COMMAND_LINE, second_factor::RESET, job).await.map_err(say)?;
            ops.close();
            let name = admin.record.username.as_str();
            print(&format!("The second factor of {name} is off: {name} signs in with the password alone."))
        }
    }
}
