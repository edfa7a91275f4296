-- What the small tables hold is asked of themselves, through their indexes; a table without rows is neither old nor new.

CREATE OR REPLACE VIEW history.storage AS
WITH leaves AS (
    SELECT parent.relname::text AS table_name, leaf.oid, leaf.reltuples,
           CASE WHEN parent.relkind = 'p' THEN to_date(right(leaf.relname, 8), 'YYYYMMDD') END AS day
    FROM pg_class parent
    JOIN pg_namespace space ON space.oid = parent.relnamespace AND space.nspname = 'public'
    LEFT JOIN pg_inherits ON inhparent = parent.oid
    LEFT JOIN pg_class leaf ON leaf.oid = coalesce(inhrelid, CASE WHEN parent.relkind = 'r' THEN parent.oid END)
    WHERE parent.relkind IN ('p', 'r') AND NOT parent.relispartition
      AND parent.relname IN ('bars', 'bars_1s', 'funding', 'settlements', 'trades', 'liquidations', 'signals',
                             'signal_events', 'instruments', 'alerts', 'config_changes', 'gaps', 'rejected')
), sizes AS (
    SELECT table_name, count(day)::integer AS days, min(day)::timestamp AT TIME ZONE 'UTC' AS first_day,
           coalesce(sum(CASE WHEN reltuples > 0 THEN reltuples ELSE pg_stat_get_live_tuples(oid) END), 0)::bigint AS rows,
           coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes
    FROM leaves GROUP BY table_name
), reach AS (
    SELECT target, min(first) AS first, max(last) AS last FROM written
    WHERE target IN ('bars', 'bars_1s', 'funding', 'trades', 'liquidations') GROUP BY target
    UNION ALL SELECT 'settlements', min(settle_ts), max(settle_ts) FROM settlements
    UNION ALL SELECT 'signals', min(opened_at), max(opened_at) FROM signals
    UNION ALL SELECT 'signal_events', min(at), max(at) FROM signal_events
    UNION ALL SELECT 'instruments', min(valid_from), max(valid_from) FROM instruments
    UNION ALL SELECT 'alerts', min(at), max(at) FROM alerts
    UNION ALL SELECT 'config_changes', min(at), max(at) FROM config_changes
    UNION ALL SELECT 'gaps', min(at), max(at) FROM gaps
    UNION ALL SELECT 'rejected', min(at), max(at) FROM rejected
)
-- of the tables by day the oldest is exact within the first day, and rows are estimates
SELECT table_name, rows, bytes, days,
       CASE WHEN first_day IS NULL THEN first WHEN last >= first_day THEN greatest(first, first_day) END AS oldest,
       CASE WHEN first_day IS NULL OR last >= first_day THEN last END AS newest
FROM sizes LEFT JOIN reach ON target = table_name;
