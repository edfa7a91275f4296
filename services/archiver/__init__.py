"""From the streams to files, raw and in order: for backtests, replays, and whoever reads Parquet."""
