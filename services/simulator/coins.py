"""The coins of the synthetic exchanges: real tickers with prices of their order of magnitude, then invented ones.

The order is the order of liquidity: the first coins quote most often, widest and deepest books first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.simulator.noise import key_of, unit

#: ticker:price in USD of one coin; prices only have to be of the right size
_REAL = """
BTC:94250 ETH:3180 SOL:142 XRP:2.21 DOGE:0.162 BNB:905 PEPE:0.0000047 ADA:0.49 SUI:1.62 LINK:13.4 AVAX:14.8 TRX:0.287
LTC:92.5 TON:1.72 SHIB:0.0000088 DOT:2.78 BCH:498 NEAR:2.31 UNI:7.05 APT:2.93 ICP:4.72 HBAR:0.148 XLM:0.251 ETC:14.7
FIL:1.89 ATOM:2.87 ARB:0.221 OP:0.356 INJ:6.24 WIF:0.388 BONK:0.0000102 FLOKI:0.0000492 SEI:0.152 TIA:0.71 AAVE:176
LDO:0.74 RUNE:0.83 GALA:0.0079 SAND:0.176 MANA:0.189 AXS:1.11 ALGO:0.153 VET:0.0148 FTM:0.31 EGLD:8.7 THETA:0.41
GRT:0.051 IMX:0.36 STX:0.34 ORDI:4.21 SATS:0.0000000189 RATS:0.0000212 JUP:0.268 PYTH:0.083 JTO:0.47 WLD:0.68
STRK:0.142 DYM:0.11 MANTA:0.104 ALT:0.0158 PIXEL:0.0117 PORTAL:0.0221 AEVO:0.0448 ENA:0.279 W:0.0512 ETHFI:0.88
TNSR:0.0941 OMNI:2.14 REZ:0.0071 BB:0.0812 NOT:0.00068 IO:0.231 ZK:0.041 LISTA:0.212 ZRO:1.44 G:0.0058 BANANA:11.2
RENDER:1.93 POL:0.152 EIGEN:0.71 SCR:0.124 MOODENG:0.081 GOAT:0.0478 PNUT:0.0881 ACT:0.0231 NEIRO:0.000153
TURBO:0.00194 MEW:0.00121 POPCAT:0.124 BOME:0.00093 BRETT:0.0202 MOG:0.00000037 CAT:0.0000041 CHEEMS:0.0000011
WHY:0.000000024 BABYDOGE:0.00000000071 X:0.0000237 LUNC:0.0000334 LUNA:0.081 XEC:0.0000121 BTTC:0.00000041
1INCH:0.184 CRV:0.412 SNX:0.61 COMP:32.4 MKR:1480 YFI:4210 SUSHI:0.402 BAL:0.731 ZRX:0.152 KNC:0.262 BAT:0.211
ENJ:0.0331 CHZ:0.0297 HOT:0.00058 ANKR:0.0075 IOTA:0.112 NEO:4.32 QTUM:1.58 ZIL:0.0061 ONT:0.0672 ICX:0.0631
WAVES:0.74 KAVA:0.121 ROSE:0.0152 CELO:0.161 ONE:0.0041 FLOW:0.221 MINA:0.0921 GMT:0.0214 APE:0.281 DYDX:0.222
GMX:9.41 BLUR:0.0372 MAGIC:0.131 HOOK:0.0511 ID:0.0812 EDU:0.161 RDNT:0.0113 CFX:0.0891 ACH:0.0112 SSV:4.81 FXS:0.93
LQTY:0.451 PENDLE:2.31 ARKM:0.241 CYBER:0.81 MAV:0.0281 BIGTIME:0.0261 MEME:0.00142 TRB:24.1 GAS:2.31 LOOM:0.021
POLYX:0.0712 BSV:21.4 KAS:0.0481 AR:4.21 CKB:0.00281 ASTR:0.0131 GLMR:0.0372 SKL:0.0142 CTSI:0.0441 OGN:0.0321
BAND:0.402 NMR:9.81 RLC:0.721 STORJ:0.151 COTI:0.0281 DENT:0.00042 HIVE:0.112 IOST:0.00191 RSR:0.00412 RVN:0.0091
SC:0.00194 SXP:0.0812 TLM:0.00281 TWT:1.21 WOO:0.0361 XTZ:0.551 XVS:5.21 YGG:0.121 ZEC:512 ZEN:12.1 DASH:61.2
XMR:388 DCR:27.1 LPT:4.71 MASK:0.681 API3:0.541 AUCTION:7.12 AGLD:0.381 ALICE:0.281 ARPA:0.0151 BEL:0.211 BICO:0.0712
C98:0.0331 CELR:0.00491 CHR:0.0641 DODO:0.0291 DUSK:0.0412 FIDA:0.0481 FLM:0.0192 HIGH:0.321 ILV:9.31 JASMY:0.0071
JOE:0.0921 KSM:9.12 LRC:0.0641 LUMIA:0.141 METIS:8.21 MTL:0.412 NKN:0.0172 OXT:0.0391 PERP:0.181 PHA:0.0512 POWR:0.112
REEF:0.00041 REQ:0.121 RIF:0.0431 SLP:0.00112 SPELL:0.000331 SUPER:0.281 SYS:0.0281 TRU:0.0181 UMA:0.881 USTC:0.0081
VIRTUAL:0.91 TRUMP:6.72 MELANIA:0.131 KAITO:0.71 BERA:1.21 IP:3.12 LAYER:0.231 S:0.112 HYPE:31.2 PUMP:0.0031
FARTCOIN:0.281 AI16Z:0.0412 AIXBT:0.0441 GRASS:0.341 PENGU:0.0121 ME:0.331 MOVE:0.0512 USUAL:0.0281 VANA:2.81
"""

#: coins of one contract where the usual rule (a contract is worth some ten dollars) would not give the venue's value
CONTRACT_VALUES: Mapping[str, str] = MappingProxyType(
    {"BTC": "0.01", "ETH": "0.1", "SOL": "1", "XRP": "100", "DOGE": "1000", "PEPE": "10000000", "SHIB": "1000000"}
)

_SYLLABLES = (
    "BA",
    "CO",
    "DA",
    "FE",
    "GI",
    "HU",
    "JO",
    "KA",
    "LE",
    "MO",
    "NI",
    "PA",
    "QU",
    "RO",
    "SU",
    "TE",
    "VI",
    "ZO",
)


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin, its typical price in USD, and its rank by liquidity (0 is the most liquid)."""

    name: str
    price: float
    rank: int


def real_coins() -> list[Coin]:
    pairs = [entry.split(":") for entry in _REAL.split()]
    return [Coin(name, float(price), rank) for rank, (name, price) in enumerate(pairs)]


def invented(rank: int, seed: int) -> Coin:
    """A synthetic coin: a pronounceable ticker, unique by its rank, priced between 0.001 and 100."""
    number = rank * 7 + 11
    letters = [_SYLLABLES[number // len(_SYLLABLES) ** place % len(_SYLLABLES)] for place in (2, 1, 0)]
    price = 10 ** (5 * unit(seed, key_of("price", rank)) - 3)
    return Coin("".join(letters), float(f"{price:.4g}"), rank)


def coins(count: int, seed: int) -> list[Coin]:
    """The first `count` coins."""
    known = real_coins()
    if count <= len(known):
        return known[:count]
    # 18^3 syllable triples bound the invented names; 7 has no factor in common with 18, so each rank has its own
    limit = min(count, len(known) + len(_SYLLABLES) ** 3)
    return known + [invented(rank, seed) for rank in range(len(known), limit)]
