from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.errors import ConfigurationError, CxLoggingError, nearest
from cxlogging.vendors.betterstack import destination as betterstack
from cxlogging.vendors.coralogix import destination as coralogix
from cxlogging.vendors.honeycomb import destination as honeycomb
from cxlogging.wire import settings
from cxlogging.wire.http import Endpoint

CANARY = "canary4711"
VARIABLES = (
    "CXLOGGING_URL CORALOGIX_API_KEY CORALOGIX_PRIVATE_KEY CX_PRIVATE_KEY CX_DOMAIN"
    " CORALOGIX_LOG_URL CX_APPLICATION_NAME"
    " CX_SUBSYSTEM_NAME HONEYCOMB_SERVICE_NAME HONEYCOMB_API_HOST LOGTAIL_INGESTING_HOST"
    " CXLOGGING_ALLOW_PLAIN_HTTP CORALOGIX_DOMAIN CORALOGIX_REGION"
    " CX_REGION CORALOGIX_APPLICATION_NAME CORALOGIX_APP_NAME CORALOGIX_SUBSYSTEM_NAME"
    " CORALOGIX_SUBSYS_NAME HONEYCOMB_API_KEY HONEYCOMB_WRITEKEY LIBHONEY_API_KEY"
    " HONEYCOMB_DATASET LIBHONEY_DATASET HONEYCOMB_SERVICE HONEYCOMB_API_ENDPOINT"
    " LIBHONEY_API_HOST BETTER_STACK_SOURCE_TOKEN LOGTAIL_SOURCE_TOKEN SOURCE_TOKEN"
    " BETTER_STACK_INGESTING_HOST BETTER_STACK_HOST INGESTING_HOST BETTER_STACK_INGESTING_URL"
    " OTEL_SERVICE_NAME HONEYCOMB_SERVICE_NAME"
).split()
VENDORS = {
    "api_key of Coralogix": lambda key: coralogix.configure(key, domain="eu2"),
    "api_key of Honeycomb": lambda key: honeycomb.configure(key, dataset="d"),
    "source_token of Better Stack": lambda key: betterstack.configure(key, ingesting_host="a.b"),
}
vendors = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def key_of(destination):
    key = destination.credential
    return None if key is None else key.reveal()


@vendors
@pytest.mark.parametrize(
    ("key", "words"),
    [
        (f"{CANARY}\nX-Evil: 1", "contains control characters: pass it without them."),
        (f"{CANARY}\r{CANARY}", "contains control characters: pass it without them."),
        (f"{CANARY}\0", "contains control characters: pass it without them."),
        (
            f"{CANARY} {CANARY}",
            "is not a valid key: it contains whitespace or characters outside ASCII",
        ),
        (
            f"{CANARY}é",
            "is not a valid key: it contains whitespace or characters outside ASCII: copy",
        ),
        (f"{CANARY}\udcff", "contains control characters: pass it without them."),
        (CANARY.encode(), "takes a string, not bytes."),
        ([CANARY], "takes a string, not list."),
    ],
)
def test_a_malformed_key_is_told_without_being_shown(vendor, key, words):
    """The error names the argument and the fix, and never shows the key."""
    with pytest.raises(ConfigurationError) as caught:
        VENDORS[vendor](key)

    assert words in str(caught.value)
    assert str(caught.value).startswith(vendor.split()[0])
    texts = [f"{each!s} {each!r}" for each in _chain(caught.value)]
    assert not [each for each in texts if CANARY in each]


def _chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@vendors
@pytest.mark.parametrize("key", [f"{CANARY}\n", f" \t{CANARY}\r\n", CANARY])
def test_white_space_around_a_key_is_no_part_of_it(vendor, key):
    """Whitespace around a key, such as the line feed of a file, is removed."""
    assert key_of(VENDORS[vendor](key)) == CANARY


@vendors
@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_a_key_that_is_missing_does_not_raise(vendor, key):
    """Without a key a destination is created, and names the variable to set."""
    assert "_KEY" in VENDORS[vendor](key).missing or "_TOKEN" in VENDORS[vendor](key).missing


@pytest.mark.parametrize(
    "literal",
    ["${HONEYCOMB_API_KEY}", "$HONEYCOMB_API_KEY", "%KEY%", "{{ secrets.KEY }}", " ${A}\n"],
)
def test_a_literal_placeholder_is_a_mistake(literal):
    """For a placeholder, the error names the variable that the handler reads itself."""
    with pytest.raises(ConfigurationError) as caught:
        honeycomb.configure(literal)

    assert str(caught.value) == (
        f"api_key is the literal {literal.strip()!r}: logging.config expands no variables."
        " Leave api_key out, and set HONEYCOMB_API_KEY, or pass the value itself."
    )


def test_a_literal_placeholder_without_a_variable_is_a_mistake_too():
    """If no variable exists for an argument, the error suggests none."""
    with pytest.raises(ConfigurationError, match=r"Leave computer_name out, or pass the value"):
        coralogix.configure(CANARY, domain="eu2", computer_name="${HOSTNAME}")


@pytest.mark.parametrize("text", ["a$b", "100%", "${A}-${B}", "$", "{{", "$ A"])
def test_a_text_with_a_dollar_in_it_is_a_text(text):
    """Only a whole value can be a placeholder."""
    assert settings.text("fields", text) == text


@pytest.mark.parametrize(
    ("read", "variables"),
    [
        (lambda: key_of(coralogix.configure()),
         "CORALOGIX_API_KEY CORALOGIX_PRIVATE_KEY CX_PRIVATE_KEY"),
        (lambda: coralogix.configure().application_name,
         "CORALOGIX_APPLICATION_NAME CORALOGIX_APP_NAME CX_APPLICATION_NAME"),
        (lambda: coralogix.configure().subsystem_name,
         "CORALOGIX_SUBSYSTEM_NAME CORALOGIX_SUBSYS_NAME CX_SUBSYSTEM_NAME"),
        (lambda: key_of(honeycomb.configure()),
         "HONEYCOMB_API_KEY HONEYCOMB_WRITEKEY LIBHONEY_API_KEY"),
        (lambda: honeycomb.configure().dataset,
         "HONEYCOMB_DATASET LIBHONEY_DATASET HONEYCOMB_SERVICE"),
        (lambda: honeycomb.configure().service_name,
         "OTEL_SERVICE_NAME HONEYCOMB_SERVICE_NAME HONEYCOMB_SERVICE"),
        (lambda: key_of(betterstack.configure()),
         "BETTER_STACK_SOURCE_TOKEN LOGTAIL_SOURCE_TOKEN SOURCE_TOKEN"),
        (lambda: betterstack.configure().endpoint.host.partition(".")[0],
         "BETTER_STACK_INGESTING_HOST BETTER_STACK_HOST LOGTAIL_INGESTING_HOST INGESTING_HOST"),
        (lambda: coralogix.configure().endpoint.host.split(".")[1],
         "CORALOGIX_DOMAIN CORALOGIX_REGION CX_DOMAIN CX_REGION"),
        (lambda: honeycomb.configure().endpoint.host.partition(".")[0],
         "CXLOGGING_URL HONEYCOMB_API_ENDPOINT HONEYCOMB_API_HOST LIBHONEY_API_HOST"),
        (lambda: betterstack.configure().endpoint.host.partition(".")[0],
         "CXLOGGING_URL BETTER_STACK_INGESTING_URL"),
    ],
)  # fmt: skip
def test_variables_are_read_in_their_order(read, variables, monkeypatch):
    """Each variable is read, a later one only if those before it are unset or empty."""
    names = variables.split()
    for number, name in enumerate(reversed(names)):
        plain = "DOMAIN" in name or "HOST" in name or "REGION" in name
        value = f"v{number}.example" if plain and "API" not in name else f"v{number}"
        address = name.endswith(("URL", "ENDPOINT", "API_HOST"))
        monkeypatch.setenv(name, f"https://{value}.example" if address else value)
        assert read() == f"v{number}"

    monkeypatch.setenv(names[0], "")
    assert read() == f"v{len(names) - 2}"


def test_an_argument_goes_before_its_variable(monkeypatch):
    """An argument takes precedence over its variable."""
    monkeypatch.setenv("HONEYCOMB_API_KEY", "from-the-environment")

    assert key_of(honeycomb.configure("from-the-call")) == "from-the-call"


def test_names_have_defaults():
    """The defaults are the name of the script, "python", and the name of the host."""
    destination = coralogix.configure(CANARY, domain="eu2")

    assert destination.application_name == settings.program_name()
    assert destination.subsystem_name == "python"
    assert destination.computer_name


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/srv/shop.py"], "shop"),
        (["shop"], "shop"),
        (["-c"], "python"),
        (["-m"], "python"),
        ([""], "python"),
        ([], "python"),
        (["/a/b\n.py"], "python"),
        (["/srv/shop/__main__.py"], "shop"),
        (["/usr/bin/gunicorn"], "gunicorn"),
    ],
)
def test_the_program_s_name_is_its_script_s(argv, name, monkeypatch):
    """The default application name is the script's name without its extension, or "python"."""
    monkeypatch.setattr("sys.argv", argv)

    assert settings.program_name() == name


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_SERVICE_NAME", "shop one"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.version=2, service.name=shop%20one,a=b"),
    ],
)
def test_the_service_name_of_opentelemetry_names_the_application(variable, value, monkeypatch):
    """Each handler takes it where nothing else names the application."""
    monkeypatch.setenv(variable, value)

    assert coralogix.configure(CANARY, domain="eu2").application_name == "shop one"
    named = honeycomb.configure(CANARY)
    assert (named.dataset, named.service_name) == ("shop one", "shop one")
    assert honeycomb.configure(CANARY, dataset="mine").dataset == "mine"


def test_an_application_that_has_the_name_of_its_server_is_asked_for_one(monkeypatch):
    """One line says so, unless a name is given by an argument or a variable."""
    monkeypatch.setattr("sys.argv", ["/usr/bin/gunicorn"])

    unnamed = (honeycomb.configure(CANARY), coralogix.configure(CANARY, domain="eu2"))
    assert [len(each.warnings) for each in unnamed] == [1, 1]
    assert "'gunicorn'" in unnamed[0].warnings[0]
    assert honeycomb.configure(CANARY, dataset="shop").warnings == ()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    assert honeycomb.configure(CANARY).warnings == ()
    assert coralogix.configure(CANARY, domain="eu2").warnings == ()


@vendors
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8765", "http://localhost:8765/", "http://[::1]:8765"]
)
def test_the_local_server_needs_no_key(vendor, url, monkeypatch):
    """CXLOGGING_URL sends every destination to this machine, with a key for the local server."""
    monkeypatch.setenv("CXLOGGING_URL", url)
    destination = VENDORS[vendor](None)

    assert (destination.missing, key_of(destination)) == ("", settings.LOCAL_KEY)
    assert str(destination.endpoint).startswith(url.rstrip("/") + "/")


@vendors
def test_a_key_that_is_set_goes_to_the_local_server_too(vendor, monkeypatch):
    """The local key does not replace a key that is set."""
    monkeypatch.setenv("CXLOGGING_URL", "http://127.0.0.1:1")

    assert key_of(VENDORS[vendor](CANARY)) == CANARY


def test_the_url_keeps_the_vendor_s_path(monkeypatch):
    """A url replaces scheme, host and port, and keeps the vendor's path."""
    monkeypatch.setenv("CXLOGGING_URL", "http://127.0.0.1:8765")

    addresses = [
        str(configure().endpoint) for configure in (coralogix.configure, betterstack.configure)
    ]
    addresses.append(str(honeycomb.configure(dataset="d").endpoint))
    assert addresses == [
        "http://127.0.0.1:8765/logs/v1/bulk",
        "http://127.0.0.1:8765/",
        "http://127.0.0.1:8765/1/batch/d",
    ]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://logs.example.com", "in plain http: use https, or pass allow_plain_http=True"),
        ("http://127.0.0.1.example.com", "in plain http"),
        ("http://10.0.0.1", "in plain http"),
        ("https://a.example/path", "url takes no path: leave out '/path'."),
        ("https://user@a.example", "and no user or query."),
        ("https://:pass@a.example", "and no user or query."),
        ("https://a.example?x=1", "and no user or query."),
        ("https://a.example#x", "and no user or query."),
        ("https://a.example:0", "url takes a scheme, a host and a port, such as"),
        ("https://a.example:99999", "url takes a scheme, a host and a port, such as"),
        ("https://a.example:x", "url takes a scheme, a host and a port, such as"),
        ("https://[::1", "url takes a scheme, a host and a port, such as"),
        ("https://", "url takes a scheme, a host and a port, such as"),
        ("a.example:443", "url takes a scheme, a host and a port, such as"),
        ("ftp://a.example", "url takes a scheme, a host and a port, such as"),
        ("https://a b.example", "url takes a host name, not"),
        ("https://-a.example", "url takes a host name, not"),
        ("https://a_b.example", "url takes a host name, not"),
        ("https://a..example", "url takes a host name, not"),
        ("https://a.\nexample", "contains control characters"),
        ("${URL}", "Leave url out, and set CXLOGGING_URL"),
        (5, "url takes a string, not int."),
    ],
)
def test_a_url_that_is_none_is_told_what_it_lacks(url, words):
    """The error for an invalid url says what is wrong with it, and what to do."""
    with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
        coralogix.configure(CANARY, url=url)

    assert CANARY not in str(caught.value)
    assert str(caught.value).startswith("url ")


CONFIGURE = [coralogix.configure, honeycomb.configure, betterstack.configure]


@pytest.mark.parametrize("configure", CONFIGURE)
@pytest.mark.parametrize("value", ["1", "true", "Yes", "on"])
def test_a_variable_allows_plain_http(configure, value, monkeypatch):
    """CXLOGGING_ALLOW_PLAIN_HTTP is read if allow_plain_http is not passed."""
    monkeypatch.setenv("CXLOGGING_ALLOW_PLAIN_HTTP", value)
    monkeypatch.setenv("CXLOGGING_URL", "http://collector:8765")

    assert configure(CANARY).endpoint.origin == "http://collector:8765"
    with pytest.raises(ConfigurationError, match="CXLOGGING_URL sends keys"):
        configure(CANARY, allow_plain_http=False)


@pytest.mark.parametrize("configure", CONFIGURE)
@pytest.mark.parametrize("value", ["0", "false", "no", "off", "none", "null", ""])
def test_words_that_allow_no_plain_http(configure, value, monkeypatch):
    """A word for False or None does not allow plain http, as an argument or a variable."""
    with pytest.raises(ConfigurationError, match="url sends keys"):
        configure(CANARY, url="http://collector", allow_plain_http=value)
    monkeypatch.setenv("CXLOGGING_ALLOW_PLAIN_HTTP", value)
    with pytest.raises(ConfigurationError, match="url sends keys"):
        configure(CANARY, url="http://collector")


@pytest.mark.parametrize("configure", CONFIGURE)
def test_a_wrong_variable_is_named(configure, monkeypatch):
    """A value that is neither true nor false is an error that names the variable and the value."""
    monkeypatch.setenv("CXLOGGING_ALLOW_PLAIN_HTTP", "maybe")
    with pytest.raises(
        ConfigurationError, match="CXLOGGING_ALLOW_PLAIN_HTTP takes true or false, not 'maybe'"
    ):
        configure(CANARY)


@pytest.mark.parametrize("configure", CONFIGURE)
def test_plain_http_can_be_allowed(configure):
    """allow_plain_http=True allows plain http to any host."""
    destination = configure(CANARY, url="http://collector.internal", allow_plain_http=True)

    assert (destination.endpoint.scheme, destination.endpoint.port) == ("http", 80)


@pytest.mark.parametrize(
    "host", ["a b.example", "http://a.example", "ftp://a.example", "a.example:8443", "a_b.example"]
)
def test_an_ingesting_host_is_a_name_alone(host):
    """A host with another scheme, a port or whitespace is refused."""
    with pytest.raises(ConfigurationError, match="ingesting_host takes a host name such as"):
        betterstack.configure(CANARY, ingesting_host=host)


@pytest.mark.parametrize(
    ("hostname", "local"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_its_names(hostname, local):
    """Only localhost and loopback addresses are this machine."""
    assert settings.is_loopback(hostname) is local


def test_without_any_host_there_is_no_address():
    """If neither url nor the vendor names a host, there is no endpoint."""
    assert settings.endpoint(None, None, "/") is None
    assert settings.endpoint(None, "a.b", "/p") == Endpoint("https", "a.b", 443, "/p")


@given(st.text(max_size=12))
def test_a_host_is_one_or_an_error(text):
    """Any text is either a host in lower case or a ConfigurationError, which is a ValueError."""
    try:
        found = settings.host("domain", text)
    except ConfigurationError:
        found = None

    assert found in {None, text.lower()}
    assert found is None or re.fullmatch("[a-z0-9.-]+", found)
    assert issubclass(ConfigurationError, CxLoggingError)
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize(("length", "sound"), [(253, True), (254, False)])
def test_a_host_has_at_most_253_characters(length, sound):
    """A host name has at most 253 characters."""
    name = ("a" * 60 + ".") * 4 + "b" * (length - 244)

    try:
        assert settings.host("domain", name) == name
        assert sound
    except ConfigurationError:
        assert not sound


def test_the_nearest_name_is_proposed():
    """A hint suggests the closest known word; for an unrelated word there is none."""
    assert nearest("compresion", ["compression", "context"]) == " Did you mean 'compression'?"
    assert nearest("zzz", ["compression"]) == ""
