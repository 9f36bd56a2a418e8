CREATE TABLE http402.store (
    schema integer NOT NULL
);
INSERT INTO http402.store VALUES (0);

-- No version comes twice, for any key, whatever was removed.
CREATE SEQUENCE http402.version AS bigint;

-- Times are seconds since 1970 less 2^63: all of u64 has a place, and the order is kept.
CREATE TABLE http402.record (
    key text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    phase smallint NOT NULL,
    unfinished boolean NOT NULL,
    lease bigint,
    keep_until bigint NOT NULL,
    body bytea NOT NULL
);
ALTER TABLE http402.record ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX record_unfinished ON http402.record (key) WHERE unfinished;
CREATE INDEX record_keep_until ON http402.record (keep_until);

-- How much there is, in parts, so that steps do not wait for each other's count: the sum is what counts.
CREATE TABLE http402.room (
    part integer PRIMARY KEY,
    records bigint NOT NULL,
    bytes bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO http402.room SELECT part, 0, 0 FROM generate_series(0, 63) AS part;

-- What a key is locked by while a step changes it, whether it has a row or not.
CREATE FUNCTION http402.lock_of(key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended('http402:' || key COLLATE "C", 402)
$$;

-- Removes some of what has passed and nobody is at. It waits for nobody: the caller holds locks.
CREATE FUNCTION http402.purge(
    now bigint, most integer, spared text[],
    OUT records bigint, OUT bytes bigint
)
LANGUAGE sql VOLATILE AS $$
    WITH passed AS (
        SELECT record.key FROM http402.record
        WHERE record.keep_until <= now AND record.key <> ALL (spared)
        ORDER BY record.keep_until LIMIT most
    ), gone AS (
        DELETE FROM http402.record USING passed
        WHERE record.key = passed.key AND record.keep_until <= now
            AND pg_try_advisory_xact_lock(http402.lock_of(passed.key))
        RETURNING octet_length(record.key) + octet_length(record.body) AS size
    )
    SELECT count(*)::bigint, coalesce(sum(size), 0)::bigint FROM gone
$$;

-- One step: all of the writes or none.
--
-- Keys are locked in the order of their locks, so that no two steps wait for each other, and only then looked at: each
-- statement of a function sees what was committed before it began, under READ COMMITTED and only under it.
-- The locks are given back when the step is committed and can be seen.
--
-- `expects` is null where nothing is expected, `phases` is null where the record is removed. The outcome is the index of the
-- write whose expectation did not hold, -1 for done, -2 for full.
CREATE FUNCTION http402.apply(
    now bigint, keys text[], expects bigint[], phases smallint[], unfinished boolean[], leases bigint[], ends bigint[],
    bodies bytea[], most_records bigint, most_bytes bigint, purge integer,
    OUT outcome integer, OUT versions bigint[], OUT found_version bigint, OUT found_phase smallint,
    OUT found_lease bigint, OUT found_end bigint, OUT found_body bytea
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    number bigint;
    at integer;
    row_version bigint;
    row_end bigint;
    row_size bigint;
    sizes bigint[] := '{}';
    live boolean;
    new_records bigint := 0;
    new_bytes bigint := 0;
    more_records bigint := 0;
    more_bytes bigint := 0;
    gone_records bigint;
    gone_bytes bigint;
    fits boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a ledger needs READ COMMITTED';
    END IF;
    FOR number IN SELECT DISTINCT http402.lock_of(key) AS number FROM unnest(keys) AS key ORDER BY number LOOP
        PERFORM pg_advisory_xact_lock(number);
    END LOOP;

    FOR at IN 1..cardinality(keys) LOOP
        SELECT record.version, record.keep_until, octet_length(record.body)
            INTO row_version, row_end, row_size
            FROM http402.record WHERE record.key = keys[at];
        live := FOUND AND row_end > now;
        IF expects[at] IS NULL AND live
            OR expects[at] IS NOT NULL AND NOT (live AND row_version = expects[at])
        THEN
            outcome := at - 1;
            IF live THEN
                SELECT record.version, record.phase, record.lease, record.keep_until, record.body
                    INTO found_version, found_phase, found_lease, found_end, found_body
                    FROM http402.record WHERE record.key = keys[at];
            END IF;
            RETURN;
        END IF;
        -- Null where there is no row.
        sizes[at] := row_size;
        IF expects[at] IS NULL AND phases[at] IS NOT NULL THEN
            new_records := new_records + 1;
            new_bytes := new_bytes + octet_length(keys[at]) + octet_length(bodies[at]);
        END IF;
    END LOOP;

    IF purge > 0 THEN
        SELECT * INTO gone_records, gone_bytes FROM http402.purge(now, purge, keys);
        more_records := more_records - gone_records;
        more_bytes := more_bytes - gone_bytes;
    END IF;
    outcome := -1;
    -- A write to a record that is there always fits: an outcome must not be lost for want of room.
    WHILE new_records > 0 LOOP
        SELECT sum(records) + more_records + new_records <= most_records
            AND sum(bytes) + more_bytes + new_bytes <= most_bytes
            INTO fits FROM http402.room;
        EXIT WHEN fits;
        SELECT * INTO gone_records, gone_bytes FROM http402.purge(now, 256, keys);
        more_records := more_records - gone_records;
        more_bytes := more_bytes - gone_bytes;
        IF gone_records = 0 THEN
            outcome := -2;
            EXIT;
        END IF;
    END LOOP;

    IF outcome = -1 THEN
        versions := '{}';
        FOR at IN 1..cardinality(keys) LOOP
            IF phases[at] IS NULL THEN
                DELETE FROM http402.record WHERE record.key = keys[at];
                versions[at] := 0;
            ELSE
                INSERT INTO http402.record (key, version, phase, unfinished, lease, keep_until, body)
                    VALUES (keys[at], nextval('http402.version'), phases[at], unfinished[at], leases[at], ends[at],
                        bodies[at])
                    ON CONFLICT (key) DO UPDATE SET version = excluded.version, phase = excluded.phase,
                        unfinished = excluded.unfinished, lease = excluded.lease, keep_until = excluded.keep_until,
                        body = excluded.body
                    RETURNING record.version INTO number;
                versions[at] := number;
                more_records := more_records + 1;
                more_bytes := more_bytes + octet_length(keys[at]) + octet_length(bodies[at]);
            END IF;
            IF sizes[at] IS NOT NULL THEN
                more_records := more_records - 1;
                more_bytes := more_bytes - octet_length(keys[at]) - sizes[at];
            END IF;
        END LOOP;
    END IF;
    -- The last lock that is taken, and nobody who holds it waits for another.
    IF more_records <> 0 OR more_bytes <> 0 THEN
        UPDATE http402.room SET records = room.records + more_records, bytes = room.bytes + more_bytes
            WHERE part = pg_backend_pid() % 64;
    END IF;
END
$$;
