"""Where records and queries go, for the variables of the vendors' own tools and all their forms."""

from __future__ import annotations

import re
import warnings

import pytest

import cxlogging
from cxlogging.dataprime import CxQueryWarning, DataPrimeClient
from cxlogging.errors import ConfigurationError
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import addresses
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb

KEY = "canary4711"
EU2, US1, US2 = (f"{region}.coralogix.com" for region in ("eu2", "us1", "us2"))
HOSTS = {
    "eu2": EU2,
    " EU2 ": EU2,
    '"eu2"': EU2,
    "'eu2.coralogix.com'": EU2,
    "eu2.coralogix.com": EU2,
    "EU2.Coralogix.COM.": EU2,
    "eu2.coralogix.com/": EU2,
    "ingress.eu2.coralogix.com:443": EU2,
    "api.eu2.coralogix.com": EU2,
    "team.app.eu2.coralogix.com": EU2,
    "https://ingress.eu2.coralogix.com": EU2,
    "https://ingress.eu2.coralogix.com:443/logs/v1/singles": EU2,
    "HTTPS://API.EU2.CORALOGIX.COM/api/v1/logs/": EU2,
    "https://team.app.eu2.coralogix.com/#/query-new/logs?id=1": EU2,
    "https://api.coralogix.com:443/api/v1/logs": "eu1.coralogix.com",
    "https://api.coralogix.us/api/v1/logs": US1,
    "https://ingress.coralogix.in/logs/v1/bulk": "ap1.coralogix.com",
    "https://ingress.coralogixsg.com": "ap2.coralogix.com",
    "https://team.app.cx498.coralogix.com": US2,
    "cx498-aws-us-west-2.coralogix.com": US2,
    "https://ingress.gov1.coralogixgov.us": "gov1.coralogixgov.us",
    "Europe": "eu1.coralogix.com",
    "India": "ap1.coralogix.com",
}
ELSEWHERE = {
    "http://127.0.0.1:8765": "http://127.0.0.1:8765",
    "http://127.0.0.1:8765/": "http://127.0.0.1:8765",
    "http://localhost:8765/api/v1/logs": "http://localhost:8765",
    "http://localhost:8765/logs/v1/singles/": "http://localhost:8765",
    " 'http://[::1]:8765/logs/v1/bulk' ": "http://[::1]:8765",
    "https://proxy.example": "https://proxy.example",
    "https://PROXY.example:8443/logs/rest/singles": "https://proxy.example:8443",
    "HTTPS://coralogix.proxy.example/api/v1/logs": "https://coralogix.proxy.example",
    "https://coralogix.com.proxy.example": "https://coralogix.com.proxy.example",
    "https://notcoralogix.com": "https://notcoralogix.com",
}
REFUSED = {
    "https://proxy.example/team/a": "CORALOGIX_LOG_URL takes no path: leave out '/team/a'",
    "http://proxy.example/api/v1/logs": "sends keys and records to 'proxy.example' in plain http",
    "http://ingress.eu2.coralogix.com": "not 'http://ingress.eu2.coralogix.com'",
    "https://user:pass@proxy.example": "and no user or query",
    "https://proxy.example?a=1": "and no user or query",
    "ftp://proxy.example": "not 'ftp://proxy.example'",
    "https://": "not 'https://'",
    "https://ingress.eu2.coralogix.com:8443": "goes into url=",
    "$CORALOGIX_URL": "is the literal '$CORALOGIX_URL'",
}
ALL = {
    name
    for vendor in (coralogix, honeycomb, betterstack)
    for names in vendor.VARIABLES.values()
    for name in names
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ALL | {"CXLOGGING_ALLOW_PLAIN_HTTP", "CX_API_KEY"}:
        monkeypatch.delenv(name, raising=False)


def sent_to() -> tuple[str, str]:
    """Return where records go and where queries go, as a handler and a client see it."""
    with DataPrimeClient(KEY) as client:
        return coralogix.configure(KEY).endpoint.origin, client._http.base


@pytest.mark.parametrize("variable", coralogix.VARIABLES["domain"])
@pytest.mark.parametrize(("text", "domain"), HOSTS.items())
def test_each_variable_takes_each_form(variable, text, domain, monkeypatch):
    """What Coralogix prints is its region, whichever variable holds it, for records and queries."""
    monkeypatch.setenv(variable, text)

    assert sent_to() == (f"https://ingress.{domain}", f"https://api.{domain}")


@pytest.mark.parametrize(("text", "domain"), HOSTS.items())
def test_the_argument_takes_each_form(text, domain):
    """The argument takes what the variables take."""
    assert coralogix.configure(KEY, domain=text).endpoint.host == f"ingress.{domain}"
    with DataPrimeClient(KEY, text) as client:
        assert client._http.base == f"https://api.{domain}"


@pytest.mark.parametrize("variable", addresses.URL_VARIABLES)
@pytest.mark.parametrize(("text", "origin"), ELSEWHERE.items())
def test_an_address_of_another_server_is_that_address(variable, text, origin, monkeypatch):
    """A proxy or the local server is taken as it is; the path is the handler's own."""
    monkeypatch.setenv(variable, text)

    assert sent_to() == (origin, origin)
    endpoint = coralogix.configure(KEY).endpoint
    assert (endpoint.path, endpoint.source) == ("/logs/v1/bulk", variable)


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_what_is_no_address_is_refused(text, words, monkeypatch):
    """What cannot be reached as it stands is a sentence that names the variable."""
    monkeypatch.setenv("CORALOGIX_LOG_URL", text)
    for make in (lambda: coralogix.configure(KEY), lambda: DataPrimeClient(KEY)):
        with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
            make()
        assert "CORALOGIX_LOG_URL" in str(caught.value)
        assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("text", ["https://proxy.example", "127.0.0.1", "https://1.2.3.4:443"])
def test_a_domain_is_no_other_server(text):
    """An address of another server is not a domain: the sentence says where it goes."""
    with pytest.raises(ConfigurationError, match=r"^domain takes a region or .*goes into url="):
        coralogix.configure(KEY, domain=text)


def test_a_url_goes_before_the_vendor_s_variables(monkeypatch):
    """CXLOGGING_URL and url= replace every address, that of another server too."""
    monkeypatch.setenv("CORALOGIX_LOG_URL", "https://proxy.example")
    monkeypatch.setenv("CXLOGGING_URL", "http://127.0.0.1:8765//")
    assert sent_to() == ("http://127.0.0.1:8765",) * 2
    assert coralogix.configure(KEY, url="https://other.example").endpoint.host == "other.example"


def test_a_domain_goes_before_the_address_of_a_variable(monkeypatch):
    """The argument goes before each variable."""
    monkeypatch.setenv("CORALOGIX_LOG_URL", "https://proxy.example")
    assert coralogix.configure(KEY, domain="eu2").endpoint.host == f"ingress.{EU2}"


def test_a_blank_variable_is_not_set(monkeypatch):
    """Blanks and empty quotes count as nothing: the next variable is read."""
    monkeypatch.setenv("CORALOGIX_DOMAIN", "  ")
    monkeypatch.setenv("CORALOGIX_REGION", '""')
    monkeypatch.setenv("CX_DOMAIN", "eu2")
    assert coralogix.configure(KEY).endpoint.host == f"ingress.{EU2}"


@pytest.mark.parametrize("text", [f'"{KEY}"', f" '{KEY}' ", f"{KEY}\n"])
def test_quotes_of_an_env_file_are_no_part_of_a_key(text, monkeypatch):
    """Quotes that an env file leaves around a value are taken off, in variables and arguments."""
    monkeypatch.setenv("HONEYCOMB_API_KEY", text)
    assert honeycomb.configure().credential.reveal() == KEY
    assert honeycomb.configure(text).credential.reveal() == KEY


@pytest.mark.parametrize("variable", honeycomb.VARIABLES["url"][1:])
@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("eu", "https://api.eu1.honeycomb.io"),
        ("EU1", "https://api.eu1.honeycomb.io"),
        ("us", "https://api.honeycomb.io"),
        ("api.eu1.honeycomb.io", "https://api.eu1.honeycomb.io"),
        ("api.eu1.honeycomb.io:443", "https://api.eu1.honeycomb.io"),
        ('"https://API.eu1.honeycomb.io/"', "https://api.eu1.honeycomb.io"),
        ("https://api.eu1.honeycomb.io:443/v1/traces", "https://api.eu1.honeycomb.io"),
        ("https://ui.eu1.honeycomb.io/team/environments/prod", "https://api.eu1.honeycomb.io"),
        ("https://api.honeycomb.io/1/events", "https://api.honeycomb.io"),
        ("https://refinery.example:8443", "https://refinery.example:8443"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
    ],
)
def test_hosts_of_honeycomb(variable, text, origin, monkeypatch):
    """Who sets only the host of the EU is sent there, in each form in which it is printed."""
    monkeypatch.setenv(variable, text)
    assert honeycomb.configure(KEY, dataset="d").endpoint.origin == origin


@pytest.mark.parametrize(
    "variable", [*betterstack.VARIABLES["ingesting_host"], "BETTER_STACK_INGESTING_URL"]
)
@pytest.mark.parametrize("tail", ["", "/", ":443", ":443/"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_hosts_of_better_stack(variable, tail, quote, monkeypatch):
    """An ingesting host is taken as its page prints it, with https:// and without."""
    monkeypatch.setenv(variable, f"{quote}https://S1.eu-nbg-2.betterstackdata.com{tail}{quote}")
    endpoint = betterstack.configure(KEY).endpoint
    assert endpoint.origin == "https://s1.eu-nbg-2.betterstackdata.com"
    assert endpoint.source == variable


def test_an_ingesting_host_goes_before_the_variable_of_an_address(monkeypatch):
    """The argument goes before the vendor's variables, in whatever form they say it."""
    monkeypatch.setenv("BETTER_STACK_INGESTING_URL", "https://other.example")
    assert betterstack.configure(KEY, ingesting_host="s1.example").endpoint.host == "s1.example"
    monkeypatch.setenv("CXLOGGING_URL", "http://127.0.0.1:1")
    assert betterstack.configure(KEY, ingesting_host="s1.example").endpoint.host == "127.0.0.1"


CONTRADICTIONS = [
    (coralogix, {"CORALOGIX_DOMAIN": "eu2", "CX_DOMAIN": "us1"}),
    (coralogix, {"CORALOGIX_REGION": "EU2", "CORALOGIX_LOG_URL": "https://api.coralogix.us"}),
    (coralogix, {"CX_REGION": "EU2", "CORALOGIX_LOG_URL": "http://127.0.0.1:1/api/v1/logs"}),
    (coralogix, {"CORALOGIX_APP_NAME": "shop", "CX_APPLICATION_NAME": "web"}),
    (coralogix, {"CORALOGIX_SUBSYSTEM_NAME": "a", "CX_SUBSYSTEM_NAME": "b"}),
    (coralogix, {"CORALOGIX_PRIVATE_KEY": "canary-1", "CX_PRIVATE_KEY": "canary-2"}),
    (honeycomb, {"HONEYCOMB_API_ENDPOINT": "eu", "HONEYCOMB_API_HOST": "https://api.honeycomb.io"}),
    (honeycomb, {"HONEYCOMB_DATASET": "a", "LIBHONEY_DATASET": "b"}),
    (honeycomb, {"HONEYCOMB_API_KEY": "canary-1", "HONEYCOMB_WRITEKEY": "canary-2"}),
    (
        betterstack,
        {"BETTER_STACK_INGESTING_URL": "https://a.example", "INGESTING_HOST": "b.example"},
    ),
    (betterstack, {"BETTER_STACK_HOST": "a.example", "LOGTAIL_INGESTING_HOST": "b.example"}),
    (betterstack, {"BETTER_STACK_SOURCE_TOKEN": "canary-1", "SOURCE_TOKEN": "canary-2"}),
]
ACCORD = [
    (coralogix, {"CORALOGIX_DOMAIN": "eu2", "CORALOGIX_LOG_URL": "https://api.eu2.coralogix.com/"}),
    (coralogix, {"CORALOGIX_DOMAIN": "eu2", "CX_DOMAIN": "EU2", "CXLOGGING_URL": "http://[::1]"}),
    (coralogix, {"CX_DOMAIN": "eu2", "CX_REGION": "us1", "CXLOGGING_URL": "http://[::1]:1"}),
    (honeycomb, {"HONEYCOMB_API_HOST": "eu", "LIBHONEY_API_HOST": "https://api.eu1.honeycomb.io/"}),
    (honeycomb, {"OTEL_SERVICE_NAME": "shop", "HONEYCOMB_SERVICE": "web"}),
    (betterstack, {"BETTER_STACK_HOST": "https://a.example/", "INGESTING_HOST": "A.example:443"}),
]


@pytest.mark.parametrize(("vendor", "variables"), CONTRADICTIONS)
def test_two_variables_that_contradict_each_other(vendor, variables, monkeypatch):
    """One sentence names both variables, what they say unless it is a key, and which counts."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (sentence,) = vendor.configure().warnings
    first, second = variables
    assert first in sentence
    assert second in sentence
    assert f"contradict each other: {first} counts" in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize(("vendor", "variables"), ACCORD)
def test_variables_that_say_the_same(vendor, variables, monkeypatch):
    """Two forms of one value, and what something else overrides, are worth no sentence."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert vendor.configure().warnings == ()


def test_a_contradiction_is_said_once(monkeypatch, capfd):
    """The handler says it on stderr and to on_error when it is made, a client as a warning."""
    said = []
    monkeypatch.setenv("CORALOGIX_DOMAIN", "eu2")
    monkeypatch.setenv("CX_DOMAIN", "us1")
    handler = cxlogging.CoralogixHandler("k", application_name="shop", on_error=said.append)
    with pytest.warns(CxQueryWarning, match="CORALOGIX_DOMAIN='eu2' and CX_DOMAIN='us1'"):
        DataPrimeClient("k")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DataPrimeClient("k", "eu1")
    handler.close()
    sentence = (
        "CORALOGIX_DOMAIN='eu2' and CX_DOMAIN='us1' contradict each other:"
        " CORALOGIX_DOMAIN counts. Unset one."
    )
    assert said == [sentence]
    assert capfd.readouterr().err.count(sentence) == 1
