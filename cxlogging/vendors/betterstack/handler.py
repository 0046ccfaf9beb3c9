"""The handler, as users attach it."""

from __future__ import annotations

import logging
from typing import Any

from ...handlers.handler import ShippingHandler


class BetterStackHandler(ShippingHandler):
    """
    Ships records to Better Stack, ``POST https://$INGESTING_HOST/``.

    Args:
        source_token: The token of the source. Default: ``BETTER_STACK_SOURCE_TOKEN``.
        ingesting_host: The host of the source. Default: ``BETTER_STACK_INGESTING_HOST``.
        format: ``"msgpack"``, ``"json"`` or ``"ndjson"``.
        url: Scheme, host and port to send to instead. Default: ``CXLOGGING_URL``.
        level: The level, as `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or invalid.
    """

    def __init__(
        self,
        source_token: str | None = None,
        *,
        ingesting_host: str | None = None,
        format: str = "msgpack",  # noqa: A002 - the public name
        url: str | None = None,
        level: int | str = logging.NOTSET,
        **options: Any,
    ) -> None:
        from .destination import configure

        destination = configure(
            source_token,
            ingesting_host=ingesting_host,
            format=format,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        super().__init__(destination, level, **options)
