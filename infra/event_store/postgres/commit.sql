-- Commits one batch, whole or not at all, in one round trip.
--
-- The lock orders the commits: positions are gapless, and a reader that reads in order misses none.  It is an
-- advisory lock, because a table lock would have to wait for a VACUUM, ANALYZE or CREATE INDEX CONCURRENTLY to end.
-- SQLSTATE JM001: the batch does not begin at the partition's next offset, because another writer has committed.

CREATE OR REPLACE FUNCTION commit_lock() RETURNS void LANGUAGE sql AS
$$ SELECT pg_advisory_xact_lock(hashtext('jumun'), hashtext(current_schema())) $$;

CREATE OR REPLACE FUNCTION commit_batch(
    in_partition integer, in_topic_id text, in_from bigint, in_next bigint, in_worker text, in_build text,
    in_batch_id text, in_recorded_at bigint, in_content bytea, in_body bytea,
    in_streams text[], in_versions bigint[], in_topics text[], in_states bytea[],
    in_keys bytea[], in_digests bytea[], in_set_aside bytea[], in_outcomes jsonb, in_rest jsonb,
    OUT out_first_position bigint, OUT out_recorded_at bigint
) LANGUAGE plpgsql AS $$
DECLARE
    chained     bytea;
    stands      bigint;
    last        record;
    this        commits;
BEGIN
    PERFORM commit_lock();
    SELECT c.next_offset, c.hash INTO stands, chained
    FROM commits c WHERE c.partition = in_partition ORDER BY c.number DESC LIMIT 1;
    IF coalesce(stands, 0) <> in_from THEN
        RAISE EXCEPTION 'the partition stands at %, this batch begins at %', coalesce(stands, 0), in_from
            USING ERRCODE = 'JM001';
    END IF;
    SELECT coalesce(max(c.number), 0) AS number, coalesce(max(c.recorded_at), 0) AS recorded_at,
           coalesce(max(c.last_position), 0) AS last_position, coalesce(max(c.last_outcome), 0) AS last_outcome
    INTO last FROM (SELECT * FROM commits ORDER BY commits.number DESC LIMIT 1) c;

    this.number := last.number + 1;
    this.partition := in_partition;
    this.topic_id := in_topic_id;
    this.from_offset := in_from;
    this.next_offset := in_next;
    this.worker := in_worker;
    this.build := in_build;
    this.batch_id := in_batch_id;
    this.recorded_at := greatest(in_recorded_at, last.recorded_at);
    this.first_position := last.last_position + 1;
    this.last_position := last.last_position + cardinality(in_streams);
    this.first_outcome := last.last_outcome + 1;
    this.last_outcome := last.last_outcome + jsonb_array_length(in_outcomes);
    this.hash := sha256(
        coalesce(chained, decode(repeat('00', 32), 'hex')) || in_content || convert_to(concat_ws(E'\n',
            this.number, this.partition, this.topic_id, this.from_offset, this.next_offset, this.worker,
            this.build, this.batch_id, this.recorded_at, this.first_position, this.last_position,
            this.first_outcome, this.last_outcome), 'UTF8'));
    INSERT INTO commits VALUES (this.*);

    INSERT INTO stored_events
    SELECT last.last_position + e.place, e.stream, e.version, e.topic, e.state
    FROM unnest(in_streams, in_versions, in_topics, in_states)
         WITH ORDINALITY AS e(stream, version, topic, state, place);

    INSERT INTO outcomes
    SELECT last.last_outcome + o.place, this.number, o.said->>0, o.said->>1, o.said->>2, o.said->>3, o.said->>4,
           o.said->>5, o.said->>6, o.said->>7, (o.said->>8)::integer, (o.said->>9)::bigint, o.said->>10,
           o.said->>11, o.said->>12,
           this.first_position + (o.said->>13)::bigint, this.first_position + (o.said->>14)::bigint
    FROM jsonb_array_elements(in_outcomes) WITH ORDINALITY AS o(said, place);

    INSERT INTO inbox SELECT * FROM unnest(in_keys, in_digests);
    IF length(in_body) > 0 THEN
        INSERT INTO messages VALUES (
            this.number,
            to_char(to_timestamp(this.recorded_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM'),
            in_body);
    END IF;

    INSERT INTO set_aside
    SELECT this.first_outcome + (r.said->>0)::bigint, in_set_aside[r.place], (r.said->>1)::bigint
    FROM jsonb_array_elements(in_rest->'set_aside') WITH ORDINALITY AS r(said, place);
    DELETE FROM parked USING jsonb_array_elements(in_rest->'unparked') r
    WHERE parked.partition = in_partition AND parked.number = r.value::bigint;
    INSERT INTO parked
    SELECT in_partition, (r->>1)::bigint, r->>2, r->>3, decode(r->>4, 'hex'), decode(r->>5, 'hex'),
           r->>6, r->>7, r->>8, (r->>9)::bigint
    FROM jsonb_array_elements(in_rest->'parked') r;
    INSERT INTO vault
    SELECT r->>0, r->>1 FROM jsonb_array_elements(in_rest->'vault') r ON CONFLICT DO NOTHING;

    DELETE FROM timers USING jsonb_array_elements_text(in_rest->'fired') r WHERE timers.key = r.value;
    UPDATE timers SET failed = 1 FROM jsonb_array_elements_text(in_rest->'failed') r WHERE timers.key = r.value;
    INSERT INTO timers
    SELECT r->>0, r->>1, (r->>2)::bigint, r->>3, r->>4, r->>5, 0
    FROM jsonb_array_elements(in_rest->'timers') r ON CONFLICT DO NOTHING;
    INSERT INTO clocks
    SELECT in_partition, r->>1, (r->>2)::bigint FROM jsonb_array_elements(in_rest->'clocks') r
    ON CONFLICT (partition, name) DO UPDATE SET at = excluded.at;

    INSERT INTO sellers
    SELECT r->>0, in_partition, (r->>2)::bigint, (r->>3)::boolean::integer
    FROM jsonb_array_elements(in_rest->'sellers') r
    ON CONFLICT (seller_id) DO UPDATE SET sequence = excluded.sequence;
    INSERT INTO snapshots
    SELECT r->>0, (r->>1)::bigint, (r->>2)::integer, convert_to(r->>3, 'UTF8')
    FROM jsonb_array_elements(in_rest->'snapshots') r
    ON CONFLICT (stream) DO UPDATE
    SET version = excluded.version, evolves = excluded.evolves, state = excluded.state;

    PERFORM pg_notify('jumun ' || current_schema(), '');
    out_first_position := this.first_position;
    out_recorded_at := this.recorded_at;
END
$$;

-- Counts an attempt at a batch before it begins.  The count is 1 for a new batch.  While messages remain of a batch
-- that was attempted three times, it is 3, so that each of them is decided alone.  Commits without waiting for the disk.
CREATE OR REPLACE FUNCTION attempt(
    in_partition integer, in_from bigint, in_until bigint, in_anew boolean, OUT out_count integer
) LANGUAGE sql AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    INSERT INTO attempts AS a VALUES (in_partition, in_from, in_until, 1)
    ON CONFLICT (partition) DO UPDATE SET
        from_offset = in_from,
        until = CASE WHEN in_from = a.from_offset THEN greatest(a.until, in_until)
                     WHEN in_from < a.until AND a.count > 2 THEN a.until
                     ELSE in_until END,
        count = CASE WHEN in_from = a.from_offset THEN CASE WHEN in_anew THEN a.count ELSE a.count + 1 END
                     WHEN in_from < a.until AND a.count > 2 THEN 3
                     ELSE 1 END
    RETURNING count;
$$;
