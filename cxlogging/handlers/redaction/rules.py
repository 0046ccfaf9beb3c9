"""Which values are hidden, decided by the names of their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ...errors import ConfigurationError
from ...wire import option_parsers as values
from ...wire.http import INTEGERS
from ...wire.sanitizing.sanitizer import HIDDEN, Sanitizer, Secrecy
from ...wire.sanitizing.truncation import strip_ansi

SENSITIVE = (
    # passwords
    "password passwd passwrd passwort passphrase passcode pwd userpass dbpass mysqlpass pgpass"
    " smtppass mailpass emailpass ftppass ldappass redispass sshpass httppass adminpass rootpass"
    " loginpass sudopass becomepass vaultpass keypass storepass proxypass"
    # tokens, and what identifies a login
    " token jwt bearer secret secretid auth authorization authorisation authentication"
    " credential creds csrf xsrf cookie session sessionid sessid sessionkey connectsid"
    # keys
    " apikey accesskey accesskeyid secretkey secretkeybase privatekey privkey signingkey"
    " encryptionkey masterkey sharedkey presharedkey psk sshkey authkey appkey applicationkey"
    " accountkey storagekey subscriptionkey functionskey clientkey writekey ingestkey licensekey"
    " hmackey aeskey fernetkey tlskey sslkey pgpkey deploykey connectionstring"
    " accesssignature amzsignature sastoken seedphrase mnemonic"
    # codes
    " otp authcode authorizationcode otpcode pincode verificationcode securitycode smscode"
    " mfacode 2facode totpcode recoverycode backupcode cvv cvc cvv2 ssn"
).split()
"""A name that ends in one of these is sensitive, regardless of case and separators."""

SENSITIVE_WORDS = frozenset({"pin", "sid"})
"""A name whose last word is one of these is sensitive: ``card_pin``, but not ``spin``."""

ENDINGS = (
    "values? hash(?:es|ed)? digest salt plain clear raw text str(?:ing)? headers?"
    " encrypted enc encoded base64 b64 hex bytes new old current previous prev backup confirm"
    " confirmation again repeat verify data md5 sha1 sha256 sha512 bcrypt scrypt argon2 v"
).split()
"""Words that may follow a sensitive word: ``token_hash`` and ``password_new`` are sensitive."""

HARMLESS = re.compile(
    r"(?:max|min|total|prompt|completion|input|output|cached|reasoning|used|num|n)tokens"
    r"|(?:eos|bos|pad|unk|sep|cls|mask|stop|special)tokens?"
    r"|(?:next|previous|prev)?pagetoken|continuationtoken"
    r"|(?:post|pre)?(?:obsession|possession|intersession)s?"
)
"""Names that end like sensitive ones but are not: tokens of language models and of pages."""

MAX_CACHED_NAMES = 10_000
MAX_NAME = 256
"""Characters of a name that are examined, from its end."""

_SEPARATORS = str.maketrans("", "", "_-. ")
_NO_WORD = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_AFTER = rf"(?:{'|'.join(ENDINGS)}|\d)*"
_ENDS = re.compile(rf"(?:{'|'.join(SENSITIVE)})(?P<plural>s?){_AFTER}\Z")
_SUFFIX = re.compile(rf"(?:{'|'.join(ENDINGS)}|\d+)")


class SensitiveNames:
    """
    Decides whether the name of a field is sensitive, and caches the decision.

    A name is sensitive if it ends in a sensitive word: ``db_password``, ``accessToken``
    and ``X-Api-Key`` are, ``max_tokens``, ``token_count`` and ``password_attempts`` are
    not. If the word is a plural, a number under that name is a count, and is shown.

    Args:
        words: Further names that are sensitive, also as a part of a field's name.
        safe: Whole names that are not sensitive, whatever the other rules say.
    """

    def __init__(self, words: Iterable[str] = (), safe: Iterable[str] = ()) -> None:
        self._words = tuple(map(_fold, words))
        self._answers = {_fold(name): Secrecy.NONE for name in safe}
        self._safe = frozenset(self._answers)

    def __call__(self, name: str) -> int:
        answer = self._answers.get(name)
        return self._decide(name) if answer is None else answer

    def _decide(self, name: str) -> int:
        folded = _fold(name)
        if folded in self._safe:
            answer = Secrecy.NONE
        elif any(word in folded for word in self._words):
            answer = Secrecy.WHOLE
        else:
            answer = secrecy(name)
        if len(self._answers) < MAX_CACHED_NAMES:
            self._answers[name] = answer
        return answer


def secrecy(name: str) -> int:
    """Return the decision of the default rules on a field's *name*, as in `Secrecy`."""
    name = name[-MAX_NAME:]
    folded = _NO_WORD.sub("", name.casefold())
    if HARMLESS.fullmatch(folded):
        return Secrecy.NONE
    words = [word.casefold() for word in _WORDS.findall(name)]
    while len(words) > 1 and _SUFFIX.fullmatch(words[-1]):
        words.pop()
    if words and words[-1] in SENSITIVE_WORDS:
        return Secrecy.VALUES
    found = _ENDS.search(folded)
    if found is None:
        return Secrecy.NONE
    return Secrecy.TEXTS if found["plural"] else Secrecy.VALUES


class DefaultRules:
    """The default of the option ``redact``; its repr is shown in signatures."""

    def __repr__(self) -> str:
        return "<the default rules>"


def build_sanitizer(
    redact: object,
    redact_except: object = None,
    integers: range = INTEGERS,
    *,
    strips_ansi: bool = False,
) -> Sanitizer:
    """
    Return the sanitizer for the options ``redact`` and ``redact_except``.

    Args:
        redact: `DefaultRules`, or None for no redaction, or names that are sensitive
            in addition to the default ones. A compiled pattern among them, or a text
            between slashes, hides what it matches in messages and other texts.
        redact_except: Names that are not sensitive, whatever the other rules say.
        integers: The integers that are shipped as numbers.
        strips_ansi: Whether the escape sequences of terminals are removed from all texts.

    Raises:
        ConfigurationError: An option is invalid.
    """
    safe = _safe(redact_except)
    if redact is None and safe:
        raise ConfigurationError(
            "redact_except has no effect if redact is None: leave one of them out."
        )
    words, patterns = ([], []) if isinstance(redact, (DefaultRules, type(None))) else _rules(redact)
    names = None if redact is None else SensitiveNames(words, safe)
    return Sanitizer(names, _edit(patterns, strips_ansi), integers)


def _edit(patterns: list[re.Pattern[str]], strips_ansi: bool) -> Callable[[str], str] | None:
    """Return the function that is applied to each text, or None if there is none."""
    if not patterns:
        return strip_ansi if strips_ansi else None

    def edit(text: str) -> str:
        if strips_ansi:
            text = strip_ansi(text)
        for pattern in patterns:
            text = pattern.sub(HIDDEN, text)
        return text

    return edit


def _safe(redact_except: object) -> list[str]:
    """Return the names in ``redact_except``."""
    if redact_except is None:
        return []
    if not isinstance(redact_except, Iterable) or isinstance(redact_except, bytes):
        raise _invalid("redact_except takes field names", redact_except)
    safe = []
    for each in _listed(redact_except):
        if not isinstance(each, str) or not _fold(each):
            raise _invalid("redact_except takes field names", each)
        safe.append(each)
    return safe


def _rules(redact: object) -> tuple[list[str], list[re.Pattern[str]]]:
    """Return the sensitive names and the patterns in *redact*."""
    if isinstance(redact, re.Pattern):
        redact = (redact,)
    if not isinstance(redact, Iterable) or isinstance(redact, bytes):
        raise _invalid("redact takes field names and patterns, or None", redact)
    words: list[str] = []
    patterns = []
    for each in _listed(redact):
        if isinstance(each, re.Pattern):
            patterns.append(each)
        elif isinstance(each, str) and _is_pattern(each):
            patterns.append(_pattern(each[1:-1]))
        elif isinstance(each, str) and _fold(each):
            words.append(each)
        else:
            raise _invalid("redact takes field names and patterns", each)
    return words, patterns


def _listed(given: Iterable[object]) -> list[object]:
    """Return the items of *given*; a text is a list of names with commas, or one pattern."""
    if not isinstance(given, str):
        return list(given)
    return [given] if _is_pattern(given) else [each.strip() for each in given.split(",")]


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text[0] == text[-1] == "/"


def _invalid(takes: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"{takes}, not {values.shown(value)}.")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigurationError(f"redact: invalid regular expression {text!r}: {error}.") from None


def _fold(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)
