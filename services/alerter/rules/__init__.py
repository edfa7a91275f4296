"""Rules: one file for each kind. Each makes readings of a picture; when they become alerts is `lifecycle.py`. Pure."""

from services.alerter.picture import Picture, Reading
from services.alerter.rules import funding, premium, price, signal, venue
from shared.alerts import AlertRule, FundingRule, PremiumRule, PriceRule, SignalRule, VenueRule


def readings(rule: AlertRule, picture: Picture) -> list[Reading] | None:
    """What the rule finds; None where the picture lacks what it looks at."""
    match rule:
        case SignalRule():
            return signal.readings(rule, picture)
        case FundingRule():
            return None if picture.rows is None else funding.readings(rule, picture.rows)
        case PremiumRule():
            return None if picture.rows is None else premium.readings(rule, picture.rows)
        case PriceRule():
            return None if picture.rows is None else price.readings(rule, picture.rows)
        case VenueRule():
            return None if picture.exchanges is None else venue.readings(rule, picture.exchanges)
        case _:  # changes are told once, when they are seen
            return None
