-- The views that people may build on (docs/history.md), and the role that sees nothing else.

CREATE SCHEMA history;
COMMENT ON SCHEMA history IS 'What Parallax has recorded. Views only: columns are only ever added.';

CREATE VIEW history.bars_1m AS
SELECT start, venue, symbol, asset, market,
       mid_open, mid_high, mid_low, mid_close, bid_open, bid_high, bid_low, bid_close,
       ask_open, ask_high, ask_low, ask_close, spread_bps_mean, mark_close, index_close,
       coalesce(premium, round(mark_close / nullif(index_close, 0) - 1, 12)) AS premium,
       funding_rate, funding_interval_h, funding_rate * 8 / nullif(funding_interval_h, 0) AS funding_rate_8h,
       volume, turnover, buy_volume, trades, last, volume_24h, turnover_24h, open_interest, open_interest_value, quotes
FROM bars WHERE resolution = 60;

CREATE VIEW history.bars_1s AS
SELECT start, venue, symbol, asset, market,
       mid_open, mid_high, mid_low, mid_close, bid_open, bid_high, bid_low, bid_close,
       ask_open, ask_high, ask_low, ask_close, spread_bps_mean, mark_close, index_close, premium,
       funding_rate, funding_interval_h, funding_rate * 8 / nullif(funding_interval_h, 0) AS funding_rate_8h,
       volume, turnover, buy_volume, trades, last, volume_24h, turnover_24h, open_interest, open_interest_value, quotes
FROM bars_1s;

-- the perpetual over the spot market of the same venue, coin and quote currency
CREATE VIEW history.basis AS
SELECT perp.start, perp.asset, perp.venue, perp.symbol AS perp_symbol, spot.symbol AS spot_symbol,
       perp.mid_close AS perp_mid, spot.mid_close AS spot_mid,
       round((perp.mid_close - spot.mid_close) / nullif(spot.mid_close, 0), 12) AS basis
FROM bars perp JOIN bars spot
  ON spot.asset = perp.asset AND spot.venue = perp.venue AND spot.start = perp.start AND spot.resolution = 60
 AND spot.symbol = split_part(perp.symbol, ':', 1)
WHERE perp.resolution = 60 AND perp.market = 'perp' AND spot.market = 'spot';

CREATE VIEW history.funding AS
SELECT minute, venue, symbol, asset, rate, interval_h, rate * 8 / nullif(interval_h, 0) AS rate_8h,
       rate * 8760 / nullif(interval_h, 0) AS apr, next_ts, funding_index
FROM funding;

CREATE VIEW history.settlements AS
SELECT settle_ts, venue, symbol, asset, rate, interval_h, rate * 8 / nullif(interval_h, 0) AS rate_8h, mark
FROM settlements;

CREATE VIEW history.trades AS
SELECT recv, ts, venue, symbol, split_part(symbol, '/', 1) AS asset,
       CASE WHEN symbol LIKE '%:%' THEN 'perp' ELSE 'spot' END AS market, id, price, size, side, flag
FROM trades;

CREATE VIEW history.liquidations AS
SELECT recv, ts, venue, symbol, split_part(symbol, '/', 1) AS asset, id, price, size, side, price_kind
FROM liquidations;

CREATE VIEW history.signals AS
SELECT id, rev, asset, kind, key, state, buy_venue, sell_venue,
       record #>> '{buy,symbol}' AS buy_symbol, record #>> '{sell,symbol}' AS sell_symbol,
       opened_at, closed_at, close_reason, (record ->> 'duration_ms')::bigint AS duration_ms,
       (record ->> 'open_edge_bps')::numeric AS open_edge_bps, (record ->> 'open_net_bps')::numeric AS open_net_bps,
       (record ->> 'open_size_usd')::numeric AS open_size_usd,
       (record ->> 'peak_edge_bps')::numeric AS peak_edge_bps, (record ->> 'peak_net_bps')::numeric AS peak_net_bps,
       (record ->> 'edge_bps')::numeric AS edge_bps, (record ->> 'net_open_bps')::numeric AS net_open_bps,
       (record ->> 'size_usd')::numeric AS size_usd, record
FROM signals;

CREATE VIEW history.signal_events AS
SELECT id, rev, at, record ->> 'event' AS event, record ->> 'asset' AS asset,
       (record ->> 'edge_bps')::numeric AS edge_bps, (record ->> 'net_open_bps')::numeric AS net_open_bps,
       (record ->> 'size_usd')::numeric AS size_usd, record
FROM signal_events;

CREATE VIEW history.instrument_changes AS
SELECT venue, market, native, valid_from, valid_to, symbol, asset, quote, settle, category, multiplier, contract_size,
       tick_size, lot_size, min_size, min_notional, funding_interval_h, funding_cap, funding_floor,
       taker_fee_bps, maker_fee_bps, status, quarantine_reason, listed_ts, delist_ts, record::jsonb AS record
FROM instruments;

CREATE VIEW history.instruments AS
SELECT * FROM history.instrument_changes WHERE valid_to IS NULL;

CREATE VIEW history.alerts AS SELECT id, rev, rule, subject, severity, at, ended_at, record FROM alerts;
CREATE VIEW history.config_changes AS SELECT at, version, changes FROM config_changes;
CREATE VIEW history.gaps AS
SELECT at, stream, reason, from_id, to_id, missed_entries, missing_seqs,
       to_timestamp(split_part(from_id, '-', 1)::bigint / 1000.0) AS from_time,
       to_timestamp(split_part(to_id, '-', 1)::bigint / 1000.0) AS to_time
FROM gaps;
CREATE VIEW history.rejected AS SELECT at, feed, target, payload, reason FROM rejected;

-- rows are the planner's estimates, or where a table was never looked at the server's count of changes;
-- oldest and newest are exact within the first day
CREATE VIEW history.storage AS
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

-- The role is the server's, not the database's: it may be there already, or not be ours to make.
DO $$
BEGIN
    CREATE ROLE parallax_reader NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END $$;
DO $$
BEGIN
    GRANT USAGE ON SCHEMA history TO parallax_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA history TO parallax_reader;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE WARNING 'no role parallax_reader: make it and grant it the schema history yourself';
END $$;
