"""Reviewed names: base as the venue spells it -> (asset, how many assets one unit is).

Sources: the venue's own listings, and the price against the plain coin elsewhere; reviewed 2026-11-20. The multiple
stands before the coin or, once, behind it. A base of such a form that is missing here is read by its pattern and
quarantined (`naming.py`).
"""

from typing import Final

REVIEWED: Final[dict[str, tuple[str, str]]] = {
    "1INCH": ("1INCH", "1"),  # the coin's own name
    "SHIB1000": ("SHIB", "1000"),
    "1000APU": ("APU", "1000"),
    "1000BONK": ("BONK", "1000"),
    "1000BTT": ("BTT", "1000"),
    "1000CAT": ("CAT", "1000"),
    "1000CATS": ("CATS", "1000"),
    "1000FLOKI": ("FLOKI", "1000"),
    "1000LUNC": ("LUNC", "1000"),
    "1000MUMU": ("MUMU", "1000"),
    "1000NEIROCTO": ("NEIROCTO", "1000"),
    "1000PEPE": ("PEPE", "1000"),
    "1000RATS": ("RATS", "1000"),
    "1000TOSHI": ("TOSHI", "1000"),
    "1000TURBO": ("TURBO", "1000"),
    "1000X": ("X", "1000"),
    "1000XEC": ("XEC", "1000"),
    "10000COQ": ("COQ", "10000"),
    "10000ELON": ("ELON", "10000"),
    "10000LADYS": ("LADYS", "10000"),
    "10000QUBIC": ("QUBIC", "10000"),
    "10000SATS": ("SATS", "10000"),
    "10000WEN": ("WEN", "10000"),
    "10000WHY": ("WHY", "10000"),
    "1000000BABYDOGE": ("BABYDOGE", "1000000"),
    "1000000CHEEMS": ("CHEEMS", "1000000"),
    "1000000MOG": ("MOG", "1000000"),
    "1000000PEIPEI": ("PEIPEI", "1000000"),
}
