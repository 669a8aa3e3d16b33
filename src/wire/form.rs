//! Bodies as PHP sends and reads them: names with brackets become a tree.
//!
//! Forms follow PHP's own rules, odd cases included, because the clients were written against PHP. Four
//! things that PHP lets pass (or silently cuts) are refused here instead: a NUL in a name, bytes that are
//! not UTF-8, more than [`MAX_VALUES`] values, and nesting deeper than [`MAX_DEPTH`].

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use percent_encoding::percent_decode;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The most values that one request may carry. In a form every pair counts, also one that PHP's rules drop;
/// in JSON every member and every array item counts, also one that is itself an array or an object.
pub const MAX_VALUES: usize = 10_000;

/// The most levels below a top-level name: brackets in a form, nested arrays and objects in JSON.
pub const MAX_DEPTH: usize = 8;

/// How much of a name a refusal may show.
const SHOWN_NAME: usize = 64;

/// What PHP's `isspace` accepts, which is one character more than Rust's ASCII whitespace.
const SPACES: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A single value.
    Text(String),
    /// `true` or `false`, which only JSON has.
    Flag(bool),
    /// Values under names, in the order in which the names first came.
    Map(IndexMap<String, Node>),
}

impl Node {
    /// The fields in it: those under names, or those of the text of a JSON object.
    pub fn into_fields(self) -> Option<IndexMap<String, Self>> {
        match self {
            Self::Map(map) => Some(map),
            Self::Text(text) => parse_json(text.as_bytes()).ok(),
            Self::Flag(_) => None,
        }
    }

    /// Whether it says nothing: an empty text, blanks, `null`, or a list of nothing else.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Flag(_) => false,
            Self::Map(map) => map.values().all(Self::is_blank),
        }
    }
}

/// A refused body: one sentence that says what is wrong and where, and repeats no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// A tree that grows pair by pair, as PHP grows `$_POST`.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Branch,
    values: usize,
}

impl Tree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one pair, its name and value already percent-decoded. One that PHP drops still counts as a value.
    ///
    /// # Errors
    /// If this is one value too many, or the name holds a NUL or too many brackets.
    pub fn insert(&mut self, name: &str, value: String) -> Result<(), Malformed> {
        count_one(&mut self.values).map_err(|why| Malformed(format!("The request {why}.")))?;
        if name.contains('\0') {
            return Err(Malformed(format!("The name of value {} contains a NUL character.", self.values)));
        }
        let Some(path) = Path::of(name) else { return Ok(()) };
        if path.steps.len() > MAX_DEPTH {
            let (shown, at) = (shown(name), self.values);
            return Err(Malformed(format!(
                "The name of value {at} ({shown}) has more than {MAX_DEPTH} levels of brackets."
            )));
        }
        self.root.put(Step::Key(&path.base), &path.steps, value);
        Ok(())
    }

    /// The finished tree.
    #[must_use]
    pub fn root(self) -> IndexMap<String, Node> {
        self.root.into_nodes()
    }
}

/// Decodes an `application/x-www-form-urlencoded` body, or a query string without its `?`.
///
/// # Errors
/// If a name or value is not UTF-8, or [`Tree::insert`] refuses a pair.
pub fn parse_form(bytes: &[u8]) -> Result<IndexMap<String, Node>, Malformed> {
    let mut tree = Tree::new();
    for pair in bytes.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = tree.values + 1;
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let name = decoded(halves.next(), || format!("The name of value {at} is not UTF-8."))?;
        let value = decoded(halves.next(), || format!("Value {at} is not UTF-8."))?;
        tree.insert(&name, value)?;
    }
    Ok(tree.root())
}

/// Decodes a JSON object into the tree that the same form would give; an empty body is an empty object.
///
/// Numbers become their decimal text and `null` the empty text.
///
/// # Errors
/// If the body is not valid JSON, is not an object, has a NUL in a name, or exceeds a cap.
pub fn parse_json(bytes: &[u8]) -> Result<IndexMap<String, Node>, Malformed> {
    // Asked before serde_json is, whose own complaint about another type would repeat the value.
    match bytes.trim_ascii_start().first() {
        None => return Ok(IndexMap::new()),
        Some(b'{') => {}
        Some(_) => return Err(Malformed("The JSON body is not an object.".to_owned())),
    }
    let mut values = 0;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let node = Json { values: &mut values, depth: 0 }.deserialize(&mut json);
    match node.and_then(|node| json.end().map(|()| node)) {
        Ok(Node::Map(root)) => Ok(root),
        Ok(Node::Text(_) | Node::Flag(_)) => Err(Malformed("The JSON body is not an object.".to_owned())),
        Err(error) => Err(Malformed(format!("The JSON body cannot be read: {error}."))),
    }
}

/// Counts one more value, or says that it is one too many.
fn count_one(values: &mut usize) -> Result<(), String> {
    if *values == MAX_VALUES {
        return Err(format!("has more than {MAX_VALUES} values"));
    }
    *values += 1;
    Ok(())
}

/// One half of a pair with `+` and `%XX` decoded; a missing half is empty.
fn decoded(half: Option<&[u8]>, complaint: impl Fn() -> String) -> Result<String, Malformed> {
    let half = half.unwrap_or_default();
    // Most are written as they are.
    let bytes = if half.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        // Before the percents, so that %2B stays a plus.
        let spaced: Vec<u8> = half.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        percent_decode(&spaced).collect()
    } else {
        half.to_vec()
    };
    String::from_utf8(bytes).map_err(|_| Malformed(complaint()))
}

/// A name that is fit to show: short, and only characters that no log or page can trip over.
pub fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.[]".contains(c) { c } else { '?' };
    let mut text: String = name.chars().take(SHOWN_NAME).map(plain).collect();
    if name.chars().nth(SHOWN_NAME).is_some() {
        text.push('…');
    }
    text
}

/// Where a name points to.
struct Path<'a> {
    base: Cow<'a, str>,
    steps: Vec<Step<'a>>,
}

/// What one pair of brackets asks for.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    /// The next free index.
    Next,
    /// Nothing: PHP gives up here, but keeps the maps that it opened on the way.
    Stop,
}

impl<'a> Path<'a> {
    /// Reads a name; none if PHP drops it. It stops one step beyond [`MAX_DEPTH`], enough to be refused.
    fn of(name: &'a str) -> Option<Self> {
        let name = name.trim_start_matches(' ');
        let (base, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
        if base.is_empty() {
            return None;
        }
        let mut path = Self { base: underscored(base), steps: Vec::new() };
        while rest.starts_with('[') && path.steps.len() <= MAX_DEPTH {
            let Some((step, after)) = bracket(rest) else {
                // Only a first bracket that is never closed joins the name; a later one is cut off.
                if path.steps.is_empty() {
                    path.base = underscored(name);
                }
                break;
            };
            path.steps.push(match step {
                Step::Key(key) if forged_prefix(name, key) => Step::Stop,
                step => step,
            });
            rest = after;
        }
        (!forged_prefix(name, &path.base)).then_some(path)
    }
}

/// What the bracket at the start of `text` asks for, and what follows it; none if it is never closed.
fn bracket(text: &str) -> Option<(Step<'_>, &str)> {
    let inner = text.strip_prefix('[')?;
    let past_space = inner.strip_prefix(SPACES).unwrap_or(inner);
    if let Some(after) = past_space.strip_prefix(']') {
        return Some((Step::Next, after));
    }
    inner.split_once(']').map(|(key, after)| (Step::Key(key), after))
}

/// The text with the characters replaced that a PHP variable's name cannot have.
fn underscored(text: &str) -> Cow<'_, str> {
    if text.contains([' ', '.', '[']) {
        Cow::Owned(text.replace([' ', '.', '['], "_"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a part of a name has a protected cookie prefix that the name as sent lacks, which PHP takes for an
/// attempt to forge such a cookie.
fn forged_prefix(name: &str, part: &str) -> bool {
    ["__Host-", "__Secure-"].iter().any(|prefix| part.starts_with(prefix) && !name.starts_with(prefix))
}

/// One level of a growing tree.
#[derive(Clone, Debug, Default)]
struct Branch {
    children: IndexMap<String, Child>,
    /// The highest key that is an integer, kept so that a long list does not cost a search per item.
    highest: Option<i64>,
}

/// What a growing tree holds under a name.
#[derive(Clone, Debug)]
enum Child {
    Text(String),
    Branch(Branch),
}

impl Branch {
    /// Puts a value at the end of a path.
    fn put(&mut self, step: Step<'_>, steps: &[Step<'_>], value: String) {
        let key = match step {
            Step::Key(key) => Some(key.to_owned()),
            Step::Next => self.next_index(),
            Step::Stop => None,
        };
        let Some(key) = key else { return };
        self.highest = self.highest.max(integer(&key));
        self.children.entry(key).or_default().put(steps, value);
    }

    /// The key that an empty bracket stands for; none after the last integer, where PHP drops the item.
    fn next_index(&self) -> Option<String> {
        self.highest.map_or(Some(0), |highest| highest.checked_add(1)).map(|index| index.to_string())
    }

    fn into_nodes(self) -> IndexMap<String, Node> {
        self.children.into_iter().map(|(key, child)| (key, child.into_node())).collect()
    }
}

impl Default for Child {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Child {
    /// Puts a value at the end of a path that starts here, replacing what is of the other kind.
    fn put(&mut self, steps: &[Step<'_>], value: String) {
        match (steps.split_first(), self) {
            (None, slot) => *slot = Self::Text(value),
            (Some((step, steps)), Self::Branch(branch)) => branch.put(*step, steps, value),
            (Some((step, steps)), slot) => {
                let mut branch = Branch::default();
                branch.put(*step, steps, value);
                *slot = Self::Branch(branch);
            }
        }
    }

    fn into_node(self) -> Node {
        match self {
            Self::Text(text) => Node::Text(text),
            Self::Branch(branch) => Node::Map(branch.into_nodes()),
        }
    }
}

/// The integer that a key is to PHP: only when written as PHP itself would write it.
fn integer(key: &str) -> Option<i64> {
    key.parse().ok().filter(|number: &i64| number.to_string() == key)
}

/// Reads one JSON value of any type.
struct Json<'a> {
    values: &'a mut usize,
    /// How many arrays and objects hold this value below the body itself.
    depth: usize,
}

impl Json<'_> {
    /// Reads the value that comes next inside this one.
    fn inner(&mut self) -> Json<'_> {
        Json { values: self.values, depth: self.depth + 1 }
    }

    /// Counts a value inside this one.
    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        count_one(self.values).map_err(|why| E::custom(format!("it {why}")))
    }

    /// Refuses an array or object that lies too deep.
    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth > MAX_DEPTH {
            return Err(E::custom(format!("it has more than {MAX_DEPTH} levels of nesting")));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Text(String::new()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    // Beyond 2^53 a float is no longer the number that was sent.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        if value.abs() > 9_007_199_254_740_992.0 {
            return Err(E::custom("a number is too large: send it as a text"));
        }
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Node, A::Error> {
        self.check_depth()?;
        let mut map = IndexMap::new();
        while let Some(item) = items.next_element_seed(self.inner())? {
            self.count()?;
            map.insert(map.len().to_string(), item);
        }
        Ok(Node::Map(map))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Node, A::Error> {
        self.check_depth()?;
        let mut map = IndexMap::new();
        while let Some(name) = members.next_key::<String>()? {
            self.count()?;
            if name.contains('\0') {
                return Err(A::Error::custom("a name contains a NUL character"));
            }
            map.insert(name, members.next_value_seed(self.inner())?);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests;
