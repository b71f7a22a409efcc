"""Plots are text and lines in the page's colours, alike every time, and need no style that a CSP would refuse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answered import HOSTILE
from wukong_trainer.report.metrics_records import LevelPart
from wukong_trainer.report.plots import (
    BROAD,
    CURVE_POINTS,
    WIDTH,
    differences_plot,
    loss_plot,
    loss_points,
    lowest,
    rates_plot,
)
from wukong_trainer.report.words import WORDS

BETTER = LevelPart(
    n=4,
    sections=4,
    metric="fact_hit",
    base={"fact_hit": 0.25},
    tuned={"fact_hit": 0.75},
    wilson95={"base": (0.0, 0.5), "tuned": (0.5, 1.0)},
    difference=0.5,
    ci95=(0.25, 0.75),
    verdict="better",
)
NO_EVIDENCE = replace(BETTER, difference=0.0, ci95=(0.0, 0.0), verdict="no evidence")


def drawn(svg: str) -> ET.Element:
    """The plot, read as strictly as XML is."""
    root = ET.fromstring(svg)
    assert not [element for element in root.iter() if "style" in element.attrib or element.tag == "style"]
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) == set(), "every colour is a variable of the page"
    assert "://" not in svg.replace("http://www.w3.org/", "")
    return root


def ends(root: ET.Element, colour: str) -> list[tuple[float, float]]:
    """Where the straight lines of a colour start and end from left to right."""
    paths = [element.get("d", "") for element in root.iter("path") if element.get("stroke") == f"var(--{colour})"]
    found = [re.fullmatch(r"M (\S+) (\S+)\s+L (\S+) (\S+)\s*", path) for path in paths]
    return [(float(match[1]), float(match[3])) for match in found if match]


def test_rates_stand_on_one_scale_with_their_intervals() -> None:
    root = drawn(rates_plot([("名 0.5", BETTER), ("名 0.0", NO_EVIDENCE)], WORDS["zh"]))
    (base, *_), (tuned, *_) = ends(root, "base"), ends(root, "tuned")
    assert base[1] == tuned[0], "0.5 is 0.5 for both"
    assert tuned[1] - tuned[0] == pytest.approx(base[1] - base[0])
    texts = [element.text for element in root.iter("text")]
    assert texts[:6] == ["名 0.5", "基座 25%", "微调后 75%", "名 0.0", "基座 25%", "微调后 75%"], "beside its mark"
    assert texts[6:] == ["0%", "25%", "50%", "75%", "100%"]
    assert root.get("aria-label") == "正确率"


def test_a_difference_takes_the_colour_of_its_verdict() -> None:
    worse = replace(BETTER, difference=-0.5, ci95=(-0.75, -0.25), verdict="worse")
    root = drawn(differences_plot([("x", BETTER), ("x", worse)], WORDS["en"]))
    ((low, high),), ((left, right),) = ends(root, "good"), ends(root, "bad")
    assert left < right < low < high
    assert "−50" in [element.text for element in root.iter("text")]
    assert drawn(differences_plot([("x", NO_EVIDENCE)], WORDS["en"])) is not None


def test_losses_mark_the_lowest_validation_loss() -> None:
    log = [{"step": i, "loss": 4 / i} for i in range(1, 10)] + [{"step": i, "eval_loss": abs(i - 6)} for i in (3, 6, 9)]
    root = drawn(loss_plot(log, WORDS["en"]))
    (ring,) = [circle for circle in root.iter("circle") if circle.get("fill") == "none"]
    points = [circle for circle in root.iter("circle") if circle.get("fill") == "var(--base)"]
    assert [point.get("cx") for point in points][1] == ring.get("cx"), "step 6"
    assert [element for element in root.iter("path") if element.get("stroke-dasharray")]
    assert loss_plot([{"step": 1, "learning_rate": 0.1}], WORDS["en"]) == ""
    assert drawn(loss_plot([{"step": 1, "loss": 0.0}], WORDS["zh"])).findall(".//circle"), "one step is a point"


def heights(losses: list[float]) -> list[float]:
    """How high each training loss of a run is drawn."""
    root = drawn(loss_plot([{"step": i, "loss": loss} for i, loss in enumerate(losses, 1)], WORDS["en"]))
    path = next(element.get("d", "") for element in root.iter("path") if element.get("stroke") == "var(--tuned)")
    return [-float(point.split()[1]) for point in path.removeprefix("M ").split(" L ")]


def test_losses_stand_on_a_log_scale() -> None:
    first, second, third, nothing = heights([4.0, 0.4, 0.04, 0.0])
    assert first - second == pytest.approx(second - third, abs=0.02), "a tenth is a tenth anywhere"
    assert nothing < third


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ([4.0, 0.05], ["0.05", "0.1", "0.2", "0.5", "1", "2"]),
        ([4.0, 0.0002], ["0.001", "0.01", "0.1", "1"]),
        ([1.3, 1.0], ["0.9", "1", "1.1", "1.2", "1.3", "1.4"]),
        ([2.0, 2.0], ["1.8", "1.9", "2", "2.1", "2.2"]),
    ],
)
def test_the_axis_of_losses_has_round_numbers(losses: list[float], labels: list[str]) -> None:
    root = drawn(loss_plot([{"step": i, "loss": loss} for i, loss in enumerate(losses, 1)], WORDS["en"]))
    assert [text.text for text in root.iter("text") if text.get("text-anchor") == "end"] == labels


def test_the_axis_of_steps_has_whole_numbers_and_a_step_that_is_none_is_passed_over() -> None:
    log: list[dict[str, Any]] = [{"step": 1, "loss": 1.0}, {"step": None, "loss": 1.0}, {"step": "2", "loss": 1.0}]
    texts = [text.text for text in drawn(loss_plot(log, WORDS["en"])).iter("text")]
    assert texts[-2:] == ["1", WORDS["en"]["step"]]


def test_a_plot_is_the_same_bytes_every_time_and_takes_names_as_text() -> None:
    def draw() -> str:
        return rates_plot([(HOSTILE, BETTER)], WORDS["en"])

    assert draw() == draw()
    assert "$x$" in "".join(drawn(draw()).itertext()), "no formula"
    assert "\\u202egnp.exe" in draw()


def test_a_long_log_is_thinned_but_keeps_its_last_step() -> None:
    log: list[dict[str, Any]] = [{"step": i, "loss": 1 / i} for i in range(1, 9000)]
    log += [{"step": 8999, "loss": 0.5}, {"step": 9000, "loss": float("nan")}, {"loss": 3.0}]
    found = loss_points(log, "loss")
    assert len(heights([value for _, value in found])) <= CURVE_POINTS + 1
    assert (found[0], found[-1]) == ((1, 1.0), (8999, 0.5)), "logged again after a resume: the later counts"
    assert lowest([(1, 2.0), (2, 1.0), (3, 1.0)]) == (2, 1.0)


def test_the_lowest_of_many_validation_losses_is_marked_even_where_the_curve_passes_it_over() -> None:
    log = [{"step": i, "eval_loss": 0.25 if i == 778 else 1.0} for i in range(1, 2000)]
    circles = list(drawn(loss_plot(log, WORDS["en"])).iter("circle"))
    (ring,) = [float(circle.get("cy", "0")) for circle in circles if circle.get("fill") == "none"]
    assert ring > max(float(circle.get("cy", "0")) for circle in circles if circle.get("fill") != "none"), "below all"


def test_a_broad_plot_of_losses_has_text_of_the_same_size() -> None:
    log = [{"step": i, "loss": 4 / i} for i in range(1, 10)]
    narrow, broad = (drawn(loss_plot(log, WORDS["en"], width)) for width in (WIDTH, BROAD))
    assert broad.get("font-size") == narrow.get("font-size")
    ends = [max(float(text.get("x", "0")) for text in root.iter("text")) for root in (narrow, broad)]
    assert ends[0] < WIDTH < ends[1] < BROAD


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.01, 0.19, ["0", "+5", "+10", "+15", "+20"]),
        (0.1, 0.6, ["0", "+10", "+20", "+30", "+40", "+50", "+60"]),
        (-0.4, 1.0, ["−25", "0", "+25", "+50", "+75", "+100"]),
        (-1.0, 1.0, ["−100", "−50", "0", "+50", "+100"]),
    ],
)
def test_an_axis_has_round_numbers_and_at_most_six_intervals(low: float, high: float, labels: list[str]) -> None:
    scores = replace(BETTER, ci95=(low, high), difference=high)
    root = drawn(differences_plot([("x", scores)], WORDS["en"]))
    assert [element.text for element in root.iter("text")][2:] == labels
