//! What makes a store look as an older program left it. Before format 8 no leg was packed: it must be one whose legs never were.

/// As format 10 was: without a log.
pub(crate) const AS_FORMAT_10: &str = "
    DROP TABLE log; DROP TABLE spare; DELETE FROM meta WHERE name = 'folds';
    PRAGMA user_version = 10;";

/// As format 7 was: with every event in a row.
pub(crate) const AS_FORMAT_7: &str = "
    DROP TABLE log; DROP TABLE spare; DELETE FROM meta WHERE name = 'folds';
    ALTER TABLE audit DROP COLUMN address;
    DROP TABLE leg; DROP TABLE place; DELETE FROM meta WHERE name = 'packed_to';
    UPDATE meta SET name = 'digested_to' WHERE name = 'rolled_up_to';
    PRAGMA user_version = 7;";

/// As format 6 was: with trees for each question in the place of rows of some legs. They are made anew of the
/// events, so that only their names count.
pub(crate) fn as_format_6() -> String {
    format!(
        "{AS_FORMAT_7}
    DROP TABLE line; DROP TABLE day; DELETE FROM meta WHERE name = 'longest_leg';
    INSERT INTO meta VALUES ('undigested_pruned', 0);
    UPDATE meta SET value = (SELECT coalesce(max(seq), 0) FROM events) WHERE name = 'digested_to';
    CREATE TABLE outlines (x); CREATE TABLE by_employee (x); CREATE TABLE day_sums (x);
    CREATE TABLE quarter_sums (x); CREATE TABLE long_sums (x); CREATE TABLE number_lists (x);
    PRAGMA user_version = 6;"
    )
}

/// As format 5 was: without a table for the audit log.
pub(crate) fn as_format_5() -> String {
    format!("{} DROP TABLE audit; PRAGMA user_version = 5;", as_format_6())
}
