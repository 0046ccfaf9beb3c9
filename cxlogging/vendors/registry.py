"""
Every vendor, one line each; what is known of it is in the folder of its name.

| module of the folder | name in it | what it is |
|---|---|---|
| ``destination`` | ``configure``, ``VARIABLES``, ``OWN_FIELDS`` | how its requests look |
| ``handler`` | the class that the line names | the `logging.Handler` |
| ``profile`` | ``PROFILE`` | what the command line says and asks about it |
| ``emulator`` | ``EMULATOR`` | its API as the local server enforces it |
| ``labels`` | ``LABELS`` | the labels by which queries find its events |
| ``trace_rule`` | ``keeps_one_in`` | which traces it keeps, if it samples them |

A module is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..handlers.handler import ShippingHandler
    from ..wire.destination import Destination
    from .emulation.labels import Labels
    from .emulation.types import Emulator
    from .profile import Profile


@dataclass(frozen=True)
class Vendor:
    """
    One vendor.

    Attributes:
        name: Its name on the command line, in the API of the local server, and of its folder.
        title: Its name for people.
        handler_name: The name of its handler's class.
        answers_items: Whether an answer holds a status for each event.
        has_queries: Whether its logs can be queried with DataPrime.
        samples_traces: Whether a sampler of its own keeps one trace in so many.
    """

    name: str
    title: str
    handler_name: str
    answers_items: bool = False
    has_queries: bool = False
    samples_traces: bool = False

    @property
    def handler(self) -> type[ShippingHandler]:
        """The class of its handler."""
        handler: type[ShippingHandler] = self._load("handler", self.handler_name)
        return handler

    @property
    def configure(self) -> Callable[..., Destination]:
        """Makes its destination of the arguments of its handler; the key or token comes first."""
        configure: Callable[..., Destination] = self._load("destination", "configure")
        return configure

    def make_handler(self, **arguments: Any) -> ShippingHandler:
        """Return a handler with these arguments."""
        make: Callable[..., ShippingHandler] = self.handler
        return make(**arguments)

    @property
    def profile(self) -> Profile[Any]:
        """What the command line says and asks about it."""
        profile: Profile[Any] = self._load("profile", "PROFILE")
        return profile

    @property
    def emulator(self) -> Emulator:
        """Its API as the local server enforces it."""
        emulator: Emulator = self._load("emulator", "EMULATOR")
        return emulator

    @property
    def labels(self) -> Labels:
        """The labels by which queries find its events."""
        labels: Labels = self._load("labels", "LABELS")
        return labels

    def trace_rule(self, rate: int) -> Callable[[str], bool]:
        """Return which traces its own sampler keeps, by their ids, where it keeps one in *rate*."""
        rule: Callable[[str], bool] = self._load("trace_rule", "keeps_one_in")(rate)
        return rule

    def _load(self, module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"{__package__}.{self.name}.{module}"), name)


VENDORS: Mapping[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        Vendor("coralogix", "Coralogix", "CoralogixHandler", has_queries=True),
        Vendor(
            "honeycomb", "Honeycomb", "HoneycombHandler", answers_items=True, samples_traces=True
        ),
        Vendor("betterstack", "Better Stack", "BetterStackHandler"),
    )
}

QUERIED = next(vendor for vendor in VENDORS.values() if vendor.has_queries)
"""The vendor whose logs the query client reads, and for which the local server answers queries."""

EXAMPLE = next(iter(VENDORS))
"""The name of a vendor, for examples."""

TITLES = {vendor.name: vendor.title for vendor in VENDORS.values()}


def titles(word: str = "and") -> str:
    """Return the titles of all vendors, as a sentence names them."""
    *others, last = TITLES.values()
    return f"{', '.join(others)} {word} {last}" if others else last
