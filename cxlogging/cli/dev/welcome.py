"""What `cxlogging dev` prints first: where the page is, and how to send logs to the server."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping

from ...vendors.registry import VENDORS
from ...wire.settings import URL_VARIABLE


def welcome(
    url: str, keyed: Collection[str] = (), *, variables: bool = False, stream: str = ""
) -> str:
    """
    Return the text.

    Args:
        url: The address of the server.
        keyed: The vendors for which the server accepts certain keys alone.
        variables: Show the variables of each vendor, which its own clients read too.
        stream: The address of a stream, from which a relay delivers to the server; empty is none.
    """
    blocks: dict[str, Mapping[str, str]] = {"cxlogging, all handlers": {URL_VARIABLE: url}}
    # Each block is enough to send here. It names no region or domain, which would lead elsewhere.
    # Variables that only a vendor's SDK reads have their own block.
    for name, vendor in VENDORS.items():
        key = "<the key you gave>" if name in keyed else "dev"
        if variables or name in keyed:
            blocks.update(vendor.profile.local_variables(url, key))
    without_key = "" if keyed else "; a key is not needed"
    lines = [f"The page: {url}/"]
    if stream:
        lines.append(f'By a stream and a relay: spool="{stream}"')
    lines.append("")
    lines += [f"To send logs here, set this where your application runs{without_key}:", ""]
    for title, held in blocks.items():
        lines.append(f"# {title}")
        lines += [f"export {name}={shlex.quote(value)}" for name, value in held.items()]
        lines.append("")
    if not variables:
        lines += ["Variables for the vendors' own clients: cxlogging dev --variables", ""]
    return "\n".join([*lines, "Ctrl-C stops the server."])
