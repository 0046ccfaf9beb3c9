"""`cxlogging check TARGET`: a configuration of logging on trial; nothing is sent."""

from __future__ import annotations

import json
import subprocess

import pytest

from .conftest import COMMAND, environment

SETTINGS = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "hc": {"class": "cxlogging.HoneycombHandler", "api_key": "key", "dataset": "shop"},
        "bs": {"class": "cxlogging.BetterStackHandler", "source_token": "token",
               "ingesting_host": "s1.betterstackdata.com", "level": "ERROR"},
        "file": {"class": "logging.FileHandler", "filename": "app.log", "delay": True},
    },
    "root": {"level": "INFO", "handlers": ["hc", "file"]},
    "loggers": {"shop": {"level": "DEBUG", "handlers": ["bs"]}},
}
"""


@pytest.fixture
def check(tmp_path):
    """Write a module, and run the command beside it; return exit code, stdout and stderr."""

    def checked(target, *arguments, code=SETTINGS, name="shop_settings.py"):
        (tmp_path / name).write_text(code)
        command = [*COMMAND, "check", target, *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return checked


def test_each_logger_and_level_is_tried(check, tmp_path):
    """The routes are those of logging, and other handlers see none of the records."""
    done = check("shop_settings:LOGGING", "--json")
    routes = json.loads(done.stdout)["routes"]

    assert done.returncode == 0
    assert routes["root"] == {
        "DEBUG": [],
        "INFO": ["honeycomb"],
        "WARNING": ["honeycomb"],
        "ERROR": ["honeycomb"],
        "CRITICAL": ["honeycomb"],
    }
    assert routes["shop"]["DEBUG"] == ["honeycomb"]
    assert sorted(routes["shop"]["ERROR"]) == ["betterstack", "honeycomb"]
    assert not (tmp_path / "app.log").exists()


def test_the_events_are_those_that_the_vendor_would_store(check):
    """One of each vendor, for people and as JSON."""
    events = json.loads(check("shop_settings:LOGGING", "--json").stdout)["events"]
    assert events["honeycomb"]["logger"] == "root"
    assert events["betterstack"]["context"]["runtime"]["logger_name"] == "shop"

    shown = check("shop_settings:LOGGING").stdout
    assert "root  DEBUG to no vendor; INFO-CRITICAL to honeycomb" in shown
    assert 'honeycomb gets, for example:\n  {\n    "body":' in shown


@pytest.mark.parametrize(
    ("change", "sentence", "fix"),
    [
        (('"handlers": ["bs"]', '"handlers": ["hc"]'), "goes 2 times to", "Keep one handler"),
        (
            ('"handlers": ["bs"]', '"handlers": ["file"], "propagate": False'),
            "no handler of cxlogging: propagate is False",
            "Set propagate to True",
        ),
        (
            ('"level": "INFO"', '"level": "WARNING"'),
            "level of the root logger is WARNING",
            "Set a lower level for root",
        ),
        (
            ('"dataset": "shop"', '"dataset": "shop", "fields": {"env": "${ENV}"}'),
            "handlers.hc.fields.env has the literal text '${ENV}'",
            "use os.environ",
        ),
        (
            ('"handlers": ["hc", "file"]', '"handlers": ["file"]'),
            "records of root",
            "",
        ),
        (('"api_key": "key", ', ""), "has no key or address", "Set HONEYCOMB_API_KEY"),
    ],
)
def test_a_common_mistake_is_told_with_its_fix(check, change, sentence, fix):
    """The exit code says so too."""
    done = check("shop_settings:LOGGING", code=SETTINGS.replace(*change))

    if sentence == "records of root":
        assert "root  DEBUG-CRITICAL to no vendor" in done.stdout
        return
    assert done.returncode == 1
    assert sentence in done.stdout
    assert fix in done.stdout


def test_what_logging_refuses_is_an_error_of_usage(check):
    """A wrong region, a misspelt option, a literal key: the sentence is the handler's."""
    done = check("shop_settings:LOGGING", code=SETTINGS.replace("dataset", "datasett"))

    assert done.returncode == 2
    assert "takes no argument 'datasett'. Did you mean 'dataset'?" in done.stderr


@pytest.mark.parametrize("name", ["logging.json", "logging.ini", "logging.yaml"])
def test_a_file_is_a_target_too(check, name):
    """JSON, INI and YAML."""
    document = {
        "version": 1,
        "handlers": {"hc": {"class": "cxlogging.HoneycombHandler", "api_key": "k"}},
        "root": {"level": "INFO", "handlers": ["hc"]},
    }
    text = json.dumps(document)
    if name.endswith(".ini"):
        text = (
            "[loggers]\nkeys=root\n[handlers]\nkeys=hc\n[formatters]\nkeys=\n"
            "[logger_root]\nlevel=INFO\nhandlers=hc\n"
            "[handler_hc]\nclass=cxlogging.HoneycombHandler\nargs=('k',)\n"
        )
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    done = check(name, "--json", code=text, name=name)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["routes"]["root"]["INFO"] == ["honeycomb"]


def test_a_django_settings_module_is_applied_as_django_does(check):
    """Django's own loggers are there, with its defaults."""
    pytest.importorskip("django")
    done = check("shop_settings", "--json")

    routes = json.loads(done.stdout)["routes"]
    assert routes["django"]["INFO"] == ["honeycomb"]
    assert routes["django.server"]["INFO"] == []


def test_a_target_and_an_option_are_refused(check):
    """They mean the same."""
    done = check("shop_settings:LOGGING", "--app", "shop_settings:LOGGING")

    assert done.returncode == 2
    assert "pass a TARGET, or --app or --config, but not both" in done.stderr
