"""What the command line and the local server's page know about Coralogix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ...errors import nearest
from ...wire.http import Endpoint
from ...wire.settings import is_loopback, program_name
from ..profile import CommandOption, Profile, Remark, SampleRequest, Setting
from .addresses import DOMAINS
from .destination import OWN_FIELDS, PATH, VARIABLES, Coralogix

INGRESS = "ingress."


class CoralogixProfile(Profile[Coralogix]):
    """A domain and a key; the same account answers DataPrime queries."""

    variables = VARIABLES
    required = ("api_key", "domain")
    own_fields = OWN_FIELDS
    key_prefix = "cx[a-z]p_"
    send_options = (
        CommandOption("application", "application_name", "The application's name"),
        CommandOption("subsystem", "subsystem_name", "The subsystem's name"),
    )
    send_example = "cxlogging send --to coralogix --application shop --follow app.log"
    demo_arguments: ClassVar = {"application_name": "shop", "subsystem_name": "web"}
    key_option = "--coralogix-key"
    compression_undocumented = True
    billed = "by the gigabytes of logs sent, less for those of a lower priority"

    def settings(self, destination: Coralogix) -> Iterator[Setting]:
        """Yield the key, the address and the names."""
        yield self.secret("api_key", destination.credential)
        yield self.address(destination.endpoint, "url", "domain")
        application, subsystem = destination.application_name, destination.subsystem_name
        variables = self.variables
        yield Setting(
            "application_name", application, variables["application_name"], program_name()
        )
        yield Setting("subsystem_name", subsystem, variables["subsystem_name"], "python")

    def remarks(self, destination: Coralogix) -> Iterator[Remark]:
        """Yield the kind of the key by its prefix, and the region by the domain."""
        key = "" if destination.credential is None else destination.credential.reveal()
        if key.startswith("cxup_"):
            yield Remark(
                "kind of key",
                "the key looks like a personal one (cxup_), which cannot send logs",
                "Use a Send-Your-Data key: Settings, API keys.",
            )
        elif key.startswith("cxtp_"):
            yield Remark("kind of key", "a team key (cxtp_)")
        host = "" if destination.endpoint is None else destination.endpoint.host
        domain = host.removeprefix(INGRESS)
        if is_loopback(host) or domain == host:
            return
        known = {name: region for region, name in DOMAINS.items()}
        if domain in known:
            yield Remark("region", known[domain])
        else:
            yield Remark(
                "region",
                f"{domain} is not a known domain of Coralogix.{nearest(domain, known)}",
                f"Check CORALOGIX_DOMAIN; there are {', '.join(DOMAINS)}.",
            )

    def query_url(self, endpoint: Endpoint) -> str | None:
        """Return the address of the query API in the domain of *endpoint*."""
        if not endpoint.host.startswith(INGRESS):
            return None
        return f"https://api.{endpoint.host.removeprefix(INGRESS)}"

    def local_variables(self, url: str, key: str) -> Mapping[str, Mapping[str, str]]:
        """Return those of the handler, and one that only the vendor's own SDK reads."""
        return {
            "Coralogix": {
                "CORALOGIX_API_KEY": key,
                "CORALOGIX_APPLICATION_NAME": "app",
                "CORALOGIX_SUBSYSTEM_NAME": "local",
                "CORALOGIX_LOG_URL": f"{url}/logs/v1/singles",
            },
            "Coralogix's own SDK, beside the block above": {
                "CORALOGIX_TIME_DELTA_URL": f"{url}/sdk/v1/time",
            },
        }

    def sample_request(self, event: Mapping[str, Any]) -> SampleRequest:
        """Return the event as the only entry of a bulk request."""
        data, outer = event["data"], dict(event["source"])
        computer = {"computerName": outer.pop("computerName")} if "computerName" in outer else {}
        is_plain = set(data) == {"text"} and isinstance(data["text"], str)
        entry = {
            **outer,
            "hiResTimestamp": f"{event['time_ns']:019d}",
            "severity": event["severity"],
            "text": data["text"] if is_plain else json.dumps(data, separators=(",", ":")),
        }
        entry.pop("timestamp", None)
        names = {"applicationName": event["application"], "subsystemName": event["subsystem"]}
        body = {**names, **computer, "logEntries": [entry]}
        return SampleRequest(PATH, "Authorization: Bearer ", body)


PROFILE = CoralogixProfile()
