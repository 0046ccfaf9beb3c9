"""
Access control: programs on this machine and the server's own page are served, other pages not.

Pages of other sites can reach a loopback server through the developer's browser. So DNS rebinding
is refused by `Host`, pages of other sites by `Origin` and `Sec-Fetch-Site`, and no CORS header is
ever sent
(https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site).
Whatever a browser sends to change something also carries the token that only the server's own page
can read.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
"""Sent with every answer, including those of the emulators."""


TOKEN_HEADER = "x-cxlogging-token"  # noqa: S105 - the name of a header

IMPORT = "/api/import"
JSON = ("application/json",)
IMPORTED = (*JSON, "application/x-ndjson", "application/gzip")
"""Content types of what `IMPORT` takes."""


@dataclass(frozen=True)
class Guard:
    """
    Refuses requests by their headers, before anything else is done.

    Args:
        hosts: Values of `Host` that are served; None for any, where remote access is allowed.
        token: What requests of a browser that change something carry.
    """

    hosts: frozenset[str] | None
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @classmethod
    def of(cls, host: str, port: int, *, allow_remote: bool) -> Guard:
        """Return the guard of a server that listens on *host* and *port*."""
        if allow_remote:
            return cls(None)
        shown = f"[{host}]" if ":" in host else host
        names = {"127.0.0.1", "[::1]", "localhost", shown.lower()}
        # HTTP omits the default port of the scheme.
        bare = names if port == 80 else set()
        return cls(frozenset({f"{name}:{port}" for name in names} | bare))

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """
        Return why this request is refused; an empty string where it is not.

        Args:
            method: The HTTP method.
            path: The path exactly as it is routed; it is not decoded afterwards.
            headers: The headers, with names in lower case.
        """
        host = headers.get("host", "").lower()
        if self.hosts is not None and host not in self.hosts:
            return "this Host is not served: use 127.0.0.1 or localhost, with the port"
        if "origin" in headers and headers["origin"].lower() != f"http://{host}":
            return "requests from other origins are refused"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "requests from other sites are refused"
        if not (path.startswith("/api/") or path == "/mcp"):
            return ""
        return self._api_refusal(method, headers, IMPORTED if path == IMPORT else JSON)

    def _api_refusal(self, method: str, headers: Mapping[str, str], kinds: tuple[str, ...]) -> str:
        if headers.get("sec-fetch-dest") == "script":
            return "data is not a script"
        if method in ("GET", "HEAD"):
            return ""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        # For these types a browser sends a preflight request first, which is always refused.
        if kind not in kinds:
            return f"Content-Type must be {' or '.join(kinds)}"
        given = headers.get(TOKEN_HEADER, "").encode("latin-1")
        is_browser = "origin" in headers or "sec-fetch-site" in headers
        if is_browser and not hmac.compare_digest(given, self.token.encode()):
            return "the page is of another run of the server: reload the page"
        return ""
