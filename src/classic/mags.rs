//! `action=stb`: MAGs.

use super::{
    call::Call,
    fields::STB,
    reply::Answer,
    rows::{self, text},
};
use crate::{
    domain::{
        Result,
        fields::mac::Mac,
        ids::Id,
        subscribers::{mag::MagChange, named::Named},
        viewing::session::Viewer,
    },
    ops::subscribers::mags::{self, SaleOptions},
};

/// Makes one. There are no plans in this dialect, so nothing is paid.
pub async fn create(mut call: Call) -> Result<Answer> {
    let change: MagChange = call.change(&STB)?;
    call.write(move |act| {
        let (id, mag) = mags::create(act, change.clone(), SaleOptions::default())?;
        Ok(Answer::Done(vec![
            ("created_id", id.number().into()),
            ("mac", text(mag.mac_address)),
            ("username", text(mag.login.as_str())),
            ("password", text(mag.password.as_str())),
        ]))
    })
    .await
}

pub async fn edit(mut call: Call) -> Result<Answer> {
    let mac = Named::By(call.params.require::<Mac>("mac")?);
    let change: MagChange = call.change(&STB)?;
    call.write(move |act| {
        mags::update(act, &mac, change.clone(), SaleOptions::default())?;
        Ok(Answer::done())
    })
    .await
}

pub async fn info(mut call: Call) -> Result<Answer> {
    let mac = Named::By(call.params.require::<Mac>("mac")?);
    let mag = call.ops.point(&call.actor, call.action, |look| mags::info(look, &mac))?.mag;
    let device = call.ops.device_of(mag.id)?.device;
    let open = call.ops.viewing.connections_of(Viewer::Mag(mag.id));
    let last = call.ops.last_watched(&call.actor, std::slice::from_ref(&mag)).await?;
    let last = last.get(&mag.id.number()).copied();
    Ok(Answer::Done(vec![("user_info", rows::stb(&mag, &device, &open, last))]))
}
