//! Lines and MAGs: one set of pages for both, and for each a [`Kind`] that says what is its own.

mod actions;
mod batches;
mod convert;
mod forms;
mod list;
mod logs;
mod mass;
mod page;
mod sale;
mod why;
mod words;

pub use actions::ended_words;
use actix_web::web::{self, ServiceConfig, resource};
pub use words::form as form_words;

use super::kit::{caller::Caller, form::Input};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        ids::{Id, parse_id},
        subscribers::{
            line::{Line, LineChange},
            listing::Subscribed,
            mag::{Mag, MagChange},
        },
    },
    ops::{
        subscribers::{accounts::Table, batched::Batched, lines},
        viewing::Subscriber,
    },
    wire::origin::BaseUrl,
};

/// What lines and MAGs have of their own on their pages.
pub trait Kind: Subscribed + Table + Batched {
    /// Its address below `/panel/`.
    const PATH: &'static str;
    /// One of them, within a sentence.
    const ONE: &'static str;
    /// Several of them, as a title.
    const MANY: &'static str;
    /// What it is known by.
    const KNOWN_BY: &'static str;

    /// The inputs of what it is known by; for a new one or to change it.
    fn identity(new: bool) -> Vec<Input>;
    /// Switches that only the operator sets, beside those of every subscription.
    fn operators_inputs() -> Vec<Input>;
    /// A new one with whatever can be made up.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system's generator fails.
    fn completed(change: Self::Change) -> Result<Self::Change>;
    /// What a viewer signs in with, with its name.
    fn credentials(&self) -> Vec<(&'static str, String)>;
    /// What else can be done with it: address below its own, and what the button says.
    fn ways(caller: &Caller) -> Vec<(&'static str, &'static str)>;
    /// What players are given, with its name.
    fn links(&self, origin: &BaseUrl) -> Vec<Link>;

    /// The address of its page.
    fn href(id: Self::Id) -> String {
        format!("/panel/{}/{}", Self::PATH, id.number())
    }
}

/// An address that a player is given.
pub struct Link {
    pub label: &'static str,
    /// The address.
    pub url: String,
}

impl Kind for Line {
    const PATH: &'static str = "lines";
    const ONE: &'static str = "line";
    const MANY: &'static str = "Lines";
    const KNOWN_BY: &'static str = "Username";

    fn identity(new: bool) -> Vec<Input> {
        let help = if new { "Empty: 10 random characters." } else { "" };
        vec![
            Input::text("username", "Username").help(help),
            Input::text("password", "Password").help(if new { help } else { "What players sign in with." }),
        ]
    }

    fn operators_inputs() -> Vec<Input> {
        let help = "May redistribute streams.";
        vec![Input::new("restreamer", "Restreamer", super::kit::form::Widget::Flag).help(help)]
    }

    fn completed(change: LineChange) -> Result<LineChange> {
        lines::with_credentials(change)
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("Username", self.username.as_str().to_owned()), ("Password", self.password.as_str().to_owned())]
    }

    fn ways(caller: &Caller) -> Vec<(&'static str, &'static str)> {
        if caller.may_write(Resource::Mag) { vec![("convert", "Convert to a MAG")] } else { Vec::new() }
    }

    fn links(&self, origin: &BaseUrl) -> Vec<Link> {
        let text = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (url, name, password) =
            (origin.url(), text(self.username.as_str()), text(self.password.as_str()));
        let who = format!("username={name}&password={password}");
        let link = |label, path: &str| Link { label, url: format!("{url}/{path}") };
        vec![
            link("Playlist, MPEG-TS", &format!("get.php?{who}&type=m3u_plus&output=ts")),
            link("Playlist, HLS", &format!("get.php?{who}&type=m3u_plus&output=hls")),
            link("Player API", &format!("player_api.php?{who}")),
            link("Programme guide", &format!("xmltv.php?{who}")),
        ]
    }
}

impl Kind for Mag {
    const PATH: &'static str = "mags";
    const ONE: &'static str = "MAG";
    const MANY: &'static str = "MAGs";
    const KNOWN_BY: &'static str = "MAC address";

    fn identity(new: bool) -> Vec<Input> {
        let lock = Input::new("lock_device", "Bound to its device", super::kit::form::Widget::Flag)
            .help("Only the first box that signs in is let in.");
        vec![
            Input::text("mac_address", "MAC address").required().help("In any spelling."),
            Input::text("login", "Login")
                .help("Required if General Settings say that boxes ask for a login."),
            Input::text("password", "Password").help("The password for this login."),
            if new { lock.value("1") } else { lock },
        ]
    }

    fn operators_inputs() -> Vec<Input> {
        Vec::new()
    }

    fn completed(change: MagChange) -> Result<MagChange> {
        Ok(change)
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("MAC address", self.mac_address.to_string())]
    }

    fn ways(caller: &Caller) -> Vec<(&'static str, &'static str)> {
        let line = caller.may_write(Resource::Line).then_some(("convert", "Convert to a line"));
        [("box", "Box")].into_iter().chain(line).collect()
    }

    fn links(&self, origin: &BaseUrl) -> Vec<Link> {
        vec![Link { label: "Portal", url: format!("{}/c/", origin.url()) }]
    }
}

/// Mounts the pages of both.
pub fn routes(config: &mut ServiceConfig) {
    batches::routes(config);
    convert::routes(config);
    mount::<Line>(config);
    mount::<Mag>(config);
}

fn mount<S: Kind>(config: &mut ServiceConfig)
where
    Subscriber: From<Stored<S>>,
{
    let at = |path: &str| resource(format!("/{}{path}", S::PATH));
    config
        .service(at("").get(list::list::<S>))
        .service(at("/new").get(forms::blank::<S>).post(forms::create::<S>))
        .service(at("/mass").get(mass::ask::<S>).post(mass::preview::<S>))
        .service(at("/mass/run").post(mass::run::<S>))
        .service(at("/{id}").get(page::show::<S>))
        .service(at("/{id}/edit").get(forms::edit::<S>).post(forms::update::<S>))
        .service(at("/{id}/extend").get(sale::ask::<S>).post(sale::extend::<S>))
        .service(at("/{id}/delete").get(actions::ask_delete::<S>).post(actions::delete::<S>))
        .service(at("/{id}/do/{what}").post(actions::fix::<S>))
        .service(at("/{id}/kick").post(actions::kick::<S>))
        .service(at("/{id}/qr/{link}.svg").get(page::qr::<S>))
        .service(at("/{id}/why").get(why::show::<S>))
        .service(at("/{id}/{log}").get(logs::show::<S>));
}

/// The row that an address names.
pub fn find<S: Kind>(caller: &Caller, id: &str) -> Result<Stored<S>> {
    let id = parse_id(id).map_err(|_| Error::no_such(S::RESOURCE))?;
    caller.ops.subscriber_by_id::<S>(caller.actor(), S::Id::of(id))
}

/// The resources whose names its pages show.
const NAMES: &[Resource] =
    &[Resource::SubscriptionPlans, Resource::Resellers, Resource::Bouquets, Resource::Servers];

/// The path of a page with its id, for handlers that need no more of it.
type At = web::Path<String>;

pub(super) mod plans;
