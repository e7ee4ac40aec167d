WITH new AS (
    INSERT INTO event (seq, kind, at, received_at, account, leg, call, lane, employee, numbers, owed, body)
    SELECT x.seq, x.kind, x.at, x.received_at, x.account, x.leg, x.call, x.lane, x.employee, x.numbers, x.owed::int[],
           x.body
    FROM unnest($1::int8[], $2::int2[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::int8[],
                $9::text[], $10::text[], $11::text[], $12::bytea[])
        AS x(seq, kind, at, received_at, account, leg, call, lane, employee, numbers, owed, body)
    JOIN leg l ON l.leg = x.leg
     AND x.seq = CASE x.kind WHEN 0 THEN l.incoming WHEN 1 THEN l.answered WHEN 2 THEN l.outgoing ELSE l.ended END
    ON CONFLICT (seq) DO NOTHING
    RETURNING seq, account, kind, lane, received_at, owed
), wanted AS (
    INSERT INTO pending (seq, integration, account, kind, lane, created_at)
    SELECT seq, integration, account, kind, lane, received_at FROM new, unnest(owed) AS integration
    ON CONFLICT DO NOTHING
    RETURNING seq
)
UPDATE tally SET events = events + (SELECT count(*) FROM new), pending = pending + (SELECT count(*) FROM wanted)
WHERE writer = $13
