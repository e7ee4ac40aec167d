//! What makes a store look as an older program left it.

/// As format 6 was: with trees for each question in the place of rows of some legs. They are made anew of the
/// events, so that only their names count.
pub(crate) const AS_FORMAT_6: &str = "
    DROP TABLE line; DROP TABLE day; DELETE FROM meta WHERE name = 'longest_leg';
    INSERT INTO meta VALUES ('undigested_pruned', 0);
    UPDATE meta SET value = (SELECT coalesce(max(seq), 0) FROM events) WHERE name = 'digested_to';
    CREATE TABLE outlines (x); CREATE TABLE by_employee (x); CREATE TABLE day_sums (x);
    CREATE TABLE quarter_sums (x); CREATE TABLE long_sums (x); CREATE TABLE number_lists (x);
    PRAGMA user_version = 6;";

/// As format 5 was: without a table for the audit log.
pub(crate) fn as_format_5() -> String {
    format!("{AS_FORMAT_6} DROP TABLE audit; PRAGMA user_version = 5;")
}
