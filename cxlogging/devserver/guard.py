"""
Who may speak to the server: programs on this machine and its own page, no foreign web page.

A page from elsewhere reaches a loopback server through the browser of the developer. So a name
that was rebound to 127.0.0.1 is refused by its `Host`, a foreign page by its `Origin` and
`Sec-Fetch-Site`, and no CORS header is ever sent
(https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
"""On every answer, the doors' own included."""


@dataclass(frozen=True)
class Guard:
    """
    Judges a request by its headers, before any work.

    Args:
        hosts: Values of `Host` that are served; None for any (remote access was allowed).
    """

    hosts: frozenset[str] | None

    @classmethod
    def of(cls, host: str, port: int, *, allow_remote: bool) -> Guard:
        """The guard of a server that listens on *host* and *port*."""
        if allow_remote:
            return cls(None)
        shown = f"[{host}]" if ":" in host else host
        names = {"127.0.0.1", "[::1]", "localhost", shown.lower()}
        # HTTP leaves out the port that the scheme implies.
        bare = names if port == 80 else set()
        return cls(frozenset({f"{name}:{port}" for name in names} | bare))

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """
        Why this request is refused, or nothing.

        Args:
            method: Of the request.
            path: By which it is routed, letter for letter; nothing decodes it afterwards.
            headers: Names in lower case.
        """
        host = headers.get("host", "").lower()
        if self.hosts is not None and host not in self.hosts:
            return "this Host is not served: use 127.0.0.1 or localhost, with the port"
        if "origin" in headers and headers["origin"].lower() != f"http://{host}":
            return "requests from other origins are refused"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "requests from other sites are refused"
        if path.startswith("/api/"):
            return _api_refusal(method, headers)
        return ""


def _api_refusal(method: str, headers: Mapping[str, str]) -> str:
    if headers.get("sec-fetch-dest") == "script":
        return "data is not a script"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Such a content type makes a browser ask first, and it is never told yes.
    if method not in ("GET", "HEAD") and kind != "application/json":
        return "Content-Type must be application/json"
    return ""
