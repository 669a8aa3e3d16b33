//! Pages that change while one looks at them: `/panel/live/TOPIC` sends their parts as Server-Sent Events.
//!
//! A page with such parts has a [`Topic`]: a function from a [`View`] to the [`Part`]s of the page. The
//! handler of the page renders the same parts into `<div id="ID" data-part>` and says so with
//! [`super::frame::Frame::live`]; `live.js` swaps what is inside when it changes.
//!
//! Browsers that look at the same with the same rights share a room: its parts are made once each
//! [`TICK`], as long as somebody listens.

use std::{
    borrow::Cow,
    convert::Infallible,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    rt,
    web::{Bytes, Data, Path, ServiceConfig, resource},
};
use askama::Template;
use futures_util::{
    future::LocalBoxFuture,
    stream::{once, unfold},
};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use super::{
    caller::Caller,
    error::{PageError, Reply},
    sent::Query,
};
use crate::{
    domain::{
        Error, Result,
        ids::ResellerId,
        people::{actor::Actor, rights::Right},
    },
    ops::{Ops, people::sign_in::SignedIn},
    wire::{connection::Socket, socket},
};

/// How often parts are made anew.
const TICK: Duration = Duration::from_secs(2);
/// A browser to whom nothing was to be said hears that it is still connected.
const SILENCE: Duration = Duration::from_secs(15);
/// A browser that takes nothing for so long is cut.
const STUCK: Duration = Duration::from_mins(1);
/// Browsers that listen at once.
const MOST: usize = 256;
/// Those of one session: its windows and tabs.
const MOST_OF_ONE: usize = 16;

/// A page whose parts change.
pub struct Topic {
    /// Its name in the address.
    pub name: &'static str,
    /// Makes its parts.
    pub parts: fn(View) -> LocalBoxFuture<'static, Result<Vec<Part>>>,
}

/// Every such page, as the panel hands them in.
#[derive(Clone, Copy)]
pub struct Topics(pub &'static [Topic]);

/// A part of a page that changes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The id of the element.
    pub id: Cow<'static, str>,
    /// What is inside it: rendered, and escaped where it came from outside.
    pub html: String,
}

impl Part {
    /// A part of that id. What cannot be rendered leaves its place empty, and says so in the log.
    pub fn of(id: impl Into<Cow<'static, str>>, template: &impl Template) -> Self {
        let id = id.into();
        let html = template.render().unwrap_or_else(|error| {
            log::error!("the part {id} cannot be rendered: {error}");
            String::new()
        });
        Self { id, html }
    }
}

/// Which page, and with whose rights it is looked at. What is made from it may depend on nothing else.
#[derive(Clone)]
pub struct View {
    /// The use cases.
    pub ops: Ops,
    /// Somebody with those rights.
    pub actor: Actor,
    /// The parameters of the page's address.
    pub query: Arc<Query>,
}

impl View {
    /// What a caller sees.
    pub fn of(caller: &Caller, query: Query) -> Self {
        Self { ops: caller.ops.clone(), actor: caller.actor().clone(), query: Arc::new(query) }
    }
}

/// Everybody who listens, shared by every worker.
pub struct Live {
    rooms: Mutex<Vec<Room>>,
    closing: watch::Sender<bool>,
}

type Parts = Arc<Vec<Part>>;

/// Those who look at the same.
struct Room {
    what: What,
    parts: watch::Sender<Parts>,
    ears: Vec<Weak<Ear>>,
}

#[derive(Clone, PartialEq)]
struct What {
    topic: &'static str,
    query: String,
    reseller: Option<ResellerId>,
    rights: Vec<Right>,
}

/// One browser that listens.
struct Ear {
    session: i64,
    socket: Option<Socket>,
    /// When it last took something.
    heard: Mutex<Instant>,
}

/// Mounts it for those pages.
pub fn routes(config: &mut ServiceConfig, topics: Topics) {
    config.service(resource("/live/{topic}").app_data(topics).get(listen));
}

async fn listen(
    request: HttpRequest,
    topic: Path<String>,
    live: Data<Live>,
    caller: Reply<Caller>,
    query: Query,
) -> Reply {
    let caller = match caller {
        Ok(caller) => caller,
        // The page is to be loaded anew, which leads to the login.
        Err(PageError::SignIn(_) | PageError::ChangePassword) => return Ok(events(once(async { Ok(END) }))),
        Err(error) => return Err(error),
    };
    let topics = request.app_data::<Topics>().map_or(&[][..], |topics| topics.0);
    let Some(topic) = topics.iter().find(|known| known.name == *topic) else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let what = What {
        topic: topic.name,
        query: request.query_string().to_owned(),
        reseller: caller.reseller(),
        rights: caller.actor().rights().to_vec(),
    };
    let ear = Arc::new(Ear {
        session: caller.signed_in.session.id,
        socket: socket::of(&request),
        heard: Mutex::new(Instant::now()),
    });
    let view = View::of(&caller, query);
    // Refused as its page is: to whoever may not look at it, and where nothing is any more.
    (topic.parts)(view.clone()).await?;
    let Some(parts) = enter(&live, topic, what, view, &ear) else {
        return Ok(HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .insert_header((header::RETRY_AFTER, 30))
            .finish());
    };
    let listener = Listener {
        closing: live.closing.subscribe(),
        ops: caller.ops,
        who: caller.signed_in,
        parts,
        told: Arc::default(),
        spoke: Instant::now(),
        over: false,
        ear,
    };
    Ok(events(unfold(listener, Listener::next)))
}

fn events<S>(events: S) -> HttpResponse
where
    S: futures_util::Stream<Item = Result<Bytes, Infallible>> + 'static,
{
    HttpResponse::Ok()
        .content_type("text/event-stream")
        // nginx would gather events before it passes them on.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events)
}

/// Joins the room of those who look at the same, opening it if there is none; `None` if too many listen.
fn enter(
    live: &Data<Live>,
    topic: &'static Topic,
    what: What,
    view: View,
    ear: &Arc<Ear>,
) -> Option<watch::Receiver<Parts>> {
    let mut rooms = live.rooms();
    let ears = || rooms.iter().flat_map(|room| &room.ears).filter_map(Weak::upgrade);
    let own = ears().filter(|other| other.session == ear.session).count();
    if ears().count() >= MOST || own >= MOST_OF_ONE {
        return None;
    }
    if let Some(room) = rooms.iter_mut().find(|room| room.what == what) {
        room.ears.push(Arc::downgrade(ear));
        return Some(room.parts.subscribe());
    }
    let (parts, listener) = watch::channel(Parts::default());
    rooms.push(Room { what: what.clone(), parts, ears: vec![Arc::downgrade(ear)] });
    rt::spawn(keep(live.clone(), topic, what, view));
    Some(listener)
}

/// Makes the parts of a room as long as somebody listens.
async fn keep(live: Data<Live>, topic: &'static Topic, what: What, view: View) {
    // Also if making them fails or panics: whoever listened comes back, and finds a new room.
    let open = Open { live, what };
    while open.live.look_after(&open.what) {
        match (topic.parts)(view.clone()).await {
            Ok(parts) => open.live.tell(&open.what, parts),
            Err(Error::Busy) => {}
            Err(_) => return,
        }
        rt::time::sleep(TICK).await;
    }
}

/// A room that is closed when this is dropped.
struct Open {
    live: Data<Live>,
    what: What,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.live.rooms().retain(|room| room.what != self.what);
    }
}

impl Default for Live {
    fn default() -> Self {
        Self { rooms: Mutex::default(), closing: watch::channel(false).0 }
    }
}

impl Live {
    /// Ends every stream of events: before the server stops, which would wait for them.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Forgets the browsers of a room that are gone and cuts those that take nothing. Without any the room
    /// is closed, under the same lock: nobody can enter in between.
    fn look_after(&self, what: &What) -> bool {
        let mut rooms = self.rooms();
        let Some(place) = rooms.iter().position(|room| room.what == *what) else { return false };
        let Some(room) = rooms.get_mut(place) else { return false };
        room.ears.retain(|ear| ear.upgrade().is_some_and(|ear| !ear.is_stuck()));
        let anybody = !room.ears.is_empty() && !*self.closing.borrow();
        if !anybody {
            rooms.swap_remove(place);
        }
        anybody
    }

    fn tell(&self, what: &What, parts: Vec<Part>) {
        if let Some(room) = self.rooms().iter().find(|room| room.what == *what) {
            room.parts.send_if_modified(|told| {
                let changed = **told != parts;
                *told = Arc::new(parts);
                changed
            });
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<Room>> {
        self.rooms.lock()
    }
}

impl Ear {
    fn is_stuck(&self) -> bool {
        let stuck = self.heard.lock().elapsed() > STUCK;
        if let Some(socket) = self.socket.as_ref().filter(|_| stuck) {
            socket::cut(socket);
        }
        stuck
    }
}

/// The side of one browser.
struct Listener {
    ops: Ops,
    who: SignedIn,
    parts: watch::Receiver<Parts>,
    closing: watch::Receiver<bool>,
    /// What it was told.
    told: Parts,
    spoke: Instant,
    over: bool,
    ear: Arc<Ear>,
}

/// The session is over: the browser is to load the page anew.
const END: Bytes = Bytes::from_static(b"event: end\ndata:\n\n");

impl Listener {
    /// What the browser is told next; called when it has taken what came before.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            *self.ear.heard.lock() = Instant::now();
            if self.over {
                return None;
            }
            tokio::select! {
                closing = self.closing.wait_for(|closing| *closing) => { drop(closing); return None }
                changed = self.parts.changed() => if changed.is_err() { return None },
                () = rt::time::sleep(TICK) => {}
            }
            match self.ops.still_signed_in(&self.who) {
                Ok(true) => {}
                Ok(false) => {
                    self.over = true;
                    return Some((Ok(END), self));
                }
                Err(_) => return None,
            }
            let now = self.parts.borrow_and_update().clone();
            let mut text = news(&self.told, &now);
            self.told = now;
            if text.is_empty() && self.spoke.elapsed() >= SILENCE {
                text.push_str(":\n\n");
            }
            if !text.is_empty() {
                self.spoke = Instant::now();
                return Some((Ok(Bytes::from(text)), self));
            }
        }
    }
}

/// The parts that have changed, each an event of its name.
fn news(before: &[Part], now: &[Part]) -> String {
    let mut text = String::new();
    for part in now.iter().filter(|part| !before.contains(part)) {
        text.push_str("event: ");
        text.push_str(&part.id);
        text.push('\n');
        for line in part.html.split(['\n', '\r']) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &'static str, html: &str) -> Part {
        Part { id: id.into(), html: html.into() }
    }

    #[test]
    fn only_parts_that_changed_are_told_and_no_line_of_them_can_end_the_event() {
        let before = [part("a", "one"), part("b", "two")];
        let now = [part("a", "one"), part("b", "three\n\nfour\revent: end")];
        let told = news(&before, &now);
        assert_eq!(told, "event: b\ndata: three\ndata: \ndata: four\ndata: event: end\n\n");
        assert_eq!(news(&now, &now), "");
    }
}
