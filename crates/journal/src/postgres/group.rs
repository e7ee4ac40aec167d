//! A group of moments: which of its events can be kept whatever the store has, and what the store says of the rest. The
//! row of a leg judges which events it has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use calls::EventKind;
use futures_util::future::{join, join5};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row as Found, Statement};

use super::column::plain;
use super::errors::Fault;
use super::lease::{BEGIN, HOLD};
use super::moment::{Moment, Row};
use super::owned::Holding;
use super::pen::Held;
use super::when::counted;
use crate::rules::refused;
use crate::sums::Outline;
use crate::waits::Wait;
use crate::{Appended, EventSeq, Person, Refusal, WallTime};

const LEGS: &str = include_str!("append_legs.sql");
const EVENTS: &str = include_str!("append_events.sql");
const FIND: &str = "SELECT leg, incoming, answered, outgoing, ended FROM leg WHERE leg = ANY($1)";
const HEARD: &str =
    "INSERT INTO heard AS h SELECT * FROM unnest($1::text[], $2::int8[]) AS x(pbx, at) ORDER BY x.pbx
    ON CONFLICT (pbx) DO UPDATE SET at = greatest(h.at, excluded.at)";
const NOTED: &str = "INSERT INTO note SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
    ON CONFLICT (pbx, channel) DO UPDATE SET kept = excluded.kept";
const FORGOTTEN: &str = "DELETE FROM note USING unnest($1::text[], $2::text[]) AS x(pbx, channel)
    WHERE note.pbx = ANY (ARRAY[x.pbx]) AND note.channel = x.channel";
/// In the order in which [`Group::keep`] takes them.
pub(super) const SQL: &[&str] = &[HOLD, LEGS, EVENTS, HEARD, NOTED, FORGOTTEN];

/// Moments with the places their events get if they are kept.
pub(super) struct Group<'a> {
    moments: &'a [&'a Moment],
    firsts: Vec<i64>,
    /// One a row; `None` for one that cannot be kept, whatever the store has: what comes before it in the group does not
    /// let it.
    places: Vec<Option<i64>>,
    legs: BTreeMap<&'a str, Line<'a>>,
    /// Legs of which it has what cannot be together. Which of it can depends on what they have.
    disputed: BTreeSet<&'a str>,
}

/// What a group has of one leg.
struct Line<'a> {
    pbx: &'a str,
    first: &'a Row,
    end: Option<(&'a Row, WallTime)>,
    places: Places,
}

/// The places of a leg's events, by kind.
type Places = [Option<i64>; 4];
const ENDED: usize = EventKind::Ended as usize;

impl<'a> Group<'a> {
    /// Each moment with the place of its first event; the others follow.
    pub(super) fn of(moments: &'a [&'a Moment], firsts: &[i64]) -> Self {
        Self::judged(moments, firsts, |_| Places::default())
    }

    /// What can be kept of legs that have these already. Where nothing in the group speaks against the other, what a leg has
    /// is judged when its row is written.
    fn judged(moments: &'a [&'a Moment], firsts: &[i64], has: impl Fn(&str) -> Places) -> Self {
        let mut group = Self {
            moments,
            firsts: firsts.to_vec(),
            places: Vec::new(),
            legs: BTreeMap::new(),
            disputed: BTreeSet::new(),
        };
        for (moment, first) in moments.iter().zip(firsts) {
            for (row, place) in moment.rows.iter().zip(*first..) {
                let place = group.place(moment, row, place, has(&row.leg));
                group.places.push(place);
            }
        }
        group
    }

    fn place(&mut self, moment: &'a Moment, row: &'a Row, place: i64, had: Places) -> Option<i64> {
        let line = self.legs.entry(&row.leg).or_insert_with(|| Line {
            pbx: &moment.pbx,
            first: row,
            end: None,
            places: Places::default(),
        });
        let known: Places = std::array::from_fn(|kind| line.places[kind].or(had[kind]));
        let refused = refused_by(&known, row.kind);
        if refused.is_some_and(|why| why != Refusal::AfterEnded) {
            self.disputed.insert(&row.leg);
        }
        if known[row.kind].is_some() || refused.is_some() {
            return None;
        }
        line.places[row.kind] = Some(place);
        if row.kind == ENDED {
            line.end = Some((row, moment.received_at));
        }
        Some(place)
    }

    /// Of legs that are told to have begun both ways, or to call out and to answer, the store says what holds.
    async fn settled(&self, client: &Client) -> Result<Self, Fault> {
        let disputed: Vec<&str> = self.disputed.iter().copied().collect();
        let found = client.query(FIND, &[&disputed]).await?;
        let has: HashMap<String, Places> = found.iter().map(places_of).collect();
        Ok(Self::judged(self.moments, &self.firsts, |leg| has.get(leg).copied().unwrap_or_default()))
    }

    pub(super) async fn keep(
        &self,
        held: &Held,
        ours: &Holding,
        tally: i16,
    ) -> Result<Vec<Vec<Appended>>, Fault> {
        let client = &held.link.client;
        let [hold, legs, events, heard, noted, forgotten] = &held.statements[..] else {
            return Err(Fault::Undone("its statements are missing".to_owned()));
        };
        let ours: [&(dyn ToSql + Sync); 2] = [&ours.parts, &ours.epochs];
        let settled;
        let this = if self.disputed.is_empty() {
            self
        } else {
            settled = self.settled(client).await?;
            &settled
        };
        // All are sent at their first poll, in this order; what follows one that fails fails too.
        let asked = join(
            join5(
                client.batch_execute(BEGIN),
                client.execute(hold, &ours),
                this.legs(client, legs),
                this.events(client, events, tally),
                this.heard(client, heard),
            ),
            join(this.notes(client, noted, forgotten), client.batch_execute("COMMIT")),
        );
        let ((begun, holds, judged, kept, heard), (noted, committed)) = asked.await;
        begun?;
        holds?;
        let judged = judged?;
        kept?;
        heard?;
        noted?;
        committed?;
        let mut found: HashMap<String, Places> = judged.iter().map(places_of).collect();
        let ended: Vec<&str> = this.legs.keys().copied().filter(|leg| !found.contains_key(*leg)).collect();
        if !ended.is_empty() {
            found.extend(client.query(FIND, &[&ended]).await?.iter().map(places_of));
        }
        Ok(this.answers(&found))
    }

    /// The answers while nobody judges: what the group itself does not rule out is kept.
    pub(super) fn unjudged(&self) -> Vec<Vec<Appended>> {
        self.answers(&self.legs.iter().map(|(leg, line)| ((*leg).to_owned(), line.places)).collect())
    }

    async fn legs(
        &self,
        client: &Client,
        statement: &Statement,
    ) -> Result<Vec<Found>, tokio_postgres::Error> {
        if self.legs.is_empty() {
            return Ok(Vec::new());
        }
        let lines = || self.legs.values();
        let place = |kind: usize| lines().map(|line| line.places[kind]).collect::<Vec<_>>();
        let of_end = |line: &Line<'a>| line.end.map(|(row, _)| &row.event);
        let outline = |line: &Line<'a>| of_end(line).and_then(|event| Outline::of(event));
        let micros = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        let names: Vec<_> =
            lines().map(|line| of_end(line).map(|event| plain(&Person::of(event).name))).collect();
        let queues: Vec<_> = lines().map(|line| of_end(line).map(|event| plain(&event.queue))).collect();
        let wait = |line: &Line<'a>| of_end(line).and_then(|event| Wait::of(event));
        let account = |line: &Line<'a>| line.end.map_or(&*line.first.account, |(row, _)| &*row.account);
        client
            .query(
                statement,
                &[
                    &self.legs.keys().copied().collect::<Vec<_>>(),
                    &lines().map(|line| line.pbx).collect::<Vec<_>>(),
                    &lines().map(account).collect::<Vec<_>>(),
                    &lines().map(|line| &*line.first.call).collect::<Vec<_>>(),
                    &place(0),
                    &place(1),
                    &place(2),
                    &place(3),
                    &lines().map(|line| line.end.map(|(_, at)| at.0)).collect::<Vec<_>>(),
                    &lines().map(|line| of_end(line).map(|e| e.begun_at.as_micros())).collect::<Vec<_>>(),
                    &lines().map(|line| outline(line).map(|o| o.outcome as i16)).collect::<Vec<_>>(),
                    &lines().map(|line| outline(line).map(|o| o.outgoing)).collect::<Vec<_>>(),
                    &lines().map(|line| outline(line).map(|o| micros(o.talk_secs))).collect::<Vec<_>>(),
                    &lines().map(|line| outline(line).map(|o| micros(o.ring_micros))).collect::<Vec<_>>(),
                    &lines().map(|line| outline(line).map(|o| o.transferred)).collect::<Vec<_>>(),
                    &lines().map(|line| line.end.map(|(row, _)| &*row.employee)).collect::<Vec<_>>(),
                    &names,
                    &queues,
                    &lines().map(|line| wait(line).map(|w| w.secs.cast_signed())).collect::<Vec<_>>(),
                    &lines().map(|line| wait(line).map(|w| w.answered)).collect::<Vec<_>>(),
                ],
            )
            .await
    }

    async fn events(
        &self,
        client: &Client,
        statement: &Statement,
        tally: i16,
    ) -> Result<(), tokio_postgres::Error> {
        let rows = self.moments.iter().flat_map(|moment| moment.rows.iter().map(move |row| (*moment, row)));
        let rows: Vec<_> = rows
            .zip(&self.places)
            .filter_map(|((moment, row), place)| Some((moment, row, (*place)?)))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let (from, later) = counted(rows.iter().map(|(moment, ..)| Some(moment.heard)));
        let texts = |of: fn(&Row) -> &str| rows.iter().map(|(_, row, _)| of(row)).collect::<Vec<_>>();
        let params: &[&(dyn ToSql + Sync)] = &[
            &rows.iter().map(|(.., place)| *place).collect::<Vec<_>>(),
            &rows.iter().map(|(_, row, _)| i16::try_from(row.kind).unwrap_or(0)).collect::<Vec<_>>(),
            &rows.iter().map(|(_, row, _)| row.event.at.as_micros()).collect::<Vec<_>>(),
            &rows.iter().map(|(moment, ..)| moment.received_at.0).collect::<Vec<_>>(),
            &texts(|row| &row.account),
            &texts(|row| &row.leg),
            &texts(|row| &row.call),
            &rows.iter().map(|(_, row, _)| row.lane.cast_signed()).collect::<Vec<_>>(),
            &texts(|row| &row.employee),
            &texts(|row| &row.numbers),
            &texts(|row| &row.owed),
            &rows.iter().map(|(_, row, _)| &*row.body).collect::<Vec<_>>(),
            &tally,
            &later,
            &from,
        ];
        client.execute(statement, params).await.map(drop)
    }

    async fn heard(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        let mut heard: BTreeMap<&str, i64> = BTreeMap::new();
        for moment in self.moments {
            let at = heard.entry(&moment.pbx).or_insert(moment.heard_at);
            *at = moment.heard_at.max(*at);
        }
        let (pbxs, at): (Vec<_>, Vec<_>) = heard.into_iter().unzip();
        client.execute(statement, &[&pbxs, &at]).await.map(drop)
    }

    /// The last note of a channel counts.
    async fn notes(
        &self,
        client: &Client,
        noted: &Statement,
        forgotten: &Statement,
    ) -> Result<(), tokio_postgres::Error> {
        let all = self.moments.iter().flat_map(|moment| {
            moment.notes.iter().map(|(channel, kept)| ((&*moment.pbx, &**channel), kept.as_deref()))
        });
        let last: BTreeMap<(&str, &str), Option<&[u8]>> = all.collect();
        let (mut kept, mut gone) = ((Vec::new(), Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for ((pbx, channel), note) in last {
            match note {
                Some(note) => {
                    kept.0.push(pbx);
                    kept.1.push(channel);
                    kept.2.push(note);
                }
                None => {
                    gone.0.push(pbx);
                    gone.1.push(channel);
                }
            }
        }
        let keep = async {
            if kept.0.is_empty() { Ok(0) } else { client.execute(noted, &[&kept.0, &kept.1, &kept.2]).await }
        };
        let forget = async {
            if gone.0.is_empty() { Ok(0) } else { client.execute(forgotten, &[&gone.0, &gone.1]).await }
        };
        let (kept, gone) = join(keep, forget).await;
        kept?;
        gone.map(drop)
    }

    /// What became of each event, by the rows of the legs as they are now.
    fn answers(&self, found: &HashMap<String, Places>) -> Vec<Vec<Appended>> {
        let mut places = self.places.iter();
        let mut answer = |moment: &Moment, row: &Row, at: i64| {
            let ours = places.next().copied().flatten();
            let has = found.get(&row.leg).copied().unwrap_or_default();
            match has[row.kind] {
                Some(place) if Some(place) == ours => row.stored(EventSeq(place), moment.heard.age()),
                // The second of a kind within the group comes here too.
                Some(place) => Appended::Repeat(EventSeq(place)),
                // By what it had before.
                None => {
                    let before = has.map(|place| place.filter(|place| *place < at));
                    Appended::Refused(refused_by(&before, row.kind).unwrap_or(Refusal::AfterEnded))
                }
            }
        };
        let all = self.moments.iter().zip(&self.firsts);
        all.map(|(moment, first)| {
            moment.rows.iter().zip(*first..).map(|(row, at)| answer(moment, row, at)).collect()
        })
        .collect()
    }
}

fn refused_by(has: &Places, kind: usize) -> Option<Refusal> {
    refused(|kind| has[kind as usize].is_some(), EventKind::ALL[kind])
}

fn places_of(row: &Found) -> (String, Places) {
    (row.get(0), [row.get(1), row.get(2), row.get(3), row.get(4)])
}
