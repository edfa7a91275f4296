"""The archive of raw stream entries on disk: what is in it, how it is written, how it is read back in order."""
