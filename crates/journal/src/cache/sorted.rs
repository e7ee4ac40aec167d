//! A small sorted map that takes no more room than its entries: an account has a handful of each thing, and
//! there may be a hundred thousand accounts.

use std::borrow::Borrow;

/// Entries sorted by key, without room to spare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted<K, V>(Box<[(K, V)]>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.0.binary_search_by(|(entry, _)| entry.borrow().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether a key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The entries by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, by key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts an entry in place of an earlier one, or removes it.
    pub(super) fn set(&mut self, key: K, value: Option<V>) {
        let mut entries = std::mem::take(&mut self.0).into_vec();
        match (entries.binary_search_by(|(entry, _)| entry.cmp(&key)), value) {
            (Ok(at), Some(value)) => entries[at].1 = value,
            (Ok(at), None) => drop(entries.remove(at)),
            (Err(at), Some(value)) => {
                entries.reserve_exact(1);
                entries.insert(at, (key, value));
            }
            (Err(_), None) => {}
        }
        self.0 = entries.into_boxed_slice();
    }
}
