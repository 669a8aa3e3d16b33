//! Links to titles: what `create_link` gives out: each is good from one address and for a few seconds (docs/mag.md).

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use parking_lot::Mutex;

use super::{ASK, Session};
use crate::{
    domain::{
        Error, Stored,
        fields::container::Container,
        ids::{MagId, StreamId},
        machine::settings::ConnectionPolicy,
        people::actor::Actor,
        subscribers::mag::Mag,
        viewing::{admission::Rule, title::Title, window::Window},
    },
    ops::{
        Ops, random,
        viewing::{Client, Refusal, Subscriber, WatchRequest},
    },
};

/// For how long a link opens its title: players ask for it twice, and more.
const LASTS: Duration = Duration::from_secs(15);
/// And for how long one to what was recorded, which is used for every range and every hour of it.
const OF_ARCHIVES: Duration = Duration::from_hours(12);
/// Links that may be open at once; those that are over go first.
const MOST: usize = 50_000;

/// Links by their tokens: those that may yet be used, and those that are over until there is no room for them.
#[derive(Default)]
pub struct Links(Mutex<HashMap<String, Link>>);

/// A link: whose it is, from where it may be used, for what.
#[derive(Clone)]
struct Link {
    mag: MagId,
    address: IpAddr,
    title: Title,
    /// The zone of the box's clock, by which it names the hours of an archive.
    zone: TimeZone,
    until: Instant,
}

impl Ops {
    /// A link to a title for the box that asks, and the form in which it opens.
    ///
    /// # Errors
    /// [`Refusal`], as for watching itself; noted for the log.
    pub fn link(
        &self,
        session: &Session,
        title: Title,
        form: Option<Container>,
        from: &Client,
    ) -> Result<(String, Container), Refusal> {
        let who = session.subscriber();
        let allowed = &who.subscription.allowed_outputs;
        let first = allowed.iter().copied().min().unwrap_or(Container::Ts);
        let container = form.unwrap_or(first);
        self.viewing.may_watch(&who, &WatchRequest { title, container, socket: None }, from)?;
        if self.is_full_of_others(&who, from) {
            return Err(Refusal::Full);
        }
        Ok((self.add_link(session, title, TimeZone::UTC, from)?, container))
    }

    /// A link to part of an archive for the box that asks, whose clock has that zone; as one file, and with it every hour.
    ///
    /// # Errors
    /// [`Refusal`], as for watching itself; noted for the log.
    pub fn archive_link(
        &self,
        session: &Session,
        (stream, window): (StreamId, Window),
        zone: &TimeZone,
        from: &Client,
    ) -> Result<String, Refusal> {
        let (who, title) = (session.subscriber(), Title::Archive(stream, window));
        let wish = WatchRequest { title, container: Container::Ts, socket: None };
        self.viewing.may_watch(&who, &wish, from)?;
        if self.is_full_of_others(&who, from) {
            return Err(Refusal::Full);
        }
        self.add_link(session, title, zone.clone(), from)
    }

    fn add_link(
        &self,
        session: &Session,
        title: Title,
        zone: TimeZone,
        from: &Client,
    ) -> Result<String, Refusal> {
        let token = random::token()?;
        let until = Instant::now() + lasts(title);
        let link = Link { mag: session.id(), address: from.address, title, zone, until };
        self.portal.links.add(token.clone(), link)?;
        Ok(token)
    }

    /// Whose link it is and what the file of that name is: an hour of its archive, or what it opens itself. What of the hour is
    /// not over is left out.
    ///
    /// # Errors
    /// As [`Ops::linked`]; [`Refusal::Rule`] for an hour of which nothing is recorded, and for a name that is neither an hour nor a
    /// programme of the stream.
    pub fn linked_file(
        &self,
        token: &str,
        name: &str,
        from: &Client,
    ) -> Result<(Subscriber, Title), Refusal> {
        let (who, title) = self.linked(token, from)?;
        let link = self.portal.links.get(token).ok_or(Refusal::Credentials)?;
        self.portal.links.extend(token);
        let Title::Archive(stream, _) = title else { return Ok((who, title)) };
        let Some(hour) = Window::hour(name, &link.zone) else {
            let is_programme = name.split_once('_').is_some_and(|(of, _)| of == stream.0.to_string());
            return if is_programme { Ok((who, title)) } else { Err(Refusal::Rule(Rule::Archive)) };
        };
        let newest = self.viewing.newest(stream).unwrap_or(hour.start);
        let hour = Window::between(hour.start, hour.last().min(newest));
        Ok((who, Title::Archive(stream, hour.ok_or(Refusal::Rule(Rule::Archive))?)))
    }

    /// Whose link it is and what it opens.
    ///
    /// # Errors
    /// [`Refusal::Credentials`] for a link that nobody was given, [`Refusal::Link`] for one that is over, another address
    /// than the one that asked for it, or a box that is no longer let in.
    pub fn linked(&self, token: &str, from: &Client) -> Result<(Subscriber, Title), Refusal> {
        let link = self.portal.links.get(token).ok_or(Refusal::Credentials)?;
        if link.address != from.address || link.until <= Instant::now() {
            return Err(Refusal::Link);
        }
        let mag = self.point(&Actor::LINECARD, ASK, |look| look.read.by_id::<Mag>(link.mag))?;
        let mag: Stored<Mag> = mag.ok_or(Refusal::Link)?;
        if !self.viewing.main.box_may_play(link.mag)? {
            return Err(Refusal::Link);
        }
        Ok((mag.into(), link.title))
    }

    /// Lets a link open its title for another while: an HLS player asks for its playlist again and
    /// again.
    pub fn keep_link(&self, token: &str) {
        self.portal.links.extend(token);
    }

    /// Under `refuse`, whether somebody elsewhere holds every connection. A box that goes on to the
    /// next channel holds one itself: whoever admits it sorts that out.
    fn is_full_of_others(&self, who: &Subscriber, from: &Client) -> bool {
        if self.snapshot().settings.connection_policy == ConnectionPolicy::KickOldest {
            return false;
        }
        let limit = usize::try_from(who.subscription.max_allowed_connections.get()).unwrap_or(usize::MAX);
        let open = self.viewing.connections_of(who.viewer);
        limit > 0 && open.len() >= limit && open.iter().all(|open| open.address != from.address)
    }
}

/// For how long a link opens its title.
fn lasts(title: Title) -> Duration {
    match title {
        Title::Live(_) => LASTS,
        Title::Archive(..) => OF_ARCHIVES,
    }
}

impl Links {
    fn add(&self, token: String, link: Link) -> Result<(), Error> {
        let mut links = self.0.lock();
        if links.len() >= MOST {
            let now = Instant::now();
            links.retain(|_, link| link.until > now);
        }
        if links.len() >= MOST {
            return Err(Error::Busy);
        }
        links.insert(token, link);
        Ok(())
    }

    fn get(&self, token: &str) -> Option<Link> {
        self.0.lock().get(token).cloned()
    }

    /// Ends the links of a MAG.
    pub(super) fn end(&self, mag: MagId) {
        let mut links = self.0.lock();
        links.values_mut().filter(|link| link.mag == mag).for_each(|link| link.until = Instant::now());
    }

    fn extend(&self, token: &str) {
        let mut links = self.0.lock();
        if let Some(link) = links.get_mut(token) {
            link.until = Instant::now() + lasts(link.title);
        }
    }
}
