"""The handler, as users attach it."""

from __future__ import annotations

import logging
from typing import Any

from ...handlers.handler import ShippingHandler


class CoralogixHandler(ShippingHandler):
    """
    Ships records to Coralogix, ``POST /logs/v1/bulk``.

    Args:
        api_key: A Send-Your-Data API key; else ``CORALOGIX_API_KEY``.
        domain: ``"eu2.coralogix.com"``, or a region, ``"eu2"``; else ``CORALOGIX_DOMAIN``.
        application_name: Else ``CORALOGIX_APPLICATION_NAME``, else the script's name.
        subsystem_name: Else ``CORALOGIX_SUBSYSTEM_NAME``, else ``"python"``.
        computer_name: Else the host's name.
        text: ``"json"``: message, extras and exception as one JSON document;
            ``"plain"``: the message, and the stack below it.
        url: Replaces scheme, host and port; else ``CXLOGGING_URL``.
        level: As `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or impossible.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        domain: str | None = None,
        application_name: str | None = None,
        subsystem_name: str | None = None,
        computer_name: str | None = None,
        text: str = "json",
        url: str | None = None,
        level: int | str = logging.NOTSET,
        **options: Any,
    ) -> None:
        from .destination import configure

        destination = configure(
            api_key,
            domain=domain,
            application_name=application_name,
            subsystem_name=subsystem_name,
            computer_name=computer_name,
            text=text,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        super().__init__(destination, level, **options)
