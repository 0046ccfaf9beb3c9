"""What the command line and the local server's page know about Better Stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..profile import Profile, SampleRequest, Setting
from .destination import OWN_FIELDS, VARIABLES, BetterStack


class BetterStackProfile(Profile[BetterStack]):
    """A source's token and its host."""

    variables = VARIABLES
    required = ("source_token", "ingesting_host")
    own_fields = OWN_FIELDS
    own_context = frozenset({"runtime", "system"})
    send_example = "tail -F app.log | cxlogging send --to betterstack"
    billed = "by the gigabytes of logs sent, and by how long they are kept"
    key_option = "--betterstack-token"
    key_word = "source token"

    def settings(self, destination: BetterStack) -> Iterator[Setting]:
        """Yield the token, the address and the format."""
        yield self.secret("source_token", destination.credential)
        yield self.address(destination.endpoint, "url", "ingesting_host")
        yield Setting("format", destination.format, default="msgpack")

    def local_variables(self, url: str, key: str) -> Mapping[str, Mapping[str, str]]:
        """Return those of the handler."""
        return {
            "Better Stack": {
                "BETTER_STACK_SOURCE_TOKEN": key,
                "BETTER_STACK_INGESTING_URL": url,
            }
        }

    def sample_request(self, event: Mapping[str, Any]) -> SampleRequest:
        """Return the event as the only one of an array; its time is one of its fields."""
        return SampleRequest("/", "Authorization: Bearer ", [event["data"]])


PROFILE = BetterStackProfile()
