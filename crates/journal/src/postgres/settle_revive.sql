-- What is settled and wanted again is pending once more, with what it had come to, as long as its event is kept.
WITH taken AS (
    DELETE FROM given_up g USING unnest($1::int8[], $2::int4[]) AS s(seq, integration)
    WHERE g.seq = ANY (ARRAY[s.seq]) AND g.integration = s.integration
    RETURNING g.seq, g.integration, g.attempts, g.last, g.updated_at
), back AS (
    INSERT INTO pending (seq, integration, account, kind, lane, created_at, attempts, last, updated_at)
    SELECT e.seq, s.integration, e.account, e.kind, e.lane, e.received_at, coalesce(t.attempts, d.number, 0),
           coalesce(t.last, d.last, ''), coalesce(t.updated_at, d.at)
    FROM unnest($1::int8[], $2::int4[]) AS s(seq, integration)
    JOIN event e ON e.seq = ANY (ARRAY[s.seq])
    LEFT JOIN taken t ON t.seq = s.seq AND t.integration = s.integration
    LEFT JOIN LATERAL (
        SELECT a.number, a.last, a.at FROM attempt a
        WHERE a.seq = s.seq AND a.integration = s.integration AND a.delivered ORDER BY a.number DESC LIMIT 1
    ) d ON true
    -- Whoever forgets the event meanwhile is waited for; then it is gone.
    FOR KEY SHARE OF e
    ON CONFLICT DO NOTHING
    RETURNING seq
)
UPDATE tally SET pending = pending + (SELECT count(*) FROM back) WHERE writer = $3
