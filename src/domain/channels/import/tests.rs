use super::*;
use crate::domain::{
    channels::m3u,
    field::Item,
    ids::{CategoryId, StreamId},
};

pub(super) fn list(text: &str) -> List {
    let mut list = List::default();
    let mut take = |entry| list.take(&entry).unwrap();
    let mut reader = m3u::Reader::default();
    reader.push(text.as_bytes(), &mut take).unwrap();
    let odd = reader.end(&mut take).unwrap();
    list.oddities.merge(odd);
    list
}

pub(super) fn told(oddities: &Oddities) -> Vec<String> {
    oddities.iter().map(|(kind, seen)| format!("{} {kind} ({})", seen.count, seen.first)).collect()
}

const FILMS: CategoryId = CategoryId(3);

fn there(id: i64, name: &str, category: Option<CategoryId>, sources: &[&str]) -> Existing {
    let sources = sources.iter().map(|source| SourceUrl::new(source).unwrap()).collect();
    Existing {
        id: StreamId(id),
        name: name.into(),
        category,
        guide_id: String::new(),
        sources,
        request: None,
        logo: String::new(),
        number: 0,
    }
}

fn planned(list: &List, streams: &[Existing], way: Duplicates) -> Plan {
    plan(list, streams, &[(FILMS, "FILMS".to_owned())], way)
}

const LIST: &str = "#EXTINF:-1 group-title=\"News\",One\nhttp://h/1\n\
                    #EXTINF:-1 group-title=\"news\",ONE\nhttp://h/1b\n\
                    #EXTINF:-1 group-title=\"Films\",One\nhttp://h/2\n\
                    #EXTINF:-1,Renamed\nhttp://h/9\n\
                    #EXTINF:-1,Bad\nrtp:x\n";

fn of(way: Duplicates) -> Plan {
    planned(
        &list(LIST),
        &[there(7, "Old", None, &["http://h/9"]), there(8, "one", Some(FILMS), &["http://h/8"])],
        way,
    )
}

#[test]
fn the_same_source_or_the_same_name_in_the_category_is_a_duplicate() {
    let plan = of(Duplicates::Skip);
    let list = list(LIST);
    assert_eq!(
        plan.fates,
        [Fate::New, Fate::Repeated(Match::Name), Fate::Skipped(Match::Name), Fate::Skipped(Match::Source)]
    );
    assert_eq!(plan.categories.iter().map(Name::as_str).collect::<Vec<_>>(), ["News"]);
    assert_eq!((list.refused.len(), list.refused_count), (1, 1));
    assert!(list.refused[0].2.starts_with("address: a URL of"), "{:?}", list.refused);
    assert!(plan.changed.is_empty());
    let meant: Vec<Target> = plan.streams.iter().copied().collect();
    assert_eq!(meant, [Target::New(0), Target::There(StreamId(8)), Target::There(StreamId(7))]);
    assert_eq!(
        told(&plan.left_out(&list)),
        ["1 channel whose name and group are further up in the list (4)"]
    );
}

#[test]
fn a_source_is_added_once() {
    let plan = of(Duplicates::AddSource);
    assert_eq!(plan.new[0].sources, [0, 1]);
    assert_eq!(plan.changed[&StreamId(8)].sources, [2]);
    assert!(!plan.changed.contains_key(&StreamId(7)), "it has the source");
}

#[test]
fn an_update_takes_the_details_too() {
    let plan = of(Duplicates::Update);
    assert_eq!(plan.changed[&StreamId(7)].details, Some(3), "told by its source");
    assert_eq!(plan.changed[&StreamId(8)].details, Some(2), "told by its name");
    assert_eq!(
        (plan.new[0].entry, plan.new[0].sources.as_slice()),
        (0, &[0, 1][..]),
        "both sources, the first details"
    );
    assert_eq!(plan.fates[1], Fate::SourceAdded);
}

#[test]
fn a_stream_takes_no_more_sources_than_it_may_have() {
    let text: Vec<String> = (0..40).map(|n| format!("#EXTINF:-1,One\nhttp://h/{n}\n")).collect();
    let text = text.concat();
    for way in [Duplicates::AddSource, Duplicates::Update] {
        let list = list(&text);
        let plan = planned(&list, &[], way);
        assert_eq!((plan.new[0].sources.len(), plan.count(|fate| fate == Fate::Full)), (SourceUrl::MOST, 8));
        assert_eq!(
            told(&plan.left_out(&list)),
            ["8 address left out because the stream already has the maximum number of sources (66)"]
        );
        let plan = planned(&list, &[there(1, "one", None, &["http://h/x"])], way);
        assert_eq!(plan.changed[&StreamId(1)].sources.len(), if way == Duplicates::Update { 32 } else { 31 });
    }
}

#[test]
fn an_update_tells_channels_by_name_before_it_looks_at_sources_and_guide_ids() {
    let mut streams = [
        there(1, "A", None, &["http://h/1"]),
        there(2, "B", None, &["http://h/2"]),
        there(3, "C", None, &["http://h/3"]),
    ];
    streams[2].guide_id = "c.uk".into();
    // The provider has given the addresses of A and B to each other, and renamed C.
    let text = "#EXTINF:-1,A\nhttp://h/2\n#EXTINF:-1,B\nhttp://h/1\n#EXTINF:-1 tvg-id=\"c.uk\",C HD\nhttp://h/3?new\n#EXTINF:-1,D\nhttp://h/2\n";
    let plan = planned(&list(text), &streams, Duplicates::Update);
    let updated = Fate::Updated;
    assert_eq!(
        plan.fates,
        [updated(Match::Name), updated(Match::Name), updated(Match::GuideId), Fate::Repeated(Match::Source)]
    );
    assert!(plan.new.is_empty() && plan.changed[&StreamId(3)].details == Some(2));
    // Of two with one guide id nobody knows which one is meant.
    let text = "#EXTINF:-1 tvg-id=\"c.uk\",C HD\nhttp://h/4\n#EXTINF:-1 tvg-id=\"c.uk\",C SD\nhttp://h/5\n";
    assert_eq!(planned(&list(text), &streams, Duplicates::Update).fates, [Fate::New, Fate::New]);
    // Nor is one meant that another entry names.
    let text = "#EXTINF:-1 tvg-id=\"c.uk\",C HD\nhttp://h/4\n#EXTINF:-1,C\nhttp://h/5\n";
    assert_eq!(planned(&list(text), &streams, Duplicates::Update).fates, [Fate::New, updated(Match::Name)]);
}

#[test]
fn one_address_under_two_names_stays_one_stream_at_every_update() {
    let list = list("#EXTINF:-1,A\nhttp://h/1\n#EXTINF:-1,B\nhttp://h/1\n#EXTINF:-1,A\nhttp://h/1\n");
    for streams in [vec![], vec![there(1, "A", None, &["http://h/1"])]] {
        let plan = planned(&list, &streams, Duplicates::Update);
        assert_eq!(plan.fates[1..], [Fate::Repeated(Match::Source); 2]);
        assert_eq!(plan.streams.len(), 1);
    }
}

#[test]
fn new_sources_take_the_place_of_old_ones() {
    let sources = |texts: &[&str]| texts.iter().map(|text| SourceUrl::new(text).unwrap()).collect::<Vec<_>>();
    for (before, new, after) in [
        (&["http://p/1?t=a"][..], &["http://p/1?t=b"][..], &["http://p/1?t=b"][..]),
        (
            &["media/x.ts", "http://p/1", "http://q/1"],
            &["http://p/2"],
            &["media/x.ts", "http://p/2", "http://q/1"],
        ),
        (&["http://p/1", "http://q/1"], &["http://r/1"], &["http://r/1", "http://q/1"]),
        (&["http://p/1", "http://q/1"], &["http://q/1"], &["http://p/1", "http://q/1"]),
        (&["http://p/1", "http://p/2", "http://q/1"], &["http://p/3"], &["http://p/3", "http://q/1"]),
        (&["http://a/1", "http://a/2"], &["http://b/1", "http://b/2"], &["http://b/1", "http://b/2"]),
        (&["http://u:p@h:80/1"], &["http://x:y@h:80/1"], &["http://x:y@h:80/1"]),
        (&[], &["http://b/1"], &["http://b/1"]),
        (&["udp://239.9.9.7:1234"], &["http://p/1"], &["udp://239.9.9.7:1234", "http://p/1"]),
        (
            &["udp://239.9.9.7:1234", "http://p/1?t=1"],
            &["https://r/1?t=2"],
            &["udp://239.9.9.7:1234", "https://r/1?t=2"],
        ),
        (&["media/x.ts", "rtsp://c/1"], &["rtsp://d/1"], &["media/x.ts", "rtsp://d/1"]),
    ] {
        assert_eq!(renewed(&sources(before), &sources(new)), sources(after), "{before:?} {new:?}");
    }
    let mut stream = sources(&["http://p/0", "http://mine/1"]);
    for sync in 1..100 {
        stream = renewed(
            &stream,
            &sources(&[&format!("http://cdn{sync}/1?t={sync}"), &format!("http://p/{sync}")]),
        );
        assert!(stream.len() <= 3, "{stream:?}");
    }
}

#[test]
fn what_of_an_entry_cannot_be_taken_is_told() {
    let long = "x".repeat(300);
    let text = format!(
        "#EXTINF:-1 tvg-chno=\"22.1\" tvg-logo=\"data:x\" group-title=\"{long}\",{long}\nhttp://h/1\n\
         #EXTINF:-1 tvg-chno=\"7a\" tvg-id=\"{long}\",B\nhttp://h/2|User-Agent=x\n#EXTINF:-1 tvg-chno=\"0\",C\nhttp://h/list.m3u?x\n\
         #EXTINF:-1 type=\"playlist\",D\nhttp://h/3\nhttp://h/get.php?username=u&password=p&type=m3u_plus\nhttp://h/playlist/u/p/m3u_plus?output=ts\n"
    );
    let list = list(&text);
    let first = &list.candidates[0];
    assert_eq!((first.number.map(Position::get), first.name.as_str().len()), (Some(22), 200));
    assert_eq!(list.heading(first).unwrap().as_str().len(), 200);
    assert_eq!(list.candidates[1].number, None);
    assert_eq!(told(&list.refusals), ["4 address: another list, import it separately (6)"]);
    assert_eq!(
        list.refused.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>(),
        ["C", "D", "get", "m3u_plus"]
    );
    let odd = told(&list.oddities);
    for what in [
        "name cut",
        "group cut",
        "number with a decimal part",
        "logo left out",
        "number left out",
        "guide id left out",
    ] {
        assert!(odd.iter().any(|odd| odd.starts_with("1 ") && odd.contains(what)), "{what}: {odd:?}");
    }
}

#[test]
fn headers_of_a_channel_stand_in_columns_and_those_of_further_sources_behind_them() {
    let text = "#EXTINF:-1 user-agent=\"Box/2\",A\n#EXTVLCOPT:http-referrer=http://r/\n#EXTHTTP:{\"Cookie\":\"a=1\"}\nhttp://h/1\n\
        #EXTVLCOPT:http-user-agent=VLC\n#EXTINF:-1,B\nhttp://h/2|User-Agent=Kodi&Referer=http://k/\n\
        #EXTINF:-1,A\n#EXTVLCOPT:program=7\nhttp://h/3?x|User-Agent=Kodi\n#EXTINF:-1,A\n#KODIPROP:http-user-agent=K\nhttp://h/4\n";
    let list = list(text);
    let asked: Vec<&SourceRequest> =
        list.candidates.iter().map(|it| &it.asked.as_ref().unwrap().request).collect();
    assert_eq!((asked[0].user_agent.as_str(), asked[0].headers.len()), ("Box/2", 2));
    assert_eq!((asked[1].user_agent.as_str(), asked[1].headers.len()), ("Kodi", 1), "what stands closest");
    assert_eq!(list.candidates[1].source.as_str(), "http://h/2");
    let further = list.candidates[2].further_source().as_str();
    assert_eq!(further, "http://h/3?x|User-Agent=Kodi#program=7");
    assert_eq!(
        told(&list.oddities),
        ["1 option between an address and the next #EXTINF: applied to the next channel (5)"]
    );
    let plan = planned(
        &list,
        &[there(1, "A", None, &["http://h/3?x|User-Agent=Old#program=7"])],
        Duplicates::AddSource,
    );
    assert_eq!(plan.fates[2], Fate::Skipped(Match::Source), "headers make no other source");
    assert_eq!(
        told(&plan.left_out(&list))[1..],
        ["2 headers of a further source of a stream left out: they are on separate lines (4)"]
    );
}

#[test]
fn programs_of_one_multiplex_are_channels_of_their_own() {
    let text = "#EXTINF:-1,A\n#EXTVLCOPT:program=1\nudp://@239.1.1.1:1\n#EXTINF:-1,B\n#EXTVLCOPT:program=2\nudp://@239.1.1.1:1\n\
        #EXTINF:-1,C\n#EXTVLCOPT:program=x\nudp://@239.1.1.1:1\n";
    let odd = |options: &str| told(&list(&format!("#EXTINF:-1,D\n{options}\n")).oddities);
    assert_eq!(
        odd("#EXTVLCOPT:program=x\nudp://@239.1.1.1:1#program=6"),
        ["1 program left out: not a number from 0 to 65535 (3)"]
    );
    assert_eq!(
        odd("#EXTVLCOPT:program=5\nudp://@239.1.1.1:1#program=6"),
        ["1 program given twice: the one in the address is used (3)"]
    );
    assert_eq!(
        odd("#EXTVLCOPT:program=5\n#EXTVLCOPT:program=6\nudp://@239.1.1.1:1"),
        ["1 program given twice: the last one is used (3)"]
    );
    assert_eq!(
        odd("http://h/1|X-A=1&X-A=2&X-B=1&X-B=1"),
        ["1 header of a source given twice: the last one is used (2)"]
    );
    assert_eq!(
        odd("#EXTHTTP:{\"Y\":null}\nhttp://h/1"),
        ["1 header of a source left out: it has no value (3)"]
    );
    let list = list(text);
    let sources: Vec<&str> = list.candidates.iter().map(|it| it.source.as_str()).collect();
    assert_eq!(
        sources,
        ["udp://@239.1.1.1:1#program=1", "udp://@239.1.1.1:1#program=2", "udp://@239.1.1.1:1"]
    );
    assert_eq!(told(&list.oddities), ["1 program left out: not a number from 0 to 65535 (9)"]);
    for way in [Duplicates::Skip, Duplicates::Update] {
        assert_eq!(planned(&list, &[], way).fates, [Fate::New; 3]);
    }
}

#[test]
fn a_list_is_bounded_by_the_memory_that_it_takes() {
    let mut list = List { bytes: List::MOST - (20 << 20), ..List::default() };
    let entry = |n: usize| m3u::Entry {
        line: n,
        name: "N".into(),
        url: format!("http://h/{}{n}", "x".repeat(2000)),
        ..m3u::Entry::default()
    };
    let refused = (1..).find_map(|n| list.take(&entry(n)).err()).unwrap();
    assert!(refused.contains("too long") && list.candidates.len() > 8000, "{refused}");
    let mut list = List::default();
    let bad = m3u::Entry { url: "h".into(), ..m3u::Entry::default() };
    (0..10_000).for_each(|_| list.take(&bad).unwrap());
    assert_eq!(
        (list.refused.len(), list.refused_count, list.refusals.iter().len()),
        (List::REFUSED, 10_000, 1)
    );
}

#[test]
fn what_of_headers_cannot_be_taken_is_told() {
    let many: Vec<String> = (0..40).map(|n| format!("X{n}=1")).collect();
    let text = format!(
        "#EXTINF:-1,a\nhttp://h/1|Host=evil&Range=bytes=0-&Content-Length=5\n\
         #EXTINF:-1,b\nhttp://h/2|User-Agent=A%0d%0aX-Evil%3A1\n\
         #EXTINF:-1,c\nhttps://h/3|verifypeer=false&User-Agent=One&seekable=0\n\
         #EXTINF:-1,d\n#EXTHTTP:{{\"X-Num\":5,\"Host\":\"evil\"}}\nhttp://h/4\n\
         #EXTINF:-1,e\nhttp://h/5|{}\n\
         #EXTINF:-1,f\nhttp://h/6|User-Agent=One|Referer=http://r/\n",
        many.join("&")
    );
    let list = list(&text);
    let asked: Vec<_> = list.candidates.iter().map(|candidate| candidate.asked.as_ref()).collect();
    assert!(asked[0].is_none() && asked[1].is_none(), "{asked:?}");
    let of = |place: usize| &asked[place].unwrap().request;
    assert_eq!((of(2).tls_verify, of(2).user_agent.as_str()), (false, "One"));
    assert_eq!((of(3).headers[0].name(), of(3).headers[0].value()), ("X-Num", "5"));
    assert_eq!(of(4).headers.len(), 32);
    assert_eq!((of(5).user_agent.as_str(), of(5).headers[0].value()), ("One", "http://r/"));
    let own = asked[5].unwrap().source.as_ref().unwrap();
    assert_eq!(own.as_str(), "http://h/6|User-Agent=One&Referer=http://r/");
    let told = told(&list.oddities).join("\n");
    for what in [
        "2 header of a source left out that the server sets itself, such as Host or Range (2)",
        "1 User-Agent of a source left out: over 512 bytes, or with control characters (4)",
        "1 option for a player behind an address left out (6)",
        "1 headers of a source beyond the 32nd left out (11)",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
}
