"""Commands and functions of DataPrime for completion, with what they do, one sentence each."""

from __future__ import annotations

from typing import Any

from ..engine.functions import FUNCTIONS
from ..engine.functions.function import Function
from ..engine.values import Kind

COMMAND_HELP = {
    "source": "Where events come from: source logs",
    "filter": "Keep events for which a condition is true: filter $m.severity >= ERROR",
    "block": "Leave out events for which a condition is true: block $d.path == '/health'",
    "find": "Keep events with a text in a field: find 'timeout' in $d.message",
    "wildfind": "Keep events with a text in any field: wildfind 'timeout'",
    "lucene": "Keep events that match a Lucene query: lucene 'status:500'",
    "limit": "Keep the first events: limit 100",
    "orderby": "Sort: orderby $d.duration desc",
    "dedupeby": "Keep the first events of each value: dedupeby $d.user.id keep 1",
    "choose": "Keep these fields alone: choose $d.user.id, $d.message",
    "create": "Add a field: create $d.seconds from $d.ms / 1000",
    "replace": "Change a field: replace $d.path with toLowerCase($d.path)",
    "move": "Rename a field: move $d.old to $d.new",
    "remove": "Remove fields: remove $d.password",
    "redact": "Overwrite what matches in a field: redact $d.message matching /[0-9]+/ to '*'",
    "convert": "Change the type of a field: convert datatypes $d.code:number",
    "extract": "Take a text apart into fields: extract $d.message into $d.parts using kv()",
    "explode": "One row for each element: explode $d.items into $d.item original preserve",
    "groupby": "Group, and aggregate each group: groupby $d.user.id aggregate count() as n",
    "multigroupby": "Group in several ways at once: multigroupby ($d.a), ($d.b) aggregate count()",
    "aggregate": "Aggregate all events: aggregate avg($d.duration) as mean",
    "count": "Count the events: count into $d.n",
    "countby": "Count the events of each value: countby $d.status into $d.n",
    "distinct": "Every value once: distinct $d.user.id",
    "top": "The groups with the largest values: top 5 $d.path by count()",
    "bottom": "The groups with the smallest values: bottom 5 $d.path by count()",
    "join": "Add rows of another query with the same key: join (source logs) using $d.id into $d.x",
    "roundtime": "Round the time down: roundtime to 1h into $d.hour",
    "stitch": "Add the rows of another query side by side: stitch (source logs) into $d.x",
    "union": "Add the rows of another query: union (source logs | filter $d.x == 1)",
}

AGGREGATIONS = {
    "any_value(any): any": "One of the values.",
    "approx_count_distinct(any): number": "The number of different values.",
    "avg(number): number": "The mean of the values.",
    "collect(any): array": "All values as an array.",
    "count(any?): number": "The number of events, or of values.",
    "count_if(bool): number": "The number of events for which the condition is true.",
    "distinct_count(any): number": "The number of different values.",
    "distinct_count_if(bool, any): number": "The number of different values under a condition.",
    "max_by(any, any): any": "The value of the second where the first is largest.",
    "median(number): number": "The value in the middle.",
    "min_by(any, any): any": "The value of the second where the first is smallest.",
    "percentile(number, number): number": "The value below which this part of the values is.",
    "sample_stddev(number): number": "The standard deviation of a sample.",
    "sample_variance(number): number": "The variance of a sample.",
    "stddev(number): number": "The standard deviation.",
    "variance(number): number": "The variance.",
}
"""By signature; `max`, `min` and `sum` are functions too."""

FUNCTION_HELP = {
    "abs": "The number without its sign.",
    "addInterval": "The sum of two intervals.",
    "addTime": "The time that is an interval later.",
    "arrayAppend": "The array with one more element.",
    "arrayConcat": "All arrays as one.",
    "arrayContains": "Whether the array has the element.",
    "arrayInsertAt": "The array with one more element at a position, from 0.",
    "arrayJoin": "The elements as one string, with a separator between them.",
    "arrayLength": "The number of elements.",
    "arrayRemove": "The array without the elements that equal a value.",
    "arrayRemoveAt": "The array without the element at a position, from 0.",
    "arrayReplaceAll": "The array with another value wherever the first one is.",
    "arrayReplaceAt": "The array with another element at a position, from 0.",
    "arraySort": "The elements in order; true for descending, true for nulls first.",
    "arraySplit": "The parts of a string between separators, as an array.",
    "byteLength": "The number of bytes in UTF-8.",
    "cardinality": "The number of different elements.",
    "ceil": "The next integer above.",
    "chr": "The character with this code point.",
    "codepoint": "The code point of a character.",
    "concat": "All values as one string.",
    "contains": "Whether the string contains another one; the case counts.",
    "decodeBase64": "The text that is encoded in base64.",
    "diffTime": "The interval from the second time to the first.",
    "e": "Euler's number.",
    "encodeBase64": "The text in base64.",
    "endsWith": "Whether the string ends with another one.",
    "extractTime": "A part of a time, such as its 'hour', in a time zone.",
    "firstNonNull": "The first value that is not null.",
    "floor": "The next integer below.",
    "formatInterval": "The interval as text, in a unit.",
    "formatTimestamp": "The time as text, in a format such as '%F %T' and a time zone.",
    "fromBase": "The number in a text of digits to a base.",
    "fromUnixTime": "The time from a number since 1970, in a unit.",
    "if": "The second value where the condition is true, else the third.",
    "in": "Whether the first value equals one of the others.",
    "inArray": "Whether the value is in the array.",
    "indexOf": "Where the text begins in the string, from 0; -1 if nowhere.",
    "ipInSubnet": "Whether the address is in a subnet such as 10.0.0.0/8.",
    "ipPrefix": "The subnet of the address with so many bits.",
    "isEmpty": "Whether the array has no elements.",
    "isSubset": "Whether all elements of the first array are in the second.",
    "isSuperset": "Whether all elements of the second array are in the first.",
    "isUuid": "Whether the text is a UUID.",
    "length": "The number of characters.",
    "ln": "The natural logarithm.",
    "log": "The logarithm to a base, which comes first.",
    "log2": "The logarithm to base 2.",
    "ltrim": "The text without white space at its start.",
    "matches": "Whether the whole text matches a regular expression.",
    "max": "The largest of the numbers; of one value, the largest of all events.",
    "min": "The smallest of the numbers; of one value, the smallest of all events.",
    "mod": "The remainder of a division.",
    "multiplyInterval": "The interval, so many times.",
    "objectSize": "The number of bytes of the object as compact JSON in UTF-8; of $d by default.",
    "pad": "The text with a character added on the left, up to a length.",
    "padLeft": "The text with a character added on the left, up to a length.",
    "padRight": "The text with a character added on the right, up to a length.",
    "parseInterval": "The interval in a text such as 1h30m.",
    "parseTimestamp": "The time in a text.",
    "parseToTimestamp": "The time in a text.",
    "pi": "The number pi.",
    "power": "The first number to the power of the second.",
    "random": "A random number from 0 to 1.",
    "randomInt": "A random integer below a bound.",
    "randomUuid": "A random UUID.",
    "regexpSplitParts": "The part with this number, from 1, between matches of a pattern.",
    "round": "The number with so many decimal places.",
    "roundInterval": "The interval, with units below the given one as zero.",
    "roundTime": "The time, rounded down to an interval.",
    "rtrim": "The text without white space at its end.",
    "setDiff": "The elements of the first array that are not in the second.",
    "setDiffSymmetric": "The elements that are in only one of the arrays.",
    "setEqualsTo": "Whether both arrays have the same elements.",
    "setIntersection": "The elements that are in both arrays.",
    "setUnion": "The elements that are in one of the arrays.",
    "splitParts": "The part with this number, from 1, between separators.",
    "sqrt": "The square root.",
    "startsWith": "Whether the string starts with another one.",
    "substr": "The part of the text from a position on, with a length.",
    "substring": "The part of the text from a position on, with a length: write substr.",
    "subtractInterval": "The difference of two intervals.",
    "subtractTime": "The time that is an interval earlier.",
    "sum": "The sum of the numbers; of one value, the sum of all events.",
    "timeRound": "The time, rounded down to an interval.",
    "toBase": "The number as digits to a base.",
    "toInterval": "The interval from a number, in a unit.",
    "toIso8601DateTime": "The time as text in ISO 8601.",
    "toLowerCase": "The text in lower case.",
    "toTimeUnit": "The interval as a number of units.",
    "toUnixTime": "The number since 1970, in a unit.",
    "toUpperCase": "The text in upper case.",
    "trim": "The text without white space at both ends.",
    "urlDecode": "The text without percent encoding.",
    "urlEncode": "The text with percent encoding.",
    "uuid": "A random UUID.",
}


def language() -> dict[str, Any]:
    """Return ``{"commands": [{"name", "help"}], "functions": [{"name", "signature", "help"}]}``."""
    functions = [
        {
            "name": name,
            "signature": f"{name}({_parameters(function)}): {_name(function.returns)}",
            "help": FUNCTION_HELP[name],
        }
        for name, function in FUNCTIONS.items()
    ]
    aggregations = [
        {"name": signature.partition("(")[0], "signature": signature, "help": text}
        for signature, text in AGGREGATIONS.items()
    ]
    return {
        "commands": [{"name": name, "help": text} for name, text in COMMAND_HELP.items()],
        "functions": sorted([*functions, *aggregations], key=lambda one: one["signature"].lower()),
    }


def _parameters(function: Function) -> str:
    minimum = len(function.takes) if function.minimum is None else function.minimum
    shown = [
        _name(kind) if n < minimum else f"{_name(kind)}?" for n, kind in enumerate(function.takes)
    ]
    return ", ".join(shown) + (", …" if function.many else "")


def _name(kind: Kind) -> str:
    return kind.value.lower()
