-- What waits was heard so many microseconds later than $15, or than now by this clock: mostly a little earlier.
-- The test for what is new is no join: those that would not look at each row for each other one are switched off here.
WITH told AS (
    SELECT x.*
    FROM unnest($1::int8[], $2::int2[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::int8[],
                $9::text[], $10::text[], $11::text[], $12::bytea[], $14::int8[])
        AS x(seq, kind, at, received_at, account, leg, call, lane, employee, numbers, owed, body, later)
    JOIN leg l ON l.leg = ANY (ARRAY[x.leg])
     AND x.seq = CASE x.kind WHEN 0 THEN l.incoming WHEN 1 THEN l.answered WHEN 2 THEN l.outgoing ELSE l.ended END
), new AS (
    INSERT INTO event (seq, kind, at, received_at, account, leg, call, lane, employee, numbers, owed, body)
    SELECT seq, kind, at, received_at, account, leg, call, lane, employee, numbers, owed::int[], body FROM told
    ON CONFLICT (seq) DO NOTHING
    RETURNING seq
), wanted AS (
    INSERT INTO pending (seq, integration, account, kind, lane, created_at)
    SELECT seq, integration, account, kind, lane,
           coalesce($15::bigint, (extract(epoch FROM now()) * 1000000)::bigint) + later
    FROM told, unnest(owed::int[]) AS integration
    WHERE (seq IN (SELECT seq FROM new)) IS TRUE
    ON CONFLICT DO NOTHING
    RETURNING seq
)
UPDATE tally SET events = events + (SELECT count(*) FROM new), pending = pending + (SELECT count(*) FROM wanted)
WHERE writer = $13
