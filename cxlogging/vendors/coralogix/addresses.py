"""
Where the services of Coralogix are: its regions, its domains, and their hosts.

Follows https://coralogix.com/docs/integrations/coralogix-endpoints/.
"""

from __future__ import annotations

import re

from ...errors import ConfigurationError, nearest
from ...wire import option_parsers as values
from ...wire import settings
from ...wire.http import Endpoint

DOMAINS = {
    **{
        region: f"{region}.coralogix.com"
        for region in ("us1", "us2", "us3", "eu1", "eu2", "ap1", "ap2", "ap3")
    },
    "gov1": "gov1.coralogixgov.us",
}
FORMER_NAMES = {
    **dict.fromkeys(("coralogix.com", "app.coralogix.com", "eu", "europe", "europe1"), "eu1"),
    **dict.fromkeys(("europe2",), "eu2"),
    **dict.fromkeys(("coralogix.us", "app.coralogix.us", "us", "usa", "usa1"), "us1"),
    **dict.fromkeys(
        ("cx498.coralogix.com", "cx498-aws-us-west-2.coralogix.com", "cx498", "usa2"), "us2"
    ),
    **dict.fromkeys(("usa3",), "us3"),
    **dict.fromkeys(("coralogix.in", "app.coralogix.in", "india", "apac1"), "ap1"),
    **dict.fromkeys(("coralogixsg.com", "app.coralogixsg.com", "singapore", "apac2"), "ap2"),
    **dict.fromkeys(("apac3",), "ap3"),
}
"""Former names of regions, and domains that still lead to them."""

PREFIXES = ("ingress.", "api.", "ng-api-http.", "ng-api-grpc.", "otel-traces.", "otel-metrics.")
_TEAM_HOST = re.compile(r"(?:[a-z0-9-]+\.)?app\.([a-z0-9.-]*coralogix[a-z]*\.[a-z]+)")
_FORMER_TEAM_HOST = re.compile(
    r"(?![a-z]{2,3}\d+\.)[a-z0-9-]+\.(coralogix\.(?:com|us|in)|coralogixsg\.com)"
)
_VENDOR_HOST = re.compile(r"(?:[a-z0-9-]+\.)*coralogix[a-z]*\.(?:com|us|in)")
LOG_PATHS = ("/logs/v1/bulk", "/logs/v1/singles", "/api/v1/logs", "/logs/rest/singles")
"""Paths in URLs that the vendor's clients take; the handler replaces them by its own."""

URL_VARIABLES = ("CORALOGIX_LOG_URL", "CORALOGIX_URL", "CORALOGIX_ENDPOINT")
DOMAIN_VARIABLES = (
    *("CORALOGIX_DOMAIN", "CORALOGIX_REGION"),
    *("CX_DOMAIN", "CX_REGION", *URL_VARIABLES),
)
"""Where the domain is read from if nobody passes it."""


def address(
    domain: object, url: object, service: str, path: str, *, allow_plain_http: object = None
) -> Endpoint | None:
    """
    Return the endpoint of *service* (``"ingress"``, ``"api"``) in *domain*, or at *url*.

    A URL of another host, in a variable of the vendor's clients, counts as *url*.
    """
    source, name = settings.named("domain", domain, *DOMAIN_VARIABLES)
    host = None
    if name is not None and source in URL_VARIABLES and (other := _other_host(name)):
        if settings.text("url", url, settings.URL_VARIABLE) is None:
            return settings.endpoint(
                other, None, path, allow_plain_http=allow_plain_http, source=source
            )
    elif name is not None:
        host = f"{service}.{domain_of(source, name)}"
    found = settings.endpoint(url, host, path, allow_plain_http=allow_plain_http)
    return found._replace(source=source) if found is not None and found.host == host else found


def address_warnings(domain: object, url: object) -> tuple[str, ...]:
    """Return a sentence for two variables that name different addresses, one of which is used."""
    passed = domain if url is None else url
    passed = passed or settings.held(settings.URL_VARIABLE) or None
    return settings.contradictions((passed, DOMAIN_VARIABLES, _normalized))


def _normalized(variable: str, text: str) -> str:
    return settings.authority("", _other_host(text) or domain_of(variable, text))


def _other_host(text: str) -> str | None:
    """Return *text* without its path for logs if it is a URL of a host that is not the vendor's."""
    host = settings.authority("", text).partition(":")[0]
    if "://" not in text or _VENDOR_HOST.fullmatch(host):
        return None
    bare = text.rstrip("/")
    path = next((each for each in LOG_PATHS if bare.endswith(each)), "")
    return bare.removesuffix(path) if path else text


def domain_of(argument: str, name: str) -> str:
    """
    Return the domain that *name* means: a region, a domain, or a host in it.

    ``EU2``, ``eu2.coralogix.com``, ``https://ingress.eu2.coralogix.com:443`` and
    ``team.app.eu2.coralogix.com`` mean the same; ``coralogix.us`` and ``US`` mean us1.
    """
    low = name.lower()
    known = DOMAINS.get(FORMER_NAMES.get(low, low))
    if known is not None:
        return known
    if "." not in name:
        raise ConfigurationError(
            f"{argument} {name!r} is not a Coralogix region; there are {', '.join(DOMAINS)}."
            f"{nearest(low, DOMAINS)}"
        )
    bare = settings.host_of(argument, low, "eu2.coralogix.com")
    if bare.replace(".", "").isdigit() or ("://" in low and not _VENDOR_HOST.fullmatch(bare)):
        raise ConfigurationError(
            f"{argument} takes a region or a domain of Coralogix, such as 'eu2', not"
            f" {values.shown(name)}: another server's address goes into url=,"
            f" or {settings.URL_VARIABLE}."
        )
    for prefix in PREFIXES:
        bare = bare.removeprefix(prefix)
    team = _TEAM_HOST.fullmatch(bare) or _FORMER_TEAM_HOST.fullmatch(bare)
    if team is not None and bare not in FORMER_NAMES:
        bare = team[1]
    return DOMAINS.get(FORMER_NAMES.get(bare, bare), bare)
