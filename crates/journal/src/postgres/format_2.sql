-- A store that several gateways share: a part for each PBX. What was kept before and is done stays in part 0, which any of them
-- may have; what waits of it goes to the part of its PBX, so that a call has one sender.

CREATE TEMP TABLE shared_pbx ON COMMIT DROP AS
SELECT pbx, row_number() OVER (ORDER BY pbx)::int AS part
FROM (SELECT pbx FROM heard
      UNION SELECT l.pbx FROM pending p JOIN event e ON e.seq = p.seq JOIN leg l ON l.leg = e.leg) AS all_of_them;
INSERT INTO lease SELECT 'pbx:' || x.pbx, x.part, s.epoch, NULL, now() FROM shared_pbx x, lease s WHERE s.part = 0;
INSERT INTO meta (name, value) SELECT 'parts', count(*) FROM shared_pbx;

CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT e.seq AS old, e.seq + (x.part::bigint << 48) AS new
FROM event e JOIN leg l ON l.leg = e.leg JOIN shared_pbx x ON x.pbx = l.pbx WHERE e.seq IN (SELECT seq FROM pending);
UPDATE leg SET incoming = new FROM moved WHERE incoming = old;
UPDATE leg SET answered = new FROM moved WHERE answered = old;
UPDATE leg SET outgoing = new FROM moved WHERE outgoing = old;
UPDATE leg SET ended = new FROM moved WHERE ended = old;
UPDATE event SET seq = new FROM moved WHERE seq = old;
UPDATE pending SET seq = new FROM moved WHERE seq = old;
UPDATE attempt SET seq = new FROM moved WHERE seq = old;
UPDATE given_up SET seq = new FROM moved WHERE seq = old;

ALTER TABLE gateway ADD COLUMN pbxs text[] NOT NULL DEFAULT '{}';
-- For so many microseconds from its being taken on, by the clock of whoever has it, one that had it before may have requests
-- under way.
ALTER TABLE lease ADD COLUMN careful bigint NOT NULL DEFAULT 0;
-- The gateway a part was taken from, where that was gone.
ALTER TABLE lease ADD COLUMN taken_from text;

-- What gateways ask of the owners of parts they do not have. What waits is there once; what is answered goes after a minute.
CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part int NOT NULL,
    verb smallint NOT NULL,
    payload bytea NOT NULL,
    answer text COLLATE "C",
    answered_at timestamptz
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX inbox_waits ON inbox (part, verb, sha256(payload)) WHERE answer IS NULL;
CREATE INDEX inbox_answered ON inbox (answered_at) WHERE answered_at IS NOT NULL;

-- Lists over all parts: what was kept before it was shared comes first, the rest by when it was heard.
CREATE INDEX event_placed ON event ((CASE WHEN seq < 281474976710656 THEN 0 ELSE received_at END), seq);
CREATE INDEX event_account_placed
    ON event (account, (CASE WHEN seq < 281474976710656 THEN 0 ELSE received_at END), seq);
-- Who follows an account goes by the places of each part, and who looks at it by what is open of it.
CREATE INDEX leg_open_account ON leg (account) WHERE ended IS NULL;
CREATE INDEX leg_ended_at ON leg (account, ended_at, ended) WHERE ended IS NOT NULL;

UPDATE meta SET value = 2 WHERE name = 'format';
