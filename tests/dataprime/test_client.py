"""The arguments of the client, and those that are refused before anything is sent."""

from __future__ import annotations

import inspect
import pickle

import pytest
import requests

from cxlogging.dataprime import DataPrimeClient, QueryError, Row
from cxlogging.errors import ConfigurationError

from .conftest import KEY
from .service import whole

VARIABLES = "CX_API_KEY CORALOGIX_API_KEY CORALOGIX_DOMAIN CORALOGIX_REGION CX_REGION CXLOGGING_URL"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in VARIABLES.split():
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("eu2", "https://api.eu2.coralogix.com"),
        ("US1", "https://api.us1.coralogix.com"),
        ("gov1", "https://api.gov1.coralogixgov.us"),
        ("api.eu2.coralogix.com", "https://api.eu2.coralogix.com"),
        ("ng-api-http.eu2.coralogix.com", "https://api.eu2.coralogix.com"),
        ("https://shop.app.eu2.coralogix.com", "https://api.eu2.coralogix.com"),
        ("eu2.coralogix.com", "https://api.eu2.coralogix.com"),
        ("app.coralogix.in", "https://api.ap1.coralogix.com"),
    ],
)
def test_a_domain_or_a_region_is_an_address(domain, address):
    """Queries go to https://api.<domain>."""
    assert repr(DataPrimeClient(KEY, domain)) == f"<DataPrimeClient {address}>"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"domain": "eu9"}, "not a Coralogix region; there are us1"),
        ({"domain": "eu2", "url": "http://logs.example.com"}, "plain http"),
        ({"url": "https://api.example.com/api"}, "url takes no path"),
        ({}, "pass domain="),
        ({"domain": "eu2", "timeout": 0}, "timeout takes seconds"),
        ({"domain": "eu2", "silence": "5"}, "silence takes seconds"),
        ({"domain": "eu2", "silence": float("nan")}, "silence takes seconds"),
        ({"domain": "eu2", "retry_budget": True}, "retry_budget takes seconds"),
    ],
)
def test_impossible_arguments_are_refused(arguments, sentence):
    """Invalid arguments of the client are refused when it is created."""
    with pytest.raises(ConfigurationError, match=sentence):
        DataPrimeClient(KEY, **arguments)


def test_a_missing_key_is_said_with_its_kind():
    """The error for a missing key says which kind of key is needed."""
    with pytest.raises(
        ConfigurationError, match="Send-Your-Data key, which handlers send with, cannot query"
    ):
        DataPrimeClient(domain="eu2")


def test_the_environment_gives_key_and_domain(monkeypatch, service):
    """CX_API_KEY is taken before CORALOGIX_API_KEY, which may be the handlers' own key."""
    monkeypatch.setenv("CXLOGGING_URL", f"{service.url}/")
    service.will_say(whole(), whole(), whole())

    for name, key in [(None, "cxlogging-local"), ("CORALOGIX_API_KEY", "a"), ("CX_API_KEY", "b")]:
        if name:
            monkeypatch.setenv(name, key)
        with DataPrimeClient() as client:
            client.query("source logs")
        assert service.asked[-1].headers["authorization"] == f"Bearer {key}"


def test_a_slash_at_the_end_of_the_url_does_no_harm(service):
    """A url with a trailing slash does not result in '//api', which the service refuses."""
    service.will_say(whole())

    with DataPrimeClient(KEY, url=f"{service.url}/") as client:
        client.query("source logs")

    assert service.asked[0].path.startswith("/api")


def test_a_session_of_the_callers_is_used_and_left_open(service):
    """The caller's session sends its own headers, and is not closed."""
    service.will_say(whole(), whole())
    with requests.Session() as session:
        session.headers["X-Team"] = "blue"
        for _ in range(2):
            with DataPrimeClient(KEY, url=service.url, session=session) as client:
                client.query("source logs")

    assert [each.headers["x-team"] for each in service.asked] == ["blue", "blue"]


def test_a_netrc_does_not_replace_the_key(service, tmp_path, monkeypatch):
    """The bearer key is sent even where a .netrc has a password for the host."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    service.will_say(whole())

    with requests.Session() as session:
        DataPrimeClient(KEY, url=service.url, session=session).query("source logs")

    assert service.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_key_shows_nowhere():
    """No repr of the client or its attributes shows the key, and the key cannot be pickled."""
    client = DataPrimeClient(KEY, "eu2")

    assert KEY not in repr(client) + repr(vars(client)) + repr(vars(client._http))
    with pytest.raises(TypeError):
        pickle.dumps(client._http._key)


def test_query_and_stream_take_the_same():
    """The methods query and stream have the same signature."""
    query, stream = (
        inspect.signature(each).parameters
        for each in (DataPrimeClient.query, DataPrimeClient.stream)
    )

    assert query == stream


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"query": ""}, "query is empty"),
        ({"query": " \n"}, "query is empty"),
        ({"query": 5}, "query takes a string, not int"),
        ({"query": "\ud800"}, "surrogate"),
        ({"limit": 15_001}, "limit takes 1 to 15000 for tier 'frequent'"),
        ({"limit": 50_001, "tier": "archive"}, "limit takes 1 to 50000 for tier 'archive'"),
        ({"limit": 15_001}, r"Where the account has another limit, pass row_limits=\."),
        ({"limit": 0}, "limit takes 1 to"),
        ({"limit": "10"}, "whole number"),
        ({"limit": 2.5}, "whole number"),
        ({"limit": True}, "whole number"),
        ({"start": "yesterday"}, "start 'yesterday' is not a time"),
        ({"start": "now-1h", "end": "now-2h"}, "before it begins"),
        ({"since": "1h", "start": "1h"}, "pass one"),
        ({"syntax": "DATAPRIME_V2"}, "syntax takes one of 'dataprime', 'lucene', not"),
        ({"syntax": "dataprim"}, "Did you mean 'dataprime'"),
        ({"tier": "warm"}, "tier takes one of"),
        ({"tier": None}, "tier takes one of"),
        ({"preset": "fast"}, "preset takes one of"),
        ({"strict_fields": 1}, "strict_fields takes True or False"),
        ({"default_source": ""}, "default_source takes a string"),
        ({"timeout": -1}, "timeout takes seconds"),
        ({"split_on_limit": True}, "split_on_limit needs a window"),
    ],
)
def test_impossible_queries_are_not_sent(client, service, arguments, sentence):
    """Arguments that the service would refuse raise a ValueError in the call."""
    given = {"query": "source logs", **arguments}

    with pytest.raises(ConfigurationError, match=sentence):
        client.query(**given)

    assert service.asked == []


def test_names_of_the_api_are_taken_too(client, service):
    """Tier, syntax and preset are also accepted as the API spells them."""
    service.will_say(whole())

    client.query(
        "x",
        tier="TIER_ARCHIVE",
        syntax="QUERY_SYNTAX_LUCENE",
        preset="EXECUTION_PROFILE_PRESET_ACCURACY",
        limit=50_000,
    )

    assert service.bodies[0]["metadata"]["tier"] == "TIER_ARCHIVE"


def test_an_account_may_have_other_limits(service):
    """row_limits raises the checked limit of a tier."""
    service.will_say(whole())

    with DataPrimeClient(KEY, url=service.url, row_limits={"frequent": 30_000}) as client:
        client.query("source logs", limit=30_000)
        assert client.row_limits == {"frequent": 30_000, "archive": 50_000}

    assert service.bodies[0]["metadata"]["limit"] == 30_000


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"warm": 5}, "row_limits takes one of 'frequent', 'archive', not 'warm'"),
        ({"frequent": 0}, "row_limits takes whole numbers from 1, not 0"),
        ({"frequent": "9"}, "row_limits takes whole numbers from 1, not '9'"),
        (15_000, "row_limits takes a dict of tiers"),
    ],
)
def test_impossible_row_limits_are_refused(service, limits, sentence):
    """Invalid row limits are refused when the client is created, with their value."""
    with pytest.raises(ConfigurationError, match=sentence):
        DataPrimeClient(KEY, url=service.url, row_limits=limits)


def test_relative_times_refer_to_the_pinned_now(client, service):
    """With now=, '1h' is the hour before it."""
    service.will_say(whole())

    client.query("source logs", since="1h", now="2023-05-29T12:00:00Z")

    metadata = service.bodies[0]["metadata"]
    assert metadata["startDate"] == "2023-05-29T11:00:00Z"
    assert metadata["endDate"] == metadata["nowDate"] == "2023-05-29T12:00:00Z"


def test_a_closed_client_says_so(service):
    """Query after close() raises an error that says what happened; nothing is sent."""
    client = DataPrimeClient(KEY, url=service.url)
    client.close()

    with pytest.raises(QueryError, match="the client is closed"):
        client.query("source logs")
    assert not service.asked


def test_a_row_is_no_sequence():
    """Iterating over a row, and a number as keypath, say what a row offers instead."""
    with pytest.raises(TypeError, match=r"row\.to_dict"):
        list(Row('{"a":1}'))
    with pytest.raises(TypeError, match="keypath"):
        Row('{"a":1}')[0]
