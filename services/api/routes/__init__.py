"""One file per place of the API. The pages come last: they answer for every path that nobody else does."""

from services.api.routes import board, data, pages, version

ALL = (data.router, board.router, version.router, pages.router)
