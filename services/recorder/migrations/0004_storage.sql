-- rows are the planner's estimates, or where a table was never looked at the server's count of changes;
-- oldest and newest are exact within the first day
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
    SELECT table_name, count(day)::integer AS days, min(day) AS first_day,
           coalesce(sum(CASE WHEN reltuples > 0 THEN reltuples ELSE pg_stat_get_live_tuples(oid) END), 0)::bigint AS rows,
           coalesce(sum(pg_total_relation_size(oid)), 0)::bigint AS bytes
    FROM leaves GROUP BY table_name
), reach AS (
    SELECT target, min(first) AS first, max(last) AS last FROM written GROUP BY target
)
SELECT table_name, rows, bytes, days,
       greatest(first, first_day::timestamp AT TIME ZONE 'UTC') AS oldest, last AS newest
FROM sizes LEFT JOIN reach ON target = table_name;
