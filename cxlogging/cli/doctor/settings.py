"""Settings that are in effect, and where each came from; keys by their shape, never shown."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...delivery.options import Options
from ...handlers.handler import ShippingHandler
from ...vendors.profile import Profile, Setting
from ...vendors.registry import VENDORS
from ...wire.destination import Destination
from ...wire.settings import LOCAL_KEY, held
from .findings import Finding, fail, ok, warn

SPACE = 256 * 2**20
"""Free bytes below which a spool's disk is short of room."""


def settings(about: str, handler: ShippingHandler) -> Iterator[Finding]:
    """Yield the findings about a handler's settings."""
    destination = handler.delivery.destination
    if destination.missing:
        yield fail(
            "settings",
            f"{destination.missing} is not set",
            f"Set {destination.missing}.",
            about=about,
        )
    for sentence in destination.warnings:
        yield warn("settings", sentence, "Unset the one that is not meant.", about=about)
    profile = _profile(handler)
    for each in _settings(profile, destination):
        if each.value:
            shown = _masked(each.value) if each.is_secret else each.value
            yield ok(each.name, f"{shown}  ({_origin(each)})", about)
    for name, value in _changed(handler.delivery.options):
        yield ok(name, f"{value}  (argument)", about)
    for remark in () if profile is None else profile.remarks(destination):
        if remark.cure:
            yield warn(remark.topic, remark.text, remark.cure, about=about)
        else:
            yield ok(remark.topic, remark.text, about)
    yield from _spool(about, handler)


def _origin(setting: Setting) -> str:
    """Return where the value of *setting* came from."""
    if setting.source in setting.variables:
        return setting.source
    for name in setting.variables:
        if held(name) == setting.value:
            return name
    if setting.is_secret and setting.value == LOCAL_KEY:
        return "none is needed on this machine"
    return "default" if setting.value == setting.default else "argument"


def _profile(handler: ShippingHandler) -> Profile[Any] | None:
    """Return what is known of the vendor of *handler*; None for a destination of the user's."""
    vendors = VENDORS.values()
    return next((each.profile for each in vendors if isinstance(handler, each.handler)), None)


def _settings(profile: Profile[Any] | None, destination: Destination) -> Iterator[Setting]:
    if profile is not None:
        yield from profile.settings(destination)
        return
    if destination.credential is not None:
        yield Setting("credential", destination.credential.reveal(), is_secret=True)
    yield Setting("address", str(destination.endpoint or ""))


def _masked(value: str) -> str:
    """Return what may be seen of a key: its kind, and its length."""
    prefixes = filter(None, (each.profile.key_prefix for each in VENDORS.values()))
    kind = re.match("|".join(prefixes), value)
    return f"{kind[0] if kind else ''}… of {len(value)} characters"


def _changed(options: Options) -> Iterator[tuple[str, str]]:
    usual = Options()._asdict()
    for name, value in options._asdict().items():
        if value != usual[name]:
            yield name, _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if name == "headers" and isinstance(value, Mapping):
        return ", ".join(value)  # their values may be secrets
    if name == "proxy":
        return without_password(str(value))
    return str(value) if isinstance(value, (str, int, float)) else type(value).__name__


def without_password(address: str) -> str:
    """Return a proxy's address without user and password."""
    return re.sub(r"//[^@/]*@", "//****@", address)


def _spool(about: str, handler: ShippingHandler) -> Iterator[Finding]:
    options = handler.delivery.options
    if options.spool is None:
        return
    path = Path(options.spool)
    stats = handler.stats()
    detail = f"{path}: {stats.spooled:,} records wait"
    there = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK | os.X_OK):
        yield fail(
            "spool state",
            f"{there} cannot be written by this user",
            "Give it to the user that the application runs as.",
            detail=detail,
            about=about,
        )
    elif free < SPACE:
        yield warn(
            "spool state",
            f"{free // 2**20} MiB are left on its disk",
            "Free some room, or lower spool_bytes.",
            detail=detail,
            about=about,
        )
    else:
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        yield ok("spool state", f"{detail}, {size:,} bytes, {free // 2**20:,} MiB free", about)
