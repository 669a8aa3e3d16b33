use proptest::prelude::*;

use super::*;

/// The entries of a list, and what was odd: kind and count.
fn all(list: &[u8]) -> Result<(Vec<Entry>, Vec<String>), Rule> {
    let mut entries = Vec::new();
    let mut take = |entry| entries.push(entry);
    let mut reader = Reader::default();
    reader.push(list, &mut take)?;
    let oddities = reader.end(&mut take)?;
    Ok((
        entries,
        oddities.iter().map(|(kind, seen)| format!("{} {kind} ({})", seen.count, seen.first)).collect(),
    ))
}

fn read(list: &str) -> Vec<Entry> {
    all(list.as_bytes()).unwrap().0
}

fn odd(list: &str) -> Vec<String> {
    all(list.as_bytes()).unwrap().1
}

fn one(text: &str) -> Entry {
    let entries = read(text);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.into_iter().next().unwrap()
}

#[test]
fn attributes_may_hold_commas_and_stand_without_quotes() {
    let entry = one(
        "#EXTM3U\n#EXTINF:-1 tvg-id=\"a.b\" tvg-name=\"No\" tvg-logo=\"http://l/1.png\" tvg-chno=12 group-title=\"News, local\",Name, with comma\nhttp://h/1\n",
    );
    assert_eq!(
        (entry.guide_id.as_str(), entry.logo.as_str(), entry.number.as_str()),
        ("a.b", "http://l/1.png", "12")
    );
    assert_eq!(
        (entry.group.as_str(), entry.name.as_str(), entry.line),
        ("News, local", "Name, with comma", 3)
    );
}

#[test]
fn odd_lists_still_give_their_channels() {
    for (text, name, group) in [
        ("\u{feff}#EXTM3U\r\n#EXTINF:0,A\r\n\r\nhttp://h/1\r\n", "A", ""),
        ("#extinf:-1 group-title=News tvg-id=a,B\rhttp://h/1", "B", "News"),
        ("#EXTINF:-1,C\n#EXTGRP:Films\n#EXTVLCOPT:http-user-agent=x\nhttp://h/1", "C", "Films"),
        ("#EXTGRP:Films\n#EXTINF:-1,D\nhttp://h/1", "D", "Films"),
        ("#EXTGRP: \"Films\" \n#EXTINF:-1,D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP:'Films'\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP : Films ; B\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1 group-title=\"\"Films\"\",D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP=Films\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP:\"\"Films\"\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP:\"\"\"Films\"\"\"\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP:Films\"\"\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,D\n#EXTGRP:The \"best\"\nhttp://h/1", "D", "The \"best\""),
        ("#EXTINF:-1 group-title=\"\"Films\",D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1 group-title=\"\"\"Films\"\"\",D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1 group-title=\"Films\"\",D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1 group-title=\"&quot;Films&quot;\",D\nhttp://h/1", "D", "Films"),
        ("#EXTINF:-1,See http://t.me/x for info\nhttp://h/1", "See http://t.me/x for info", ""),
        ("#EXTINF:-1 group-title=\"News\" ,E\n#EXTGRP:Films\nhttp://h/1", "E", "News"),
        ("#EXTINF:-1 tvg-name=\"F\",\nhttp://h/1", "F", ""),
        ("#EXTINF:-1 tvg-name=\"F, G\" group-title=\"A, B\"\nhttp://h/1", "F, G", "A, B"),
        ("#EXTINF:-1 tvg-name=\"unclosed,G\nhttp://h/1", "G", ""),
        ("#EXTINF:-1 group-title=\"C04\",Canal Uno, HD\nhttp://h/1", "Canal Uno, HD", "C04"),
        ("#EXTINF:-1 group-title='It''s',N\nhttp://h/1", "N", "It''s"),
        ("#EXTINF:-1,The \"best\" one\nhttp://h/1", "The \"best\" one", ""),
        ("#EXTINF:-1,\"Quoted\"\nhttp://h/1", "Quoted", ""),
        ("#EXTINF:-1,  H \t I  \nhttp://h/1", "H I", ""),
        ("#EXTINF:-1,Arabic \u{202b}x\u{202c}\u{2028}y\nhttp://h/1", "Arabic x y", ""),
        ("http://h/live/u/p/seven.m3u8?token=x", "seven", ""),
        ("#EXTINF:-1\nhttp://h/eight", "eight", ""),
        ("#EXTINF -1 group-title=\"G\",Nine\nhttp://h/9", "Nine", "G"),
        ("#EXTINF:-1 group-title=\"A;B\",Ten\nhttp://h/9", "Ten", "A"),
        ("#EXTINF:-1 group-title=\";B\",Ten\nhttp://h/9", "Ten", "B"),
        ("#EXTINF:-1,Eleven\n\"http://h/9\"\n", "Eleven", ""),
        ("#EXTM3U\n\n\u{feff}#EXTINF:-1,Twelve\n  http://h/12  \n", "Twelve", ""),
    ] {
        let entry = one(text);
        assert_eq!((entry.name.as_str(), entry.group.as_str()), (name, group), "{text:?}");
        assert!(!entry.url.contains('"'));
    }
    assert_eq!(all(b"#EXTINF:-1,Caf\xe9 \x96 TV\nhttp://h/1").unwrap().0[0].name, "Café – TV");
    assert_eq!(read("#EXTM3U\n#EXTINF:-1,alone\n"), []);
}

#[test]
fn a_group_before_an_entry_is_the_heading_of_what_follows() {
    let list = "#EXTGRP:One\n#EXTINF:-1,a\nhttp://h/1\n#EXTINF:-1,b\nhttp://h/2\n#EXTINF:-1 group-title=\"Own\",c\nhttp://h/3\n\
        #EXTINF:-1,d\n#EXTGRP:Its own\nhttp://h/4\n#EXTINF:-1,e\nhttp://h/5\n#EXTGRP:Two\n#EXTINF:-1,f\nhttp://h/6\nhttp://h/7\n";
    let groups: Vec<String> = read(list).into_iter().map(|entry| entry.group).collect();
    assert_eq!(groups, ["One", "One", "Own", "Its own", "One", "Two", "Two"]);
}

#[test]
fn other_names_of_attributes_are_known() {
    for (attribute, field) in [
        ("logo=\"x\"", "logo x"),
        ("tvg-logo=\"\" logo=\"x\"", "logo x"),
        ("TVG-LOGO=\"x\"", "logo x"),
        ("tvh-chnum=\"7\"", "number 7"),
        ("channel-number=\"7\"", "number 7"),
        ("ch-number=7", "number 7"),
        ("channel-id=\"x\"", "id x"),
        ("channel-id=\"x\" tvg-id=\"y\"", "id y"),
        ("tvg-group=\"x\"", "group x"),
    ] {
        let entry = one(&format!("#EXTINF:-1 {attribute},N\nhttp://h/1"));
        let found =
            [("logo", entry.logo), ("number", entry.number), ("id", entry.guide_id), ("group", entry.group)];
        let found: Vec<String> =
            found.into_iter().filter(|it| !it.1.is_empty()).map(|(a, b)| format!("{a} {b}")).collect();
        assert_eq!(found, [field], "{attribute}");
    }
    assert_eq!(one("#EXTINF:-1,N\n#EXTIMG:http://l/1.png\nhttp://h/1").logo, "http://l/1.png");
    assert_eq!(one("#EXTINF:-1,N\n#EXTVLCOPT:program=101\nudp://@239.1.1.1:1").program, "101");
    assert!(one("#EXTINF:-1 type=\"playlist\",N\nhttp://h/1").is_list);
}

#[test]
fn an_address_beside_the_name_counts_where_none_follows() {
    let list = "#EXTINF:-1,One http://h/1?a,b\n#EXTINF:-1,Two http://h/old\nhttp://h/2\n#EXTINF:-1 group-title=\"G\",http://h/three.ts\n#EXTINF:-1,Last https://h/4";
    let found: Vec<(String, String, usize)> =
        read(list).into_iter().map(|e| (e.name, e.url, e.line)).collect();
    let found: Vec<(&str, &str, usize)> =
        found.iter().map(|(name, url, line)| (name.as_str(), url.as_str(), *line)).collect();
    assert_eq!(
        found,
        [
            ("One", "http://h/1?a,b", 1),
            ("Two", "http://h/2", 3),
            ("three", "http://h/three.ts", 4),
            ("Last", "https://h/4", 5)
        ]
    );
    assert_eq!(odd(list), ["4 address on the line of #EXTINF (1)"]);
}

#[test]
fn what_is_left_out_is_told_each_kind_once() {
    let list = "#EXTM3U url-tvg=\"http://g/\" x=\"\"\n#PLAYLIST:Mine\n# a remark\n\
        #EXTINF:-1 catchup=\"default\" tvg-language=\"\",A\n#EXTVLCOPT:network-caching=1000\nhttp://h/1\n\
        #EXTINF:-1 catchup=\"default\" group-title=\"A;B\",B\n#KODIPROP:inputstream=inputstream.adaptive\nhttp://h/2\n\
        #EXTINF:-1 group-title=\"x,C\nhttp://h/3\n#EXTINF:-1,no address\n#EXTINF:-1,D\nhttp://h/4\n";
    assert_eq!(
        odd(list),
        [
            "1 url-tvg of #EXTM3U left out (1)",
            "1 #PLAYLIST left out (2)",
            "2 attribute catchup left out (4)",
            "1 #EXTVLCOPT network-caching left out (5)",
            "1 #KODIPROP inputstream left out (8)",
            "1 second group of a channel left out: the first one is used (9)",
            "1 unclosed quotation mark (10)",
            "1 #EXTINF without an address left out (12)",
        ]
    );
    let stray =
        [b"#EXTM3U\n#EXTINF:-1,Caf\xe9\nhttp://h/1\n#EXTINF:-1,".as_slice(), "Télé\nhttp://h/2".as_bytes()]
            .concat();
    let (entries, odd) = all(&stray).unwrap();
    assert_eq!((entries[0].name.as_str(), entries[1].name.as_str()), ("Café", "Télé"));
    assert_eq!(odd, ["1 line that is not UTF-8, its stray bytes read as Windows-1252 (2)"]);
}

#[test]
fn what_is_no_list_of_channels_is_called_what_it_is() {
    let segments = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.009,\nhttp://h/1.ts\n#EXTINF:3.0,\nhttp://h/2.ts\n#EXT-X-ENDLIST\n";
    let variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1280000,RESOLUTION=1x1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhigh.m3u8\n";
    for (list, what) in [
        ("\n <!DOCTYPE html><html>", "web page"),
        ("<html>\n<body>http://h/1", "web page"),
        ("<?xml version=\"1.0\"?><playlist>", "XML"),
        ("{\"user_info\":{\"auth\":0}}", "JSON"),
        ("[playlist]\nFile1=http://h/1", "PLS"),
        ("#EXTM3U\n<!DOCTYPE html>\n<p>", "web page"),
        ("#EXTM3U\n#EXTINF:-1,A\n<html>", "web page"),
        ("#EXTM3U\n{\"error\":\"expired\"}", "JSON"),
        ("ERROR: subscription expired", "begins with \"ERROR: subscription expired\""),
        ("#EXTM3U\nUnauthorized\n", "begins with \"Unauthorized\""),
        ("<br />\n<b>Fatal error</b>: x\n", "begins with"),
        ("#NAME Favourites\n#SERVICE 1:0:1:1:1:1:1:0:0:0:\n", "Enigma2"),
        ("BZh91AY&SY\u{1}\u{2}", "archive"),
        ("PK\u{3}\u{4}\u{14}abc", "archive"),
        ("PK\u{3}\u{4}\u{14}\0\0\0\u{8}\0\0\0\0\0l.m3u\0\0\0\0\0\0", "archive"),
        ("G@\u{11}\u{10}\u{1}\u{2}\u{3}\u{4}", "not text"),
        (segments, "HLS playlist"),
        (variants, "HLS playlist"),
        ("#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n#EXTINF:6,\r\na.ts\r\n", "HLS playlist"),
    ] {
        let refused = all(list.as_bytes()).map(|(entries, _)| entries).unwrap_err();
        assert!(refused.contains(what), "{list:?}: {refused}");
    }
    let stray = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF:-1 tvg-id=\"a\",A\nhttp://h/1\n#EXTINF:-1,B\nhttp://h/2\n";
    assert_eq!((read(stray).len(), odd(stray)), (2, vec!["1 #EXT-X-STREAM-INF left out (2)".to_owned()]));
    assert_eq!(read("#EXTINF:3600,A film\nhttp://h/1.mp4").len(), 1, "a film has an end");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = all(&bytes);
    }

    #[test]
    fn arbitrary_lists_give_an_entry_for_each_url(parts in proptest::collection::vec(
        prop_oneof![Just("#EXTINF:"), Just("\""), Just(","), Just("="), Just(" "), Just("é"), Just("x"), Just("\r")], 0..40)) {
        let list = format!("#EXTM3U\n#EXTINF:{}\nhttp://h/1\n", parts.concat());
        prop_assert!(!read(&list).is_empty());
    }
}
