"""
Masks secrets in texts that come from servers; every diagnostic passes through `Masker`.

A server may quote a key: as a whole, its beginning (some proxies quote eight
characters), or in another encoding. A text is masked after it is parsed, and before
it is truncated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MIN_CHARACTERS = 8
"""
Length of the shortest secret, and of the shortest beginning of one, that is masked.

A shorter one would match ordinary words, and does not let anybody guess the rest of a key.
"""
MASK = "****"

_SENSITIVE = re.compile(
    r"auth|key|token|secret|cookie|passw|pwd|credential|session|signature|jwt|bearer|api-?id",
    re.IGNORECASE,
)
_USER = re.compile(r"//[^\s/'\"<>]*@")
_BARE_USER = re.compile(r"[^\s/@'\"]*:[^\s/'\"]*@")


class Masker:
    """
    Masks secrets in a text.

    It masks each secret of at least `MIN_CHARACTERS`, and anything that begins like one
    for at least as many characters, unless it is a word without digits that continues
    differently. Both are found in upper and lower case, percent-encoded, escaped for
    JSON or HTML, and in base64. The user and password of every URL are masked too.

    Args:
        secrets: The values of the secrets.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form for secret in secrets for form in _forms(secret) if len(form) >= MIN_CHARACTERS
        }
        self._forms = sorted(forms, key=len, reverse=True)
        self._whole = [form.encode("latin-1", "ignore").lower() for form in self._forms]
        heads = {re.escape(form[:MIN_CHARACTERS]) for form in self._forms}
        flags = re.IGNORECASE | re.ASCII
        self._head = re.compile("|".join(sorted(heads)), flags) if heads else None

    def __call__(self, text: str) -> str:
        """Return *text* with all secrets masked."""
        text = without_user(text)
        if self._head is None:
            return text
        parts, done, at = [], 0, 0
        while (match := self._head.search(text, at)) is not None:
            start = match.start()
            end = max(_end(text, start, form) for form in self._forms)
            if end:
                parts += [text[done:start], MASK]
                done = at = end
            else:
                at = start + 1
        return "".join([*parts, text[done:]])

    def blank(self, data: bytes) -> bytes:
        """
        Return *data* with an asterisk for each byte of a secret that it quotes as a whole.

        Its length stays: it may be in any format, such as MessagePack.
        """
        lowered, blanked = data.lower(), bytearray()
        for form in self._whole:
            at = lowered.find(form) if len(form) >= MIN_CHARACTERS else -1
            while at >= 0:
                blanked = blanked or bytearray(data)
                blanked[at : at + len(form)] = b"*" * len(form)
                at = lowered.find(form, at + len(form))
        return bytes(blanked) if blanked else data


def without_user(text: str) -> str:
    """Return *text* with the user and the password of each URL masked."""
    return _USER.sub(f"//{MASK}@", text) if "@" in text else text


def without_bare_user(text: str) -> str:
    """Return *text*, which may be a URL without a scheme, with user and password masked."""
    return _BARE_USER.sub(f"{MASK}@", without_user(text)) if "@" in text else text


def header_secrets(name: str, value: str) -> Iterator[str]:
    """Yield the value of a header and the parts of it, if the name says that it is secret."""
    if _SENSITIVE.search(name):
        yield value
        yield from re.split(r"[\s;,=]+", value)


def _end(text: str, start: int, form: str) -> int:
    """Return where *form*, or enough of its beginning, ends in *text*; 0 if it does not occur."""
    length = 0
    for held, wanted in zip(text[start : start + len(form)], form, strict=False):
        if held != wanted and held.lower() != wanted.lower():
            break
        length += 1
    end = start + length
    if length == len(form):
        return end
    if length < MIN_CHARACTERS:
        return 0
    # "bananas" holds no part of the key "banana-4711", nor "gateway-timeout" of "gateway-1".
    has_digit = any(each.isdigit() for each in text[start:end])
    return end if has_digit or not text[end : end + 1].isalnum() else 0


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms in which *secret* may be quoted."""
    import base64  # noqa: PLC0415 - needed once a process
    import html  # noqa: PLC0415
    import json  # noqa: PLC0415
    from urllib.parse import quote, quote_plus  # noqa: PLC0415

    yield secret
    escaped = json.dumps(secret)[1:-1]
    yield from (escaped, json.dumps(escaped)[1:-1], secret.replace("/", "\\/"))
    yield re.sub("[<>&']", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (html.escape(secret), html.escape(secret, quote=False))
    data = secret.encode("utf-8", "surrogatepass")
    for offset in range(3):  # the bytes before it shift its bits
        whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        form = whole[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield from (form, form.replace("+", "-").replace("/", "_"))
