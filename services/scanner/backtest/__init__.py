"""The scanner's own fold over the archive: which signals there were, how long they lasted, what a taker had kept."""
