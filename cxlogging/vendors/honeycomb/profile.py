"""What the command line and the local server's page know about Honeycomb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote as percent_encode

from ...wire.settings import program_name
from ...wire.timestamps import rfc3339
from ..profile import CommandOption, Profile, Remark, SampleRequest, Setting
from .destination import HOSTS, OWN_FIELDS, SERVICE_NAME, VARIABLES, Honeycomb

_CLASSIC = re.compile(r"[a-f0-9]{32}|hc[a-z]ic_[a-z0-9]{58}")


class HoneycombProfile(Profile[Honeycomb]):
    """A key and a dataset; keys tell their kind."""

    variables = VARIABLES
    required = ("api_key",)
    own_fields = OWN_FIELDS | {SERVICE_NAME}
    key_prefix = "hc[a-z]{2,3}_"
    send_options = (CommandOption("dataset", "dataset", "The dataset's name"),)
    send_example = (
        "cxlogging send --to honeycomb --dataset orders orders.csv --time-field ordered_at"
    )
    demo_arguments: ClassVar = {"dataset": "shop"}
    billed = "by the number of events, whatever their size"
    key_option = "--honeycomb-key"

    def settings(self, destination: Honeycomb) -> Iterator[Setting]:
        """Yield the key, the address and the dataset."""
        yield self.secret("api_key", destination.credential)
        endpoint = destination.endpoint
        default = "" if endpoint is None else f"https://{HOSTS['us']}{endpoint.path}"
        yield self.address(endpoint, "url", default=default)
        yield Setting("dataset", destination.dataset, self.variables["dataset"], program_name())

    def remarks(self, destination: Honeycomb) -> Iterator[Remark]:
        """Yield the kind of the key by its prefix."""
        key = "" if destination.credential is None else destination.credential.reveal()
        if _CLASSIC.fullmatch(key):
            yield Remark("kind of key", "Honeycomb Classic")
        elif re.match(r"hc[a-z]lk_", key):
            yield Remark(
                "kind of key",
                "a configuration key (hcXlk_) may do more than send",
                "An ingest key (hcXik_) is enough for a handler.",
            )
        elif re.match(r"hc[a-z]ik_", key):
            yield Remark("kind of key", "an ingest key (hcXik_)")

    def local_variables(self, url: str, key: str) -> Mapping[str, Mapping[str, str]]:
        """Return those of the handler, which the vendor's own SDKs read too."""
        return {
            "Honeycomb": {
                "HONEYCOMB_API_KEY": key,
                "HONEYCOMB_DATASET": "app",
                "HONEYCOMB_API_ENDPOINT": url,
            }
        }

    def sample_request(self, event: Mapping[str, Any]) -> SampleRequest:
        """Return the event as the only one of a batch."""
        item = {
            "time": rfc3339(event["time_ns"]),
            "samplerate": event["source"].get("samplerate", 1),
            "data": event["data"],
        }
        path = f"/1/batch/{percent_encode(event['application'], safe='')}"
        return SampleRequest(path, "X-Honeycomb-Team: ", [item])


PROFILE = HoneycombProfile()
