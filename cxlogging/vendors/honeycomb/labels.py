"""The labels of an event of Honeycomb."""

from __future__ import annotations

from ..emulation.labels import Labels

LABELS = Labels("honeycomb", {"dataset": "dataset", "samplerate": "samplerate"})
