-- More of each minute, seconds, prints, listings, settings and alerts; and what is told of the store itself.

-- bars: both sides, the premium, the 24 h figures, and what was traded (null: nothing, or trades are not recorded)
ALTER TABLE bars
    ALTER COLUMN quotes SET DEFAULT 0,
    ADD COLUMN bid_open            numeric,
    ADD COLUMN bid_high            numeric,
    ADD COLUMN bid_low             numeric,
    ADD COLUMN ask_open            numeric,
    ADD COLUMN ask_high            numeric,
    ADD COLUMN ask_low             numeric,
    ADD COLUMN premium             numeric,  -- mark/index - 1 at the close, rounded to 12 places
    ADD COLUMN last                numeric,
    ADD COLUMN volume_24h          numeric,  -- assets
    ADD COLUMN turnover_24h        numeric,  -- quote currency
    ADD COLUMN open_interest       numeric,  -- assets, one side
    ADD COLUMN open_interest_value numeric,  -- quote currency
    ADD COLUMN volume              numeric,  -- assets, sum of the prints
    ADD COLUMN turnover            numeric,  -- quote currency
    ADD COLUMN buy_volume          numeric,  -- assets, where the buyer was the aggressor
    ADD COLUMN trades              integer;

-- the same by the second, of the coins on the watch list; kept for RETENTION_DETAIL_DAYS
CREATE TABLE bars_1s (
    LIKE bars INCLUDING DEFAULTS,
    PRIMARY KEY (venue, symbol, start)
) PARTITION BY RANGE (start);
ALTER TABLE bars_1s DROP COLUMN resolution;

ALTER TABLE funding ADD COLUMN funding_index numeric;

-- prints carry no key: the recorder takes each once, and a key would halve the rate
CREATE TABLE trades (
    recv   timestamptz NOT NULL,         -- when the collector read it: the day of the partition
    venue  text NOT NULL,
    symbol text NOT NULL,
    ts     timestamptz,                  -- the matching engine's time
    id     text NOT NULL,
    price  numeric NOT NULL,
    size   numeric NOT NULL,             -- assets
    side   text NOT NULL,                -- buy, sell: the aggressor's
    flag   text                          -- liquidation, block, rfq, adl
) PARTITION BY RANGE (recv);
CREATE INDEX trades_by_time ON trades USING brin (recv) WITH (autosummarize = on);

CREATE TABLE liquidations (
    recv       timestamptz NOT NULL,
    venue      text NOT NULL,
    symbol     text NOT NULL,
    ts         timestamptz,
    id         text,
    price      numeric NOT NULL,
    size       numeric NOT NULL,
    side       text NOT NULL,            -- sell: a long was liquidated
    price_kind text NOT NULL             -- fill, bankruptcy
) PARTITION BY RANGE (recv);
CREATE INDEX liquidations_by_time ON liquidations USING brin (recv) WITH (autosummarize = on);

-- one row for each state of an instrument; valid_to null: as it is now
CREATE TABLE instruments (
    venue              text NOT NULL,
    market             text NOT NULL,
    native             text NOT NULL,
    valid_from         timestamptz NOT NULL,
    valid_to           timestamptz,
    symbol             text NOT NULL,
    asset              text NOT NULL,
    quote              text NOT NULL,
    settle             text,
    category           text NOT NULL,
    multiplier         numeric NOT NULL,
    contract_size      numeric NOT NULL,
    tick_size          numeric,
    lot_size           numeric,
    min_size           numeric,
    min_notional       numeric,
    funding_interval_h numeric,
    funding_cap        numeric,
    funding_floor      numeric,
    taker_fee_bps      numeric,
    maker_fee_bps      numeric,
    status             text NOT NULL,
    quarantine_reason  text,
    listed_ts          timestamptz,
    delist_ts          timestamptz,
    record             text NOT NULL,    -- the whole of it, JSON
    PRIMARY KEY (venue, market, native, valid_from)
);
CREATE UNIQUE INDEX instruments_now ON instruments (venue, market, native) WHERE valid_to IS NULL;
CREATE INDEX instruments_by_asset ON instruments (asset);

CREATE TABLE alerts (
    id       text PRIMARY KEY,
    rev      integer NOT NULL DEFAULT 1,
    rule     text NOT NULL,
    subject  text NOT NULL,              -- what it is about: a coin, a route, an exchange
    severity text NOT NULL,
    at       timestamptz NOT NULL,
    ended_at timestamptz,
    record   jsonb NOT NULL
);
CREATE INDEX alerts_by_time ON alerts (at DESC);

-- who changes the settings leaves a row: the fields that were set, and the version that they made
CREATE TABLE config_changes (
    entry_id text PRIMARY KEY,           -- of the stream {config}:changes
    at       timestamptz NOT NULL,
    version  bigint NOT NULL,
    changes  jsonb NOT NULL
);

-- what could not be stored, as it came, and why
CREATE TABLE rejected (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    feed    text NOT NULL,
    target  text NOT NULL,               -- a table; or entry, event: it did not get so far
    payload text NOT NULL,
    reason  text NOT NULL
);

-- per feed and table, in the transaction of the rows: how many were written ever, and of which times
CREATE TABLE written (
    feed   text NOT NULL,
    target text NOT NULL,
    rows   bigint NOT NULL,
    first  timestamptz,
    last   timestamptz,
    PRIMARY KEY (feed, target)
) WITH (fillfactor = 50);

CREATE TABLE maintenance (
    at           timestamptz PRIMARY KEY DEFAULT now(),
    took_ms      bigint NOT NULL,
    days_dropped integer NOT NULL,
    rows_deleted bigint NOT NULL
);

CREATE INDEX gaps_by_time ON gaps (at DESC);
CREATE INDEX settlements_by_asset ON settlements (asset, settle_ts);
CREATE INDEX settlements_by_time ON settlements (settle_ts);
CREATE INDEX signal_events_by_time ON signal_events (at);
