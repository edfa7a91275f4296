"""What a user would run instead: each client in an environment of its own, on the same frames, into the same Redis."""
