-- The same for several parts, in the order of their numbers. Raises which of them are another's.
CREATE FUNCTION hold(p int[], e int[]) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = ringbud AS $$
DECLARE
    part_held int;
    lost text;
BEGIN
    FOREACH part_held IN ARRAY p LOOP
        PERFORM pg_advisory_xact_lock_shared(7, part_held);
    END LOOP;
    SELECT string_agg(x.part::text, ',') INTO lost
    FROM unnest(p, e) AS x(part, epoch) LEFT JOIN lease l ON l.part = x.part WHERE l.epoch IS DISTINCT FROM x.epoch;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'others have parts of it now' USING ERRCODE = 'RB001', DETAIL = lost;
    END IF;
END $$;
