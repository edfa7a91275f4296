"""Reviewed names: base as the venue spells it -> (asset, how many assets one unit is).

Most coins are listed plain here (PEPE, SHIB, FLOKI), some perpetuals by the thousand; reviewed 2026-11-20. A base of
such a form that is missing here is read by its pattern and quarantined (`naming.py`).
"""

from typing import Final

REVIEWED: Final[dict[str, tuple[str, str]]] = {
    "1INCH": ("1INCH", "1"),  # the coin's own name
    "1000BONK": ("BONK", "1000"),
    "1000BTT": ("BTT", "1000"),
    "1000CAT": ("CAT", "1000"),
    "1000CHEEMS": ("CHEEMS", "1000"),
    "1000FLOKI": ("FLOKI", "1000"),
    "1000LUNC": ("LUNC", "1000"),
    "1000PEPE": ("PEPE", "1000"),
    "1000RATS": ("RATS", "1000"),
    "1000SATS": ("SATS", "1000"),
    "1000SHIB": ("SHIB", "1000"),
    "1000WHY": ("WHY", "1000"),
    "1000X": ("X", "1000"),
    "1000XEC": ("XEC", "1000"),
    "10000LADYS": ("LADYS", "10000"),
    "1000000MOG": ("MOG", "1000000"),
    "1MBABYDOGE": ("BABYDOGE", "1000000"),
}
