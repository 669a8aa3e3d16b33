//! Subscription plans.

use crate::{
    domain::{Field, Resource, Stored, ids::Id, subscribers::plan::Plan},
    panel::kit::{
        form::{Choice, Input, Section, Widget},
        records::{About, Shown},
        show,
        table::{Cell, Head, Tone},
    },
};

impl Shown for Plan {
    const PATH: &'static str = "plans";
    const ONE: &'static str = "plan";
    const MANY: &'static str = "Subscription plans";
    const ABOUT: &'static str = "What is sold: how long it lasts, which bouquets and how many connections it gives, and what it costs a reseller.";
    const REFERS: &'static [Resource] = &[Resource::Bouquets];

    const MOVED: &'static str =
        "Open Lines or MAGs, filter by this plan, and set another plan with Mass edit.";
    const IS_ORDERED: bool = true;
    const OPEN: &'static [&'static str] = &["for_resellers"];

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        vec![
            Head::new("Name"),
            Head::new("Duration"),
            Head::numeric("Connections"),
            Head::numeric("Credits"),
            Head::new("Bouquets"),
            Head::numeric("Lines"),
            Head::numeric("MAGs"),
        ]
    }

    fn cells(row: &Stored<Self>, about: &About) -> Vec<Cell> {
        let plan = &row.record;
        let mut name = vec![Cell::Link { href: Self::href(row.id), text: plan.name.as_str().into() }];
        if plan.is_trial {
            name.push(Cell::Badge(Tone::Plain, "trial".into()));
        }
        if !plan.catchup {
            name.push(Cell::Badge(Tone::Plain, "no catch-up".into()));
        }
        match (plan.for_resellers, plan.credits.get()) {
            (false, _) => name.push(Cell::Badge(Tone::Plain, "not for resellers".into())),
            (true, 0) if !plan.is_trial => name.push(Cell::Badge(Tone::Warn, "free for resellers".into())),
            _ => {}
        }
        let connections = plan.max_allowed_connections.get();
        vec![
            Cell::Many(name),
            Cell::Text(lasts(plan)),
            Cell::Number(if connections == 0 { "no limit".into() } else { show::number(connections) }),
            Cell::Number(show::number(plan.credits.get())),
            Cell::Text(about.list(Resource::Bouquets, &plan.bouquets)),
            about.used_by("lines", row.id.number()),
            about.used_by("MAGs", row.id.number()),
        ]
    }

    fn remark(&self) -> &'static str {
        match (self.credits.get(), self.for_resellers) {
            (0, true) if self.is_trial => {
                " Its price is 0: resellers can give this trial away free of charge."
            }
            (0, true) => " Its price is 0: resellers can sell it, and extend with it, without paying.",
            (0, false) => " Its price is 0, and resellers cannot sell it.",
            _ => "",
        }
    }

    fn sections(about: &About) -> Vec<Section> {
        let sold = [("", "With a price or as a trial"), ("1", "Yes"), ("0", "No")];
        let sold = sold.map(|(value, label)| Choice::new(value, label));
        let units = ["hour", "day", "month", "year"].map(|unit| Choice::new(unit, format!("{unit}s")));
        vec![
            Section {
                legend: "Plan",
                inputs: vec![
                    Input::text("name", "Name").required(),
                    Input::new("credits", "Price in credits", Widget::Number(0))
                        .help("What a reseller pays for each sale and each extension. 0: nothing."),
                    Input::new("duration", "Duration", Widget::Number(1)).required(),
                    Input::new("duration_unit", "Unit", Widget::Choice(units.into())).help(
                        "Months are calendar months: 31 January and a month is the last day of February.",
                    ),
                    Input::new("max_allowed_connections", "Connections", Widget::Number(0))
                        .help("At the same time; 0 is no limit."),
                    Input::new("catchup", "Catch-up", Widget::Flag)
                        .help("Whoever has it may watch what is recorded."),
                    Input::new("is_trial", "Sold as a trial", Widget::Flag).help(
                        "How many a reseller's people may sell in a day is set on the reseller's page.",
                    ),
                    Input::new("for_resellers", "Resellers may sell it", Widget::Choice(sold.into()))
                        .help("Changing the price later does not change this."),
                ],
            },
            Section {
                legend: "Bouquets",
                inputs: vec![
                    Input::new("bouquets", "Bouquets", Widget::Picks(about.choices(Resource::Bouquets)))
                        .help("Their order is the order of channels in players."),
                ],
            },
        ]
    }
}

/// `3 months`
pub fn lasts(plan: &Plan) -> String {
    let (count, unit) = (plan.duration.fact(), plan.duration_unit.fact());
    match (count, unit) {
        (crate::domain::Fact::Number(1), crate::domain::Fact::Text(unit)) => format!("1 {unit}"),
        (crate::domain::Fact::Number(count), crate::domain::Fact::Text(unit)) => format!("{count} {unit}s"),
        _ => String::new(),
    }
}
