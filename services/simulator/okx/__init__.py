"""OKX v5 as the simulator plays it."""
