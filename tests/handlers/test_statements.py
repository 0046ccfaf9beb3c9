"""Database debug records can leave the parameters of statements out."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

import cxlogging
from cxlogging.errors import ConfigurationError
from cxlogging.handlers.redaction.sql import LEFT_OUT, without_literals, without_parameters

NOWHERE = "http://127.0.0.1:9"
SECRET = "canary4711"


def a_record(name, message, args, **attributes):
    record = logging.LogRecord(name, 10, "/srv/o.py", 7, message, args, None)
    record.__dict__.update(attributes)
    return record


class Parameters:
    def __repr__(self) -> str:
        return f"({SECRET!r},)"


@pytest.mark.parametrize(
    ("name", "message", "args", "text"),
    [
        ("sqlalchemy.engine.Engine", "[%s] %r", ("generated in 0.00015s", Parameters()),
         f"[generated in 0.00015s] {LEFT_OUT!r}"),
        ("sqlalchemy.engine", f"SELECT '{SECRET}' WHERE id = 5", None, "SELECT ? WHERE id = ?"),
        ("aiosqlite", "executing %s", (Parameters(),), f"executing {LEFT_OUT}"),
        ("tortoise.db_client", "%s: %s", ("SELECT 1", [SECRET]), f"SELECT ?: {LEFT_OUT}"),
        ("peewee", ("SELECT ?", [SECRET]), None, "SELECT ?"),
        ("asyncpg", "%(a)s", ({"a": SECRET},), LEFT_OUT),
        ("shop", "%s", (SECRET,), SECRET),
        ("django.db.backends_of_mine", "%s", (SECRET,), SECRET),
    ],
)  # fmt: skip
def test_arguments_of_database_loggers_are_left_out(name, message, args, text):
    """Parameters are removed, literals become a ?, and records of other loggers are unchanged."""
    record = a_record(name, message, args)

    assert without_parameters(record).getMessage() == text


def test_django_s_records_lose_their_parameters():
    """Message, extras and statement contain no values, and the record is a copy."""
    sql = f"SELECT * FROM s WHERE key = '{SECRET}' LIMIT 21"
    args = (0.001, sql, (SECRET,), "default")
    extra = {"duration": 0.001, "sql": sql, "params": (SECRET,), "alias": "default"}
    record = a_record("django.db.backends", "(%.3f) %s; args=%s; alias=%s", args, **extra)

    kept = without_parameters(record)

    assert kept.getMessage() == (
        f"(0.001) SELECT * FROM s WHERE key = ? LIMIT ?; args={LEFT_OUT}; alias=default"
    )
    assert (kept.sql, hasattr(kept, "params")) == ("SELECT * FROM s WHERE key = ? LIMIT ?", False)
    assert SECRET not in repr(kept.__dict__)
    assert (record.args, record.params) == (args, (SECRET,))


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELECT 1", "SELECT ?"),
        ("a = 'it''s' AND b = 'x'", "a = ? AND b = ?"),
        (r"a = 'it\'s' AND b = 'x'", "a = ?"),
        (r"a = 'C:\' AND b = 'secret'", "a = ?"),
        ("a = E'x' AND b = N'y'", "a = ? AND b = ?"),
        ("a = $$secret$$ AND b = $q$it's$q$", "a = ? AND b = ?"),
        ("a = 'never closed", "a = ?"),
        ("a = $1 AND b = :2 AND c = %s AND t.x2 = -1.5e3",
         "a = $1 AND b = :2 AND c = %s AND t.x2 = ?"),
        ("a IN (.5, 1., 0xDEAD, 5_000) AND v = X'FF'", "a IN (?, ?, ?, ?) AND v = ?"),
        ('SELECT "col 1" FROM t', 'SELECT "col ?" FROM t'),
    ],
)  # fmt: skip
def test_literals_of_a_statement(statement, text):
    """Each text and number becomes a ?, whatever its quotes; placeholders and names are kept."""
    assert without_literals(statement) == text


DJANGO = """
import logging, json, sys
import django
from django.conf import settings
settings.configure(DEBUG=True, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:"}}, INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth",
    "django.contrib.sessions"])
django.setup()
import cxlogging
from cxlogging.devserver import DevServer
from django.core.management import call_command
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
call_command("migrate", verbosity=0)
found = {}
with DevServer() as server:
    for name, options in (("as it is", {}), ("left out", {"sql_parameters": "false"})):
        handler = cxlogging.CoralogixHandler("k", url=server.url, application_name=name, **options)
        logging.getLogger("django.db.backends").setLevel("DEBUG")
        logging.getLogger("django.db.backends").addHandler(handler)
        User.objects.create_user(name, password="pw")
        User.objects.filter(password="canary4711").count()
        Session.objects.create(session_key=f"canary4711{name}", session_data="canary4711",
            expire_date=timezone.now())
        handler.flush(timeout=30)
        logging.getLogger("django.db.backends").removeHandler(handler)
        handler.close()
    for event in server.store.oldest("coralogix"):
        found.setdefault(event["application"], []).append(json.dumps(event["data"]))
print(json.dumps(found))
"""


def test_django_itself():
    """The statements of real queries are shipped without the values of their parameters."""
    pytest.importorskip("django")
    done = subprocess.run(
        [sys.executable, "-c", DJANGO], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert any("canary4711" in each for each in found["as it is"])
    assert len(found["left out"]) == len(found["as it is"])
    assert not [each for each in found["left out"] if "canary4711" in each or "pbkdf2" in each]
    assert any("django_session" in each for each in found["left out"])


def item_of(**options):
    handler = cxlogging.BetterStackHandler("k", url=NOWHERE, format="json", **options)
    record = a_record("peewee", ("\x1b[31mSELECT\x1b[0m %s", [SECRET]), None, link="\x1b[1mx\x1b[m")
    item = handler._make(record, None, 1)
    handler.close()
    return json.loads(item)


def test_the_options_reach_the_item():
    """sql_parameters and strip_ansi change what is shipped, alone and together."""
    assert SECRET in item_of()["message"]
    assert SECRET not in item_of(sql_parameters=False)["message"]
    both = item_of(sql_parameters="off", strip_ansi="true")
    assert (both["message"], both["link"]) == ("SELECT %s", "x")


@pytest.mark.parametrize("name", ["sql_parameters", "strip_ansi"])
@pytest.mark.parametrize("value", ["maybe", 5, [], "falsch"])
def test_what_is_no_boolean_is_refused(name, value):
    """The error names the option and the value."""
    with pytest.raises(ConfigurationError, match=rf"{name} takes"):
        cxlogging.BetterStackHandler("k", url=NOWHERE, **{name: value})


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b[38;5;208mred\x1b[m",
        "\x1b]8;;https://example.org\x1b\\red\x1b]8;;\x1b\\",
        "\x1b]0;title\x07red",
        "\x9b1mred",
        "\x1b(Bred",
        "\x1b[2K\x1b[1Gred",
    ],
)
@pytest.mark.parametrize("redact", ["names", None, "/green/"])
def test_escape_sequences_are_taken_out_of_all_texts(text, redact):
    """Messages, extras and stacks are plain with strip_ansi, whatever redact is."""
    options = {} if redact == "names" else {"redact": redact}
    kinds = {cxlogging.BetterStackHandler: {"format": "json"}, cxlogging.HoneycombHandler: {}}
    for kind, own in kinds.items():
        handler = kind("k", url=NOWHERE, strip_ansi=True, **own, **options)
        record = a_record("shop", f"{text} %s", (text,), deep=[text], stack_info=text)
        item = handler._make(record, None, 1)
        handler.close()

        assert b"\x1b" not in item
        assert b"\\u001b" not in item
        assert b"red red" in item
