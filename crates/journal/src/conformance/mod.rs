//! The suite every implementation of [`Journal`](crate::Journal) has to pass: one function a rule, each on an empty journal.
//! `journal::conformance!(make)` turns them into tests, where `make` is an expression that gives a
//! journal and whatever must live as long as it.

pub mod audit;
pub mod deliveries;
#[cfg(all(unix, feature = "postgres"))]
pub mod engine;
pub mod erase;
pub mod events;
pub mod failing;
pub mod inbox;
pub mod legs;
pub mod parts;
pub mod prune;
pub mod sample;
pub mod settings;
pub mod sums;

/// One test for each rule of the suite.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance!(@chapters rules, ($make));
    };
    // The same for one journal as two gateways see it.
    (of two, $make:expr) => {
        $crate::conformance!(@chapters of_two pairs, ($make));
    };
    (of two, one by one, $walk:ident) => {
        $crate::conformance!(@chapters of_two walked_pairs, ($walk));
    };
    // One test for all of them: where a store each is made quickly, and what it stands on slowly.
    (one by one, $walk:ident) => {
        $crate::conformance!(@chapters walked, ($walk));
    };
    (@chapters $what:tt, $make:tt) => {
        $crate::conformance!(@$what $make, events: [
            an_event_is_kept_with_a_delivery_for_each_integration,
            an_event_that_is_there_already_is_a_repeat,
            a_repeat_within_one_batch_is_a_repeat,
            nothing_follows_ended,
            a_leg_begins_once,
            places_grow_within_a_part,
            what_is_kept_comes_back_as_it_was,
            bodies_leave_out_what_is_gone,
            an_event_is_found_by_its_id,
            events_are_listed_newest_first_and_followed_oldest_first,
            pages_neither_skip_nor_repeat,
            every_part_of_a_filter_narrows_the_list,
        ]);
        $crate::conformance!(@$what $make, deliveries: [
            a_delivery_that_came_through_is_no_longer_pending,
            a_settled_delivery_cannot_be_settled_again,
            what_was_asked_twice_is_done_once,
            a_settled_delivery_is_not_brought_back,
            a_retry_stays_pending_and_counts_its_attempt,
            a_held_delivery_stays_until_it_is_wanted_again,
            a_settled_delivery_can_be_wanted_again,
            an_unknown_delivery_is_gone,
            what_is_pending_is_loaded_part_by_part_while_it_is_settled,
            how_long_it_has_waited_is_told_by_the_stores_clock,
            attempts_come_back_as_they_were,
            without_attempts_the_state_is_still_known,
            deliveries_are_listed_by_state,
            what_fails_is_noted_until_it_works,
        ]);
        $crate::conformance!(@$what $make, legs: [
            a_leg_is_listed_with_its_beginning_and_its_end,
            an_open_leg_is_restored_and_an_ended_one_is_not,
            notes_are_replaced_and_forgotten,
            the_last_moment_heard_never_goes_back,
            the_answer_of_an_outgoing_leg_is_found_in_its_note,
            pbxs_do_not_see_each_other,
        ]);
        $crate::conformance!(@$what $make, sums: [
            sums_are_those_of_the_legs,
            long_sums_are_those_of_the_legs,
            each_leg_adds_what_it_was,
            waits_are_those_of_the_callers,
            what_is_forgotten_is_in_no_sum,
            accounts_of_late_are_those_of_their_sums_and_lists,
            legs_are_listed_by_outcome_employee_and_number,
            an_employees_events_are_in_order_however_long_a_leg_lasts,
        ]);
        $crate::conformance!(@$what $make, settings: [
            a_setting_comes_back_as_it_was,
            a_lost_update_is_refused,
            a_new_setting_must_not_be_there,
            a_removed_setting_is_gone_and_others_learn_of_it,
            the_revision_grows_with_every_change,
            integration_numbers_are_never_given_twice,
        ]);
        $crate::conformance!(@$what $make, audit: [
            what_was_done_is_listed_newest_first,
            the_audit_log_is_filtered_by_account_actor_and_kind,
            its_pages_neither_skip_nor_repeat,
            a_change_and_its_note_are_kept_together_or_not_at_all,
            several_settings_change_together_or_not_at_all,
            what_people_did_outlives_its_days,
            a_flood_by_tokens_takes_nothing_from_people,
            a_part_that_is_too_long_is_cut,
        ]);
        $crate::conformance!(@$what $make, erase: [
            what_is_erased_is_nowhere,
            a_leg_that_has_a_number_anywhere_is_erased_whole,
            what_runs_is_erased_when_it_has_ended,
            erasing_goes_on_where_it_stopped,
        ]);
        $crate::conformance!(@$what $make, prune: [
            an_ended_leg_is_forgotten_whole,
            what_is_pending_or_open_or_newer_stays,
            one_account_can_be_pruned_alone,
            pruning_goes_on_until_nothing_is_left,
            an_account_is_bounded_by_its_size,
            sizes_are_told,
            the_newest_event_says_when_it_came,
        ]);
    };
    (@chapters of_two $what:tt, $make:tt) => {
        $crate::conformance!(@$what $make, parts: [
            gateways_whose_clocks_differ_find_the_same_ages,
            a_beat_moves_by_its_gateway_alone,
            a_part_is_taken_once,
            a_part_keeps_its_number,
            what_is_no_pbxs_is_somebodys,
            who_has_a_part_next_knows_of_one_that_is_gone,
            who_lost_a_part_writes_nothing,
            who_gave_a_part_back_writes_nothing,
            a_taker_sees_all_that_was_written_before,
            places_grow_over_the_owners_of_a_part,
            pages_over_parts_neither_skip_nor_repeat,
            what_is_followed_over_parts_comes_once,
            a_clock_that_is_behind_hides_nothing_from_who_follows,
            open_legs_of_accounts_are_seen_by_all,
        ]);
        $crate::conformance!(@$what $make, failing: [
            a_streak_is_counted_by_all_together,
            what_somebody_had_taken_ends_a_streak,
            a_streak_is_ended_for_a_pause_once,
        ]);
        $crate::conformance!(@$what $make, inbox: [
            what_was_asked_twice_is_done_once,
            what_is_asked_waits_for_whoever_has_the_part_next,
            who_lost_a_part_answers_nothing,
            what_is_asked_of_all_parts_is_asked_of_each,
            a_flood_of_wishes_has_a_bound_and_keeps_no_facts_out,
            what_another_kept_is_kept_once_however_often_it_is_brought,
        ]);
    };
    (@walked_pairs ($walk:ident), $chapter:ident: [$($rule:ident),* $(,)?]) => {
        $($walk.rule_of_two(
            concat!(stringify!($chapter), "::", stringify!($rule)),
            async |one, other| $crate::conformance::$chapter::$rule(one, other).await,
        ).await;)*
    };
    (@pairs ($make:expr), $chapter:ident: [$($rule:ident),* $(,)?]) => {
        mod $chapter {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
                async fn $rule() {
                    let (one, other) = $make;
                    $crate::conformance::$chapter::$rule(&one, &other).await;
                }
            )*
        }
    };
    (@walked ($walk:ident), $chapter:ident: [$($rule:ident),* $(,)?]) => {
        $($walk.rule(
            concat!(stringify!($chapter), "::", stringify!($rule)),
            async |journal| $crate::conformance::$chapter::$rule(journal).await,
        ).await;)*
    };
    (@rules ($make:expr), $chapter:ident: [$($rule:ident),* $(,)?]) => {
        mod $chapter {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
                async fn $rule() {
                    let (journal, _guard) = $make;
                    $crate::conformance::$chapter::$rule(&journal).await;
                }
            )*
        }
    };
}
