"""The back-end that the CryExc terminal speaks to: its stream protocol on `/ws`."""
