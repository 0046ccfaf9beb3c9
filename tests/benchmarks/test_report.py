"""The report: text, the pages of the documentation, the picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from benchmarks.picture import PANELS, picture, scale
from benchmarks.processes import ROOT
from benchmarks.publish import BEGIN, END, markdown, placed, publish, summary
from benchmarks.report import Table, text

from .runs import a_round, result

SVG = "{http://www.w3.org/2000/svg}"


def test_the_report_says_what_was_reached_and_what_was_not():
    """Each aim is listed with its number, its bound and its outcome."""
    lines = text(result()).splitlines()

    call = [line for line in lines if line.startswith("p50 of the call, over logtail")]
    assert [line.split()[8:] for line in call] == [
        ["memory", "≤", "0.25", "1.000", "Coralogix", "1.000", "NOT", "reached"],
        ["spool", "≤", "0.25", "1.000", "Coralogix", "1.000", "NOT", "reached"],
    ]
    wire = next(line for line in lines if line.startswith("bytes per record on the wire"))
    assert wire.split()[6:] == ["memory", "≤", "35", "B", "20.00", "Honeycomb", "20.00", "reached"]


def test_the_report_hides_no_trouble():
    """Absent peers, failed rounds, unreadable bodies, losses and a busy machine are reported."""
    run = result(absent={"watchtower": "No module named 'watchtower'"})
    run["environment"] = {**run["environment"], "load": 3.0}
    run["runs"]["burst"]["libhoney"] = [
        {"round": 0, "failed": "no answer in 180 seconds"},
        {**a_round(1, missing=5), "unreadable": "honeycomb: ValueError"},
    ]

    said = text(run)
    assert "watchtower could not be measured: No module named 'watchtower'." in said
    assert "libhoney, burst: failed: no answer in 180 seconds." in said
    assert "libhoney, burst: the sink could not read a body: honeycomb: ValueError." in said
    assert "load 3.0" in said
    assert "The sink was busy for 4 % of a run's wall time at most." in said
    row = next(line for line in said.splitlines() if line.startswith("libhoney "))
    assert row.split()[-3:] == ["5", "0", "4"]


def test_a_table_becomes_markdown():
    """A table has a heading, a header row, a separator and rows."""
    table = Table("Title", ("", "a"), [("x", "1")])

    assert markdown(table) == "### Title\n\n|  | a |\n| --- | ---: |\n| x | 1 |"


def test_figures_are_placed_between_the_marks():
    """Text around the marks stays, text between them is replaced."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert placed(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("page", ["none", f"{END} {BEGIN}", f"{BEGIN} {END} {BEGIN} {END}"])
def test_a_page_without_one_place_for_figures_is_refused(page):
    """A page without exactly one place for figures is not changed."""
    with pytest.raises(ValueError, match="The page needs one"):
        placed(page, "new")


def test_publishing_writes_the_picture_and_both_pages(tmp_path):
    """The page gets all tables, the front page the picture."""
    (tmp_path / "docs").mkdir()
    for path in (tmp_path / "README.md", tmp_path / "docs" / "benchmarks.md"):
        path.write_text(f"# Title\n{BEGIN}\n{END}\n")

    written = publish(result(), tmp_path)

    assert sorted(path.name for path in written) == ["README.md", "benchmarks.md", "benchmarks.svg"]
    page = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "### The numbers to reach" in page
    assert "### Records with an exception of 7 frames" in page
    front = (tmp_path / "README.md").read_text()
    assert "/main/docs/benchmarks.svg)" in front
    assert "a call took 10-10 µs" in front
    assert "Beside two threads that compute, a call took 20 µs on average" in front
    assert "served 80% of the requests" in front
    assert re.search(r"Of \d+ numbers to reach, \d+ were reached\.", front)


def test_both_pages_have_a_place_for_figures(tmp_path):
    """The real pages have the marks."""
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/benchmarks.md"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")

    assert len(publish(result(), tmp_path)) == 3
    assert "| NOT reached |" in (tmp_path / "docs" / "benchmarks.md").read_text("utf-8")


def test_a_run_without_a_burst_is_not_published(tmp_path):
    """The error says what is missing; no file is touched."""
    with pytest.raises(ValueError, match="no figures of the mode 'burst'"):
        publish(result(runs={}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_picture_is_read_by_those_who_do_not_see_it():
    """It is well-formed and has a title and a description with every number."""
    root = ElementTree.fromstring(picture(result()["runs"]))

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title description"
    assert root.find(f"{SVG}title").text
    said = root.find(f"{SVG}desc").text
    assert "logtail-python: A call takes, µs (p50): 10.0; Beside 2 busy threads, µs" in said
    assert "watchtower: A call takes, µs (p50): 10.0; CPU of a record, µs: 15;" in said


def test_bars_are_as_long_as_their_numbers():
    """Half the number gives half the length."""
    burst = {
        "cxlogging Coralogix": [a_round(0, call_us=10)],
        "libhoney": [a_round(0, call_us=20)],
        "no-op handler": [a_round(0, call_us=5)],
    }
    root = ElementTree.fromstring(picture({"burst": burst, "busy-2": burst}))

    bars = [float(each.get("width")) for each in root.iter(f"{SVG}rect")]
    assert len(bars) == 2 * len(PANELS)
    assert bars[0] * 2 == pytest.approx(bars[1], abs=0.2)


def test_a_mode_that_was_not_run_has_no_panel():
    """The picture is as wide as its panels; a subject that was not measured has no bar."""
    burst = {name: [a_round(0)] for name in ("libhoney", "watchtower")}
    alone = ElementTree.fromstring(picture({"burst": burst}))
    busy = ElementTree.fromstring(
        picture({"burst": burst, "busy-2": {"libhoney": [a_round(0, call_us=30)]}})
    )

    bars = [len(list(each.iter(f"{SVG}rect"))) for each in (alone, busy)]
    assert bars == [2 * (len(PANELS) - 1), 2 * (len(PANELS) - 1) + 1]
    assert int(alone.get("width")) < int(busy.get("width"))


def test_the_front_page_says_what_was_measured_alone():
    """A mode that was not measured has no sentence; a span with equal ends is one number."""
    runs = result()["runs"]
    runs["web"]["libhoney"] = [{**a_round(0), "served": 433}]
    del runs["loop-10000"]
    said = " ".join(summary(runs))

    assert "event loop" not in said
    assert "with logging.FileHandler 80%, with the SDKs 43-80%." in said


def test_a_number_far_beyond_the_others_does_not_squash_them():
    """The scale is that of the others; the long bar is cut off, with its number next to it."""
    assert scale([10, 20, 30, 40, 5_000]) == 40
    calls = {"libhoney": 20, "cxlogging Coralogix": 10, "watchtower": 30, "axiom-py": 5_000}
    burst = {name: [a_round(0, call_us=call)] for name, call in calls.items()}
    drawn = picture({"burst": burst})

    assert drawn.count("<path") == 1
    assert ">5000.0</text>" in drawn
