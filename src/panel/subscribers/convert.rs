//! Making a line of a MAG, or a MAG of a line.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};

use super::{
    super::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{self, Form, Input},
        pages::FormPage,
        sent::Sent,
    },
    Kind as _, find,
};
use crate::{
    domain::{
        Error, Field, Resource, Result, Stored,
        fields::{
            mac::Mac,
            text::{LinePassword, Username},
        },
        people::rights::Access,
        subscribers::{line::Line, mag::Mag, named::Named},
    },
    ops::subscribers::{convert, lines},
};

/// Mounts them; before the logs of subscribers, whose address any word would be.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/mags/{id}/convert").get(ask_line).post(make_line))
        .service(resource("/lines/{id}/convert").get(ask_mag).post(make_mag));
}

async fn ask_line(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Line, Access::Write)?;
    let mag = find::<Mag>(&caller, &id)?;
    let form = line_form(&caller, &mag);
    Ok(convert_page(&caller, StatusCode::OK, mag.record.mac_address, "a line", form))
}

async fn make_line(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Line, Access::Write)?;
    anew(async || make_line_once(&caller, &id, &sent).await).await
}

async fn make_line_once(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let mag = find::<Mag>(caller, id)?;
    let (mac, seen) = (mag.record.mac_address, Some(mag.updated_at));
    let mut form = line_form(caller, &mag);
    form.take(sent);
    if form.is_wrong() {
        return Ok(convert_page(caller, form.status(), mac, "a line", form));
    }
    let wanted = || -> Result<convert::Credentials> {
        Ok(convert::Credentials {
            username: optional::<Username>(sent, "username")?,
            password: optional::<LinePassword>(sent, "password")?,
        })
    };
    let outcome = match (wanted(), convert::spare()) {
        (Ok(wanted), Ok(spare)) => {
            let job = move |act: &crate::ops::Act<'_>| {
                convert::to_line(&act.seeing(seen), &Named::By(mac), &wanted, &spare)
            };
            caller.ops.write(caller.actor().clone(), action(Resource::Mag, "convert_to_line"), job).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match outcome {
        Ok((id, line)) => {
            let text = format!("{mac} is now the line {}.", line.username.as_str());
            Ok(done(&Line::href(id), &text))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(convert_page(caller, status, mac, "a line", form))
        }
    }
}

async fn ask_mag(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Mag, Access::Write)?;
    let line = find::<Line>(&caller, &id)?;
    let form = mag_form(&caller, &line);
    Ok(convert_page(&caller, StatusCode::OK, line.record.username.as_str(), "a MAG", form))
}

async fn make_mag(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Mag, Access::Write)?;
    anew(async || make_mag_once(&caller, &id, &sent).await).await
}

async fn make_mag_once(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let line = find::<Line>(caller, id)?;
    let seen = Some(line.updated_at);
    let mut form = mag_form(caller, &line);
    form.take(sent);
    if form.is_wrong() {
        return Ok(convert_page(caller, form.status(), line.record.username.as_str(), "a MAG", form));
    }
    let who = lines::Credentials { named: Named::By(line.record.username.clone()), password: None };
    let outcome = match form::field::<Mac>(sent, "mac_address") {
        Ok(mac) => {
            let job = move |act: &crate::ops::Act<'_>| convert::to_mag(&act.seeing(seen), &who, mac);
            caller.ops.write(caller.actor().clone(), action(Resource::Line, "convert_to_mag"), job).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok((id, mag)) => {
            let text = format!("{} is now the MAG {}.", line.record.username.as_str(), mag.mac_address);
            Ok(done(&Mag::href(id), &text))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(convert_page(caller, status, line.record.username.as_str(), "a MAG", form))
        }
    }
}

fn optional<T: Field>(sent: &Sent, name: &'static str) -> Result<Option<T>> {
    match form::field(sent, name) {
        Err(Error::Missing(_)) => Ok(None),
        given => given.map(Some),
    }
}

fn line_form(caller: &Caller, mag: &Stored<Mag>) -> Form {
    let at = Mag::href(mag.id);
    let help = "Empty: the MAG's login, or 10 random characters.";
    let inputs = vec![
        Input::text("username", "Username").help(help),
        Input::text("password", "Password").help("Empty: the MAG's password, or 10 random characters."),
    ];
    Form::new(format!("{at}/convert"), "Convert to a line", &caller.ops.snapshot().settings.time_zone)
        .section("Plan, end date, reseller and history stay. The box is signed out.", inputs)
        .asked_of(mag.updated_at)
        .cancel(at)
}

fn mag_form(caller: &Caller, line: &Stored<Line>) -> Form {
    let at = Line::href(line.id);
    let mac = Input::text("mac_address", "MAC address").required().help("In any spelling.");
    Form::new(format!("{at}/convert"), "Convert to a MAG", &caller.ops.snapshot().settings.time_zone)
        .section("Plan, end date, reseller and history stay. Its playlists and players stop.", vec![mac])
        .asked_of(line.updated_at)
        .cancel(at)
}

fn convert_page(
    caller: &Caller,
    status: StatusCode,
    name: impl std::fmt::Display,
    what: &str,
    form: Form,
) -> HttpResponse {
    caller.page_with(status, &FormPage { frame: caller.frame(format!("Convert {name} to {what}")), form })
}
