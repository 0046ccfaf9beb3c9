"""The handler, as users attach it."""

from __future__ import annotations

import logging
from typing import Any

from ...handlers.handler import ShippingHandler


class CoralogixHandler(ShippingHandler):
    """
    Ships records to Coralogix, ``POST /logs/v1/bulk``.

    Args:
        api_key: A Send-Your-Data API key. Default: ``CORALOGIX_API_KEY``.
        domain: A domain, ``"eu2.coralogix.com"``, or a region, ``"eu2"``. Default:
            ``CORALOGIX_DOMAIN``.
        application_name: The name of the application. Default: ``CORALOGIX_APPLICATION_NAME``, or
            else ``OTEL_SERVICE_NAME``, or else the script's name.
        subsystem_name: The name of the subsystem. Default: ``CORALOGIX_SUBSYSTEM_NAME``, or else
            ``"python"``.
        computer_name: The name of the host. Default: what the system calls it.
        text: ``"json"`` for message, extras and exception as one JSON document, ``"plain"`` for
            the message followed by the stack.
        url: Scheme, host and port to send to instead. Default: ``CXLOGGING_URL``.
        level: The level, as `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or invalid.
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
