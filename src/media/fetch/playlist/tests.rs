use super::*;
use crate::media::fetch::content::{is_playlist, not_a_stream};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn read(text: &str) -> Playlist {
    Playlist::read(text, &url("http://h/a/list.m3u8?t=1")).unwrap()
}

fn written(text: &str, from: usize, first: u64, breaks_at: Option<u64>) -> String {
    let Playlist::Media(media) = read(text) else { panic!("segments") };
    media.write(from, first, breaks_at, |url, kind| format!("<{kind:?} {url}>"))
}

#[test]
fn every_address_of_a_list_becomes_ours() {
    let list = "\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6.0
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES
#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"100@0\"
#EXT-X-KEY:METHOD=AES-128,URI=\"https://k/key?a=1,2\"
#EXTINF:6,one, two
/chunk/7?sid=42
#EXTINF:6
8.ts
#EXT-X-PART:DURATION=1,URI=\"9.1.ts\"
#EXT-X-KEY:METHOD=NONE
#EXT-X-BYTERANGE:10@20
#EXTINF:6
http://o/9.ts
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"10.1.ts\"
";
    let expected = "\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-KEY:METHOD=AES-128,URI=\"<Key https://k/key?a=1,2>\",IV=0x00000000000000000000000000000007
#EXT-X-MAP:URI=\"<Map http://h/a/init.mp4>\",BYTERANGE=\"100@0\"
#EXTINF:6,one, two
<Segment http://h/chunk/7?sid=42>
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=AES-128,URI=\"<Key https://k/key?a=1,2>\",IV=0x00000000000000000000000000000008
#EXTINF:6
<Segment http://h/a/8.ts>
#EXT-X-KEY:METHOD=NONE
#EXT-X-BYTERANGE:10@20
#EXTINF:6
<Segment http://o/9.ts>
";
    assert_eq!(written(list, 0, 100, Some(101)), expected);
    assert!(written(list, 2, 5, None).contains("SEQUENCE:5\n#EXT-X-MAP"), "what went before is left out");
    let vod = written(
        "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,IV=0x1,URI=\"k\"\n#EXTINF:1\na\n#EXT-X-ENDLIST",
        0,
        0,
        None,
    );
    assert!(
        vod.contains("METHOD=SAMPLE-AES,URI=\"<Key http://h/a/k>\",IV=0x1\n") && vod.ends_with("ENDLIST\n"),
        "{vod}"
    );
}

#[test]
fn a_list_of_variants_keeps_what_can_be_carried() {
    let Playlist::Master(lines) = read(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x,URI=\",URI=\"a/en.m3u8\",DEFAULT=YES\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in it\"\n#EXT-X-MEDIA:TYPE=SUBTITLES,URI=\"s.m3u8\"\n\
         #EXT-X-I-FRAME-STREAM-INF:URI=\"i.m3u8\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nlow.m3u8\n",
    ) else {
        panic!("variants")
    };
    let told: Vec<String> = lines
        .iter()
        .map(|line| match line {
            Line::Plain(text) => text.clone(),
            Line::Around(before, url, after) => format!("{before}<{url}>{after}"),
        })
        .collect();
    assert_eq!(
        told[1],
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x,URI=\",DEFAULT=YES,URI=\"<http://h/a/a/en.m3u8>\""
    );
    assert_eq!(told[2], "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in it\"");
    assert_eq!(told[3], "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\n<http://h/a/low.m3u8>");
    assert_eq!(told.len(), 4);
}

#[test]
fn no_address_reaches_ffmpeg_as_it_was_written() {
    for list in [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\rhttp://evil/\n1.ts",
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\0http://evil/\n1.ts",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128 URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=\"0 URI=http://evil/\",URI=\"k\"\n#EXTINF:2,\n1.ts",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,KEYFORMATVERSIONS=\"\\\",URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
        "#EXTM3U\n#EXT-X-MAP:URI=\"k\",BYTERANGE=\"1 URI=http://evil/\"\n#EXTINF:2,\n1.ts",
    ] {
        let Playlist::Media(media) = read(list) else { panic!("segments") };
        let text = media.write(0, 0, None, |_, _| "ours".to_owned());
        assert!(!text.contains("evil") && !text.contains(['\r', '\0']), "{list:?}: {text}");
    }
    let Playlist::Master(lines) = read(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n1.m3u8\n\
         #EXT-X-MEDIA:TYPE=AUDIO,NAME=x URI=\"http://evil/\",URI=\"a\"\n#EXT-X-MEDIA:TYPE=AUDIO,DEFAULT=YES URI=\"http://evil/\"",
    ) else {
        panic!("variants")
    };
    for line in lines {
        let (Line::Plain(text) | Line::Around(text, ..)) = line;
        assert!(!text.contains("evil"), "{text}");
    }
}

#[test]
fn a_key_for_players_with_a_licence_is_refused_unless_there_is_another() {
    let plain = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
    let locked = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple\"\n";
    for (keys, is_read) in [
        (locked.to_owned(), false),
        ([plain, locked].concat(), true),
        ([locked, plain].concat(), true),
        ([plain, "#EXTINF:1\na\n", locked].concat(), false),
        ([locked, "#EXT-X-KEY:METHOD=NONE\n"].concat(), true),
    ] {
        let read = Playlist::read(&format!("#EXTM3U\n{keys}#EXTINF:1\nb\n"), &url("http://h/"));
        assert_eq!(read.is_ok(), is_read, "{keys}");
    }
}

#[test]
fn what_is_no_stream_is_called_by_its_name() {
    for (bytes, word) in [
        ("", "nothing"),
        ("\u{feff}\n<!DOCTYPE html><html>", "HTML"),
        ("<?xml version=\"1.0\"?><MPD>", "DASH"),
        ("{\"error\":1}", "JSON"),
        ("[playlist]\nFile1=x", "list of addresses"),
    ] {
        assert!(not_a_stream(bytes.as_bytes()).unwrap().contains(word), "{bytes}");
    }
    assert_eq!(not_a_stream(b"\x47@\0"), None);
    assert!(is_playlist(b"\xef\xbb\xbf\r\n#EXTM3U8"));
    let error = Playlist::read("#EXTM3U\n#EXTINF:-1,One\nhttp://h/1", &url("http://h/")).unwrap_err();
    assert!(error.contains("import"), "{error}");
}

proptest::proptest! {
    #[test]
    fn arbitrary_lists_never_panic(text in "(#EXT(-X-KEY|-X-MAP|INF|M3U|-X-MEDIA|-X-MEDIA-SEQUENCE):?|[ -~]|\n|URI=\"){0,40}") {
        if let Ok(Playlist::Media(media)) = Playlist::read(&text, &url("http://h/")) {
            media.write(1, u64::MAX - 1, Some(3), |url, _| url.to_string());
        }
    }
}
