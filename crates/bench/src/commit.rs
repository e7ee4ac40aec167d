//! A commit alone: what it takes to have some pages on disk, and nothing else.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Pages a commit of a call's events writes, each with its header: as SQLite does it.
const PAGES: u64 = 3;
const PAGE: [u8; 4_096] = [1; 4_096];
const HEADER: [u8; 24] = [1; 24];
/// So many commits, then from the beginning.
const ROUND: u64 = 1_024;

/// So many commits a second into a file that is long enough already; milliseconds of the median and of one in a hundred.
pub(crate) async fn paced(place: PathBuf, commits: usize, a_second: f64) -> anyhow::Result<(f64, f64)> {
    let mut took = tokio::task::spawn_blocking(move || commit(&place, commits, a_second)).await??;
    took.sort_unstable();
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
    let ms = |share: f64| at(share).as_secs_f64() * 1e3;
    Ok((ms(0.5), ms(0.99)))
}

fn commit(place: &PathBuf, commits: usize, a_second: f64) -> anyhow::Result<Vec<Duration>> {
    let file = File::create(place)?;
    let step = (PAGE.len() + HEADER.len()) as u64;
    file.write_all_at(&vec![0; usize::try_from(ROUND * PAGES * step)?], 0)?;
    file.sync_all()?;
    let began = Instant::now();
    let mut took = Vec::with_capacity(commits);
    for number in 0..commits {
        let due = Duration::from_secs_f64(number as f64 / a_second);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let begun = Instant::now();
        for page in 0..PAGES {
            let at = ((number as u64 % ROUND) * PAGES + page) * step;
            file.write_all_at(&HEADER, at)?;
            file.write_all_at(&PAGE, at + HEADER.len() as u64)?;
        }
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    drop(file);
    std::fs::remove_file(place)?;
    Ok(took)
}
