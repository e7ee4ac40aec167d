//! Wishes and their answers at rest: a number for what is wished, and a text.

use calls::EventKind;

use crate::settings::IntegrationId;
use crate::{Answer, DeliveryId, EventSeq, Wish};

const AGAIN: i16 = 0;
const CANCEL: i16 = 1;
const RELOAD: i16 = 2;
/// What the number of facts is; that of every wish of a person is below.
pub(crate) const FACTS: i16 = 100;

pub(crate) fn write(wish: &Wish) -> (i16, Vec<u8>) {
    match wish {
        Wish::Again(ids) => (AGAIN, ids_written(ids)),
        Wish::Cancel(ids) => (CANCEL, ids_written(ids)),
        Wish::Reload { integration, kind, with_kept } => {
            let text = format!("{} {} {}", integration.number, kind.name(), u8::from(*with_kept));
            (RELOAD, text.into_bytes())
        }
        Wish::Facts(bytes) => (FACTS, bytes.clone()),
    }
}

/// `None`: a newer program's, which is left to one that knows it.
pub(crate) fn read(verb: i16, payload: &[u8]) -> Option<Wish> {
    match verb {
        AGAIN => ids_read(payload).map(Wish::Again),
        CANCEL => ids_read(payload).map(Wish::Cancel),
        RELOAD => {
            let mut words = std::str::from_utf8(payload).ok()?.split(' ');
            let integration = IntegrationId { number: words.next()?.parse().ok()? };
            let name = words.next()?;
            let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name)?;
            Some(Wish::Reload { integration, kind, with_kept: words.next()? == "1" })
        }
        FACTS => Some(Wish::Facts(payload.to_vec())),
        _ => None,
    }
}

fn ids_written(ids: &[DeliveryId]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().map(|id| format!("{}-{}", id.event.0, id.integration.number)).collect();
    ids.join(" ").into_bytes()
}

fn ids_read(payload: &[u8]) -> Option<Vec<DeliveryId>> {
    let id = |word: &str| {
        let (event, number) = word.split_once('-')?;
        let integration = IntegrationId { number: number.parse().ok()? };
        Some(DeliveryId { event: EventSeq(event.parse().ok()?), integration })
    };
    std::str::from_utf8(payload).ok()?.split(' ').filter(|word| !word.is_empty()).map(id).collect()
}

pub(crate) fn write_answer(answer: &Answer) -> String {
    let left = answer.left.iter().map(|(code, many)| format!(" {code}={many}"));
    std::iter::once(answer.done.to_string()).chain(left).collect()
}

/// What cannot be read of it is left out: a newer program's, perhaps.
pub(crate) fn read_answer(text: &str) -> Answer {
    let mut words = text.split(' ');
    let done = words.next().and_then(|done| done.parse().ok()).unwrap_or(0);
    let left = words.filter_map(|word| {
        let (code, many) = word.split_once('=')?;
        Some((code.to_owned(), many.parse().ok()?))
    });
    Answer { done, left: left.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_and_answers_come_back_as_they_were() {
        let integration = IntegrationId { number: 7 };
        let ids = vec![
            DeliveryId { event: EventSeq(i64::MAX), integration },
            DeliveryId { event: EventSeq(3), integration },
        ];
        let reload = |kind| Wish::Reload { integration, kind, with_kept: kind == EventKind::Ended };
        let mut wishes = vec![
            Wish::Again(ids.clone()),
            Wish::Cancel(ids),
            Wish::Again(Vec::new()),
            Wish::Facts(vec![0, 255, 32]),
        ];
        wishes.extend(EventKind::ALL.map(reload));
        for wish in wishes {
            let (verb, payload) = write(&wish);
            assert_eq!(wish.is_a_persons(), verb < FACTS);
            assert_eq!(read(verb, &payload), Some(wish));
        }
        assert_eq!(read(50, b"1"), None);
        assert_eq!(read(AGAIN, b"1-2 x"), None);
        let answer = Answer { done: 3, left: vec![("webhook_paused".to_owned(), 2)] };
        assert_eq!(read_answer(&write_answer(&answer)), answer);
    }
}
