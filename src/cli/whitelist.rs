//! `whitelist`: the addresses that may use the Server API.

use super::{
    WhitelistCommand,
    folder::{open, open_existing},
    output::{print, say},
};
use crate::{domain::people::actor::Actor, ops::people::whitelist};

/// Runs it; an error is a sentence for the operator.
pub async fn run(command: WhitelistCommand) -> Result<(), String> {
    match command {
        WhitelistCommand::Add { data, address, note } => {
            let ops = open(&data).await?;
            let done = ops.write(Actor::COMMAND_LINE, whitelist::ADD, move |act| {
                whitelist::add(act, address, note.as_ref())
            });
            done.await.map_err(say)?;
            ops.close();
            print(&format!("{address} may use the Server API"))
        }
        WhitelistCommand::List { data } => {
            let ops = open_existing(&data).await?;
            let entries =
                ops.read(&Actor::COMMAND_LINE, whitelist::ADD, whitelist::list).await.map_err(say)?;
            for entry in entries {
                print(&format!("{}\t{}", entry.address, entry.note))?;
            }
            ops.close();
            Ok(())
        }
        WhitelistCommand::Remove { data, address } => {
            let ops = open_existing(&data).await?;
            let done =
                ops.write(Actor::COMMAND_LINE, whitelist::REMOVE, move |act| whitelist::remove(act, address));
            done.await.map_err(say)?;
            ops.close();
            print(&format!("{address} may no longer use the Server API"))
        }
    }
}
