"""The conformance suite, on the package's own destinations and on broken ones."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from cxlogging.custom import Action, Destination, Endpoint, Limits, Verdict, joined
from cxlogging.testing import destination_conformance
from cxlogging.vendors.registry import VENDORS

FORMATS = {
    "coralogix plain": ("coralogix", {"text": "plain"}),
    "betterstack json": ("betterstack", {"format": "json"}),
    "betterstack ndjson": ("betterstack", {"format": "ndjson"}),
}
CASES = {**{name: (name, {}) for name in VENDORS}, **FORMATS}


@pytest.mark.parametrize("case", CASES)
def test_every_vendor_of_the_registry_keeps_the_contract(case):
    """With its handler's defaults and in each further format, against its emulator too."""
    name, arguments = CASES[case]
    vendor = VENDORS[name]

    def make() -> Destination:
        with closing(vendor.make_handler(url="http://127.0.0.1:9", **arguments)) as handler:
            return handler.delivery.destination

    destination_conformance(make, emulator=vendor.emulator)


class Sound(Destination):
    """Lines of JSON, and nothing wrong."""

    def __init__(self, **changes):
        given = {
            "name": "Sound",
            "endpoint": "https://logs.example.com/in",
            "limits": Limits(10_000, 100_000, 100_000, 100, overhead=1),
            "credential": "canary-4711",
        }
        super().__init__(**{**given, **changes})

    def build_item(self, event):
        return json.dumps(self.document(event)).encode()

    def body(self, items):
        return joined(b"", items, b"\n", b"\n")


def test_a_sound_destination_passes():
    """The base class alone keeps the contract."""
    destination_conformance(Sound)


class Raises(Sound):
    def encode(self, event):
        return self.build_item(event)

    def build_item(self, event):
        return event.message.encode()


class Fat(Sound):
    def body(self, items):
        return b"<<" + super().body(items)


class Reversed(Sound):
    def body(self, items):
        return super().body(items[::-1])


class Tells(Sound):
    def __repr__(self):
        return f"Tells({self.credential.reveal()})"


class InTheBody(Sound):
    def body(self, items):
        return super().body(items) + self.credential.reveal().encode()


class Trusting(Sound):
    def interpret(self, response, count):
        return Verdict(Action.DELIVERED, items={json.loads(response.body)["at"]: 1})


class Careless(Sound):
    def interpret(self, response, count):
        return Verdict(Action.DELIVERED if response.status < 500 else Action.REFUSED, "no")


class Counts(Sound):
    def interpret(self, response, count):
        verdict = super().interpret(response, count)
        return verdict._replace(failed=99) if b"99" in response.body else verdict


class OtherWriter(Sound):
    def writer(self, level, level_name, key, fields):
        return lambda time_ns, document, rate, task: b"{}"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Raises, "a lone surrogate raised UnicodeEncodeError"),
        (Raises, "a message above the limit has 20,000 bytes, more than item_bytes (10,000)"),
        (Raises, "an empty message gave b'', not bytes"),
        (Fat, "a body of 2 items has 2 bytes more than overhead says"),
        (Reversed, "item 1 of 2 is not in the body, or not in order"),
        (Tells, "the credential is in repr(destination)"),
        (InTheBody, "the credential is in the body"),
        (Trusting, "raised JSONDecodeError"),
        (Careless, "HTTP 301 counts as delivered"),
        (Careless, "HTTP 503 is temporary: it must be RETRY, not REFUSED"),
        (Careless, "HTTP 401 is fixed by a person: it must be HOLD, not DELIVERED"),
        (Counts, "failed is 99, of 2 items"),
        (OtherWriter, "a plain event: not what encode returns"),
        (lambda: Sound(endpoint=None), "an endpoint is missing"),
        (
            lambda: Sound(endpoint=Endpoint("http", "logs.example.com", 80, "/")),
            "http://logs.example.com/ would send the key unencrypted",
        ),
        (lambda: Sound(identity={"url": "x"}), "it has no 'vendor'"),
        (lambda: Sound(identity={"vendor": "canary-4711"}), "the credential is in identity"),
        (
            lambda: Sound(limits=Limits(100_000, 100_000, 100_000, 100, overhead=1)),
            "the largest item does not fit into the largest body",
        ),
        (lambda: Sound(missing="LOGS_KEY"), "Sound needs LOGS_KEY."),
    ],
)
def test_what_is_wrong_is_said(make, sentence):
    """Each breach of the contract is found, and named."""
    with pytest.raises(AssertionError) as caught:
        destination_conformance(make)

    assert sentence in str(caught.value)
