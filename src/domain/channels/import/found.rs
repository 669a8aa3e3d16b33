//! Lists as they are found, one kind a row: what comes in, and what is told.

use super::tests::{list, told};

/// A channel as `name|group|guide id|number|logo|address`, without what is empty at the end.
fn channels(text: &str) -> Vec<String> {
    let list = list(text);
    let shown = list.candidates.iter().map(|it| {
        let parts = [
            it.name.as_str().to_owned(),
            list.heading(it).map(|name| name.as_str().to_owned()).unwrap_or_default(),
            it.guide_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            it.number.map(|number| number.get().to_string()).unwrap_or_default(),
            it.logo.as_ref().map(|logo| logo.as_str().to_owned()).unwrap_or_default(),
        ];
        let known = parts.iter().rposition(|part| !part.is_empty()).unwrap_or(0);
        format!("{} {}", parts[..=known].join("|"), it.further_source().as_str())
    });
    shown.collect()
}

/// What is left out or read otherwise, without where.
fn odd(text: &str) -> Vec<String> {
    let list = list(text);
    let all = told(&list.oddities).into_iter().chain(told(&list.refusals));
    all.map(|it| it.rsplit_once(" (").unwrap().0.to_owned()).collect()
}

#[test]
fn every_kind_comes_in_as_a_person_reads_it() {
    for (text, channel) in [
        // What providers and editors write.
        (
            "#EXTINF:-1 tvg-id=\"a.uk\" tvg-name=\"UK: A\" tvg-logo=\"http://l/a.png\" group-title=\"UK\",UK: A\nhttp://h:8080/u/p/1",
            "UK: A|UK|a.uk||http://l/a.png http://h:8080/u/p/1",
        ),
        (
            "#EXTINF:-1 channelID=\"x-ID.7\" tvg-chno=\"1000\" tvg-name=\"A\" tvg-id=\"a\" tvg-logo=\"http://l/1\" group-title=\"G\",A\nhttp://h:34400/stream/abc",
            "A|G|a|1000|http://l/1 http://h:34400/stream/abc",
        ),
        (
            "#EXTINF:-1 logo=\"http://l/1\" tvg-id=\"0f3c\" tvg-chno=\"7.1\",Das Erste\nhttp://h:9981/stream/channelid/12?ticket=A&profile=pass",
            "Das Erste||0f3c|7|http://l/1 http://h:9981/stream/channelid/12?ticket=A&profile=pass",
        ),
        ("#EXTINF:-1 tvh-chnum=\"5\" tvh-tags=\"HD|News\" tvh-epg=\"0\",A\nhttp://h/1", "A|HD||5 http://h/1"),
        (
            "#EXTM3U \n#EXTVLCOPT--http-reconnect=true \n#EXTINF:-1,A HD\nhttp://box:8001/1:0:19:283D:3FB:1:C00000:0:0:0:",
            "A HD http://box:8001/1:0:19:283D:3FB:1:C00000:0:0:0:",
        ),
        (
            "#EXTINF:-1 tvg-id=\"A.us@SD\" http-referrer=\"https://r/\" group-title=\"News;Public\",A (720p) [Geo-blocked]\n#EXTVLCOPT:http-referrer=https://r/\nhttps://h/a.m3u8",
            "A (720p) [Geo-blocked]|News|A.us@SD https://h/a.m3u8",
        ),
        (
            "#EXTINF:-1 CUID=\"1\" channel-number=\"12\" tvg-id=\"x\" group-title=\"A\",B\nhttp://h/1",
            "B|A|x|12 http://h/1",
        ),
        (
            "#KODIPROP:inputstream=inputstream.adaptive\n#EXTINF:-1 radio=\"true\",R\nhttp://h/1|User-Agent=K&X-Y=Z",
            "R http://h/1|User-Agent=K&X-Y=Z",
        ),
        // Names and commas.
        ("#EXTINF:-1 group-title=\"C04\",Canal Uno, HD\nhttp://h/1", "Canal Uno, HD|C04 http://h/1"),
        ("#EXTINF:-1 tvg-name=\"A, B\" group-title=\"C, D\"\nhttp://h/1", "A, B|C, D http://h/1"),
        ("#EXTINF:-1\nhttp://h/one.ts", "one http://h/one.ts"),
        ("#EXTINF:0 ,\nhttp://h/one.ts", "one http://h/one.ts"),
        ("#EXTINF:-1 A without comma\nhttp://h/1", "A without comma http://h/1"),
        ("#EXTINF: -1 , A\nhttp://h/1", "A http://h/1"),
        ("#EXTINF:,A\nhttp://h/1", "A http://h/1"),
        ("#EXTINF:-1,📺 Fútbol 1️⃣\nhttp://h/1", "📺 Fútbol 1️⃣ http://h/1"),
        (
            "#EXTINF:-1 group-title=\"قنوات\",الجزيرة\u{200f} HD\nhttp://h/1",
            "الجزيرة\u{200f} HD|قنوات http://h/1",
        ),
        (
            "#EXTINF:-1 group-title=\"Film &amp; Series\",Tom &amp; Jerry&#39;s\nhttp://h/1",
            "Tom & Jerry's|Film & Series http://h/1",
        ),
        ("#EXTINF:-1 group-title=\"A &amp; B;C\",N\nhttp://h/1", "N|A & B http://h/1"),
        (
            "#EXTINF:-1 tvg-logo=\"http://l/?a=1&amp;b=2\",N\nhttp://h/?a=1&amp;b=2",
            "N||||http://l/?a=1&b=2 http://h/?a=1&b=2",
        ),
        // Attributes.
        ("#EXTINF:-1 tvg-id='a' group-title='It''s',N\nhttp://h/1", "N|It''s|a http://h/1"),
        ("#EXTINF:-1 tvg-id = \"a\" group-title= \"G\" , N\nhttp://h/1", "N|G|a http://h/1"),
        ("#EXTINF:-1tvg-id=\"a\"group-title=\"G\",N\nhttp://h/1", "N|G|a http://h/1"),
        ("#EXTINF:-1\ttvg-id=\"a\"\tgroup-title=\"G\"\t,\tN\t\nhttp://h/1\t", "N|G|a http://h/1"),
        ("#EXTINF:-1 group-title=Foo Bar,Unq\nhttp://h/1", "Unq|Foo Bar http://h/1"),
        ("#EXTINF:-1 tvg-logo=http://l/a,b.png,N\nhttp://h/1", "N||||http://l/a,b.png http://h/1"),
        (
            "#EXTINF:-1 tvg-logo=http://l/a,b.png group-title=Foo, Bar tvg-id=x,N\nhttp://h/1",
            "N|Foo, Bar|x||http://l/a,b.png http://h/1",
        ),
        ("#EXTINF:-1,Name tvg-id=\"x\" group-title=\"Y\"\nhttp://h/1", "Name|Y|x http://h/1"),
        ("#EXTINF:-1 tvg-name=\"The \\\"best\\\"\" group-title=\"C:\\\",N\nhttp://h/1", "N|C:\\ http://h/1"),
        ("#EXTINF:-1 tvg-id=\"a group-title=\"G\",N\nhttp://h/1", "N|G|a http://h/1"),
        ("#EXTINF:-1 group-title=\"G,N\nhttp://h/1", "N|G http://h/1"),
        ("#EXTINF:-1 tvg-chno=\"22.1\" group-title=\"A;B\",N\nhttp://h/1", "N|A||22 http://h/1"),
        // Groups and options on lines of their own.
        ("#EXTINF:-1,N\n#EXTGRP:\"A, B\"\nhttp://h/1", "N|A, B http://h/1"),
        ("#EXTGRP:G\n\n#EXTINF:-1,N\nhttp://h/1", "N|G http://h/1"),
        (
            "#EXTINF:-1,N\n#EXTVLCOPT:http-user-agent=A|B\n#EXTVLCOPT:program=7\nudp://@239.1.1.1:1",
            "N udp://@239.1.1.1:1#program=7",
        ),
        // Addresses.
        ("#EXTINF:-1,N http://h/1", "N http://h/1"),
        ("#EXTINF:-1,N\n\n\nhttp://u:p%40@h:81/a b.ts", "N http://u:p%40@h:81/a%20b.ts"),
        (
            "#EXTINF:-1,N\nhttp://[2001:db8::1]:8080/x?y=[1]&z={2}",
            "N http://[2001:db8::1]:8080/x?y=[1]&z={2}",
        ),
        ("#EXTINF:-1,N\nrtp://@[ff05::1]:5004", "N rtp://@[ff05::1]:5004"),
        ("#EXTINF:-1,N\nRTSP://u:p@cam.lan:554/s1", "N RTSP://u:p@cam.lan:554/s1"),
        ("#EXTINF:-1,N\nrtmp://h/app/key?a=b", "N rtmp://h/app/key?a=b"),
        ("#EXTINF:-1,N\nmedia/my film.mkv", "N media/my film.mkv"),
        ("#EXTINF:-1,N\n 'http://h/1' ", "N http://h/1"),
        ("#EXTINF:-1,N\nhttp://h/a|b.ts", "N http://h/a|b.ts"),
        ("#EXTINF:-1,N\nnot an address, but a remark\nhttp://h/1", "N http://h/1"),
        ("#EXTINF:-1,N\0\n\0http://h/1\0", "N http://h/1"),
        ("#EXTINF:-1,N\rhttp://h/1\r", "N http://h/1"),
        (
            "<br />\n<b>Warning</b>: fopen() in <b>/x</b><br />\n#EXTM3U\n#EXTINF:-1,N\nhttp://h/1",
            "N http://h/1",
        ),
        ("\u{feff}#EXTM3U\n\u{feff}#EXTINF:-1,\u{feff}N\nhttp://h/1", "N http://h/1"),
    ] {
        assert_eq!(channels(text), [channel], "{text}");
    }
    let long = format!("#EXTINF:-1,N\nhttp://h/{}", "x".repeat(8000));
    assert_eq!(channels(&long).len(), 1);
}

#[test]
fn what_is_not_taken_as_it_stands_is_told() {
    for (text, kinds) in [
        ("#EXTINF:-1 group-title=\"A &amp; B\",N\nhttp://h/1", &[][..]),
        ("#EXTINF:-1,N\nhttp://h/?a&amp;b", &["1 &amp; in an address: read as &"]),
        (
            "#EXTINF:-1,N\nhttp://h/1\n<html>\nSorry, no more",
            &["2 line left out that is neither a directive nor an address"],
        ),
        (
            "#EXTINF:-1,N\nfilms/a.mkv\n",
            &["1 address: a URL of http, https, rtmp, rtmps, rtsp, srt, udp or rtp, or a file as media/NAME"],
        ),
        (
            "#EXTINF:-1,N\nC:\\films\\a b.mkv\n",
            &["1 address: a URL of http, https, rtmp, rtmps, rtsp, srt, udp or rtp, or a file as media/NAME"],
        ),
        (
            "#EXTINF:-1,N\nplugin://plugin.video.x/?a=b\n",
            &["1 address: a URL of http, https, rtmp, rtmps, rtsp, srt, udp or rtp, or a file as media/NAME"],
        ),
        (
            "#EXTINF:-1,N\nudp://239.1.1.1\n",
            &["1 address: a port from 1 to 65535, which udp, rtp and srt must name"],
        ),
        (
            "#EXTINF:-1 tvh-tags=\"A|B\",N\nhttp://h/1",
            &["1 second group of a channel left out: the first one is used"],
        ),
        (
            "#EXTINF:-1,A\nhttp://h/1\n#EXTVLCOPT:http-user-agent=X\n#EXTINF:-1,B\nhttp://h/2",
            &["1 option between an address and the next #EXTINF: applied to the next channel"],
        ),
    ] {
        assert_eq!(odd(text), kinds, "{text}");
    }
}

#[test]
fn options_belong_to_the_channel_beside_which_they_stand() {
    let agents = |text: &str| -> Vec<String> {
        let agent = |asked: &super::SourceAccess| asked.request.user_agent.as_str().to_owned();
        list(text).candidates.iter().map(|it| it.asked.as_deref().map(agent).unwrap_or_default()).collect()
    };
    let (a, b) = ("#EXTINF:-1,A\nhttp://h/1\n", "#EXTINF:-1,B\nhttp://h/2\n");
    let option = "#EXTVLCOPT:http-user-agent=X\n";
    for (text, expected) in [
        (format!("{a}{option}\n{b}"), ["X", ""]),
        (format!("{a}\n{option}{b}"), ["", "X"]),
        (format!("{a}{option}{b}"), ["", "X"]),
        (format!("{a}{b}{option}"), ["", "X"]),
        (format!("{option}{a}#KODIPROP:http-user-agent=Y\n\n{b}"), ["X", "Y"]),
        (format!("{a}#EXTHTTP:{{\"User-Agent\":\"X\"}}\n\n{b}"), ["X", ""]),
    ] {
        assert_eq!(agents(&text), expected, "{text}");
    }
}
