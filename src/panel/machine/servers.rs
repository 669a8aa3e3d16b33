//! Servers: whether they answer, and how busy the main one is.

use std::collections::HashMap;

use actix_web::web::{ServiceConfig, resource};
use askama::Template;

use super::dashboard::Meters;
use crate::{
    domain::{
        Resource, Result, Stored,
        ids::ServerId,
        machine::server::{Health, Server},
        page::{Limit, Page},
        people::rights::Access,
    },
    ops::{machine::servers, managed},
    panel::kit::{
        caller::{Caller, action},
        error::Reply,
        form::{Input, Section, Widget},
        frame::Frame,
        live::{Part, Topic, View},
        records::{self, About, Shown},
        sent::Query,
        show::{self, Moment},
        table::{Cell, Head, Listing, Pager, Tone},
    },
};

/// States and load change.
pub const TOPIC: Topic = Topic { name: "servers", parts: |view| Box::pin(async move { parts(&view).await }) };

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/servers").get(page)).configure(records::mount_forms::<Server>);
}

impl Shown for Server {
    const MOVED: &'static str = "Choose another server for them with Edit.";
    const PATH: &'static str = "servers";
    const ONE: &'static str = "load balancer";
    const MANY: &'static str = "Servers";
    const ABOUT: &'static str = "This machine, and the load balancers, which are checked every five seconds. Load balancers do not run streams or serve viewers yet.";

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        vec![Head::new("Name"), Head::new("Address")]
    }

    fn cells(row: &Stored<Self>, _: &About) -> Vec<Cell> {
        let server = &row.record;
        let role = if row.id.is_main() { "main server" } else { "load balancer" };
        let address = format!("port {}", server.http_port.get());
        vec![
            Cell::Under(
                Box::new(Cell::Link { href: Self::href(row.id), text: server.name.as_str().into() }),
                role.into(),
            ),
            Cell::Under(Box::new(Cell::Code(server.server_ip.0.to_string())), address),
        ]
    }

    fn sections(_: &About) -> Vec<Section> {
        let inputs = vec![
            Input::text("name", "Name").required(),
            Input::text("server_ip", "Address").required().help("The public address, IPv4 or IPv6."),
            Input::new("http_port", "HTTP port", Widget::Number(1))
                .help("Load balancers are checked on this port."),
            Input::text("vpn_ip", "Internal address").help("Its address in your own network; may be empty."),
            Input::new("notes", "Notes", Widget::Area),
        ];
        vec![Section { legend: "Server", inputs }]
    }
}

#[derive(Template)]
#[template(path = "servers.html")]
struct Servers {
    frame: Frame,
    about: &'static str,
    parts: Vec<Part>,
}

async fn page(caller: Caller, query: Query) -> Reply {
    let parts = parts(&View::of(&caller, query)).await?;
    let frame = caller.frame(Server::MANY).live(&TOPIC, "");
    Ok(caller.page(&Servers { frame, about: Server::ABOUT, parts }))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    let list = action(Resource::Servers, "list");
    let every = Page { limit: Limit::MOST, ..Page::default() };
    let read = view.ops.read(&view.actor, list, move |look| {
        Ok((managed::list::<Server>(look, &every)?, servers::streams_on(look)?))
    });
    let (servers, on) = read.await?;
    let mut watch: HashMap<ServerId, i64> = HashMap::new();
    for connection in view.ops.viewing.open_connections() {
        *watch.entry(connection.server_id).or_default() += 1;
    }
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let about = About::none(zone.clone());
    let may_write = view.actor.may(Resource::Servers, Access::Write).is_ok();
    let row = |row: &Stored<Server>| {
        let mut cells = Server::cells(row, &about);
        cells.extend(state(view.ops.health(row.id).as_ref(), &zone));
        for counted in [&on, &watch] {
            cells.push(Cell::Number(show::number(counted.get(&row.id).copied().unwrap_or(0))));
        }
        cells.push(Cell::Actions(records::actions::<Server>(row.id, may_write)));
        cells
    };
    let mut heads = Server::heads();
    heads.extend(["State", "Since", "Last error"].map(Head::new));
    heads.extend([Head::numeric("Streams"), Head::numeric("Viewers"), Head::new("")]);
    let listing = Listing {
        label: Server::MANY,
        links: records::links::<Server>(may_write),
        heads,
        rows: servers.rows.iter().map(row).collect(),
        pager: Pager { summary: show::many(servers.total, "server"), ..Pager::default() },
        ..Listing::default()
    };
    Ok(vec![Part::of("list", &listing), Part::of("load", &Meters::of(&view.ops.load()))])
}

/// State, since when, and the last error, also of one that is back.
fn state(health: Option<&Health>, zone: &jiff::tz::TimeZone) -> Vec<Cell> {
    let Some(health) = health else {
        return vec![
            Cell::Badge(Tone::Plain, "not checked yet".into()),
            Cell::Time(None, ""),
            Cell::Text(String::new()),
        ];
    };
    let badge = if health.online {
        Cell::Badge(Tone::Good, "online".into())
    } else {
        Cell::Badge(Tone::Bad, "offline".into())
    };
    vec![
        badge,
        Cell::Time(Some(Moment::of(health.since, zone)), ""),
        Cell::Text(health.last_error.clone().unwrap_or_default()),
    ]
}
