"""docs/relay.md says what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxlogging.relay.config import PARSED, PASSED_ON, load_config
from cxlogging.relay.metrics import HELP, PREFIX

PAGE = (Path(__file__).parents[2] / "docs" / "relay.md").read_text("utf-8")


def test_the_configuration_of_the_page_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A relay starts with it, once its key is there."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    key = tmp_path / "key"
    key.write_text("key-123456")
    path = tmp_path / "relay.toml"
    path.write_text(re.sub(r'key_file = ".*"', f'key_file = "{key}"', text))
    for name in re.findall(r'key_env = "(\w+)"', text):
        monkeypatch.setenv(name, "cxtp_1234567890")

    config = load_config(str(path))

    assert len(config.destinations) == 3


def test_every_key_and_metric_is_on_the_page():
    """The tables are complete."""
    for key in (*PARSED, *PASSED_ON, "key_env", "key_file", "requests_per_second"):
        assert f"`{key}`" in PAGE, key
    for name in HELP:
        assert f"`{PREFIX}{name}`" in PAGE, name
