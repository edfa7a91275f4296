-- History of prices, funding and signals. Times are UTC, prices in quote currency per one asset, exact numerics.

CREATE TABLE stream_position (
    stream      text PRIMARY KEY,
    last_id     text NOT NULL,           -- every entry up to this id is stored
    ordinal     bigint,                  -- how many entries the stream had had up to it; null: not known
    seqs        jsonb NOT NULL,          -- per producer: highest batch number seen, and the numbers missing below it
    incarnation text NOT NULL            -- which Redis the ids belong to
);

CREATE TABLE fold_state (
    feed   text PRIMARY KEY,             -- the streams of one venue in one partition
    state  bytea NOT NULL                -- bars still open, as of the streams' positions
);

CREATE TABLE bars (
    venue              text NOT NULL,
    symbol             text NOT NULL,
    resolution         integer NOT NULL, -- seconds
    start              timestamptz NOT NULL,
    asset              text NOT NULL,
    market             text NOT NULL,
    mid_open           numeric,
    mid_high           numeric,
    mid_low            numeric,
    mid_close          numeric,
    bid_close          numeric,
    ask_close          numeric,
    spread_bps_mean    double precision,
    mark_close         numeric,
    index_close        numeric,
    funding_rate       numeric,
    funding_interval_h numeric,
    quotes             integer NOT NULL,
    PRIMARY KEY (venue, symbol, resolution, start)
) PARTITION BY RANGE (start);
CREATE INDEX bars_by_asset ON bars (asset, start);

CREATE TABLE funding (
    venue      text NOT NULL,
    symbol     text NOT NULL,
    minute     timestamptz NOT NULL,
    asset      text NOT NULL,
    rate       numeric NOT NULL,         -- a fraction per interval_h hours, predicted
    interval_h numeric,
    next_ts    timestamptz,
    PRIMARY KEY (venue, symbol, minute)
) PARTITION BY RANGE (minute);
CREATE INDEX funding_by_asset ON funding (asset, minute);

CREATE TABLE settlements (
    venue      text NOT NULL,
    symbol     text NOT NULL,
    settle_ts  timestamptz NOT NULL,
    asset      text NOT NULL,
    rate       numeric NOT NULL,         -- a fraction per interval_h hours, paid
    interval_h numeric,
    mark       numeric,
    PRIMARY KEY (venue, symbol, settle_ts)
);

CREATE TABLE signals (
    id           text PRIMARY KEY,
    rev          integer NOT NULL,
    asset        text NOT NULL,
    kind         text NOT NULL,
    key          text NOT NULL,
    state        text NOT NULL,          -- open, closed
    buy_venue    text NOT NULL,
    sell_venue   text NOT NULL,
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    close_reason text,
    record       jsonb NOT NULL          -- the whole record of the highest revision
);
CREATE INDEX signals_by_time ON signals (opened_at DESC);
CREATE INDEX signals_by_asset ON signals (asset, opened_at DESC);

CREATE TABLE signal_events (
    id     text NOT NULL,
    rev    integer NOT NULL,
    at     timestamptz NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (id, rev)
);

CREATE TABLE gaps (
    stream         text NOT NULL,
    from_id        text NOT NULL,        -- the last entry stored before the gap
    to_id          text,                 -- the first entry after it
    missed_entries bigint,               -- null where it cannot be known
    missing_seqs   jsonb,                -- per producer
    reason         text NOT NULL,        -- trimmed, missing, redis_reset, rejected: …, memory: …
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, from_id, reason)
);
