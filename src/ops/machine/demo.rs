//! `linecard demo`: a believable small operator.

mod programmes;

use std::{io::Write as _, path::Path};

use crate::{
    domain::{
        Field, Given, Refused, Resource, Result, Written,
        channels::{
            bouquet::{Bouquet, BouquetChange, Category, CategoryChange},
            stream::{SourceUrl, Stream, StreamChange},
        },
        fields::{
            credits::Credits,
            mac::Mac,
            number::{ArchiveDays, Connections, Position},
            text::{GuideId, LinePassword, Name, Username},
            time::{Count, Expiry, Unit, UnixTime},
        },
        guide::source::{GuideAddress, GuideSource, GuideSourceChange},
        ids::{BouquetId, CategoryId, GroupId, PlanId, ResellerId, StreamId},
        machine::server::{Server, ServerChange},
        page::Page,
        people::{
            actor::Actor,
            admin::{Admin, AdminChange, Group},
            api_key::ApiKey,
            reseller::{Reseller, ResellerChange},
        },
        subscribers::{
            line::{Line, LineChange},
            mag::{Mag, MagChange},
            plan::{Plan, PlanChange},
            subscription::SubscriptionChange,
        },
    },
    media::picture::Picture,
    ops::{
        Act, Action, Ops, clock, managed,
        people::{admins, passwords, resellers},
        random,
        subscribers::{lines, mags},
    },
    store::Table,
};

/// The administrator of the first reseller.
const SELLER: &str = "north";

const ACTION: Action = Action { resource: Resource::Settings, name: "demo" };
const LINES: usize = 3000;
const MAGS: usize = 500;
/// The MAC of the MAG to try with.
const VIEWERS_MAC: &str = "00:1A:79:DE:E0:00";
/// Rows of one transaction, so that a running server can write in between.
const AT_ONCE: usize = 500;

/// The test picture of each heading.
const PICTURES: [Picture; 5] = [
    Picture { file: "demo-news.ts", filter: "testsrc2", hertz: 440 },
    Picture { file: "demo-sports.ts", filter: "smptehdbars", hertz: 523 },
    Picture { file: "demo-films.ts", filter: "mandelbrot", hertz: 330 },
    Picture { file: "demo-children.ts", filter: "rgbtestsrc", hertz: 659 },
    Picture { file: "demo-music.ts", filter: "yuvtestsrc", hertz: 262 },
];

const CHANNELS: [(&str, &[&str]); 5] = [
    ("News", &["Harbour News", "Capital Today", "World Report", "Parliament Live", "Weather Now"]),
    ("Sports", &["Stadium One", "Stadium Two", "Cycling Plus", "Fight Night", "Local League"]),
    ("Films", &["Cinema Gold", "Cinema Night", "Classic Reels", "Indie House"]),
    ("Children", &["Little Lantern", "Story Hour", "Toon Lagoon"]),
    ("Music", &["Pulse FM TV", "Opera House", "Folk & Roots"]),
];

const FIRST: [&str; 16] = [
    "ana", "bruno", "carla", "david", "elena", "filipe", "greta", "hugo", "ines", "joao", "karin", "luis",
    "marta", "nuno", "olga", "paulo",
];

const LAST: [&str; 16] = [
    "almeida",
    "barros",
    "costa",
    "dias",
    "esteves",
    "faria",
    "gomes",
    "henriques",
    "jorge",
    "leal",
    "matos",
    "neves",
    "pinto",
    "reis",
    "santos",
    "vieira",
];

/// The channel that is recorded.
const RECORDED: &str = "Stadium One";

/// The guide, below the data folder.
const GUIDE: &str = "guide/demo.xml";

struct Catalogue {
    plans: Vec<PlanId>,
    resellers: Vec<ResellerId>,
    bouquets: Vec<BouquetId>,
    recorded: Option<StreamId>,
}

impl Ops {
    /// Fills a database that holds nothing of an operator yet, and of the data folder `media/` with test pictures and `guide/`
    /// with a guide; says what it made.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] if there is something already, no picture can be drawn or no guide be written, or a
    /// database error.
    pub async fn demo(&self, data: &Path, say: impl Fn(&str)) -> Result<String> {
        self.write(Actor::COMMAND_LINE, ACTION, nothing_is_there).await?;
        let media = &data.join("media");
        for (picture, number) in PICTURES.iter().zip(1..) {
            say(&format!("drawing test picture {number} of {}", PICTURES.len()));
            picture.draw(media).await.map_err(Refused::NoPicture)?;
        }
        say("writing a guide");
        let guide = programmes::guide(clock::now());
        write_guide(data, guide).await.map_err(Refused::NoGuide)?;
        say("making streams, bouquets, plans and resellers");
        let (password, shown) = random::password()?;
        let hash = passwords::hash(password).await?;
        let seller = AdminChange { password: Given::Value(hash), ..AdminChange::default() };
        let catalogue =
            self.write(Actor::COMMAND_LINE, ACTION, move |act| catalogue(act, seller.clone())).await?;
        let catalogue = std::sync::Arc::new(catalogue);
        say(&format!("making {LINES} lines and {MAGS} MAGs"));
        for start in (0..LINES).step_by(AT_ONCE) {
            let made: Vec<LineChange> = (start..start + AT_ONCE)
                .map(|n| lines::with_credentials(line(n, &catalogue)))
                .collect::<Result<_>>()?;
            let job = move |act: &Act<'_>| {
                made.iter().try_for_each(|change| {
                    lines::create(act, change.clone(), lines::SaleOptions::default()).map(|_| ())
                })
            };
            self.write(Actor::COMMAND_LINE, ACTION, job).await?;
        }
        for start in (0..MAGS).step_by(AT_ONCE) {
            let catalogue = catalogue.clone();
            let job = move |act: &Act<'_>| {
                let made = (start..start + AT_ONCE).map(|n| mag(n, &catalogue));
                made.into_iter().try_for_each(|change| {
                    mags::create(act, change, mags::SaleOptions::default()).map(|_| ())
                })
            };
            self.write(Actor::COMMAND_LINE, ACTION, job).await?;
        }
        let film = media.join(PICTURES[1].file);
        let recorded = self.record_yesterday(catalogue.recorded, film).await;
        let channels: usize = CHANNELS.iter().map(|(_, names)| names.len()).sum();
        Ok(format!(
            "made {LINES} lines, {MAGS} MAGs, {channels} streams, {} bouquets, {} plans, {} resellers and a load balancer\n\
             {recorded}\n\
             watch with the username demo and the password demo, or as a MAG with the address {VIEWERS_MAC}\n\
             sell in the panel as {SELLER} with the password {shown}",
            catalogue.bouquets.len(),
            catalogue.plans.len(),
            catalogue.resellers.len()
        ))
    }
}

impl Ops {
    /// Makes a recording of what the channel showed yesterday; says how it is watched, or why there is none.
    async fn record_yesterday(&self, stream: Option<StreamId>, film: std::path::PathBuf) -> String {
        let Some((stream, shown)) = stream.zip(programmes::yesterday(RECORDED, clock::now())) else {
            return String::new();
        };
        let archive = self.viewing.archive().clone();
        let (start, stop) = (shown.start.seconds(), shown.stop.seconds());
        let ms = |time: i64| time.unsigned_abs() * 1000;
        let put = tokio::task::spawn_blocking(move || archive.put_film(stream, &film, ms(start), ms(stop)));
        match put.await {
            Ok(Ok(())) => format!(
                "{} of yesterday on {RECORDED} is recorded: /timeshift/demo/demo/30/{start}/{}.ts",
                shown.title, stream.0
            ),
            Ok(Err(why)) => format!("nothing of yesterday is recorded: {why}"),
            Err(why) => format!("nothing of yesterday is recorded: {why}"),
        }
    }
}

async fn write_guide(data: &Path, text: String) -> Result<(), String> {
    let file = data.join(GUIDE);
    let written = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(file.parent().unwrap_or(&file))?;
        // In place of whatever has that name, and never through it.
        let _ = std::fs::remove_file(&file);
        std::fs::File::create_new(&file)?.write_all(text.as_bytes())
    });
    written.await.map_err(|error| error.to_string())?.map_err(|error| format!("{GUIDE}: {error}"))
}

/// What is invented is never mixed with what an operator made.
fn nothing_is_there(act: &Act<'_>) -> Result<()> {
    // What the first start makes is there in every database.
    let beyond = |count: i64, made: i64| (count - made).max(0);
    for (what, count) in [
        ("further administrators", beyond(rows::<Admin>(act)?, 1)),
        ("further groups", beyond(rows::<Group>(act)?, 2)),
        ("further servers", beyond(rows::<Server>(act)?, 1)),
        ("further API keys", beyond(rows::<ApiKey>(act)?, 1)),
        ("streams", rows::<Stream>(act)?),
        ("categories", rows::<Category>(act)?),
        ("bouquets", rows::<Bouquet>(act)?),
        ("plans", rows::<Plan>(act)?),
        ("resellers", rows::<Reseller>(act)?),
        ("lines", rows::<Line>(act)?),
        ("MAGs", rows::<Mag>(act)?),
        ("guide sources", rows::<GuideSource>(act)?),
    ] {
        if count > 0 {
            return Err(Refused::NotEmpty(what).into());
        }
    }
    // Whatever else somebody has changed, or made and deleted, is in the audit trail.
    if act.tx.has_changes_beside(&Actor::LINECARD)? {
        return Err(Refused::NotEmpty("changes in the audit trail").into());
    }
    Ok(())
}

fn rows<R: Table>(act: &Act<'_>) -> Result<i64> {
    Ok(act.tx.page::<R>(&Page::default())?.total)
}

fn catalogue(act: &Act<'_>, seller: AdminChange) -> Result<Catalogue> {
    nothing_is_there(act)?;
    managed::create::<Server>(
        act,
        ServerChange {
            name: given(Name::new("Balancer north")),
            server_ip: given(Field::parse(&Written::Text("192.0.2.20".into()))),
            ..ServerChange::default()
        },
    )?;
    let mut bouquets = Vec::new();
    let mut recorded = None;
    let mut number = 0;
    for (place, (heading, names)) in CHANNELS.iter().enumerate() {
        let category = CategoryChange {
            name: given(Name::new(heading)),
            position: position(place),
            ..CategoryChange::default()
        };
        let (category, _) = managed::create::<Category>(act, category)?;
        let mut streams = Vec::new();
        for name in *names {
            number += 1;
            let picture = PICTURES[place % PICTURES.len()].file;
            let made = stream(act, name, number, category, picture)?;
            recorded = recorded.or((*name == RECORDED).then_some(made));
            streams.push(made);
        }
        let bouquet = BouquetChange {
            name: given(Name::new(heading)),
            streams: Given::Value(streams),
            position: position(place),
        };
        bouquets.push(managed::create::<Bouquet>(act, bouquet)?.0);
    }
    managed::create::<GuideSource>(
        act,
        GuideSourceChange {
            name: given(Name::new("Demo guide")),
            url: given(GuideAddress::new(GUIDE)),
            ..GuideSourceChange::default()
        },
    )?;
    let plans = plans(act, &bouquets)?;
    viewer(act, plans.get(1).copied())?;
    set_top_box(act, plans.get(1).copied())?;
    let resellers = sellers(act, seller)?;
    Ok(Catalogue { plans, resellers, bouquets, recorded })
}

/// Runs for viewers only, but the one that is recorded: twenty pictures at once would keep a small machine busy.
fn stream(act: &Act<'_>, name: &str, number: usize, category: CategoryId, picture: &str) -> Result<StreamId> {
    let (id, _) = managed::create::<Stream>(
        act,
        StreamChange {
            name: given(Name::new(name)),
            category_id: Given::Value(Some(category)),
            sources: given(SourceUrl::new(&format!("media/{picture}")).map(|url| vec![url])),
            on_demand: Given::Value(true),
            archive_days: ArchiveDays::new(if name == RECORDED { 7 } else { 0 })
                .map_or(Given::Absent, Given::Value),
            number: position(number),
            epg_channel_id: given(GuideId::new(&programmes::guide_id(name))),
            ..StreamChange::default()
        },
    )?;
    Ok(id)
}

/// The line that the README's first ten minutes watch with.
fn viewer(act: &Act<'_>, plan: Option<PlanId>) -> Result<()> {
    let change = LineChange {
        username: given(Username::new("demo")),
        password: given(LinePassword::new("demo")),
        subscription: SubscriptionChange {
            subscription_plan_id: Given::Value(plan),
            ..SubscriptionChange::default()
        },
        ..LineChange::default()
    };
    lines::create(act, change, lines::SaleOptions::default()).map(|_| ())
}

/// The MAG that docs/mag.md tries an app against.
fn set_top_box(act: &Act<'_>, plan: Option<PlanId>) -> Result<()> {
    let change = MagChange {
        mac_address: given(Mac::new(VIEWERS_MAC)),
        subscription: SubscriptionChange {
            subscription_plan_id: Given::Value(plan),
            ..SubscriptionChange::default()
        },
        ..MagChange::default()
    };
    mags::create(act, change, mags::SaleOptions::default()).map(|_| ())
}

fn plans(act: &Act<'_>, bouquets: &[BouquetId]) -> Result<Vec<PlanId>> {
    let all = bouquets.len();
    let offers = [
        ("Basic, a month", 2, 1, Unit::Month, 1, 5, false),
        ("Family, a month", all, 1, Unit::Month, 3, 9, false),
        ("Family, a year", all, 1, Unit::Year, 3, 90, false),
        ("Trial, a day", all, 24, Unit::Hour, 1, 0, true),
    ];
    let mut plans = Vec::new();
    for (place, (name, first, count, unit, connections, credits, is_trial)) in offers.into_iter().enumerate()
    {
        let (id, _) = managed::create::<Plan>(
            act,
            PlanChange {
                name: given(Name::new(name)),
                bouquets: Given::Value(bouquets[..first].to_vec()),
                duration: some(Count::new(count)),
                duration_unit: Given::Value(unit),
                max_allowed_connections: some(Connections::new(connections)),
                catchup: Given::Absent,
                credits: some(Credits::new(credits)),
                is_trial: Given::Value(is_trial),
                position: position(place),
                for_resellers: Given::Absent,
            },
        )?;
        plans.push(id);
    }
    Ok(plans)
}

fn sellers(act: &Act<'_>, seller: AdminChange) -> Result<Vec<ResellerId>> {
    let mut ids = Vec::new();
    for (name, credits, use_credits) in
        [("North Shop", 40_000, true), ("Harbour Kiosk", 30_000, true), ("Campus Office", 0, false)]
    {
        let change = ResellerChange {
            name: given(Name::new(name)),
            use_credits: Given::Value(use_credits),
            ..ResellerChange::default()
        };
        ids.push(resellers::create(act, change, Credits::new(credits).unwrap_or(Credits::ZERO))?.0);
    }
    admins::create(
        act,
        AdminChange {
            username: given(Field::parse(&Written::Text(SELLER.into()))),
            email: given(Field::parse(&Written::Text("north@example.com".into()))),
            group_id: Given::Value(GroupId::RESELLERS),
            reseller_id: Given::Value(ids.first().copied()),
            ..seller
        },
    )?;
    Ok(ids)
}

fn line(n: usize, catalogue: &Catalogue) -> LineChange {
    let name = format!("{}.{}{}", FIRST[n % 16], LAST[n / 16 % 16], n / 256);
    LineChange {
        username: given(Username::new(&name)),
        subscription: subscription(n, catalogue),
        ..LineChange::default()
    }
}

fn mag(n: usize, catalogue: &Catalogue) -> MagChange {
    let mac = Mac::new(&format!("00:1A:79:00:{:02X}:{:02X}", n / 256, n % 256));
    MagChange { mac_address: given(mac), subscription: subscription(n, catalogue), ..MagChange::default() }
}

/// Some expired, some disabled, some without a reseller, spread evenly.
fn subscription(n: usize, catalogue: &Catalogue) -> SubscriptionChange {
    let now = clock::now().seconds();
    let day = i64::try_from(n * 37 % 400).unwrap_or(0) - 30;
    SubscriptionChange {
        expire_date: Given::Value(Expiry(UnixTime::new(now + day * 86_400))),
        subscription_plan_id: Given::Value(catalogue.plans.get(n % catalogue.plans.len()).copied()),
        reseller_id: Given::Value(catalogue.resellers.get(n % 5).copied()),
        disabled: Given::Value(n.is_multiple_of(41)),
        ..SubscriptionChange::default()
    }
}

fn position(place: usize) -> Given<Position> {
    some(i64::try_from(place).ok().and_then(Position::new))
}

fn some<T>(value: Option<T>) -> Given<T> {
    value.map_or(Given::Absent, Given::Value)
}

fn given<T, E>(value: Result<T, E>) -> Given<T> {
    some(value.ok())
}
