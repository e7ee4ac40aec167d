//! Buffers that the bytes of a socket come into, handed on as they are and used again when they have been worked off.
//!
//! A flood is some hundred megabytes a second of a FreeSWITCH: to copy it once more, and to have the system clear new
//! memory for each piece of it, costs as much as to read it.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One read takes at most so much.
pub(super) const BUFFER_BYTES: usize = 64 << 10;
/// Less than this is copied: a buffer that is hardly filled would keep its room for nothing.
const WORTH_A_BUFFER: usize = BUFFER_BYTES / 2;
/// So many are kept for the next flood; in one, as many as are under way.
const KEPT: usize = 16;

/// The buffers of one link.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ready: Vec<Box<[u8]>>,
    under_way: usize,
}

impl Buffers {
    /// One to read into.
    pub(super) fn take(&self) -> Box<[u8]> {
        let ready = self.lock().ready.pop();
        ready.unwrap_or_else(|| vec![0; BUFFER_BYTES].into_boxed_slice())
    }

    /// Memory that so many bytes will take while they are under way.
    pub(super) const fn room_for(count: usize) -> usize {
        if count < WORTH_A_BUFFER { count } else { BUFFER_BYTES }
    }

    /// Hands on the first bytes of a buffer; the next ones are read into what stands there then.
    pub(super) fn hand_on(self: &Arc<Self>, buffer: &mut Box<[u8]>, count: usize) -> Filled {
        if count < WORTH_A_BUFFER {
            return Filled { bytes: buffer[..count].into(), count, home: None };
        }
        let next = self.take();
        self.lock().under_way += 1;
        Filled { bytes: std::mem::replace(buffer, next), count, home: Some(self.clone()) }
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        let mut state = self.lock();
        state.under_way -= 1;
        state.ready.push(buffer);
        let kept = state.under_way.max(KEPT);
        state.ready.truncate(kept);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that came in at once.
#[derive(Debug)]
pub(crate) struct Filled {
    bytes: Box<[u8]>,
    count: usize,
    /// Whose buffer it is, if it is one.
    home: Option<Arc<Buffers>>,
}

impl Deref for Filled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_few_are_kept_when_it_is_calm() {
        let buffers = Arc::new(Buffers::default());
        let mut buffer = buffers.take();
        let mut under_way = Vec::new();
        for number in 0..100 {
            buffer[0] = number;
            under_way.push(buffers.hand_on(&mut buffer, BUFFER_BYTES));
            assert_eq!(buffers.lock().under_way, under_way.len());
        }
        for (number, filled) in (0..).zip(&under_way) {
            assert_eq!((filled.len(), filled[0]), (BUFFER_BYTES, number));
        }
        while under_way.pop().is_some() {
            let state = buffers.lock();
            assert!(state.ready.len() <= state.under_way.max(KEPT), "{state:?}");
        }
        let state = buffers.lock();
        assert_eq!((state.under_way, state.ready.len()), (0, KEPT));
    }

    #[test]
    fn a_few_bytes_are_copied_and_take_no_buffer() {
        let buffers = Arc::new(Buffers::default());
        let mut buffer = buffers.take();
        buffer[..3].copy_from_slice(b"abc");
        let filled = buffers.hand_on(&mut buffer, 3);
        assert_eq!(&*filled, b"abc");
        assert_eq!((Buffers::room_for(3), buffers.lock().under_way), (3, 0));
        drop(filled);
        assert!(buffers.lock().ready.is_empty());
    }
}
