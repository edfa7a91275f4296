"""What guards against the wrong coin: one file per question. All of it is pure."""
