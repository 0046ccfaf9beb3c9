"""The address of a stream, and the login from the environment."""

from __future__ import annotations

import pytest

from cxlogging import ConfigurationError
from cxlogging.delivery.nats.address import is_stream, parse_address, read_login

VALID = {
    "nats://h1/LOGS": ("nats://h1:4222",),
    "nats://h1:4333,h2/LOGS": ("nats://h1:4333", "nats://h2:4222"),
    "tls://logs.example.com,h2:1/LOGS": ("tls://logs.example.com:4222", "tls://h2:1"),
    " nats://127.0.0.1:4222/LOGS ": ("nats://127.0.0.1:4222",),
    "nats://[::1]:4222,[fe80::1]/LOGS": ("nats://[::1]:4222", "nats://[fe80::1]:4222"),
    "nats://h1,nats://h2:4223/LOGS": ("nats://h1:4222", "nats://h2:4223"),
    "NATS://h1, h1:4222/LOGS": ("nats://h1:4222",),
}


@pytest.mark.parametrize("text", VALID)
def test_an_address_names_servers_and_a_stream(text):
    """Servers may lack the port, and repeat the scheme; the address prints as it can be typed."""
    found = parse_address("spool", text)

    assert found.servers == VALID[text]
    assert found.stream == "LOGS"
    assert is_stream(text)
    assert parse_address("spool", str(found)) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nats://h1:4222", "the name of the stream is missing"),
        ("nats://h1:4222/", "the name of the stream is missing"),
        ("nats:///LOGS", "takes servers and a stream"),
        ("nats://h1:x/LOGS", "takes servers such as"),
        ("nats://h1:0/LOGS", "takes servers such as"),
        ("nats://h1,,h2/LOGS", "takes servers such as"),
        ("nats://h1/A.B", "letters, digits"),
        ("nats://h1/A/B", "letters, digits"),
        ("nats://h1/LOGS?x=1", "takes servers and a stream"),
        ("ws://h1/LOGS", "takes servers and a stream"),
        ("nats://h 1/LOGS", "takes a host name"),
    ],
)
def test_an_invalid_address_is_named_with_its_option(text, reason):
    """The error names the option, shows the value, and says what is wrong with it."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        parse_address("spool", text)

    assert str(caught.value).startswith("spool ")


@pytest.mark.parametrize(
    "text", ["nats://ada:s3cret@h1/LOGS", "nats://s3cret@h1/LOGS", "nats://h1,ada:s3cret@h2/L"]
)
def test_a_secret_in_an_address_is_refused_and_not_shown(text):
    """The error names the variables to use instead, and not the secret."""
    with pytest.raises(ConfigurationError, match="NATS_USER and NATS_PASSWORD") as caught:
        parse_address("spool", text)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nats://localhost,127.0.0.1:4223/LOGS", True),
        ("tls://[::1]:4222/LOGS", True),
        ("nats://127.0.0.1,h2/LOGS", False),
        ("nats://[2001:db8::1]/LOGS", False),
    ],
)
def test_an_address_is_local_if_all_its_servers_are(text, expected):
    """Names and addresses of this machine count, an IPv6 address in brackets too."""
    assert parse_address("spool", text).is_local is expected


def test_names_on_the_servers_are_derived_from_the_stream():
    """Subjects, the stream of what was refused, and buckets carry the stream's name."""
    found = parse_address("spool", "nats://h1/LOGS")

    assert found.items_subject("acme") == "cxlogging.LOGS.items.acme"
    assert found.rejected_subject(">") == "cxlogging.LOGS.rejected.>"
    assert found.rejected_stream == "LOGS_REJECTED"
    assert found.bucket("seen") == "cxlogging_LOGS_seen"


def test_the_login_is_read_from_the_environment(monkeypatch):
    """User and password, or a token, come from variables, and are not shown."""
    assert read_login() == ("", None, None, "", "", "", None)
    monkeypatch.setenv("NATS_USER", "ada")
    monkeypatch.setenv("NATS_PASSWORD", "s3cret")

    login = read_login()

    assert login.user == "ada"
    assert login.secrets == ["s3cret"]
    assert "s3cret" not in repr(login)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"NATS_USER": "ada"}, "NATS_USER is set, and NATS_PASSWORD is not"),
        ({"NATS_PASSWORD": "p"}, "NATS_PASSWORD is set, and NATS_USER is not"),
        (
            {"NATS_USER": "ada", "NATS_PASSWORD": "p", "NATS_TOKEN": "t"},
            "NATS_USER and NATS_TOKEN are set",
        ),
        ({"NATS_CREDS": "/nowhere/a.creds"}, "NATS_CREDS: .* cannot be read"),
        ({"NATS_NKEY": "/nowhere/a.nk"}, "NATS_NKEY: .* cannot be read"),
        ({"NATS_CA": "/nowhere/ca.pem"}, "NATS_CA: .* cannot be read"),
        ({"NATS_KEY": "/nowhere/key.pem"}, "NATS_KEY is set, and NATS_CERT is not"),
        ({"NATS_CERT": "/nowhere/cert.pem"}, "NATS_CERT: .* cannot be read"),
    ],
)
def test_an_incomplete_login_is_named(variables, reason, monkeypatch):
    """What is missing, contradicts itself or cannot be read is an error with its variable."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=reason):
        read_login()


@pytest.mark.parametrize("variable", ["NATS_CREDS", "NATS_NKEY"])
def test_a_key_file_needs_a_package(variable, monkeypatch, tmp_path):
    """Where `nkeys` is not installed, the error names it and how to install it."""
    path = tmp_path / "key"
    path.write_text("SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4")
    monkeypatch.setenv(variable, str(path))
    try:
        import nkeys  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigurationError, match=r"nkeys: pip install 'nats-py\[nkeys\]'"):
            read_login()
    else:
        assert str(path) in read_login()
