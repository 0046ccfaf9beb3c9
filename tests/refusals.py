"""What every refusal of an emulator must tell."""

from __future__ import annotations

import json

from cxlogging.vendors.emulation.types import MAX_REJECTIONS, ApiResult, Rule


def explained(result: ApiResult) -> ApiResult:
    """Return *result*; fail where it refuses something without a rule that explains it."""
    if result.answer.status >= 400:
        (rejection,) = result.rejections
        assert rejection.index is None
        assert_is_complete(rejection.rule)
        return result
    assert [each.index for each in result.rejections] == refused_items(result)[:MAX_REJECTIONS]
    for each in result.rejections:
        assert_is_complete(each.rule)
        assert each.error
    return result


def refused_items(result: ApiResult) -> list[int]:
    """Return the places of the items that were refused for what they are, and not by a fault."""
    if not result.error:
        return []
    return [n for n, one in enumerate(json.loads(result.answer.body)) if one["status"] == 400]


def assert_is_complete(rule: Rule) -> None:
    """Fail where a part of *rule* is missing, or is not a sentence or a public address."""
    for text in (rule.text, rule.fix):
        assert text[0].isalpha()
        assert text.endswith(".")
        assert "  " not in text
    assert rule.link.startswith("https://")
    assert " " not in rule.link
