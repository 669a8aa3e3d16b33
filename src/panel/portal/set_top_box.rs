//! The box behind a MAG: what it told of itself, what can be sent to it, and which device it is bound to.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;

use crate::{
    domain::{
        Error, Resource, Result, Stored,
        fields::{
            number::Seconds,
            text::{HttpUrl, Notes},
        },
        ids::Id,
        people::rights::Access,
        portal::{
            device::{Device, Pin},
            mag_event::{Event, Order},
        },
        subscribers::{mag::Mag, named::Named},
    },
    ops::{portal, random},
    panel::{
        kit::{
            caller::{Caller, action, anew, done},
            error::Reply,
            form::{self, Choice, Form, Input, Widget},
            frame::Frame,
            records::About,
            sent::Sent,
            show,
            table::Cell,
        },
        subscribers::{Kind as _, find},
    },
};

/// Mounts them; before the logs of subscribers, whose address any word would be.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/mags/{id}/box").get(show_box))
        .service(resource("/mags/{id}/box/event").post(send))
        .service(resource("/mags/{id}/box/pin").post(set_pin))
        .service(resource("/mags/{id}/box/reset").post(reset));
}

#[derive(Template)]
#[template(path = "set_top_box.html")]
struct BoxPage {
    frame: Frame,
    back: String,
    told: Vec<(&'static str, Cell)>,
    kept: Vec<(&'static str, Cell)>,
    is_bound: bool,
    may_write: bool,
    event: Form,
    pin: Form,
    reset: Form,
}

async fn show_box(caller: Caller, id: Path<String>) -> Reply {
    let mag = find::<Mag>(&caller, &id)?;
    let pin = pin_form(&caller, &mag, &device(&caller, &mag)?.parent_pin);
    let event = event_form(&caller, &mag)?;
    page(&caller, StatusCode::OK, &mag, event, pin).await
}

async fn send(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Mag, Access::Write)?;
    let mag = find::<Mag>(&caller, &id)?;
    let mac = Named::By(mag.record.mac_address);
    let mut form = event_form(&caller, &mag)?;
    form.take(&sent);
    let outcome = match event(&sent) {
        Ok(event) => {
            let job = move |act: &crate::ops::Act<'_>| Ok((portal::send(act, &mac, &event)?, ()));
            caller.make(&sent, action(Resource::Mag, "send_event"), job).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => {
            Ok(done(&href(&mag), "The event is waiting for the box, which fetches it within two minutes."))
        }
        Err(error) => {
            let status = form.refused(error)?;
            let pin = pin_form(&caller, &mag, &device(&caller, &mag)?.parent_pin);
            page(&caller, status, &mag, form, pin).await
        }
    }
}

async fn set_pin(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Mag, Access::Write)?;
    anew(async || set_pin_once(&caller, &id, &sent).await).await
}

async fn set_pin_once(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let mag = find::<Mag>(caller, id)?;
    let mac = Named::By(mag.record.mac_address);
    let seen = device(caller, &mag)?.parent_pin;
    let mut form = pin_form(caller, &mag, &seen);
    form.take(sent);
    if form.is_wrong() {
        let event = event_form(caller, &mag)?;
        return page(caller, form.status(), &mag, event, form).await;
    }
    let pin = if sent.text("parent_pin").is_empty() {
        random::pin()
    } else {
        form::field::<Pin>(sent, "parent_pin")
    };
    let outcome = match pin {
        Ok(pin) => {
            let job = move |act: &crate::ops::Act<'_>| portal::set_pin(act, &mac, Some(&seen), &pin);
            caller.ops.write(caller.actor().clone(), action(Resource::Mag, "set_parent_pin"), job).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(done(&href(&mag), "The PIN was changed. The box uses it from its next start.")),
        Err(error) => {
            let status = form.refused(error)?;
            let event = event_form(caller, &mag)?;
            page(caller, status, &mag, event, form).await
        }
    }
}

async fn reset(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Mag, Access::Write)?;
    let mag = find::<Mag>(&caller, &id)?;
    let seen = portal::identity(&device(&caller, &mag)?);
    let mut form = reset_form(&caller, &mag, seen.clone());
    form.take(&sent);
    let mac = Named::By(mag.record.mac_address);
    let job = move |act: &crate::ops::Act<'_>| portal::reset(act, &mac, Some(&seen));
    let action = action(Resource::Mag, "reset_device");
    let forgotten = if form.is_wrong() {
        Err(Error::Changed)
    } else {
        caller.ops.write(caller.actor().clone(), action, job).await
    };
    match forgotten {
        // The page shows which device it is now, and asks again.
        Err(Error::Changed) => {
            Ok(done(&href(&mag), "Nothing was done: the device has changed meanwhile. Check it first."))
        }
        gone => {
            gone?;
            Ok(done(&href(&mag), "The device was reset: the next one that signs in takes its place."))
        }
    }
}

fn href(mag: &Stored<Mag>) -> String {
    format!("{}/box", Mag::href(mag.id))
}

/// The event that was typed.
fn event(sent: &Sent) -> Result<Event> {
    let given = |name: &str| !sent.text(name).is_empty();
    let msg = if given("msg") {
        form::field::<Notes>(sent, "msg")?.as_str().replace('\r', "")
    } else {
        String::new()
    };
    let param = if given("param1") {
        form::field::<HttpUrl>(sent, "param1")?.as_str().to_owned()
    } else {
        String::new()
    };
    let hide =
        if given("auto_hide_timeout") { form::field::<Seconds>(sent, "auto_hide_timeout")?.get() } else { 0 };
    let reboot_after_ok = sent.text("reboot_after_ok") == "1";
    let order = form::field::<Order>(sent, "event")?;
    Event { order, msg, param, reboot_after_ok, auto_hide_timeout: hide }.checked()
}

async fn page(
    caller: &Caller,
    status: StatusCode,
    mag: &Stored<Mag>,
    event: Form,
    pin: Form,
) -> Reply<HttpResponse> {
    let about = About::ask(caller, &[Resource::Streams]).await?;
    let portal::BoxView { device, favourites, events_waiting } = caller.ops.device_of(mag.id)?;
    let reset = reset_form(caller, mag, portal::identity(&device));
    let text = |text: &str| Cell::Text(if text.is_empty() { "\u{2013}".into() } else { text.to_owned() });
    let time = |at| Cell::Time(at_moment(at, &about), "never");
    let told = vec![
        ("Model", text(&device.about.model)),
        ("Firmware", text(&device.about.firmware)),
        ("Hardware", text(&device.about.hardware)),
        ("Serial number", text(&device.about.serial)),
        ("Device id", text(&device.about.device_id)),
        ("App", text(&device.user_agent)),
    ];
    let last = device.last_channel.map(|id| about.name(Resource::Streams, id.number()).to_owned());
    let kept = vec![
        ("Signed in", Cell::Text(if device.signed_in { "yes" } else { "no" }.into())),
        ("Address", text(&device.address)),
        ("First seen", time(device.first_seen_at)),
        ("Last seen", time(device.last_seen_at)),
        ("Last channel", text(&last.unwrap_or_default())),
        ("Favourites", text(&about.list(Resource::Streams, &favourites))),
        ("Parental PIN", Cell::Code(device.parent_pin.as_str().to_owned())),
        ("Waiting events", Cell::Text(show::number(i64::try_from(events_waiting).unwrap_or(0)))),
    ];
    let page = BoxPage {
        frame: caller.frame(format!("Box of {}", mag.record.mac_address)),
        back: Mag::href(mag.id),
        told,
        kept,
        is_bound: mag.record.lock_device && device.is_bound(),
        may_write: caller.may_write(Resource::Mag),
        event,
        pin,
        reset,
    };
    Ok(caller.page_with_form(status, page.may_write, &page))
}

fn at_moment(at: Option<crate::domain::fields::time::UnixTime>, about: &About) -> Option<show::Moment> {
    at.map(|at| show::Moment::of(at, &about.zone))
}

fn event_form(caller: &Caller, mag: &Stored<Mag>) -> Result<Form> {
    let orders = [
        (Order::Message, "Show a message"),
        (Order::MessageWithVideo, "Show a message with a video"),
        (Order::PlayChannel, "Play a channel"),
        (Order::Reboot, "Reboot"),
        (Order::ReloadPortal, "Reload the portal"),
        (Order::UpdateChannels, "Reload the channels"),
        (Order::UpdateSubscription, "Reload the subscription"),
        (Order::UpdateGuide, "Reload the guide"),
        (Order::ShowMenu, "Show the menu"),
    ];
    let orders = orders.map(|(order, words)| Choice::new(order.name(), words));
    let inputs = vec![
        Input::new("event", "What", Widget::Choice(orders.into())),
        Input::text("msg", "Text, or channel number").help("For a message, or for the channel to play."),
        Input::text("param1", "Video").help("The address of the video for a message."),
        Input::new("auto_hide_timeout", "Hide a message after (seconds)", Widget::Number(0))
            .help("Empty or 0: it stays."),
        Input::new("reboot_after_ok", "Reboot once it was read", Widget::Flag),
    ];
    Form::new(format!("{}/event", href(mag)), "Send", &caller.ops.snapshot().settings.time_zone)
        .section("Send to the box", inputs)
        .once()
}

fn device(caller: &Caller, mag: &Stored<Mag>) -> Result<Device> {
    Ok(caller.ops.device_of(mag.id)?.device)
}

fn pin_form(caller: &Caller, mag: &Stored<Mag>, now: &Pin) -> Form {
    let pin = Input::text("parent_pin", "New PIN").help("Empty: a random one. It opens censored categories.");
    let form =
        Form::new(format!("{}/pin", href(mag)), "Change PIN", &caller.ops.snapshot().settings.time_zone);
    form.section("Parental PIN", vec![pin]).resting_on("present_pin", "the PIN", now.as_str())
}

/// Forgets the device that the page shows, and no other.
fn reset_form(caller: &Caller, mag: &Stored<Mag>, identity: String) -> Form {
    let form = Form::new(
        format!("{}/reset", href(mag)),
        "Reset this device",
        &caller.ops.snapshot().settings.time_zone,
    );
    form.resting_on("device", "the device", identity)
}
