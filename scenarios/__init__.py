"""Scripted markets through the whole system, and the signals that have to come of them."""
