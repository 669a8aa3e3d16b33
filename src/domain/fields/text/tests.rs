use super::*;
use proptest::prelude::*;

#[test]
fn a_username_is_what_may_stand_in_a_url() {
    for good in ["a", "Bob-1.x_y~z@isp", &"x".repeat(64)] {
        assert!(Username::new(good).is_ok(), "{good}");
    }
    for bad in ["", " ", "a b", "a/b", "a%41", "ü", "a\0", "a+b", ".", "..", "' OR 1=1 --", &"x".repeat(65)]
    {
        assert!(Username::new(bad).is_err(), "{bad}");
        assert!(LinePassword::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_name_may_be_any_language_but_not_empty_or_several_lines() {
    for good in ["Kanal 1", "قناة", "日本 🎌", "a \"b\", c"] {
        assert!(Name::new(good).is_ok());
    }
    for bad in ["", "   ", "a\nb", "a\0b", &"é".repeat(201)] {
        assert!(Name::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_name_has_a_character_that_can_be_seen() {
    let alone = [
        "\u{3164}",
        "\u{2800}",
        "\u{115f}",
        "\u{1160}",
        "\u{ffa0}",
        "\u{fe0f}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{200f}",
        "\u{e0041}",
        "\u{e0001}",
        "\u{e0100}",
        "\u{180b}",
        "\u{34f}",
        "\u{61c}",
        "\u{1d173}",
        "\u{3000}",
    ];
    for bad in alone {
        assert!(Name::new(bad).is_err(), "{bad:?}");
        assert!(Name::new(&format!(" {bad}\u{2800}{bad}")).is_err(), "{bad:?}");
    }
    for (anywhere, shown) in [
        ("a\u{3164}b", "U+3164"),
        ("a\u{115f}", "U+115F"),
        ("\u{ffa0}b", "U+FFA0"),
        ("a\u{e0041}b", "U+E0041"),
        ("a\u{e007f}", "U+E007F"),
    ] {
        let rule = Name::new(anywhere).unwrap_err();
        assert!(rule.ends_with(&format!("no invisible characters, such as {shown}")), "{anywhere:?}: {rule}");
        assert!(Notes::new(anywhere).is_err() && ShortText::new(anywhere).is_err(), "{anywhere:?}");
    }
    for good in
        ["\u{2764}\u{fe0f}", "👨\u{200d}👩\u{200d}👧", "می\u{200c}خ", "\u{200f}א", "한국", "⠃⠗\u{2800}⠁"]
    {
        assert!(Name::new(good).is_ok(), "{good:?}");
    }
}

#[test]
fn what_belongs_to_its_neighbours_is_not_hidden() {
    let tags = |text: &str| -> String {
        text.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect()
    };
    let end = '\u{e007f}';
    for region in ["gbeng", "gbsct", "gbwls", "ustx", "fr75"] {
        let flag = format!("🏴{}{end}", tags(region));
        for good in [flag.clone(), format!("BBC {flag}{flag} One"), format!("🏴 {flag}")] {
            assert!(Name::new(&good).is_ok() && Notes::new(&good).is_ok(), "{region}");
        }
        // Not after another character, not without an end, not with two, not in capitals, not endless.
        for bad in [
            format!("🏳{}{end}", tags(region)),
            format!("a{}{end}", tags(region)),
            format!("🏴{}", tags(region)),
            format!("🏴{}{end}{end}", tags(region)),
            format!("🏴{}{end}", tags(&region.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"))),
            format!("🏴{}{end}", tags("hidden text")),
            format!("🏴{}{end}", tags("gbengla")),
            format!("🏴{end}"),
        ] {
            assert!(Name::new(&bad).is_err(), "{bad:?}");
        }
    }
    for good in [
        "ᠠᠨ\u{180e}ᠠ",
        "क्\u{200d}ष",
        "ശ്രീ\u{200d}",
        "می\u{200c}خواهم",
        "1\u{fe0f}\u{20e3}",
        "👩🏽\u{200d}🚒",
        "🏳\u{fe0f}\u{200d}🌈",
        "葛\u{e0100}",
        "🇬🇧",
    ] {
        assert!(Name::new(good).is_ok(), "{good:?}");
    }
    for bad in ["a\u{180e}b", "ᠠ\u{180e}", "\u{180e}ᠠ"] {
        assert!(Name::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn notes_may_have_lines_but_no_other_control_characters() {
    assert!(Notes::new("a\r\nb\tc").is_ok());
    assert!(Notes::new("a\u{1b}[31m").is_err());
    assert!(Notes::new(&"x".repeat(10_001)).is_err());
}

#[test]
fn an_email_address_has_a_dotted_domain() {
    for good in ["a@b.co", "first.last+tag@sub.example.com", "o'neil@example.ie", "x@xn--bcher-kva.example"] {
        assert!(Email::new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "a",
        "a@",
        "@b.co",
        "a@b",
        "a@b..co",
        ".a@b.co",
        "a..b@c.de",
        "a b@c.de",
        "a@-b.co",
        "a@b.co\n",
        "a@b@",
    ] {
        assert!(Email::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_administrators_password_is_8_characters_to_256_bytes() {
    assert!(NewPassword::new("ächtgros").is_ok());
    assert!(NewPassword::new("7-chars").is_err());
    assert!(NewPassword::new(&"x".repeat(257)).is_err());
}

#[test]
fn secrets_do_not_show_in_debug_text() {
    let shown = format!("{:?} {:?}", LinePassword::new("s3cret"), NewPassword::new("s3cret-s3cret"));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn nobody_can_write_a_password_hash() {
    assert!(PasswordHash::parse(&Written::Text("$argon2id$x".into())).is_err());
}

proptest! {
    #[test]
    fn text_rules_never_panic(text in any::<String>()) {
        let _ = (Name::new(&text), Email::new(&text), HttpUrl::new(&text), NewPassword::new(&text));
    }
}

#[test]
fn a_star_in_a_user_agent_stands_for_any_run_of_characters() {
    let matches = |pattern: &str, agent| UserAgentPattern(pattern.to_owned()).matches(agent);
    for (pattern, agent) in [
        ("VLC/3", "VLC/3"),
        ("VLC/*", "VLC/"),
        ("*", ""),
        ("*Kodi*20*", "xKodi/20.5"),
        ("a*a", "aa"),
        ("a**b", "ab"),
    ] {
        assert!(matches(pattern, agent), "{pattern} {agent}");
    }
    for (pattern, agent) in
        [("VLC/3", "VLC/3.0"), ("VLC/*", "mVLC/"), ("a*a", "a"), ("*b*b", "ab"), ("", "x")]
    {
        assert!(!matches(pattern, agent), "{pattern} {agent}");
    }
}

#[test]
fn a_public_address_is_an_origin_and_nothing_more() {
    for good in ["http://tv.example", "https://tv.example:8443", "http://[2001:db8::1]:8080"] {
        assert!(PublicUrl::new(good).is_ok(), "{good}");
    }
    for bad in [
        "tv.example",
        "http://tv.example/",
        "http://TV.example",
        "http://u:p@h",
        "http://h:80",
        "ftp://h",
        "http://h/x?y",
    ] {
        assert!(PublicUrl::new(bad).is_err(), "{bad}");
    }
}
