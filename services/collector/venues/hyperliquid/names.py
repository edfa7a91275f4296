"""Reviewed names of coins and tokens.

Sources: the venue's own listings, the price against the plain coin elsewhere, and its bridge's list of wrapped tokens;
reviewed 2026-11-20. A base of the form of a multiple that is missing here is read by its pattern and quarantined
(`naming.py`).
"""

from typing import Final

#: perpetuals: name as the venue spells it -> (asset, how many assets one unit is)
PERPS: Final[dict[str, tuple[str, str]]] = {
    "kBONK": ("BONK", "1000"),
    "kFLOKI": ("FLOKI", "1000"),
    "kLUNC": ("LUNC", "1000"),
    "kNEIRO": ("NEIRO", "1000"),
    "kPEPE": ("PEPE", "1000"),
    "kSHIB": ("SHIB", "1000"),
}

#: spot tokens that stand for a coin of another name, one for one. The venue's screen renames them, its data does not
TOKENS: Final[dict[str, tuple[str, str]]] = {
    "HPENGU": ("PENGU", "1"),
    "UBONK": ("BONK", "1"),
    "UBTC": ("BTC", "1"),
    "UDZ": ("2Z", "1"),
    "UETH": ("ETH", "1"),
    "UFART": ("FARTCOIN", "1"),
    "UPUMP": ("PUMP", "1"),
    "USDT0": ("USDT", "1"),
    "USOL": ("SOL", "1"),
    "UUUSPX": ("SPX", "1"),
    "UXPL": ("XPL", "1"),
    "XAUT0": ("XAUT", "1"),
    "kHYPE": ("KHYPE", "1"),  # a staked coin, not a thousand of them
}

#: what a perpetual may be settled in, where the list of tokens is not at hand: token index -> name
COLLATERAL: Final = {0: "USDC", 235: "USDE", 268: "USDT0", 360: "USDH"}
