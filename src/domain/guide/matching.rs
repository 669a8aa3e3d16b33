//! Which channel of the guide belongs to which stream: the sure ones by themselves, the rest as suggestions.

use std::collections::{HashMap, HashSet};

use super::{
    matched::{Match, State},
    names::{likeness, normalised, numbers},
};
use crate::domain::{
    fields::text::GuideId,
    ids::{GuideSourceId, StreamId},
};

/// How sure a rule is.
const SAME_ID: i64 = 100;
const SAME_NAME: i64 = 98;
const SAME_NORMALISED: i64 = 95;
/// Several channels would do: no rule decides between them.
const SEVERAL: i64 = 90;
/// Names that are less alike are no suggestion.
const ALIKE: u8 = 70;

/// Channels that share a word, looked at for one suggestion: a word that more have says little.
const MOST_OF_A_WORD: usize = 400;

/// A channel that a source names.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub source: GuideSourceId,
    /// Its id in there.
    pub id: GuideId,
    pub names: Vec<String>,
}

/// A stream that wants a channel.
#[derive(Clone, Debug)]
pub struct Wanting {
    pub stream: StreamId,
    pub name: String,
    /// The id that it has already, if any.
    pub guide_id: String,
}

/// The channels of every source, ready to be looked through.
pub struct Channels<'c> {
    all: &'c [Candidate],
    /// Of two sources with one id, the first is the one.
    ids: HashMap<String, usize>,
    names: HashMap<String, Vec<usize>>,
    normalised: HashMap<String, Vec<usize>>,
    words: HashMap<String, Vec<usize>>,
}

impl<'c> Channels<'c> {
    /// Those channels, in the order of their sources: what comes first wins.
    pub fn of(all: &'c [Candidate]) -> Self {
        let mut channels = Self {
            all,
            ids: HashMap::new(),
            names: HashMap::new(),
            normalised: HashMap::new(),
            words: HashMap::new(),
        };
        for (at, channel) in all.iter().enumerate() {
            // The other fills nothing.
            let id = channel.id.as_str().to_lowercase();
            if channels.ids.contains_key(&id) {
                continue;
            }
            channels.ids.insert(id, at);
            for name in &channel.names {
                add(&mut channels.names, name.trim().to_lowercase(), at);
                let plain = normalised(name);
                for word in plain.split(' ') {
                    add(&mut channels.words, word.to_owned(), at);
                }
                add(&mut channels.normalised, plain, at);
            }
        }
        channels.names.remove("");
        channels.normalised.remove("");
        channels.words.remove("");
        channels
    }

    /// What a rule says of a stream.
    pub fn find(&self, wanting: &Wanting) -> Match {
        let found = |at: usize, state: State, score: i64| Match {
            stream: wanting.stream,
            channel: self.all.get(at).map(|channel| (channel.source, channel.id.clone())),
            state,
            score,
            by_person: false,
        };
        let own_id = if wanting.guide_id.is_empty() { &wanting.name } else { &wanting.guide_id };
        if let Some(at) = self.ids.get(&own_id.trim().to_lowercase()) {
            return found(*at, State::Matched, SAME_ID);
        }
        let name = wanting.name.trim().to_lowercase();
        let plain = normalised(&wanting.name);
        for (at, score) in
            [(self.names.get(&name), SAME_NAME), (self.normalised.get(&plain), SAME_NORMALISED)]
        {
            match at.map(Vec::as_slice) {
                Some([only]) => return found(*only, State::Matched, score),
                Some([first, ..]) => return found(*first, State::Suggested, SEVERAL),
                _ => {}
            }
        }
        match self.most_alike(&plain) {
            Some((at, score)) => found(at, State::Suggested, i64::from(score)),
            None => Match {
                stream: wanting.stream,
                channel: None,
                state: State::None,
                score: 0,
                by_person: false,
            },
        }
    }

    /// The channel whose name is most alike, among those that share a word and every number.
    fn most_alike(&self, plain: &str) -> Option<(usize, u8)> {
        let own_numbers = numbers(plain);
        let mut seen = HashSet::new();
        let mut best: Option<(usize, u8)> = None;
        let sharing = plain.split(' ').filter_map(|word| self.words.get(word));
        for at in sharing.filter(|all| all.len() <= MOST_OF_A_WORD).flatten() {
            if !seen.insert(*at) {
                continue;
            }
            for name in self.all.get(*at).into_iter().flat_map(|channel| &channel.names) {
                let other = normalised(name);
                if numbers(&other) != own_numbers {
                    continue;
                }
                let score = likeness(plain, &other);
                if score >= ALIKE && best.is_none_or(|(_, known)| known < score) {
                    best = Some((*at, score));
                }
            }
        }
        // Less sure than one that is the same.
        best.map(|(at, score)| (at, score.min(89)))
    }
}

fn add(index: &mut HashMap<String, Vec<usize>>, key: String, at: usize) {
    let all = index.entry(key).or_default();
    if all.last() != Some(&at) {
        all.push(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(rows: &[(i64, &str, &[&str])]) -> Vec<Candidate> {
        rows.iter()
            .map(|(source, id, names)| Candidate {
                source: GuideSourceId(*source),
                id: GuideId::new(id).unwrap(),
                names: names.iter().map(ToString::to_string).collect(),
            })
            .collect()
    }

    fn found(channels: &Channels<'_>, name: &str, guide_id: &str) -> (String, State, i64) {
        let wanting = Wanting { stream: StreamId(1), name: name.into(), guide_id: guide_id.into() };
        let found = channels.find(&wanting);
        let id = found.channel.map(|(source, id)| format!("{}:{}", source.0, id.as_str()));
        (id.unwrap_or_default(), found.state, found.score)
    }

    #[test]
    fn an_id_is_surest_then_any_name_then_a_normalised_one() {
        let all = candidates(&[
            (1, "bbc1.uk", &["BBC One", "BBC 1"]),
            (1, "bbc2.uk", &["BBC Two"]),
            (2, "BBC1.uk", &["BBC One London"]),
            (2, "das.erste", &["Das Erste"]),
        ]);
        let channels = Channels::of(&all);
        for (name, id, expected) in [
            ("x", "BBC1.UK", ("1:bbc1.uk", State::Matched, 100)),
            ("bbc2.uk", "", ("1:bbc2.uk", State::Matched, 100)),
            ("bbc 1", "", ("1:bbc1.uk", State::Matched, 98)),
            ("UK: BBC Two FHD", "", ("1:bbc2.uk", State::Matched, 95)),
            ("UK: BBC Two FHD", "unknown.id", ("1:bbc2.uk", State::Matched, 95)),
            ("DE| das érste", "", ("2:das.erste", State::Matched, 95)),
            ("BBC One London", "", ("", State::None, 0)),
        ] {
            let (channel, state, score) = found(&channels, name, id);
            assert_eq!((channel.as_str(), state, score), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_sure_is_a_suggestion() {
        let all = candidates(&[
            (1, "a", &["Sky Sport 1"]),
            (1, "b", &["Sky Sport 2"]),
            (1, "c", &["Discovery Science"]),
            (1, "d", &["Fox"]),
            (1, "e", &["FOX HD"]),
        ]);
        let channels = Channels::of(&all);
        assert_eq!(found(&channels, "Discovery Scince", ""), ("1:c".into(), State::Suggested, 89));
        assert_eq!(found(&channels, "Sky Sports 3", ""), (String::new(), State::None, 0), "another number");
        assert_eq!(found(&channels, "Fox FHD", ""), ("1:d".into(), State::Suggested, 90), "two would do");
        assert_eq!(found(&channels, "fox", "").1, State::Matched, "one is the very name");
        assert_eq!(found(&channels, "HD", "").1, State::None);
    }
}
