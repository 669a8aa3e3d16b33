//! General Settings -> API Settings: who may use the Server API from where, and the keys.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;

use super::{
    classic_api,
    settings::{self, API_PATH},
};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        fields::{net::Network, text::ShortText},
        ids::{ApiKeyId, ResellerId, parse_id},
        page::{Limit, Page},
        people::{
            api_key::{ApiKey, ApiKeyChange},
            rights::Access,
        },
    },
    ops::{
        Act, Action, clock,
        people::{
            api_keys::{self, ApiKeyRow, Selector},
            whitelist::{self, Entry},
        },
        slips::FormOutcome,
    },
    panel::{
        kit::{
            caller::{Caller, action, done},
            error::Reply,
            form::{self, Form, Input, Section, Widget},
            frame::Frame,
            pages::{ConfirmPage, FormPage},
            records::About,
            rights, seen,
            sent::Sent,
            show::Moment,
            table::{Cell, Head, Link, Listing, Pager, RowAction, Tone},
            tabs::Tabs,
        },
        people::resellers,
    },
    wire::visitor,
};

const READ: Action = action(Resource::Settings, "api_settings");

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/settings/api").get(show))
        .service(resource("/settings/api/whitelist").post(allow))
        .service(resource("/settings/api/whitelist/{id}/remove").get(ask_forbid).post(forbid))
        .service(resource("/settings/api/keys/new").get(blank_key).post(create_key))
        .service(resource("/settings/api/keys/{id}/revoke").get(ask_revoke).post(revoke));
}

const PASSWORD_LOST: &str = "The password cannot be read without the key that it was sealed with, and no call is answered until it is \
                             typed again.";

#[derive(Template)]
#[template(path = "api_settings.html")]
struct ApiSettings {
    frame: Frame,
    tabs: Tabs,
    may_write: bool,
    /// The caller's address, and whether the whitelist has it.
    address: String,
    listed: bool,
    /// Whether everybody behind a proxy on this machine counts as allowed.
    open_proxy: bool,
    whitelist: Listing,
    add: Form,
    keys: Listing,
    server: String,
    classic: Form,
    /// What is wrong with the password of the classic API; empty if nothing is.
    classic_problem: &'static str,
}

async fn show(caller: Caller, request: HttpRequest) -> Reply {
    let add = whitelist_form(&caller)?;
    page(&caller, &request, StatusCode::OK, add, classic_api::form(&caller).await?).await
}

/// The page, with a form of the classic API as it came back.
pub(super) async fn page_with_classic(caller: &Caller, request: &HttpRequest, classic: Form) -> Reply {
    page(caller, request, classic.status(), whitelist_form(caller)?, classic).await
}

async fn page(caller: &Caller, request: &HttpRequest, status: StatusCode, add: Form, classic: Form) -> Reply {
    let whole = Page { limit: Limit::MOST, ..Page::default() };
    let read = caller.ops.read(caller.actor(), READ, move |look| {
        Ok((whitelist::list(look)?, api_keys::list(look, &whole)?.rows))
    });
    let (entries, keys) = read.await?;
    let address = caller.actor().address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
    let listed = caller.ops.snapshot().lists(address);
    let page = ApiSettings {
        frame: caller.frame("API Settings"),
        tabs: settings::tabs(caller, API_PATH),
        may_write: caller.may_write(Resource::Settings),
        address: address.to_string(),
        listed,
        open_proxy: listed && visitor::through_untrusted_proxy(request),
        whitelist: whitelist(caller, &entries),
        add,
        keys: key_list(caller, &keys).await?,
        server: server(caller),
        classic,
        classic_problem: if caller.ops.classic_password_is_lost() { PASSWORD_LOST } else { "" },
    };
    Ok(caller.page_with_form(status, page.may_write, &page))
}

/// The address of this server as callers of the API reach it.
fn server(caller: &Caller) -> String {
    caller.origin.as_ref().map_or_else(|| "http://tv.example:8080".into(), crate::wire::origin::BaseUrl::url)
}

fn whitelist(caller: &Caller, entries: &[Entry]) -> Listing {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let may_write = caller.may_write(Resource::Settings);
    let row = |entry: &Entry| {
        let remove = RowAction::Go {
            href: format!("{API_PATH}/whitelist/{}/remove", entry.id),
            label: "Remove".into(),
        };
        vec![
            Cell::Code(entry.address.to_string()),
            Cell::Text(entry.note.clone()),
            Cell::Time(Some(Moment::of(entry.created_at, &zone)), ""),
            Cell::Actions(if may_write { vec![remove] } else { Vec::new() }),
        ]
    };
    Listing {
        label: "Whitelist",
        heads: ["Address", "Note", "Added", ""].map(Head::new).into(),
        rows: entries.iter().map(row).collect(),
        empty: "Nobody can use the Server API: add the address of your billing system.".into(),
        pager: Pager::default(),
        ..Listing::default()
    }
}

async fn key_list(caller: &Caller, keys: &[ApiKeyRow]) -> Result<Listing> {
    let about = About::ask(caller, &[Resource::Resellers]).await?;
    let may_open = caller.may_read(Resource::Resellers);
    let reseller = |id: Option<ResellerId>| {
        let Some(id) = id else { return Cell::Text(String::new()) };
        let text = about.name(Resource::Resellers, id.0).to_owned();
        if may_open { Cell::Link { href: resellers::href(id), text } } else { Cell::Text(text) }
    };
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let (may_write, now) = (caller.may_write(Resource::Settings), clock::now());
    let row = |ApiKeyRow { key, last_used_at }: &ApiKeyRow| {
        let record = &key.record;
        let moment = |at| Moment::of(at, &zone);
        let mut name = vec![Cell::Text(record.name.as_str().into())];
        if record.is_over(now) {
            name.push(Cell::Badge(Tone::Bad, "ended".into()));
        }
        let addresses: Vec<String> = record.addresses.iter().map(ToString::to_string).collect();
        let revoke =
            RowAction::Go { href: format!("{API_PATH}/keys/{}/revoke", key.id.0), label: "Revoke".into() };
        vec![
            Cell::Many(name),
            reseller(record.reseller_id),
            Cell::Text(rights::words(&record.scope)),
            if addresses.is_empty() {
                Cell::Text("the whole whitelist".into())
            } else {
                Cell::Code(addresses.join(", "))
            },
            Cell::Time(record.expires_at.0.map(moment), "never"),
            Cell::Time(last_used_at.map(moment), "never"),
            Cell::Actions(if may_write { vec![revoke] } else { Vec::new() }),
        ]
    };
    let new = Link::new(format!("{API_PATH}/keys/new"), "New API key");
    Ok(Listing {
        label: "API keys",
        links: if may_write { vec![new] } else { Vec::new() },
        heads: ["Name", "Reseller", "Scope", "Addresses", "Expires", "Last used", ""].map(Head::new).into(),
        rows: keys.iter().map(row).collect(),
        empty: "There is no key: nobody can use the Server API.".into(),
        ..Listing::default()
    })
}

fn whitelist_form(caller: &Caller) -> Result<Form> {
    let zone = &caller.ops.snapshot().settings.time_zone;
    let inputs = vec![
        Input::text("address", "Address")
            .required()
            .help("One address, or a range such as 192.0.2.0/24 or 2001:db8::/32."),
        Input::text("note", "Note").help("Whose address it is."),
    ];
    Form::new(format!("{API_PATH}/whitelist"), "Add", zone).section("Add an address", inputs).once()
}

async fn allow(caller: Caller, request: HttpRequest, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let mut form = whitelist_form(&caller)?;
    form.take(&sent);
    match add_to_whitelist(&caller, &sent).await {
        Ok(address) => Ok(done(API_PATH, &format!("{address} can now use the Server API."))),
        Err(error) => {
            let status = form.refused(error)?;
            page(&caller, &request, status, form, classic_api::form(&caller).await?).await
        }
    }
}

async fn add_to_whitelist(caller: &Caller, sent: &Sent) -> Result<Network> {
    let text: ShortText = form::field(sent, "address")?;
    let address = Network::new(text.as_str()).map_err(|rule| Error::invalid("address", rule))?;
    let note = ShortText::new(sent.text("note")).map_err(|rule| Error::invalid("note", rule))?;
    let job = move |act: &Act<'_>| Ok((whitelist::add(act, address, Some(&note))?, ()));
    caller.make(sent, whitelist::ADD, job).await?;
    Ok(address)
}

async fn ask_forbid(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let entry = entry(&caller, &id).await?;
    Ok(confirm_removal(&caller, &entry, false))
}

fn confirm_removal(caller: &Caller, entry: &Entry, changed: bool) -> HttpResponse {
    let address = entry.address;
    let own = caller.actor().address.is_some_and(|own| address.contains(own));
    let page = ConfirmPage {
        frame: caller.frame(format!("Remove {address}?")),
        text: format!(
            "Server API calls from {address} will be refused.{}",
            if own { " This is your own current address." } else { "" }
        ),
        action: format!("{API_PATH}/whitelist/{}/remove", entry.id),
        submit: "Remove",
        cancel: API_PATH.into(),
        seen: mark(entry),
        barred: false,
        changed: false,
    };
    page.shown(caller, changed)
}

/// What tells an entry from another in its place.
fn mark(entry: &Entry) -> String {
    seen::mark(&format!("{} {} {}", entry.address, entry.created_at.seconds(), entry.note))
}

async fn forbid(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let entry = entry(&caller, &id).await?;
    if sent.text(seen::FIELD) != mark(&entry) {
        return Ok(confirm_removal(&caller, &entry, true));
    }
    let address = entry.address;
    let job = move |act: &Act<'_>| whitelist::remove_entry(act, &entry);
    caller.ops.write(caller.actor().clone(), whitelist::REMOVE, job).await?;
    Ok(done(API_PATH, &format!("{address} can no longer use the Server API.")))
}

async fn entry(caller: &Caller, id: &str) -> Result<Entry> {
    let gone = || Error::no_such(Resource::Settings);
    let id = parse_id(id).map_err(|_| gone())?;
    let entries = caller.ops.read(caller.actor(), READ, whitelist::list).await?;
    entries.into_iter().find(|entry| entry.id == id).ok_or_else(gone)
}

async fn key_form(caller: &Caller) -> Result<Form> {
    let about = About::ask(caller, &[Resource::Resellers]).await?;
    let owners = about.choices_or(Resource::Resellers, "None: the operator's own");
    let zone = &caller.ops.snapshot().settings.time_zone;
    let mut form = Form::new(format!("{API_PATH}/keys/new"), "Create", zone).cancel(API_PATH);
    form.sections = vec![
        Section {
            legend: "Key",
            inputs: vec![
                Input::text("name", "Name").required().help("What uses it; shown in the audit trail."),
                Input::new("expires_at", "Expires", Widget::Time),
                Input::new("addresses", "Only from addresses", Widget::Lines).help(
                    "Addresses or ranges within the whitelist, one per line. Empty: the whole whitelist.",
                ),
            ],
        },
        Section {
            legend: "What it may do",
            inputs: vec![
                Input::new("reseller_id", "Reseller", Widget::Choice(owners)).help(
                    "Then it sees and sells only that reseller's lines and MAGs, and the reseller pays. It may have Lines, MAGs \
                     and Connections, and look at Plans, Resellers and Events; nothing ticked is all of these.",
                ),
                Input::new("scope", "Scope", Widget::Rights),
            ],
        },
    ];
    form.once()
}

async fn blank_key(caller: Caller) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let form = key_form(&caller).await?.filled(&caller.ops.defaults::<ApiKey>());
    Ok(key_page(&caller, StatusCode::OK, form))
}

#[derive(Template)]
#[template(path = "new_key.html")]
struct NewKey<'a> {
    frame: Frame,
    key: &'a str,
    back: &'static str,
}

async fn create_key(caller: Caller, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let mut form = key_form(&caller).await?;
    let Some(change) = form.read::<ApiKeyChange>(&sent) else {
        return Ok(key_page(&caller, StatusCode::UNPROCESSABLE_ENTITY, form));
    };
    // A second press of the button shows the same key: the browser drops the answer to the first.
    let key = caller.ops.key_of_slip(&caller.slip(&sent)?)?;
    let text = key.clone();
    let job = move |act: &Act<'_>| {
        let (id, record) = api_keys::create(act, change.clone(), &text)?;
        Ok((id.0, record))
    };
    match caller.make(&sent, api_keys::CREATE, job).await {
        Ok(FormOutcome { .. }) => {
            let frame = caller.frame(format!("The key {}", sent.text("name").trim()));
            Ok(caller.page(&NewKey { frame, key: key.reveal(), back: API_PATH }))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(key_page(&caller, status, form))
        }
    }
}

fn key_page(caller: &Caller, status: StatusCode, form: Form) -> HttpResponse {
    let once = form.makes_once();
    caller.page_with_form(status, once, &FormPage { frame: caller.frame("New API key"), form })
}

async fn ask_revoke(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    confirm_revocation(&caller, &id, false).await
}

async fn confirm_revocation(caller: &Caller, id: &str, changed: bool) -> Reply {
    let Stored { id, record, updated_at, .. } = key(caller, id).await?;
    let name = record.name.as_str();
    let page = ConfirmPage {
        frame: caller.frame(format!("Revoke {name}?")),
        text: format!(
            "Whatever uses the key {name} is refused from the next call on. This cannot be undone."
        ),
        action: format!("{API_PATH}/keys/{}/revoke", id.0),
        submit: "Revoke",
        cancel: API_PATH.into(),
        seen: updated_at.seconds().to_string(),
        barred: false,
        changed: false,
    };
    Ok(page.shown(caller, changed))
}

async fn revoke(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Settings, Access::Write)?;
    let Some(seen) = seen::row(&sent) else { return confirm_revocation(&caller, &id, true).await };
    let key = key(&caller, &id).await?;
    let job = move |act: &Act<'_>| api_keys::revoke(&act.seeing(Some(seen)), &Selector::Id(key.id));
    match caller.ops.write(caller.actor().clone(), api_keys::REVOKE, job).await {
        Err(Error::Changed) => confirm_revocation(&caller, &id, true).await,
        gone => {
            gone?;
            Ok(done(API_PATH, &format!("The key {} was revoked.", key.record.name.as_str())))
        }
    }
}

async fn key(caller: &Caller, id: &str) -> Result<Stored<ApiKey>> {
    let id = parse_id(id).map(ApiKeyId).map_err(|_| Error::no_such(Resource::Settings))?;
    caller.ops.read(caller.actor(), READ, move |look| api_keys::info(look, id)).await
}
