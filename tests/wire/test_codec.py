from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.wire import codec

STDLIB = codec._stdlib()[:3]
PAIRS = [pytest.param(STDLIB, id="stdlib")]
if importlib.util.find_spec("msgspec"):
    PAIRS.append(pytest.param(codec._msgspec()[:3], id="msgspec"))
both = pytest.mark.parametrize("functions", PAIRS)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=6), values, max_size=6)


def exact(value):
    """Return a text that tells values apart to the type and the sign of zero."""
    if isinstance(value, float):
        return f"float {math.copysign(1, value)} {value!r}"
    if isinstance(value, dict):
        return {key: exact(value[key]) for key in value}
    return [exact(each) for each in value] if isinstance(value, list) else f"{value!r}"


@both
@given(value=values | objects)
def test_json_reads_back_as_the_same_value(functions, value):
    """JSON text of sanitized values decodes to the same values with another library's decoder."""
    dumps, _, _ = functions

    assert exact(json.loads(dumps(value), parse_constant=pytest.fail)) == exact(value)


@both
@given(value=values | objects)
def test_msgpack_reads_back_as_the_same_value(functions, value):
    """MessagePack of sanitized values decodes to the same values with another library's decoder."""
    _, _, packb = functions

    assert exact(msgpack.unpackb(packb(value))) == exact(value)


@both
@given(text=st.text())
def test_a_quoted_text_is_its_json(functions, text):
    """A quoted text is valid JSON of that text, without whitespace around it."""
    _, quote, _ = functions

    assert json.loads(quote(text)) == text
    assert (quote(text)[0], quote(text)[-1]) == ('"', '"')


@both
def test_every_character_is_quoted_soundly(functions):
    """Each character of the basic plane except surrogates decodes to itself."""
    _, quote, packb = functions
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10400)]))

    assert json.loads(quote(text)) == text
    assert msgpack.unpackb(packb(text)) == text


@both
@pytest.mark.parametrize("value", ["a\ud800", {"k": "\udfff"}, {"\ud800": 1}, ["\ud800"]])
def test_a_lone_surrogate_is_a_unicode_error(functions, value):
    """A lone surrogate raises UnicodeEncodeError in each encoder, so that it can be replaced."""
    dumps, _, packb = functions

    with pytest.raises(UnicodeEncodeError):
        dumps(value).encode()
    with pytest.raises(UnicodeEncodeError):
        packb(value)


@given(objects)
def test_members_can_be_spliced(value):
    """Members, each preceded by a comma, make a valid object when appended to another member."""
    spliced = json.loads(f'{{"first":0{codec.members(value)}}}')

    assert exact(spliced) == exact({"first": 0, **value} if "first" not in value else spliced)
    assert (codec.members(value) == "") == (not value)


@given(st.text())
def test_scrubbing_changes_no_sound_text(text):
    """A text that can be encoded as UTF-8 is unchanged."""
    assert codec.scrub(text) == text


def test_scrubbing_joins_pairs_and_replaces_the_lone():
    """A surrogate pair becomes its character, a lone surrogate becomes U+FFFD."""
    assert codec.scrub("a\ud83d\ude00b\ud800c\udc00") == "a\N{GRINNING FACE}b\ufffdc\ufffd"


WITHOUT = """
import sys
sys.modules["msgspec"] = None
from cxlogging.wire import codec
print(codec.dumps is codec._stdlib_dumps, codec.dumps({"a": [1.5, "é"]}), codec.packb([1]).hex())
"""


def test_without_msgspec_the_standard_library_encodes():
    """If msgspec is not installed, the functions use the standard library."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", WITHOUT],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )

    assert done.stdout == 'True {"a":[1.5,"é"]} 9101\n'
