//! Lists in pages, as boxes show them.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::domain::ids::MagId;

/// Channels on a page.
pub const ROWS: usize = 14;

/// How boxes count pages. Real ones count from 1, and ask for page 0 to find where they left; some
/// apps count from 0. They give themselves away: who was shown page 1 for 0 has no reason to ask
/// for 1 next.
#[derive(Default)]
pub struct Counting(Mutex<HashMap<MagId, Began>>);

/// A box that was shown the first page of a list for page 0.
struct Began {
    list: u64,
    from_zero: bool,
}

impl Counting {
    /// Boxes remembered at once.
    const MOST: usize = 10_000;

    /// The page, from 1, that a box means; `None` for the one where it left.
    pub fn page(&self, mag: MagId, list: &impl Hash, asked: i64, left_on_first: bool) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        let list = hasher.finish();
        let mut boxes = self.0.lock();
        let Some(page) = usize::try_from(asked).ok().filter(|page| *page > 0) else {
            if boxes.len() >= Self::MOST {
                boxes.clear();
            }
            if left_on_first {
                boxes.insert(mag, Began { list, from_zero: false });
            }
            return None;
        };
        let began = boxes.get_mut(&mag).filter(|began| began.list == list && (began.from_zero || page == 1));
        let Some(began) = began else {
            boxes.remove(&mag);
            return Some(page);
        };
        began.from_zero = true;
        Some(page.saturating_add(1))
    }
}

/// Where a box left a list with this many rows on a page: the page, from 1, and the row on it, from 1; 0 if it played
/// nothing of it.
pub fn left(last_played: Option<usize>, rows: usize) -> (usize, usize) {
    last_played.map_or((1, 0), |place| (place / rows + 1, place % rows + 1))
}

/// A page of this many rows, or the one where the box left.
pub fn page<T>(
    items: &[T],
    shown: impl FnMut(&T) -> Value,
    page: Option<usize>,
    left: (usize, usize),
    rows: usize,
) -> Value {
    let (page, selected, current) = match page {
        Some(page) => (page, 0, 0),
        None => (left.0, left.1, left.0),
    };
    let data: Vec<Value> = items.iter().skip((page - 1).saturating_mul(rows)).take(rows).map(shown).collect();
    json!({
        "total_items": items.len(),
        "max_page_items": rows,
        "selected_item": selected,
        "cur_page": current,
        "data": data,
    })
}

/// Everything at once, in the same envelope.
pub fn whole(items: Vec<Value>, rows: usize) -> Value {
    json!({
        "total_items": items.len(),
        "max_page_items": rows,
        "selected_item": 0,
        "cur_page": 0,
        "data": items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(asked: Option<usize>, last: Option<usize>) -> (Vec<i64>, i64, i64) {
        let items: Vec<i64> = (0..30).collect();
        let page = page(&items, |item| Value::from(*item), asked, left(last, ROWS), ROWS);
        let data = page["data"].as_array().unwrap().iter().filter_map(Value::as_i64).collect();
        (data, page["cur_page"].as_i64().unwrap(), page["selected_item"].as_i64().unwrap())
    }

    #[test]
    fn pages_count_from_one() {
        assert_eq!(shown(Some(1), None), ((0..14).collect(), 0, 0));
        assert_eq!(shown(Some(3), Some(1)), (vec![28, 29], 0, 0));
        assert_eq!(shown(Some(4), None).0, Vec::<i64>::new());
        assert_eq!(shown(Some(usize::MAX), None).0, Vec::<i64>::new());
    }

    #[test]
    fn no_page_is_where_one_left() {
        assert_eq!(shown(None, Some(15)), ((14..28).collect(), 2, 2));
        assert_eq!(shown(None, Some(0)), ((0..14).collect(), 1, 1));
        assert_eq!(shown(None, None), ((0..14).collect(), 1, 0));
    }

    #[test]
    fn who_asks_for_one_after_zero_counts_from_zero() {
        let counting = Counting::default();
        let asks = |list: &str, page| counting.page(MagId(1), &list, page, true);
        assert_eq!([0, 1, 2, 3].map(|page| asks("app", page)), [None, Some(2), Some(3), Some(4)]);
        assert_eq!([0, 2, 1].map(|page| asks("box", page)), [None, Some(2), Some(1)]);
        assert_eq!([1, 2, 3].map(|page| asks("kodi", page)), [Some(1), Some(2), Some(3)]);
        assert_eq!((asks("a", 0), asks("b", 1)), (None, Some(1)), "another list");
        assert_eq!((asks("a", -1), counting.page(MagId(2), &"a", 1, true)), (None, Some(1)), "another box");
        let was_elsewhere = counting.page(MagId(3), &"a", 0, false);
        assert_eq!((was_elsewhere, counting.page(MagId(3), &"a", 1, false)), (None, Some(1)));
    }
}
