"""From the streams to Postgres, exactly once: the stream's position commits with the rows that came of it."""
