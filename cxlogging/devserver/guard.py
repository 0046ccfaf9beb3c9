"""
Access control: programs on this machine and the server's own page are served, other pages not.

Pages of other sites can reach a loopback server through the developer's browser. So DNS rebinding
is refused by `Host`, pages of other sites by `Origin` and `Sec-Fetch-Site`, and no CORS header is
ever sent
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
"""Sent with every answer, including those of the emulators."""


@dataclass(frozen=True)
class Guard:
    """
    Refuses requests by their headers, before anything else is done.

    Args:
        hosts: Values of `Host` that are served; None for any, where remote access is allowed.
    """

    hosts: frozenset[str] | None

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
        if path.startswith("/api/") or path == "/mcp":
            return _api_refusal(method, headers)
        return ""


def _api_refusal(method: str, headers: Mapping[str, str]) -> str:
    if headers.get("sec-fetch-dest") == "script":
        return "data is not a script"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    # For this content type a browser sends a preflight request first, which is always refused.
    if method not in ("GET", "HEAD") and kind != "application/json":
        return "Content-Type must be application/json"
    return ""
