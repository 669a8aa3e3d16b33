//! Lists whose order counts and that may be long: a form holds one page of them, an id and its name on each line.

use std::collections::{HashMap, HashSet};

use super::{form::Choice, show};

/// Entries on one page: some 20 KB with names as channels have them.
const ROWS: usize = 500;

/// A list of ids in their order, of which a form holds one page.
pub struct Ordered {
    /// Where others are found to be added; empty if there are none.
    pub search: &'static str,
    /// What is chosen from, with names.
    names: Vec<Choice>,
    /// Every id as it is stored.
    all: Vec<String>,
    /// The ids of the page as it was sent to the browser.
    held: Vec<String>,
}

impl Ordered {
    /// An empty list.
    pub fn new(names: Vec<Choice>, search: &'static str) -> Self {
        Self { search, names, all: Vec::new(), held: Vec::new() }
    }

    /// Every one there is, in the order of the names.
    pub fn every(names: Vec<Choice>) -> Self {
        let all = names.iter().map(|choice| choice.value.clone()).collect();
        let mut list = Self::new(names, "");
        list.fill(all);
        list
    }

    /// Fills it, and turns to the first page.
    pub fn fill(&mut self, ids: Vec<String>) {
        self.all = ids;
        self.turn(0);
    }

    /// Turns to the page that begins after this many entries.
    pub fn turn(&mut self, from: usize) {
        self.held = self.all.iter().skip(from).take(ROWS).cloned().collect();
    }

    /// What the browser says that the page held.
    pub fn was(&mut self, held: &str) {
        self.held = held.split_whitespace().map(str::to_owned).collect();
    }

    /// The ids of the page as it was sent to the browser.
    pub fn held_ids(&self) -> &[String] {
        &self.held
    }

    /// What is left of that page by now, in the order that it has now.
    pub fn now(&self) -> Vec<String> {
        let held: HashSet<&str> = self.held.iter().map(String::as_str).collect();
        self.all.iter().filter(|id| held.contains(id.as_str())).cloned().collect()
    }

    /// Shows those ids of the list as its page.
    pub fn hold(&mut self, ids: Vec<String>) {
        self.held = ids;
    }

    /// The ids that stand at the beginnings of lines.
    pub fn ids(lines: &str) -> Vec<String> {
        lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    /// The page: `7 Harbour News`, one a line.
    pub fn lines(&self) -> String {
        let names: HashMap<&str, &str> =
            self.names.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
        let line = |id: &String| format!("{id} {}", names.get(id.as_str()).copied().unwrap_or_default());
        self.held.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The ids of the page, to be sent back with what is made of it.
    pub fn held(&self) -> String {
        self.held.join(" ")
    }

    /// The whole list with the page as it was written: what stood on another page and is written here has moved here.
    pub fn with(&self, lines: &str) -> Vec<String> {
        let written = || lines.lines().filter_map(|line| line.split_whitespace().next());
        let moved: HashSet<&str> = written().collect();
        let held: HashSet<&str> = self.held.iter().map(String::as_str).collect();
        let begin = self.all.iter().position(|id| held.contains(id.as_str())).unwrap_or(self.all.len());
        let (before, after) = self.all.split_at(begin);
        let stays = |id: &&str| !moved.contains(id) && !held.contains(id);
        let before = before.iter().map(String::as_str).filter(stays);
        let after = after.iter().map(String::as_str).filter(stays);
        before.chain(written()).chain(after).map(str::to_owned).collect()
    }

    /// Whether there are other pages.
    pub fn has_pages(&self) -> bool {
        self.all.len() > ROWS
    }

    fn from(&self) -> usize {
        let first = self.held.first();
        self.all.iter().position(|id| Some(id) == first).unwrap_or(0)
    }

    /// `501 to 1,000 of 5,000`
    pub fn place(&self) -> String {
        let number = |place: usize| show::number(i64::try_from(place).unwrap_or(i64::MAX));
        let last = (self.from() + ROWS).min(self.all.len());
        format!("{} to {} of {}", number(self.from() + 1), number(last), number(self.all.len()))
    }

    /// Where the page before begins.
    pub fn previous(&self) -> Option<usize> {
        let from = self.from();
        (from > 0).then(|| from.saturating_sub(ROWS))
    }

    /// Where the page after begins.
    pub fn next(&self) -> Option<usize> {
        Some(self.from() + ROWS).filter(|next| *next < self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(all: &[&str], held: &str) -> Ordered {
        let mut list = Ordered::new(Vec::new(), "");
        list.fill(all.iter().map(ToString::to_string).collect());
        list.was(held);
        list
    }

    #[test]
    fn a_page_is_written_back_to_its_place() {
        let middle = list(&["1", "2", "3", "4", "5"], "2 3");
        assert_eq!(middle.with("3\n2 Two"), ["1", "3", "2", "4", "5"]);
        assert_eq!(middle.with("2"), ["1", "2", "4", "5"], "what is left out goes");
        assert_eq!(middle.with("5\n2\n3\n9"), ["1", "5", "2", "3", "9", "4"], "what stood elsewhere moves");
        assert_eq!(middle.with(""), ["1", "4", "5"]);
    }

    #[test]
    fn what_others_changed_meanwhile_stays() {
        let changed = list(&["7", "1", "3", "8", "2"], "1 2");
        assert_eq!(changed.with("2\n1"), ["7", "2", "1", "3", "8"]);
        let gone = list(&["7", "8"], "1 2");
        assert_eq!(gone.with("2"), ["7", "8", "2"]);
    }

    #[test]
    fn pages_follow_each_other() {
        let mut list = Ordered::new(Vec::new(), "");
        list.fill((1..=1200).map(|id| id.to_string()).collect());
        assert_eq!(
            (list.place().as_str(), list.previous(), list.next()),
            ("1 to 500 of 1,200", None, Some(500))
        );
        list.turn(1000);
        assert_eq!(
            (list.place().as_str(), list.previous(), list.next()),
            ("1,001 to 1,200 of 1,200", Some(500), None)
        );
        assert_eq!(list.lines().lines().count(), 200);
    }
}
