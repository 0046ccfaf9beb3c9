"""The endpoint and the key for queries."""

from __future__ import annotations

from ...errors import ConfigurationError
from ...vendors.coralogix import addresses
from ...wire import settings
from ...wire.http import Endpoint, Secret
from ..errors import KEY_HINT

KEY_VARIABLES = ("CX_API_KEY", "CORALOGIX_API_KEY")


def address(domain: str | None, url: str | None) -> Endpoint:
    """Return ``https://api.<domain>``, or *url*; plain http only to this machine."""
    found = addresses.address(domain, url, "api", "")
    if found is None:
        raise ConfigurationError(
            "no address to query: pass domain= (such as 'eu2'), or set CORALOGIX_DOMAIN."
        )
    return found


def query_key(api_key: str | None, endpoint: Endpoint) -> Secret:
    """Return the key, or raise an error that says which kind of key is needed."""
    given = settings.secret("api_key", api_key, *KEY_VARIABLES)
    key = settings.usable_key(given, endpoint)
    if key is None:
        raise ConfigurationError(f"no key: pass api_key=, or set CX_API_KEY. {KEY_HINT}")
    return key
