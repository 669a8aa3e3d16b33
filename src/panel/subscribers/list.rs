//! The list of lines or MAGs.

use super::{
    super::kit::{
        caller::Caller,
        error::Reply,
        form::Choice,
        pages::ListPage,
        records::About,
        sent::Query,
        show::{self, Moment},
        table::{Cell, Filter, Head, Link, Listing as Table, Pager, Sort, Tone},
    },
    Kind, words,
};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        ids::{Id, PlanId, ResellerId, parse_id},
        page::Limit,
        subscribers::listing::{Cursor, Found, Listing, Order, Selection, State, Total, Turn},
    },
    ops::clock,
};

/// Rows on one page.
const ROWS: i64 = 100;

/// What the address of a list says, to be said again by every link in it.
pub struct Address {
    search: String,
    state: String,
    reseller: String,
    plan: String,
    sort: String,
}

impl Address {
    pub fn read(query: &Query) -> Self {
        let text = |name| query.text(name).trim().to_owned();
        Self {
            search: text("search"),
            state: text("state"),
            reseller: text("reseller"),
            plan: text("plan"),
            sort: text("sort"),
        }
    }

    /// The rows that it means; what cannot be is left out.
    pub fn selection(&self) -> Selection {
        Selection {
            search: Some(self.search.clone()).filter(|search| !search.is_empty()),
            state: State::named(&self.state),
            reseller: parse_id(&self.reseller).ok().map(ResellerId),
            plan: parse_id(&self.plan).ok().map(PlanId),
            ..Selection::all(clock::now())
        }
    }

    /// Refuses what means nothing: whoever changes its rows must not change more of them for that.
    pub fn check(&self) -> Result<()> {
        let rule = "a choice of the list";
        if !self.state.is_empty() && State::named(&self.state).is_none() {
            return Err(Error::invalid("state", rule));
        }
        for (name, id) in [("reseller", &self.reseller), ("plan", &self.plan)] {
            if !id.is_empty() && parse_id(id).is_err() {
                return Err(Error::invalid(name, rule));
            }
        }
        Ok(())
    }

    /// The order, and whether the largest comes first.
    fn order(&self) -> (Order, bool) {
        let (name, descending) =
            self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |name| (name, true));
        // The newest come first until somebody wants it otherwise.
        Order::named(name).map_or((Order::Created, true), |order| (order, descending))
    }

    /// Which rows it means, in words.
    pub fn told<S: Kind>(&self, about: &About) -> String {
        let named = |resource, id: &str| parse_id(id).ok().map(|id| about.name(resource, id).to_owned());
        let mut parts = vec![format!("Every {}", S::ONE)];
        parts.extend(State::named(&self.state).map(|state| format!("state: {}", words::state(state))));
        let plan = named(Resource::SubscriptionPlans, &self.plan);
        parts.extend(plan.map(|name| format!("plan: {name}")));
        let reseller = named(Resource::Resellers, &self.reseller);
        parts.extend(reseller.map(|name| format!("reseller: {name}")));
        if !self.search.is_empty() {
            parts.push(format!("with \u{201c}{}\u{201d} in name, reference, e-mail or notes", self.search));
        }
        parts.join(", ")
    }

    /// The parameters of the rows that it means, with others.
    pub fn query(&self, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let own = [
            ("search", self.search.as_str()),
            ("state", &self.state),
            ("reseller", &self.reseller),
            ("plan", &self.plan),
        ];
        for (name, value) in
            own.into_iter().chain(more.iter().copied()).filter(|(_, value)| !value.is_empty())
        {
            query.append_pair(name, value);
        }
        query.finish()
    }

    fn is_narrowed(&self) -> bool {
        [&self.search, &self.state, &self.reseller, &self.plan].into_iter().any(|text| !text.is_empty())
    }
}

/// The page.
pub async fn list<S: Kind>(caller: Caller, query: Query) -> Reply {
    let address = Address::read(&query);
    let (order, descending) = address.order();
    let place = |name| Cursor::read(query.text(name), order);
    let turn = match (place("after"), place("before")) {
        (Some(place), _) => Turn::After(place),
        (None, Some(place)) => Turn::Before(place),
        (None, None) => Turn::First,
    };
    let limit = Limit::new(ROWS).unwrap_or_default();
    let listing = Listing { selection: address.selection(), order, descending, turn, limit };
    let found = caller.ops.subscribers::<S>(caller.actor(), listing).await?;
    let about = About::ask(&caller, &[Resource::SubscriptionPlans, Resource::Resellers]).await?;
    let watched = caller.ops.last_watched(caller.actor(), &found.rows).await?;
    let seller = caller.reseller().is_some();
    let now = clock::now();
    let row = |row: &Stored<S>| {
        let sold = row.record.subscription();
        let open = caller.ops.viewing.count_connections(S::viewer(row.id));
        let name =
            |resource, id: Option<i64>| Cell::Text(id.map_or("", |id| about.name(resource, id)).to_owned());
        let last = watched.get(&row.id.number()).map(|at| Moment::of(*at, &about.zone));
        let mut cells = vec![
            Cell::Link { href: S::href(row.id), text: row.record.name() },
            words::badge(sold, now),
            name(Resource::SubscriptionPlans, sold.subscription_plan_id.map(Id::number)),
        ];
        if !seller {
            cells.push(name(Resource::Resellers, sold.reseller_id.map(Id::number)));
        }
        cells.extend([
            words::end(sold, &about.zone),
            Cell::Number(words::connections(open, sold)),
            if open > 0 { Cell::Badge(Tone::Good, "now".into()) } else { Cell::Time(last, "") },
        ]);
        cells
    };
    let path = format!("/panel/{}", S::PATH);
    let mut links = Vec::new();
    if caller.may_write(S::RESOURCE) {
        links.push(Link::new(format!("{path}/new"), format!("New {}", S::ONE)));
        links.push(Link::new(format!("{path}/mass?{}", address.query(&[])), "Mass edit"));
    }
    let plans = if seller {
        let sold = caller.ops.plans_for_sale(caller.actor()).await?;
        sold.iter().map(|plan| Choice::new(plan.id.number(), plan.record.name.as_str())).collect()
    } else {
        about.choices(Resource::SubscriptionPlans)
    };
    let table = Table {
        links,
        search: Some(address.search.clone()),
        search_hint: "Name, reference, e-mail or notes",
        filters: filters::<S>(&address, &about, plans, seller),
        heads: heads::<S>(&address, seller),
        rows: found.rows.iter().map(row).collect(),
        empty: match found.looked {
            Some(looked) => {
                format!("No match among the {} searched so far.", show::number(count(looked)))
            }
            None if address.is_narrowed() => "No subscribers match.".into(),
            None => "None yet.".into(),
        },
        pager: pager::<S>(&address, &found),
        ..Table::default()
    };
    Ok(caller.page(&ListPage { frame: caller.frame(S::MANY), about: "", listing: table }))
}

fn filters<S: Kind>(address: &Address, about: &About, plans: Vec<Choice>, seller: bool) -> Vec<Filter> {
    let filter = |name, label, all: &str, value: &str, choices: Vec<Choice>| Filter {
        name,
        label,
        choices: std::iter::once(Choice::new("", all)).chain(choices).collect(),
        value: value.to_owned(),
    };
    let states = State::ALL.map(|state| Choice::new(state.name(), words::state(state)));
    let mut filters = vec![
        filter("state", "State", "Every state", &address.state, states.into()),
        filter("plan", "Plan", "Every plan", &address.plan, plans),
    ];
    if !seller {
        let resellers = about.choices(Resource::Resellers);
        filters.push(filter("reseller", "Reseller", "Every reseller", &address.reseller, resellers));
    }
    let orders: [(&str, &str); 5] = [
        ("name", "By name"),
        ("end", "Ending soonest"),
        ("-end", "Ending last"),
        ("-changed", "Recently changed"),
        ("created", "Oldest first"),
    ];
    let orders = orders.map(|(value, label)| Choice::new(value, label));
    filters.push(filter("sort", "Order", "Newest first", &address.sort, orders.into()));
    filters
}

fn heads<S: Kind>(address: &Address, seller: bool) -> Vec<Head> {
    let (order, descending) = address.order();
    let sorted = |label, by: Order| {
        let now = order == by;
        // A second click turns it around.
        let sort = format!("{}{}", if now && !descending { "-" } else { "" }, by.name());
        let now = match (now, descending) {
            (false, _) => "",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        let href = format!("/panel/{}?{}", S::PATH, address.query(&[("sort", &sort)]));
        Head { sort: Some(Sort { href, now }), ..Head::new(label) }
    };
    let mut heads = vec![sorted(S::KNOWN_BY, Order::Name), Head::new("State"), Head::new("Plan")];
    if !seller {
        heads.push(Head::new("Reseller"));
    }
    heads.extend([sorted("Ends", Order::End), Head::numeric("Connections"), Head::new("Last watched")]);
    heads
}

fn pager<S: Kind>(address: &Address, found: &Found<S>) -> Pager {
    let turn = |name: &str, place: &Option<Cursor>| {
        let place = place.as_ref()?.written();
        Some(format!("/panel/{}?{}", S::PATH, address.query(&[("sort", &address.sort), (name, &place)])))
    };
    let mut summary = match found.total {
        Total::Exact(rows) => show::many(rows, S::ONE),
        Total::Over(rows) => format!("More than {}", show::many(rows, S::ONE)),
        Total::Unknown => format!("{} on this page", show::many(found.rows.len(), S::ONE)),
    };
    if let Some(looked) = found.looked {
        let looked = show::many(looked, S::ONE);
        summary = format!("{summary}: {looked} searched, the next page continues");
    }
    Pager { summary, previous: turn("before", &found.previous), next: turn("after", &found.next) }
}

/// Several of them, within a sentence.
pub fn plural<S: Kind>() -> String {
    format!("{}s", S::ONE)
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
