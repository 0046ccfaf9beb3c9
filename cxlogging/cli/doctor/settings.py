"""The settings in effect, and where each came from; keys are masked."""

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

LOW_DISK_SPACE = 256 * 2**20
"""Free bytes below which the disk of a spool is worth a warning."""


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
        yield warn("settings", sentence, "Unset the variable that you do not want.", about=about)
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
    """Return the origin of a value: a variable, an argument, or the default."""
    if setting.source in setting.variables:
        return setting.source
    for name in setting.variables:
        if held(name) == setting.value:
            return name
    if setting.is_secret and setting.value == LOCAL_KEY:
        return "the local server needs none"
    return "default" if setting.value == setting.default else "argument"


def _profile(handler: ShippingHandler) -> Profile[Any] | None:
    """Return the profile of the handler's vendor; None for a custom destination."""
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
    """Return what may be shown of a key: its prefix and its length."""
    prefixes = filter(None, (each.profile.key_prefix for each in VENDORS.values()))
    kind = re.match("|".join(prefixes), value)
    return f"{kind[0] if kind else ''}… of {len(value)} characters"


def _changed(options: Options) -> Iterator[tuple[str, str]]:
    usual = Options()._asdict()
    for name, value in options._asdict().items():
        if options.stream and name == "compression":
            continue  # the relay compresses, if at all
        if value != usual[name]:
            yield name, _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if name == "headers" and isinstance(value, Mapping):
        return ", ".join(value)  # values of headers may be secrets
    if name == "proxy":
        return without_password(str(value))
    return str(value) if isinstance(value, (str, int, float)) else type(value).__name__


def without_password(address: str) -> str:
    """Return the address of a proxy without user and password."""
    return re.sub(r"//[^@/]*@", "//****@", address)


def _spool(about: str, handler: ShippingHandler) -> Iterator[Finding]:
    directory = handler.delivery.options.directory
    if directory is None:
        return
    path = Path(directory)
    stats = handler.stats()
    detail = f"{path}: {stats.spooled:,} records wait"
    existing = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK | os.X_OK):
        yield fail(
            "spool state",
            f"this user cannot write to {existing}",
            "Make the application's user its owner.",
            detail=detail,
            about=about,
        )
    elif free < LOW_DISK_SPACE:
        yield warn(
            "spool state",
            f"only {free // 2**20} MiB are free on its disk",
            "Free some disk space, or lower spool_bytes.",
            detail=detail,
            about=about,
        )
    else:
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        yield ok("spool state", f"{detail}, {size:,} bytes, {free // 2**20:,} MiB free", about)
