"""The handler, as users attach it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ...handlers.handler import ShippingHandler

if TYPE_CHECKING:
    from ...handlers.sampling import Sampler


class HoneycombHandler(ShippingHandler):
    """
    Ships records to Honeycomb, ``POST /1/batch/{dataset}``.

    Args:
        api_key: An ingest or configuration key; else ``HONEYCOMB_API_KEY``.
        dataset: Else ``HONEYCOMB_DATASET``, else the script's name.
        service_name: Field ``service.name``; else ``OTEL_SERVICE_NAME`` or
            ``HONEYCOMB_SERVICE_NAME``, else the script's name.
        sample_rate: Keep one record in so many; or a callable that gets the
            record and returns how many it stands for, 0 to leave it out.
        url: Replaces scheme, host and port; ``"eu"`` is the EU host; else
            ``CXLOGGING_URL`` or ``HONEYCOMB_API_ENDPOINT``.
        level: As `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or impossible.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        dataset: str | None = None,
        service_name: str | None = None,
        sample_rate: int | Sampler = 1,
        url: str | None = None,
        level: int | str = logging.NOTSET,
        **options: Any,
    ) -> None:
        from ...handlers.sampling import sampler
        from .destination import configure

        destination = configure(
            api_key,
            dataset=dataset,
            service_name=service_name,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        chosen = sampler(sample_rate)
        super().__init__(destination, level, **options)
        self.set_sampler(chosen)
