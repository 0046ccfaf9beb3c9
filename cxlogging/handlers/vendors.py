"""The catalogue: one handler a vendor, whose rules are imported when it is made."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .handler import ShippingHandler

if TYPE_CHECKING:
    from .sampling import Sampler


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
        from ..destinations import coralogix

        destination = coralogix.configure(
            api_key,
            domain=domain,
            application_name=application_name,
            subsystem_name=subsystem_name,
            computer_name=computer_name,
            text=text,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        names = ("api_key", "domain", "application_name", "subsystem_name", "computer_name")
        super().__init__(destination, level, options, (*names, "text", "url", "level"))


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
        from ..destinations import honeycomb
        from .sampling import sampler

        destination = honeycomb.configure(
            api_key,
            dataset=dataset,
            service_name=service_name,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        chosen = sampler(sample_rate)
        names = ("api_key", "dataset", "service_name", "sample_rate", "url", "level")
        super().__init__(destination, level, options, names, chosen)


class BetterStackHandler(ShippingHandler):
    """
    Ships records to Better Stack, ``POST https://$INGESTING_HOST/``.

    Args:
        source_token: Else ``BETTER_STACK_SOURCE_TOKEN``.
        ingesting_host: Else ``BETTER_STACK_INGESTING_HOST``.
        format: ``"msgpack"``, ``"json"`` or ``"ndjson"``.
        url: Replaces scheme, host and port; else ``CXLOGGING_URL``.
        level: As `logging.Handler` takes it.
        options: See the documentation of options.

    Raises:
        ConfigurationError: An argument is unknown or impossible.
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
        from ..destinations import betterstack

        destination = betterstack.configure(
            source_token,
            ingesting_host=ingesting_host,
            format=format,
            url=url,
            allow_plain_http=options.pop("allow_plain_http", None),
        )
        names = ("source_token", "ingesting_host", "format", "url", "level")
        super().__init__(destination, level, options, names)
