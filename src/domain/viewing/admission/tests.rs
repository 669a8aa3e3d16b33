use super::*;
use crate::domain::{
    field::Item,
    fields::{
        net::Network,
        number::Connections,
        text::{Notes, UserAgentPattern},
        time::Expiry,
    },
    ids::{BouquetId, ServerId, StreamId},
    viewing::window::Window,
};

const TITLE: Title = Title::Live(StreamId(7));

fn now() -> UnixTime {
    UnixTime::clamped(1_800_000_000)
}

fn subscription() -> Subscription {
    Subscription {
        max_allowed_connections: Connections::new(1).unwrap(),
        expire_date: Expiry(None),
        subscription_plan_id: None,
        reseller_id: None,
        disabled: false,
        banned: false,
        allowed_ips: vec![],
        allowed_user_agents: vec![],
        allowed_outputs: vec![],
        catchup: true,
        server_id: None,
        isp_lock: false,
        isp_asn: None,
        is_trial: false,
        reference: None,
        email: None,
        reminders: true,
        notes: Notes::new("").unwrap(),
        bouquets: vec![BouquetId(1)],
    }
}

fn asked() -> TitleState {
    state(TITLE)
}

fn archive() -> Title {
    Title::Archive(StreamId(7), Window::from(now()))
}

fn state(title: Title) -> TitleState {
    TitleState { title, in_bouquets: true, plan_has_catchup: true, recorded: Recorded::Then, why_not: None }
}

fn request<'a>(subscription: &'a Subscription, title: &'a TitleState) -> Request<'a> {
    Request {
        address: Some("192.0.2.7".parse().unwrap()),
        agent: Some("VLC/3.0"),
        container: Some(Container::Ts),
        title: Some(title),
        taken: Some(Taken { open: 0, kicks: false }),
        ..Request::about(Here(ServerId::MAIN), subscription, Provider::NoFile, now())
    }
}

/// What refuses a viewer whose subscription was changed so.
fn refused(change: impl FnOnce(&mut Subscription)) -> Result<(), Rule> {
    let mut subscription = subscription();
    change(&mut subscription);
    admit(&request(&subscription, &asked()))
}

fn asn(number: i64) -> Asn {
    Asn::new(number).unwrap()
}

#[test]
fn a_plain_subscription_may_watch() {
    assert_eq!(refused(|_| {}), Ok(()));
}

#[test]
fn each_column_that_forbids_it_forbids_it() {
    let agent = |text| UserAgentPattern::parse_item(text).unwrap();
    let network = |text| Network::new(text).unwrap();
    assert_eq!(refused(|s| s.banned = true), Err(Rule::Banned));
    assert_eq!(refused(|s| s.disabled = true), Err(Rule::Disabled));
    assert_eq!(refused(|s| s.expire_date = Expiry(Some(now()))), Err(Rule::Expired));
    assert_eq!(refused(|s| s.expire_date = Expiry(UnixTime::new(now().seconds() + 1))), Ok(()));
    assert_eq!(refused(|s| s.allowed_ips = vec![network("192.0.2.8")]), Err(Rule::Address));
    assert_eq!(refused(|s| s.allowed_ips = vec![network("192.0.2.8"), network("192.0.2.0/29")]), Ok(()));
    assert_eq!(refused(|s| s.allowed_user_agents = vec![agent("VLC")]), Err(Rule::Agent));
    assert_eq!(refused(|s| s.allowed_user_agents = vec![agent("Kodi"), agent("VLC/*")]), Ok(()));
    assert_eq!(refused(|s| s.allowed_outputs = vec![Container::Hls]), Err(Rule::Output));
    assert_eq!(refused(|s| s.server_id = Some(ServerId(2))), Err(Rule::Server));
    assert_eq!(refused(|s| s.server_id = Some(ServerId::MAIN)), Ok(()));
}

#[test]
fn a_subscription_that_names_a_server_is_refused_by_every_other() {
    let (of_two, asked) = (Subscription { server_id: Some(ServerId(2)), ..subscription() }, asked());
    let at = |server, subscription| {
        admit(&Request { here: Here(ServerId(server)), ..request(subscription, &asked) })
    };
    assert_eq!(at(1, &of_two), Err(Rule::Server));
    let told = verdicts(&Request { server: Some("Edge"), ..request(&of_two, &asked) });
    assert!(told.iter().any(|verdict| verdict.words.starts_with("Only server \"Edge\" may serve it")));
    assert_eq!(at(2, &of_two), Ok(()));
    assert_eq!(at(2, &subscription()), Ok(()), "one that names none may be watched on any");
}

#[test]
fn the_stream_must_be_in_a_bouquet_and_run() {
    let subscription = subscription();
    let outside = TitleState { in_bouquets: false, ..asked() };
    assert_eq!(admit(&request(&subscription, &outside)), Err(Rule::Bouquet));
    let stopped = TitleState { why_not: Some(NotRunning::Stopping), ..asked() };
    assert_eq!(admit(&request(&subscription, &stopped)), Err(Rule::Stream));
}

#[test]
fn the_provider_lock_binds_once_there_is_a_file_and_an_address_in_it() {
    let locked = |bound: Option<i64>, provider| {
        let subscription = Subscription { isp_lock: true, isp_asn: bound.map(asn), ..subscription() };
        let asked = asked();
        let admitted = admit(&Request { provider, ..request(&subscription, &asked) });
        (admitted, binds_to(&subscription, provider).map(Asn::get))
    };
    assert_eq!(locked(None, Provider::NoFile), (Ok(()), None));
    assert_eq!(locked(Some(1), Provider::NoFile), (Ok(()), None));
    assert_eq!(locked(None, Provider::Unknown), (Ok(()), None));
    assert_eq!(locked(None, Provider::Known(asn(7))), (Ok(()), Some(7)));
    assert_eq!(locked(Some(7), Provider::Known(asn(7))), (Ok(()), None));
    assert_eq!(locked(Some(7), Provider::Known(asn(8))), (Err(Rule::Provider), None));
    assert_eq!(locked(Some(7), Provider::Unknown), (Err(Rule::Provider), None));
}

#[test]
fn the_limit_refuses_unless_the_oldest_goes() {
    let (subscription, asked) = (subscription(), asked());
    let taken = |open, kicks| {
        admit(&Request { taken: Some(Taken { open, kicks }), ..request(&subscription, &asked) })
    };
    assert_eq!(taken(0, false), Ok(()));
    assert_eq!(taken(1, false), Err(Rule::Limit));
    assert_eq!(taken(1, true), Ok(()));
}

#[test]
fn every_rule_has_its_verdict_and_every_refusal_says_what_mends_it() {
    let mut subscription = subscription();
    subscription.banned = true;
    subscription.disabled = true;
    subscription.expire_date = Expiry(UnixTime::new(1));
    let outside = TitleState {
        in_bouquets: false,
        plan_has_catchup: false,
        recorded: Recorded::Nothing,
        why_not: Some(NotRunning::Stopping),
        ..state(archive())
    };
    let at_portal = AtPortal { is_bound: false, turned_away: None, sign_in: SignIn::NotNeeded };
    let of_a_mag = Request { set_top_box: Some(&at_portal), ..request(&subscription, &outside) };
    assert_eq!(verdicts(&of_a_mag).len(), Rule::ALL.len());
    let verdicts = verdicts(&request(&subscription, &outside));
    assert_eq!(verdicts.len(), Rule::ALL.len() - 2, "a line has no box");
    let refusing: Vec<Rule> = verdicts.iter().filter(|v| !v.passes).map(|v| v.rule).collect();
    assert_eq!(
        refusing,
        [
            Rule::Banned,
            Rule::Disabled,
            Rule::Expired,
            Rule::Catchup,
            Rule::Bouquet,
            Rule::Archive,
            Rule::Stream
        ]
    );
    for verdict in verdicts.iter().filter(|verdict| !verdict.passes) {
        assert!(verdict.words.contains(':'), "{verdict:?}");
    }
    assert_eq!(
        verdicts.iter().find(|v| v.rule == Rule::Expired).unwrap().words,
        "It expired at 1970-01-01 00:00:01 UTC: extend it, or set a later end date."
    );
}

#[test]
fn what_is_not_asked_about_passes() {
    let mut subscription = subscription();
    subscription.allowed_ips = vec![Network::new("192.0.2.8").unwrap()];
    subscription.allowed_outputs = vec![Container::Hls];
    let asked = asked();
    let bare = Request {
        address: None,
        agent: None,
        container: None,
        title: None,
        set_top_box: None,
        taken: None,
        ..request(&subscription, &asked)
    };
    assert!(verdicts(&bare).iter().all(|verdict| verdict.passes));
}

#[test]
fn people_of_a_reseller_are_told_nothing_that_only_the_operator_can_mend() {
    let subscription = Subscription {
        banned: true,
        isp_lock: true,
        server_id: Some(ServerId(2)),
        max_allowed_connections: Connections::new(1).unwrap(),
        ..subscription()
    };
    let nowhere = TitleState {
        in_bouquets: false,
        plan_has_catchup: false,
        recorded: Recorded::Nothing,
        why_not: Some(NotRunning::OnLoadBalancer),
        ..state(archive())
    };
    let told = |sign_in, rule| {
        let at_portal = AtPortal { is_bound: false, turned_away: None, sign_in };
        let asked = Request {
            blocked: Some(Duration::from_secs(9)),
            set_top_box: Some(&at_portal),
            taken: Some(Taken { open: 1, kicks: false }),
            ..request(&subscription, &nowhere)
        };
        let verdict = verdicts(&asked).into_iter().find(|verdict| verdict.rule == rule).unwrap();
        (verdict.words.clone(), verdict.for_reseller().words)
    };
    let operators = [
        "banned",
        "--asn-db",
        "server_id",
        "mag_login_required",
        "max_allowed",
        "load balancer",
        "security/",
    ];
    for rule in Rule::ALL {
        let (_, words) = told(SignIn::NoPassword, rule);
        let named: Vec<_> = operators.iter().filter(|name| words.contains(*name)).collect();
        assert!(rule == Rule::Banned || named.is_empty(), "{rule:?}: {words}");
    }
    assert_eq!(told(SignIn::NoPassword, Rule::Banned).1, "The operator has banned it: ask the operator.");
    let (operator, reseller) = told(SignIn::Awaited, Rule::SignIn);
    assert_eq!(operator, reseller, "what they can mend themselves is told as it is");
}

#[test]
fn catch_up_is_allowed_by_the_plan_and_by_the_subscription_and_wants_a_recording() {
    let asked = |plan_has_catchup, catchup, recorded| {
        let (subscription, title) = (
            Subscription { catchup, ..subscription() },
            TitleState { plan_has_catchup, recorded, ..state(archive()) },
        );
        let request = request(&subscription, &title);
        let told: Vec<&str> = verdicts(&request).iter().map(|verdict| verdict.rule.name()).collect();
        assert!(told.contains(&"catchup") && told.contains(&"archive"), "{told:?}");
        admit(&request)
    };
    assert_eq!(asked(true, true, Recorded::Then), Ok(()));
    assert_eq!(asked(false, true, Recorded::Then), Err(Rule::Catchup));
    assert_eq!(asked(true, false, Recorded::Then), Err(Rule::Catchup));
    assert_eq!(asked(true, true, Recorded::OtherTimes), Err(Rule::Archive));
    assert_eq!(asked(true, true, Recorded::Nothing), Err(Rule::Archive));

    let (without, live) = (Subscription { catchup: false, ..subscription() }, self::asked());
    let live = TitleState { plan_has_catchup: false, recorded: Recorded::Nothing, ..live };
    let request = request(&without, &live);
    assert_eq!(admit(&request), Ok(()), "what is live needs neither");
    assert!(!verdicts(&request).iter().any(|verdict| matches!(verdict.rule, Rule::Catchup | Rule::Archive)));
}

#[test]
fn words_are_for_people_and_name_no_columns() {
    let strict = Subscription {
        banned: true,
        disabled: true,
        expire_date: Expiry(Some(now())),
        allowed_ips: vec![Network::new("192.0.2.8").unwrap()],
        allowed_user_agents: vec![UserAgentPattern::parse_item("Kodi").unwrap()],
        allowed_outputs: vec![Container::Hls],
        server_id: Some(ServerId(2)),
        isp_lock: true,
        isp_asn: Some(asn(1)),
        catchup: false,
        ..subscription()
    };
    let set_top_box = AtPortal { is_bound: true, turned_away: Some(now()), sign_in: SignIn::NoPassword };
    let nothing = TitleState {
        in_bouquets: false,
        plan_has_catchup: false,
        recorded: Recorded::Nothing,
        ..state(archive())
    };
    for subscription in [subscription(), strict] {
        for provider in [Provider::NoFile, Provider::Unknown, Provider::Known(asn(2))] {
            for title in [&asked(), &nothing] {
                let full = Request {
                    provider,
                    agent: Some("VLC"),
                    set_top_box: Some(&set_top_box),
                    taken: Some(Taken { open: 9, kicks: false }),
                    blocked: Some(std::time::Duration::from_secs(5)),
                    ..request(&subscription, title)
                };
                for verdict in verdicts(&full) {
                    let words = &verdict.words;
                    assert!(!words.contains(['_', '/']) && !words.contains(" to 0"), "{words}");
                }
            }
        }
    }
}
