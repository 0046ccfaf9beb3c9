from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb
from cxlogging.wire.event import SyntheticOrigin
from cxlogging.wire.http import Action, Response

from . import reading
from .reading import KEY, STRUCTURED, Format, an_event, fields

SOURCE = SyntheticOrigin("shop", "/srv/o.py", "o.py", "o", 42, "place", 99, "worker-1", 17, "Main")
FULL = an_event(
    origin=SOURCE,
    task="Task-1",
    stack="Stack",
    error={
        "type": "E",
        "message": "m",
        "stacktrace": "s",
        "causes": [{"type": "F"}],
        "exceptions": [{"type": "G"}],
        "notes": ["n"],
    },
)
VENDORS = {
    "coralogix": (reading.coralogix(), coralogix.OWN_FIELDS),
    "honeycomb": (reading.honeycomb(), honeycomb.OWN_FIELDS | {"message", "service.name"}),
    "betterstack": (reading.betterstack("json"), betterstack.OWN_FIELDS),
}
vendors = pytest.mark.parametrize("vendor", VENDORS)
structured = pytest.mark.parametrize("form", STRUCTURED, ids=lambda each: each.name)

HOLD, RETRY, ISOLATE, SPLIT = Action.HOLD, Action.RETRY, Action.ISOLATE, Action.SPLIT
STATUSES = frozenset(range(100, 600))
NAMED = {
    **dict.fromkeys((200, 201, 202, 204, 299), Action.DELIVERED),
    **dict.fromkeys((301, 302, 304, 307, 308), HOLD),
    **dict.fromkeys((401, 403, 404), HOLD),
    **dict.fromkeys((400, 406, 422), ISOLATE),
    **dict.fromkeys((408, 425, 429, 500, 502, 503, 504, 599), RETRY),
    413: SPLIT,
}


@vendors
def test_own_fields_are_what_an_event_really_has(vendor):
    """Every name that a vendor's event has of its own is one that extras keep away from."""
    destination, own = VENDORS[vendor]

    assert set(fields(destination, FULL)) <= own


@structured
@pytest.mark.parametrize(
    "name", sorted(coralogix.OWN_FIELDS | honeycomb.OWN_FIELDS | betterstack.OWN_FIELDS)
)
def test_an_extra_named_like_an_own_field_moves_aside(form: Format, name: str):
    """The vendor's own value stays, and the extra arrives under another name."""
    bare = fields(form.destination, FULL)

    found = fields(form.destination, FULL.replace(fields={name: "mine"}))

    assert {key: found[key] for key in bare} == bare
    moved = {key: found[key] for key in found if key not in bare}
    assert list(moved.values()) == ["mine"]
    assert moved.keys() <= {name, f"extra_{name}"}


NAMES = st.sampled_from(
    [
        *("message", "extra_message", "extra_extra_message", "dt", "level", "thread.id"),
        *("extra_level", "context", "exception", "stack_info", "severity", "a", "a.b", ""),
    ]
) | st.text(max_size=3)


@structured
@given(given_fields=st.dictionaries(NAMES, st.integers(-(2**63), 2**63 - 1), max_size=12))
def test_no_extra_vanishes_and_none_overwrites(form: Format, given_fields):
    """Whatever their names, all extras arrive, and the vendor's own fields as they were."""
    bare = fields(form.destination, FULL)

    found = fields(form.destination, FULL.replace(fields=_encodable(given_fields)))

    assert {key: found[key] for key in bare} == bare
    assert len(found) == len(bare) + len(_encodable(given_fields))
    rest = sorted(found[key] for key in found if key not in bare)
    assert rest == sorted(_encodable(given_fields).values())


def _encodable(given_fields):
    return {key: given_fields[key] for key in given_fields if key.isprintable()}


@vendors
@pytest.mark.parametrize("status", NAMED)
def test_a_status_named_in_the_design_means_what_it_says(vendor, status):
    """Delivered, again, halved, isolated or held: by the status, with each vendor."""
    destination, _ = VENDORS[vendor]
    body = b'[{"status":202}]' if status == 200 else b""

    assert destination.interpret(Response(status, body=body), 1).action is NAMED[status]


@vendors
def test_every_status_has_a_verdict(vendor):
    """No status is left without a meaning; a 2xx alone delivers, and any other has a reason."""
    destination, _ = VENDORS[vendor]
    verdicts = {each: destination.interpret(Response(each, body=b"no"), 2) for each in STATUSES}

    delivered = {each for each in STATUSES if verdicts[each].action is Action.DELIVERED}
    assert delivered == set(range(200, 300)) - ({200} if vendor == "honeycomb" else set())
    for each in STATUSES.difference(delivered):
        assert verdicts[each].reason.startswith(f"HTTP {each}")
        assert verdicts[each].items == {}


@vendors
def test_a_passing_failure_is_never_final(vendor):
    """408, 425, 429 and every 5xx are tried again, whatever the answer says."""
    destination, _ = VENDORS[vendor]

    for status in (408, 425, 429, *range(500, 600)):
        assert destination.interpret(Response(status, body=b"too large"), 1).action is RETRY


@structured
def test_the_key_is_in_one_header_and_nowhere_else(form: Format):
    """A key shows in no repr, no address, no body; one header of the request holds it."""
    destination = form.destination
    request = destination.request([destination.encode(FULL)])

    shown = [repr(destination), str(destination), repr(request), repr(request.headers)]
    assert not [each for each in (*shown, str(request.endpoint)) if KEY in each]
    assert KEY.encode() not in request.body
    holders = [each for _, each in request.headers if KEY in getattr(each, "reveal", str)()]
    assert len(holders) == 1


@pytest.mark.parametrize(
    ("destination", "needs"),
    [
        (coralogix.Coralogix(None, None, "a", "s", "c"), "CORALOGIX_API_KEY (or api_key=) and"),
        (coralogix.Coralogix(None, None, "a", "s", "c"), "CORALOGIX_DOMAIN (or domain=)"),
        (honeycomb.Honeycomb(None, reading.ADDRESS, "d", "h"), "HONEYCOMB_API_KEY (or api_key=)"),
        (betterstack.BetterStack(None, None), "BETTER_STACK_SOURCE_TOKEN (or source_token=) and"),
        (betterstack.BetterStack(None, None), "BETTER_STACK_INGESTING_HOST (or ingesting_host=)"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_sent_without_it(destination, needs):
    """A destination without a key encodes, names the variable, and makes no request."""
    assert needs in destination.missing
    assert destination.encode(FULL)
    with pytest.raises(ConfigurationError, match="needs "):
        destination.request([b"{}"])


@structured
def test_nothing_is_missing_with_a_key_and_an_address(form: Format):
    """A whole configuration misses nothing."""
    assert form.destination.missing == ""
