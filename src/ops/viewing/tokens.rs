//! The tokens of archives' playlists: players that were paused for long go on with theirs.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Client, Subscriber};
use crate::{
    domain::viewing::{
        session::{Proof, Viewer},
        title::Title,
    },
    media::connections::Token,
};

/// For how long the token of a playlist is good after it was last used: players that were paused go on with it.
const KEPT: Duration = Duration::from_hours(12);
/// Tokens that are kept at once; beyond it those that were not used for longest go.
const MOST: usize = 50_000;

/// The tokens of playlists of archives, and whose they are: a session ends while its player is paused, and begins anew.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<Token, TokenOwner>>);

/// Whose a token is.
#[derive(Clone)]
pub struct TokenOwner {
    /// Whose.
    pub viewer: Viewer,
    /// What it was let in with.
    pub proof: Option<Proof>,
    /// What it opens.
    pub title: Title,
    from: Client,
    used: Instant,
}

impl Tokens {
    /// Keeps one that was given out.
    pub fn keep(&self, token: &str, who: &Subscriber, title: Title, from: &Client) {
        let kept = TokenOwner {
            viewer: who.viewer,
            proof: who.proof.clone(),
            title,
            from: from.clone(),
            used: Instant::now(),
        };
        let mut tokens = self.0.lock();
        if tokens.len() >= MOST {
            let mut used: Vec<Instant> = tokens.values().map(|kept| kept.used).collect();
            used.sort_unstable();
            let oldest = used[MOST / 10];
            tokens.retain(|_, kept| kept.used > oldest && kept.used.elapsed() < KEPT);
        }
        tokens.insert(token.to_owned(), kept);
    }

    /// Notes that it is used.
    pub fn used(&self, token: &str) {
        let mut tokens = self.0.lock();
        if let Some(kept) = tokens.get_mut(token) {
            kept.used = Instant::now();
        }
    }

    /// Whose it is, if it is that player's who comes with it.
    pub fn get(&self, token: &str, from: &Client) -> Option<TokenOwner> {
        let tokens = self.0.lock();
        let kept = tokens.get(token).filter(|kept| kept.used.elapsed() < KEPT)?;
        (kept.from.address == from.address && kept.from.agent == from.agent).then(|| kept.clone())
    }
}
