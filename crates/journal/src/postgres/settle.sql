-- What is to be tried again is due so many microseconds later than $10, or than now by this clock.
-- Rows are found by `= ANY (ARRAY[…])`: of a table that the engine takes for empty it would read all along a plain key.
-- Verbs: 0 delivered, 1 expired, 2 failed, 3 cancelled: settled; 4 to be tried again, 5 held, 6 wanted again: pending.
WITH gone AS (
    DELETE FROM pending p
    USING unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::text[], $6::int8[], $8::bytea[])
        AS s(seq, integration, verb, number, last, at, detail)
    WHERE p.seq = ANY (ARRAY[s.seq]) AND p.integration = s.integration AND s.verb < 4
    RETURNING p.seq, p.integration, p.account, s.verb, s.number,
              coalesce(s.number, p.attempts + (s.verb = 0)::int) AS attempts, coalesce(s.last, p.last) AS last, s.at,
              s.detail
), kept AS (
    UPDATE pending p
    SET attempts = coalesce(s.number, p.attempts + (s.verb = 4)::int), last = coalesce(s.last, p.last),
        updated_at = s.at, held = s.verb = 5,
        due_at = coalesce(coalesce($10::bigint, (extract(epoch FROM now()) * 1000000)::bigint) + s.later, p.due_at)
    FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::text[], $6::int8[], $7::int8[], $8::bytea[])
        AS s(seq, integration, verb, number, last, at, later, detail)
    WHERE p.seq = ANY (ARRAY[s.seq]) AND p.integration = s.integration AND s.verb >= 4
    RETURNING p.seq, p.integration, s.number, p.last, s.at, s.detail
), given AS (
    INSERT INTO given_up SELECT seq, integration, account, verb, attempts, last, at FROM gone WHERE verb > 0
    ON CONFLICT (seq, integration) DO UPDATE
    SET state = excluded.state, attempts = excluded.attempts, last = excluded.last, updated_at = excluded.updated_at
), noted AS (
    INSERT INTO attempt AS a
    SELECT seq, integration, attempts, verb = 0, at, last, detail FROM gone WHERE verb = 0 OR number IS NOT NULL
    UNION ALL
    SELECT seq, integration, number, false, at, last, detail FROM kept WHERE number IS NOT NULL
    ON CONFLICT (seq, integration, number) DO UPDATE SET delivered = a.delivered OR excluded.delivered
), told AS (
    UPDATE tally SET pending = pending - (SELECT count(*) FROM gone) WHERE writer = $9
)
SELECT seq, integration FROM gone UNION ALL SELECT seq, integration FROM kept
