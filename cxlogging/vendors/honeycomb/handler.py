"""The handler, as users attach it."""

from __future__ import annotations

import logging
from typing import Any

from ...handlers.handler import ShippingHandler


class HoneycombHandler(ShippingHandler):
    """
    Ships records to Honeycomb, ``POST /1/batch/{dataset}``.

    Args:
        api_key: An ingest key or configuration key. Default: ``HONEYCOMB_API_KEY``.
        dataset: The name of the dataset. Default: ``HONEYCOMB_DATASET``, or else
            ``OTEL_SERVICE_NAME``, or else the script's name.
        service_name: The field ``service.name``. Default: ``OTEL_SERVICE_NAME`` or
            ``HONEYCOMB_SERVICE_NAME``, or else the script's name.
        url: Scheme, host and port to send to instead, or ``"eu"`` for the EU host. Default:
            ``CXLOGGING_URL`` or ``HONEYCOMB_API_ENDPOINT``.
        level: The level, as `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or invalid.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        dataset: str | None = None,
        service_name: str | None = None,
        url: str | None = None,
        level: int | str = logging.NOTSET,
        **options: Any,
    ) -> None:
        from .destination import configure

        destination = configure(
            api_key,
            dataset=dataset,
            service_name=service_name,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        super().__init__(destination, level, **options)
