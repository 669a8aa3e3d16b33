//! What a player has already: playlists and guides are fetched again and again, and seldom change.

use actix_web::{
    HttpRequest,
    http::header::{EntityTag, Header, IfNoneMatch},
};
use sha2::{Digest, Sha256};

/// A tag of what these parts are together. It is a weak one: the same text may come packed or not.
pub fn of(parts: &[&[u8]]) -> EntityTag {
    let mut hasher = Sha256::new();
    for part in parts {
        // With its length, so that no byte can move from one part into the next.
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let tag = hasher.finalize().iter().take(16).fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
    EntityTag::new_weak(tag)
}

/// Whether the player says that it has what that tag names.
pub fn is_held(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|held| held.weak_eq(tag)),
        Err(_) => false,
    }
}
