INSERT INTO leg AS l (leg, pbx, account, call, incoming, answered, outgoing, ended, ended_at, begun_at, outcome,
                      is_outgoing, talk_secs, ring_micros, is_transferred, employee, name, queue, wait_secs, is_taken)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[],
                     $9::int8[], $10::int8[], $11::int2[], $12::bool[], $13::int8[], $14::int8[], $15::bool[],
                     $16::text[], $17::text[], $18::text[], $19::int4[], $20::bool[])
    AS x(leg, pbx, account, call, incoming, answered, outgoing, ended, ended_at, begun_at, outcome,
         is_outgoing, talk_secs, ring_micros, is_transferred, employee, name, queue, wait_secs, is_taken)
ORDER BY x.leg COLLATE "C"
ON CONFLICT (leg) DO UPDATE SET
    incoming = CASE WHEN l.outgoing IS NULL THEN coalesce(l.incoming, excluded.incoming) ELSE l.incoming END,
    answered = CASE WHEN l.outgoing IS NULL THEN coalesce(l.answered, excluded.answered) ELSE l.answered END,
    outgoing = CASE WHEN l.incoming IS NULL AND l.answered IS NULL THEN coalesce(l.outgoing, excluded.outgoing)
                    ELSE l.outgoing END,
    ended = excluded.ended,
    account = CASE WHEN excluded.ended IS NULL THEN l.account ELSE excluded.account END,
    ended_at = excluded.ended_at, begun_at = excluded.begun_at, outcome = excluded.outcome,
    is_outgoing = excluded.is_outgoing, talk_secs = excluded.talk_secs, ring_micros = excluded.ring_micros,
    is_transferred = excluded.is_transferred, employee = excluded.employee, name = excluded.name,
    queue = excluded.queue, wait_secs = excluded.wait_secs, is_taken = excluded.is_taken
WHERE l.ended IS NULL
RETURNING leg, incoming, answered, outgoing, ended
