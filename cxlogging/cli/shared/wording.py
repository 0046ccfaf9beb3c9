"""Messages of the library, with the flags of a command in place of Python arguments."""

from __future__ import annotations

import re

import click

ALIASES = {
    "application_name": "application",
    "subsystem_name": "subsystem",
    "split_on_limit": "split",
    "buffer_bytes": "buffer",
    "row_limits": "row_limit",
}
"""Arguments of the library, and the parameters of commands with another name for them."""

_NO_FLAG = re.compile(r"[Pp]ass (?:api_key|source_token)=,? or (?=set\b)")
_PLAIN_HTTP = re.compile(r"pass allow_plain_http=True \(or (set \w+=1)\)")
_ASSIGNED = re.compile(r"\b(?P<name>[a-z_]+)=(?:True\b|False\b)?(?![=\w'\"(\[{])")
_ALTERNATIVE = re.compile(r" \(or (?P<name>[a-z_]+)=\)")
_LEADING = re.compile(
    r"^(?P<name>[a-z_]+)(?= (?:takes|needs|must|is|are|has|holds|lies|sends|and|both)\b| ')"
)
_LEADING_VALUE = re.compile(r"^(?P<name>[a-z_]+)=(?=['\"\d])")
_SECOND = re.compile(r"(?<= and )(?P<name>[a-z_]+)(?= both\b)")


def examples(*commands: str) -> str:
    """Return the epilog of a command's help, with *commands* as examples."""
    return "\n".join(["\b", "Examples:", *(f"  {each}" for each in commands)])


def in_flags(sentence: str, command: click.Command | None) -> str:
    """Return *sentence* with the arguments of the library replaced by flags of *command*."""
    flags = _flags(command)

    def flag(found: re.Match[str]) -> str:
        return flags.get(found["name"], found[0])

    def alternative(found: re.Match[str]) -> str:
        return f" (or {flags[found['name']]})" if found["name"] in flags else ""

    def with_value(found: re.Match[str]) -> str:
        return f"{flags[found['name']]} " if found["name"] in flags else found[0]

    sentence = _NO_FLAG.sub("", sentence)
    sentence = _ALTERNATIVE.sub(alternative, sentence)
    sentence = _LEADING_VALUE.sub(with_value, sentence)
    if "allow_plain_http" not in flags:
        sentence = _PLAIN_HTTP.sub(r"\1", sentence)
    for pattern in (_ASSIGNED, _LEADING, _SECOND):
        sentence = pattern.sub(flag, sentence)
    if "--background" in flags.values():
        sentence = sentence.replace("submit a background query", "pass --background")
    return sentence


def _flags(command: click.Command | None) -> dict[str, str]:
    options = [each for each in command.params if isinstance(each, click.Option)] if command else []
    flags = {each.name or "": max(each.opts, key=len) for each in options}
    return flags | {name: flags[alias] for name, alias in ALIASES.items() if alias in flags}
