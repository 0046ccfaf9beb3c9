"""The configuration of a relay: what it means, and errors that name file, table and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxlogging.errors import ConfigurationError
from cxlogging.relay.config import RelayConfig, load_config, parse_config

STREAM = 'stream = "nats://h1:4222,h2:4222/LOGS"\n'


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    prefixes = ("CORALOGIX", "CX", "HONEYCOMB", "BETTER", "LOGTAIL", "LIBHONEY", "OTEL")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(text: str) -> RelayConfig:
    Path("relay.toml").write_text(text)
    return load_config(None)


TABLE = STREAM + '[[destination]]\nvendor = "honeycomb"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "relay.toml: stream is missing: set it, such as 'nats://127.0.0.1:4222/LOGS'."),
        ("stream = 'http://a/b'", "relay.toml: stream takes servers and a stream"),
        ("stream = 'nats://a:4222'", "the name of the stream is missing"),
        ("x", "relay.toml is not valid TOML:"),
        (STREAM + "strem = 1", "relay.toml: unknown key 'strem' in the top level. Did you mean"),
        (STREAM + "ack_wait = 0", "relay.toml: ack_wait takes more than 1 seconds, not 0."),
        (STREAM + "listen = 'x'", "relay.toml: listen takes a host and a port, such as"),
        (STREAM + "log_format = 'xml'", "relay.toml: log_format takes 'auto', 'json' or 'text'"),
        (STREAM + "destination = 1", "relay.toml: destination takes tables: write [[destination]]"),
        (STREAM + "[[destination]]", "relay.toml: [[destination]] 1: vendor is missing"),
        (
            STREAM + "[[destination]]\nvendor = 'honeycom'",
            "vendor takes one of coralogix, honeycomb, betterstack, not 'honeycom'. Did you mean",
        ),
        (TABLE, "relay.toml: [[destination]] 1 (honeycomb): set HONEYCOMB_API_KEY"),
        (TABLE + "api_key = 'x'", "[[destination]] 1: api_key would put a secret into the file"),
        (TABLE + "key_env = 'NO_KEY'", "[[destination]] 1: key_env: the variable NO_KEY is not"),
        (TABLE + "key_file = '/none'", "[[destination]] 1: key_file: '/none' cannot be read"),
        (TABLE + "key_env = 'A'\nkey_file = 'b'", "key_env and key_file both name the key"),
        (TABLE + "datset = 'x'", "[[destination]] 1: unknown key 'datset' in the table. Did you"),
        (TABLE + "dataset = 1", "relay.toml: [[destination]] 1: dataset takes a text, not 1."),
        (TABLE + "url = 'ftp://a'", "[[destination]] 1: url takes a scheme"),
        (TABLE + "concurrency = 0", "[[destination]] 1: concurrency takes a number from 1"),
        (
            TABLE + "requests_per_second = 0",
            "[[destination]] 1: requests_per_second takes a number from 0.01 to 1,000,000, not 0.",
        ),
    ],
)
def test_errors_name_the_file_the_table_and_the_key(text: str, said: str):
    """What is wrong is found before the relay starts, and the message says where."""
    with pytest.raises(ConfigurationError) as caught:
        load(text)

    assert said in str(caught.value)


def test_two_tables_for_the_same_messages_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Which of them counts would be a guess."""
    monkeypatch.setenv("HONEYCOMB_API_KEY", "key-123456")

    with pytest.raises(ConfigurationError, match=r"2: .* 1 takes the same messages: .* dataset"):
        load(TABLE + '[[destination]]\nvendor = "honeycomb"\n')


def test_the_most_specific_destination_takes_a_message(monkeypatch: pytest.MonkeyPatch):
    """Conditions choose among the keys of one vendor; the key is never shown."""
    monkeypatch.setenv("SHOP_KEY", "shop-key-123456")
    Path("other").write_text("other-key-123456\n")
    config = load(
        STREAM
        + '[[destination]]\nvendor = "honeycomb"\nkey_file = "other"\n'
        + '[[destination]]\nvendor = "honeycomb"\ndataset = "shop"\nkey_env = "SHOP_KEY"\n'
    )

    shop = config.entry_for({"vendor": "honeycomb", "dataset": "shop"})
    rest = config.entry_for({"vendor": "honeycomb", "dataset": "x"})
    assert shop is not None
    assert rest is not None
    found = {
        entry.name: entry.destination({"dataset": "shop", "url": "http://evil"})
        for entry in (shop, rest)
    }
    assert {name: each.credential.reveal() for name, each in found.items()} == {
        "honeycomb (dataset=shop)": "shop-key-123456",
        "honeycomb": "other-key-123456",
    }
    assert {each.endpoint.host for each in found.values()} == {"api.honeycomb.io"}
    assert config.entry_for({"vendor": "coralogix"}) is None
    assert "key-123456" not in repr(config)


def test_names_come_from_the_message_and_addresses_from_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
):
    """A message chooses the names of the vendor; what the table sets counts more."""
    monkeypatch.setenv("CORALOGIX_API_KEY", "cxtp_12345678")
    (entry,) = load(
        STREAM + '[[destination]]\nvendor = "coralogix"\ndomain = "eu2"\ncomputer_name = "fleet"\n'
    ).destinations

    made = entry.destination(
        {
            "vendor": "coralogix",
            "application_name": "shop",
            "subsystem_name": "web",
            "computer_name": "host1",
            "domain": "evil.example",
            "unknown": "x",
        }
    )
    assert made.endpoint.host == "ingress.eu2.coralogix.com"
    assert made.identity["application_name"] == "shop"
    assert b'"computerName":"fleet"' in made.body([b"{}"])


def test_without_a_file_the_environment_configures_vendors(monkeypatch: pytest.MonkeyPatch):
    """The variables of a handler are enough for its vendor."""
    monkeypatch.setenv("HONEYCOMB_API_KEY", "key-123456")

    config = load_config(None, "nats://h1/LOGS")

    assert [entry.name for entry in config.destinations] == ["honeycomb"]
    assert str(config.address) == "nats://h1:4222/LOGS"
    with pytest.raises(ConfigurationError, match=r"no stream is configured: pass stream="):
        load_config(None)
    Path("relay.toml").write_text(TABLE + "key_file = '/none'")
    assert load_config(None, delivers=False).destinations == ()
    Path("relay.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"none\.toml cannot be read: No such file"):
        load_config("none.toml")


def test_values_are_parsed():
    """Sizes may have units, and `listen` may be turned off."""
    config = parse_config(
        {
            "stream": "nats://h1/LOGS",
            "listen": False,
            "buffer_bytes": "8MiB",
            "dedupe_window": 3600,
            "drain": 5,
        },
        "relay.toml",
    )

    assert (config.listen, config.buffer_bytes) == (None, 8 * 2**20)
    assert (config.dedupe_window, config.drain, config.ack_wait) == (3600, 5, 30)
