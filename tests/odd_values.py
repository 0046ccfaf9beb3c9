"""
Values that people log and that JSON cannot hold, and what must arrive for each.

A row's *arrives* is the exact value, or a pattern that the whole arriving text
matches. Each value is made anew for each test: some can be used only once.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import pathlib
import re
import socket
import threading
import types
import uuid
import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from unittest import mock


class Odd(NamedTuple):
    name: str
    make: Callable[[], Any]
    arrives: Any


def arrived(expected: Any, value: Any) -> bool:
    """Return True when *value* is what was *expected*, to the type and the sign of zero."""
    if isinstance(expected, re.Pattern):
        return isinstance(value, str) and expected.fullmatch(value) is not None
    if isinstance(expected, dict):
        keys = isinstance(value, dict) and list(expected) == list(value)
        return keys and all(arrived(expected[each], value[each]) for each in expected)
    if isinstance(expected, list):
        sound = isinstance(value, list) and len(expected) == len(value)
        return sound and all(map(arrived, expected, value))
    return type(expected) is type(value) and repr(expected) == repr(value)


class Color(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    TWO = 2


class Word(str, enum.Enum):
    YES = "yes"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Order:
    number: int
    items: list[str]


class RaisingItems(dict):
    def items(self):
        raise ValueError("no items")


class RaisingLength(Mapping):
    def __len__(self) -> int:
        raise ValueError("no length")

    def __iter__(self):
        return iter("ab")

    def __getitem__(self, key):
        return ord(key)


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class ReprOfNumber:
    def __repr__(self) -> str:
        return 5


class RaisingText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class Kilometres(int):
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class Celsius(float):
    def __repr__(self) -> str:
        raise ValueError("no repr")

    __str__ = __repr__


class Array:
    """What numpy's arrays and scalars look like from outside."""

    __module__ = "numpy"
    dtype = "int64"

    def __init__(self, plain: Any, size: Any) -> None:
        self.plain = plain
        self.size = size

    def tolist(self) -> Any:
        return self.plain

    def __repr__(self) -> str:
        return f"array(of {type(self.plain).__name__})"


class Model:
    """What looks like a pydantic model, and is none: its method is not called."""

    size = "large"

    def model_dump(self) -> dict[str, Any]:
        return {"size": self.size, "tags": ("a", "b")}


class WSGIRequest:
    """What Django's request looks like: a stream, an odd mapping, and a repr of its own."""

    environ: Mapping[str, Any] = types.MappingProxyType({"wsgi.input": object()})

    def __iter__(self):
        raise AssertionError("a request is not read by logging it")

    def __repr__(self) -> str:
        return "<WSGIRequest: GET '/orders/'>"


def a_function() -> None:
    """A function to be logged."""


def nested(depth: int) -> list[Any]:
    return functools.reduce(lambda inside, _: [inside], range(depth), [])


def cycle_of_dict() -> dict[str, Any]:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = cycle
    return cycle


def cycle_of_list() -> list[Any]:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    return cycle


def dead_proxy() -> Any:
    return weakref.proxy(Array(1, 1))


def closed_socket() -> socket.socket:
    connection = socket.socket()
    connection.close()
    return connection


def closed_file() -> Any:
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - a file object is meant
        return file


def any_text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


SURROGATES = ("\ud800", "\ud801")
UTC = datetime.timezone.utc
PLUS_TWO = datetime.timezone(datetime.timedelta(hours=2))
NAME = re.escape(__name__)

ODD = [
    Odd("none", lambda: None, None),
    Odd("true", lambda: True, True),
    Odd("nan", lambda: math.nan, "NaN"),
    Odd("infinity", lambda: math.inf, "Infinity"),
    Odd("minus infinity", lambda: -math.inf, "-Infinity"),
    Odd("minus zero", lambda: -0.0, -0.0),
    Odd("smallest float", lambda: 5e-324, 5e-324),
    Odd("largest float", lambda: 1.7976931348623157e308, 1.7976931348623157e308),
    Odd("largest int64", lambda: 2**63 - 1, 2**63 - 1),
    Odd("smallest int64", lambda: -(2**63), -(2**63)),
    Odd("2**63", lambda: 2**63, "9223372036854775808"),
    Odd("-2**63 - 1", lambda: -(2**63) - 1, "-9223372036854775809"),
    Odd("2**70", lambda: 2**70, "1180591620717411303424"),
    Odd("10**5000", lambda: 10**5000, "<int of 16610 bits>"),
    Odd("int subclass", lambda: Kilometres(7), 7),
    Odd("float subclass", lambda: Celsius(1.5), 1.5),
    Odd("str subclass", lambda: RaisingText("kept"), "kept"),
    Odd("Decimal", lambda: decimal.Decimal("1.10"), "1.10"),
    Odd("Decimal NaN", lambda: decimal.Decimal("sNaN"), "sNaN"),
    Odd("Fraction", lambda: fractions.Fraction(1, 3), "1/3"),
    Odd("complex", lambda: 1 + 2j, "(1+2j)"),
    Odd("bytes of UTF-8", "naïve".encode, "naïve"),
    Odd("bytes of no UTF-8", lambda: b"\xff\x00", "<bytes base64 /wA=>"),
    Odd("many bytes", lambda: b"a" * 10**6, any_text("a{16384}… \\[cut from 1000000 bytes\\]")),
    Odd("bytearray", lambda: bytearray(b"abc"), "abc"),
    Odd("memoryview", lambda: memoryview(b"abc"), "abc"),
    Odd(
        "aware datetime",
        lambda: datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=PLUS_TWO),
        "2024-02-29T01:02:03.000004+02:00",
    ),
    Odd(
        "naive datetime",
        lambda: datetime.datetime(2024, 1, 1),  # noqa: DTZ001 - it is naive
        "2024-01-01T00:00:00",
    ),
    Odd("date", lambda: datetime.date(2024, 1, 2), "2024-01-02"),
    Odd("time", lambda: datetime.time(3, 4, 5, tzinfo=UTC), "03:04:05+00:00"),
    Odd("timedelta", lambda: datetime.timedelta(minutes=1, microseconds=5), 60.000005),
    Odd("UUID", lambda: uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    Odd("path", lambda: pathlib.PurePosixPath("/a/b"), "/a/b"),
    Odd(
        "path of surrogates", lambda: pathlib.PurePosixPath("/\udcff"), "/\N{REPLACEMENT CHARACTER}"
    ),
    Odd("enum", lambda: Color.RED, "red"),
    Odd("int enum", lambda: Number.TWO, 2),
    Odd("str enum", lambda: Word.YES, "yes"),
    Odd("flags", lambda: Access.READ | Access.WRITE, 3),
    Odd("named tuple", lambda: Point(1, 2), {"x": 1, "y": 2}),
    Odd("dataclass", lambda: Order(7, ["a"]), {"number": 7, "items": ["a"]}),
    Odd("class of a dataclass", lambda: Order, f"{__name__}.Order"),
    Odd("tuple", lambda: (1, "a"), [1, "a"]),
    Odd("set", lambda: {1}, [1]),
    Odd("frozenset", lambda: frozenset("a"), ["a"]),
    Odd("deque", lambda: collections.deque([1, 2], maxlen=2), [1, 2]),
    Odd("range", lambda: range(3), [0, 1, 2]),
    Odd("keys", {"a": 1}.keys, ["a"]),
    Odd("values", {"a": 1}.values, [1]),
    Odd("items", {"a": 1}.items, [["a", 1]]),
    Odd("counter", lambda: collections.Counter("aab"), {"a": 2, "b": 1}),
    Odd("mapping proxy", lambda: types.MappingProxyType({"a": 1}), {"a": 1}),
    Odd("generator", lambda: (each for each in "ab"), any_text("<generator object .*>")),
    Odd("empty dict and list", lambda: {"d": {}, "l": []}, {"d": {}, "l": []}),
    Odd("cycle in a dict", cycle_of_dict, {"a": 1, "self": "<cycle dict>"}),
    Odd("cycle in a list", cycle_of_list, [1, "<cycle list>"]),
    Odd("the same list twice", lambda: [[1]] * 2, [[1], [1]]),
    Odd(
        "depth 100000",
        lambda: nested(100_000),
        functools.reduce(lambda inside, _: [inside], range(10), "<too deep list>"),
    ),
    Odd(
        "a million keys",
        lambda: dict.fromkeys(range(10**6), 0),
        {**{str(each): 0 for each in range(1000)}, "<999000 more>": "<cut>"},
    ),
    Odd("a million items", lambda: range(10**6), [*range(1000), "<999000 more>"]),
    Odd("tuple keys", lambda: {(1, 2): 3}, {"[1, 2]": 3}),
    Odd("a None key", lambda: {None: 3}, {"None": 3}),
    Odd(
        "keys alike as text",
        lambda: {1: "a", "1": "b", "1_2": "c"},
        {"1": "a", "1_2": "b", "1_2_2": "c"},
    ),
    Odd("bytes keys", lambda: {b"k": 1, b"\xff": 2}, {"k": 1, "<bytes base64 /w==>": 2}),
    Odd(
        "keys of surrogates",
        lambda: dict(zip(SURROGATES, (1, 2), strict=True)),
        {"\ufffd": 1, "\ufffd_2": 2},
    ),
    Odd(
        "a very long key",
        lambda: {"k" * 10**6: 1},
        {f"{'k' * 208}… [cut from 1000000 characters]": 1},
    ),
    Odd("dict whose items raises", lambda: RaisingItems(a=1), "<unrepresentable RaisingItems>"),
    Odd("mapping whose len raises", RaisingLength, {"a": 97, "b": 98}),
    Odd("repr raises", lambda: Raising(ValueError("x")), "<unrepresentable Raising>"),
    Odd("repr raises SystemExit", lambda: Raising(SystemExit(3)), "<unrepresentable Raising>"),
    Odd("repr recurses", lambda: Raising(RecursionError()), "<unrepresentable Raising>"),
    Odd(
        "repr in a list raises", lambda: [Raising(KeyError()), 1], ["<unrepresentable Raising>", 1]
    ),
    Odd("repr is no text", ReprOfNumber, "<unrepresentable ReprOfNumber>"),
    Odd("lone surrogate", lambda: "a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
    Odd("surrogate pair", lambda: "\ud83d\ude00", "\N{GRINNING FACE}"),
    Odd("NUL", lambda: "a\0b", "a\0b"),
    Odd(
        "every control character",
        lambda: "".join(map(chr, range(160))),
        "".join(map(chr, range(160))),
    ),
    Odd("line separators", lambda: "a\u2028b\u2029c\u0085d", "a\u2028b\u2029c\u0085d"),
    Odd("quotes and backslashes", lambda: '"\\/</script>', '"\\/</script>'),
    Odd(
        "a long text in a list",
        lambda: ["x" * 40_000],
        [any_text("x+… \\[cut from 40000 characters\\]")],
    ),
    Odd("class", lambda: WSGIRequest, f"{__name__}.WSGIRequest"),
    Odd("function", lambda: a_function, f"{__name__}.a_function"),
    Odd("bound method", lambda: Model().model_dump, f"{__name__}.Model.model_dump"),
    Odd("partial", lambda: functools.partial(a_function), any_text("functools.partial(.*)")),
    Odd("module", lambda: math, any_text("<module 'math'.*>")),
    Odd("exception", lambda: ValueError("wrong"), "ValueError: wrong"),
    Odd("exception without words", KeyboardInterrupt, "KeyboardInterrupt"),
    Odd("mock", mock.Mock, any_text("<Mock id='.*'>")),
    Odd("magic mock", mock.MagicMock, any_text("MagicMock/.*")),
    Odd("array", lambda: Array([1, 2], 2), [1, 2]),
    Odd("array scalar", lambda: Array(1.5, 1), 1.5),
    Odd("array scalar of NaN", lambda: Array(math.nan, 1), "NaN"),
    Odd("large array", lambda: Array([0] * 1001, 1001), "array(of list)"),
    Odd("tensor, whose size is a method", lambda: Array([1], lambda: 1), "array(of list)"),
    Odd("no model", Model, any_text("<.*Model object at .*>")),
    Odd("request", WSGIRequest, "<WSGIRequest: GET '/orders/'>"),
    Odd("lock", threading.Lock, any_text("<unlocked _thread.lock .*>")),
    Odd("socket", closed_socket, "<socket>"),
    Odd("file", closed_file, any_text("<_io.TextIOWrapper .*>")),
    Odd("dead proxy", dead_proxy, any_text("<weakproxy at .*>")),
]
