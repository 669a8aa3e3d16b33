use proptest::prelude::*;

use super::*;

/// A tree on one line: `{name:value,name:{key:value}}`.
fn drawn(map: &IndexMap<String, Node>) -> String {
    let members = map.iter().map(|(key, node)| match node {
        Node::Text(text) => format!("{key}:{text}"),
        Node::Flag(flag) => format!("{key}:{flag}"),
        Node::Map(inner) => format!("{key}:{}", drawn(inner)),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[track_caller]
fn form(body: &str, expected: &str) {
    assert_eq!(drawn(&parse_form(body.as_bytes()).unwrap()), expected, "{body:?}");
}

#[track_caller]
fn json(body: &str, expected: &str) {
    assert_eq!(drawn(&parse_json(body.as_bytes()).unwrap()), expected, "{body:?}");
}

fn form_refusal(body: impl AsRef<[u8]>) -> String {
    parse_form(body.as_ref()).unwrap_err().to_string()
}

fn json_refusal(body: impl AsRef<[u8]>) -> String {
    parse_json(body.as_ref()).unwrap_err().to_string()
}

#[test]
fn pairs_split_at_ampersands_and_at_their_first_equals_sign() {
    form("", "{}");
    form("&&a=1&&", "{a:1}");
    form("a&b=&=", "{a:,b:}");
    form("a=b=c", "{a:b=c}");
    form("a%3Db=1&c%26d=2", "{a=b:1,c&d:2}");
    form("a;b=1;c=2", "{a;b:1;c=2}");
}

#[test]
fn a_plus_is_a_space_and_a_broken_percent_stays() {
    form("a=1+2%2B3%203", "{a:1 2+3 3}");
    form("a=%zz%4&b=%&c=%4g&d=%%41", "{a:%zz%4,b:%,c:%4g,d:%A}");
    form("a=%C3%A9&%C3%A9.x=1", "{a:é,é_x:1}");
    form("a=%00", "{a:\0}");
}

#[test]
fn brackets_make_maps() {
    form("a[b]=1&a[c][d]=2&a%5Be%5D=3", "{a:{b:1,c:{d:2},e:3}}");
    form("a.b[c.d]=1", "{a_b:{c.d:1}}");
    form("1[]=1", "{1:{0:1}}");
}

#[test]
fn what_follows_a_closed_bracket_is_cut_off() {
    form("a[b]c=1", "{a:{b:1}}");
    form("a[b]c[d]=1", "{a:{b:1}}");
    form("a[b] [c]=1", "{a:{b:1}}");
    form("a[b]]c[d]=1", "{a:{b:1}}");
    form("a[].x=1", "{a:{0:1}}");
}

#[test]
fn an_unclosed_bracket_becomes_an_underscore() {
    form("a[=1", "{a_:1}");
    form("a[b=1", "{a_b:1}");
    form("a[b[ .c=1", "{a_b___c:1}");
    form("a..b[=1", "{a__b_:1}");
    form("a[b]=1&a[c=2&a_c=3", "{a:{b:1},a_c:3}");
}

#[test]
fn an_unclosed_later_bracket_is_cut_off() {
    form("a[b][=1", "{a:{b:1}}");
    form("a[b.c][d=1", "{a:{b.c:1}}");
    form("a[][b=1", "{a:{0:1}}");
}

#[test]
fn a_bracket_inside_a_bracket_belongs_to_the_key() {
    form("a[[b]=1", "{a:{[b:1}}");
    form("a[b[c]=1", "{a:{b[c:1}}");
    form("a[b c[d]=1", "{a:{b c[d:1}}");
}

#[test]
fn a_closing_bracket_alone_is_a_character() {
    form("a]=1&]=2", "{a]:1,]:2}");
}

#[test]
fn one_space_in_a_bracket_is_an_empty_bracket() {
    form("a[ ]=1&a[+]=2&a[%09]=3&a[%0b]=4&a[%0c]=5", "{a:{0:1,1:2,2:3,3:4,4:5}}");
    form("a[++]=1&a[ b]=2&a[b ]=3", "{a:{  :1, b:2,b :3}}");
    form("a[][b]=1&a[ ][ ]=2", "{a:{0:{b:1},1:{0:2}}}");
}

#[test]
fn names_lose_leading_spaces_and_swap_inner_ones() {
    form("++a=1&a b=2&a.b=3&a+[b]=4", "{a:1,a_b:3,a_:{b:4}}");
    form("%09a=1&.=2", "{\ta:1,_:2}");
}

#[test]
fn nameless_pairs_are_dropped() {
    form("=1&[a]=1&[]=1&[=1&+=1&+[a]=1&[[=1", "{}");
}

#[test]
fn names_that_turn_into_cookie_prefixes_are_dropped() {
    form("..Host-a=1&_[Host-x=1&_.Secure-x=1&_.Host-[a]=1", "{}");
    form("__Host-x=1&+__Secure-.=2&..Host=3", "{__Host-x:1,__Secure-_:2,__Host:3}");
    form("_[Host-[a]=1&a[..Host-]=1", "{_:{Host-[a:1},a:{..Host-:1}}");
}

#[test]
fn a_cookie_prefix_in_a_bracket_drops_the_value_but_not_the_maps_around_it() {
    form("a[__Host-x]=1&b[c][__Secure-][d]=1&c[][__Host-x]=1", "{a:{},b:{c:{}},c:{0:{}}}");
    form("a=1&a[__Host-x]=1&b[c]=2&b[__Host-x]=1", "{a:{},b:{c:2}}");
    form("__Host-[__Host-x]=1&__Secure-[__Host-x]=1", "{__Host-:{__Host-x:1},__Secure-:{}}");
}

#[test]
fn an_empty_bracket_takes_the_index_after_the_highest() {
    form("a[]=1&a[5]=2&a[]=3&a[2]=4&a[]=5", "{a:{0:1,5:2,6:3,2:4,7:5}}");
    form("a[x]=1&a[]=2", "{a:{x:1,0:2}}");
}

#[test]
fn only_a_canonical_integer_counts_as_an_index() {
    form("a[05]=1&a[-0]=2&a[%2B1]=3&a[1e1]=4&a[1 ]=5&a[]=6", "{a:{05:1,-0:2,+1:3,1e1:4,1 :5,0:6}}");
    form("a[9223372036854775808]=1&a[]=2", "{a:{9223372036854775808:1,0:2}}");
}

#[test]
fn an_item_after_the_last_index_is_dropped() {
    form("a[9223372036854775806]=1&a[]=2&a[]=3", "{a:{9223372036854775806:1,9223372036854775807:2}}");
    form("a[9223372036854775807]=1&a[][b]=2&c=3", "{a:{9223372036854775807:1},c:3}");
}

#[test]
fn a_later_value_replaces_an_earlier_one_in_its_place() {
    form("a=1&b=2&a=3", "{a:3,b:2}");
    form("a=1&c=2&a[b]=3", "{a:{b:3},c:2}");
    form("a[b]=1&a=2", "{a:2}");
    form("a[b]=1&a[b][c]=2", "{a:{b:{c:2}}}");
    form("a[]=1&a[0]=3&a=5&a[]=7", "{a:{0:7}}");
}

#[test]
fn a_nul_in_a_name_is_refused_by_position() {
    assert_eq!(form_refusal("x=1&se%00cret=1"), "The name of value 2 contains a NUL character.");
    assert_eq!(form_refusal("a[%00]=1"), "The name of value 1 contains a NUL character.");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_by_position() {
    assert_eq!(form_refusal("x=1&a=%ff"), "Value 2 is not UTF-8.");
    assert_eq!(form_refusal(b"x=1&&\xc3=1"), "The name of value 2 is not UTF-8.");
}

#[test]
fn a_form_holds_as_many_values_as_the_cap_and_no_more() {
    let full = "a[]=1&".repeat(MAX_VALUES);
    assert!(parse_form(full.as_bytes()).is_ok());
    assert_eq!(form_refusal(full + "=dropped"), "The request has more than 10000 values.");
}

#[test]
fn a_form_nests_as_deep_as_the_cap_and_no_deeper() {
    let full = "a".to_owned() + &"[]".repeat(MAX_DEPTH);
    assert!(parse_form(full.as_bytes()).is_ok());
    assert!(parse_form((full.clone() + "[cut off").as_bytes()).is_ok());
    let refusal = "The name of value 1 (a[][][][][][][][][]) has more than 8 levels of brackets.";
    assert_eq!(form_refusal(full + "[]=secret"), refusal);
}

#[test]
fn a_refusal_shows_a_name_only_short_and_plain() {
    let refusal = form_refusal("<b>\n".to_owned() + &"[x]".repeat(1000));
    assert!(
        refusal.contains("(?b??[x][x][x][x][x][x][x][x][x][x][x][x][x][x][x][x][x][x][x][x]…)"),
        "{refusal}"
    );
}

#[test]
fn json_scalars_become_text_or_flags() {
    json(r#"{"a":"x","b":true,"c":false,"d":null,"e":"\u00e9"}"#, "{a:x,b:true,c:false,d:,e:é}");
    json(
        r#"{"a":-5,"b":18446744073709551615,"c":1.50,"d":1e3,"e":1e-7}"#,
        "{a:-5,b:18446744073709551615,c:1.5,d:1000,e:0.0000001}",
    );
}

#[test]
fn json_arrays_and_objects_become_maps_in_order() {
    json(r#"{"z":[1,[],{"k":2}],"a":{}}"#, "{z:{0:1,1:{},2:{k:2}},a:{}}");
    json(r#"{"a":1,"b":2,"a":3}"#, "{a:3,b:2}");
    json(r#"{"a.b [c":1,"":2}"#, "{a.b [c:1,:2}");
}

#[test]
fn an_empty_json_body_is_an_empty_object() {
    json("", "{}");
    json(" \n", "{}");
    json(" {} ", "{}");
}

#[test]
fn json_other_than_an_object_is_refused() {
    for body in ["[]", "\"secret\"", "1", "null", "secret"] {
        assert_eq!(json_refusal(body), "The JSON body is not an object.");
    }
}

#[test]
fn broken_json_is_refused_with_its_place_and_without_its_content() {
    let refusal = json_refusal("{\"a\":\n \"secret\" secret}");
    assert!(refusal.starts_with("The JSON body cannot be read: expected `,` or `}` at line 2"), "{refusal}");
    let broken = [
        r#"{"secret":"secret"#,
        r#"{"secret":"secret"}secret"#,
        r#"{"secret":secret}"#,
        "{secret:1}",
        r#"{"a":"secret\ud800"}"#,
        r#"{"a":"secret\x"}"#,
        r#"{"a":1e999,"secret":1}"#,
        r#"{"secret\u0000":1}"#,
        "{\"secret\n\":1}",
    ];
    for body in broken {
        let refusal = json_refusal(body);
        assert!(refusal.contains(" at line ") && !refusal.contains("secret"), "{refusal}");
    }
    assert!(json_refusal(b"{\"a\":\"\xff\"}").contains("invalid unicode"));
}

#[test]
fn json_obeys_the_cap_on_values() {
    let full = format!("{{\"a\":[{}0]", "0,".repeat(MAX_VALUES - 2));
    assert!(parse_json((full.clone() + "}").as_bytes()).is_ok());
    assert!(
        json_refusal(full + ",\"b\":[]}")
            .starts_with("The JSON body cannot be read: it has more than 10000 values at line 1 ")
    );
}

#[test]
fn json_obeys_the_cap_on_depth() {
    let nested = |depth| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_json(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(json_refusal(nested(MAX_DEPTH + 1)).contains("more than 8 levels of nesting"));
    assert!(json_refusal("{\"a\":".repeat(100_000)).contains("more than 8 levels of nesting"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_form(&bytes);
        let _ = parse_json(&bytes);
    }

    #[test]
    fn arbitrary_punctuation_never_panics(body in r#"[\[\]{}": .+&=%,a-c0-9é\t]{0,80}"#) {
        let _ = parse_form(body.as_bytes());
        let _ = parse_json(body.as_bytes());
    }
}
