"""Why a symbol has no quotes that may be traded on, and what a person can do about it."""

from __future__ import annotations

_PERMISSION = (
    "no permission for live market data ({code}): subscribe to it in Client Portal (Settings > Market Data "
    "Subscriptions) and, for a paper account, share the live user's data with it (Settings > Paper Trading Account); "
    "delayed data are not traded on"
)
_ADVICE = {
    **dict.fromkeys((354, 10089, 10090, 10167, 10168), _PERMISSION),
    101: "no market-data line is left ({code}): listen to fewer symbols, or buy quote booster packs",
    10197: "another live session takes the market data ({code}): log that session out, or use another user here",
}
_KINDS = {2: "its quotes are frozen: the market is closed", 3: "its quotes are delayed", 4: "its quotes are delayed"}


def advice(code: int, text: str) -> str:
    """Return a refusal of market data as a problem with its remedy; one without a known remedy as it was said."""
    known = _ADVICE.get(code)
    return f"{text} ({code})" if known is None else known.format(code=code)


def kind_problem(kind: int) -> str:
    """Return what is wrong with quotes of a kind of market data, "" for live ones."""
    return _KINDS.get(kind, "")
