"""One file per place of the API. The pages come last: they answer for every path that nobody else does."""

from services.api.routes import (
    aggregated,
    alerts,
    board,
    config,
    data,
    database,
    exchanges,
    health,
    history,
    markets,
    pages,
    signals,
    symbols,
    system,
    version,
    why,
)

_MODULES = (
    *(data, aggregated, board, signals, why, alerts, history, markets, exchanges, symbols, config, system, database),
    *(health, version),
)
ALL = (*(module.router for module in _MODULES), pages.router)
