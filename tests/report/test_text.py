"""Sentences and plain-text tables: the verdict in words, and what is shown where nothing is."""

import dataclasses

import pytest

from twofold.report.markdown import document, summary
from twofold.report.tables import breakdowns, endings, headline, types
from twofold.report.wording import absences, verdict
from twofold.types import Comparison, Ended, Estimate, Finding, Outcome

NAMES = {"model": "new", "against": "old"}


def share(value: float, *, half: float = 0.1, lost: int = 0) -> Estimate:
    return Estimate(
        value=value, low=value - half, high=value + half, n=200, n_unscored=lost, method="by hand"
    )


def moved(by: float, *, detectable: float | None = 0.2) -> Comparison:
    return Comparison(
        difference=share(by, half=0.05),
        before=share(0.5),
        after=share(0.5 + by),
        n_gained=9,
        n_lost=2,
        p=0.0004,
        detectable=detectable,
        test="by hand",
    )


def pair(capability: float, compliance: float, outcome: Outcome) -> Finding:
    return Finding(
        diagnostic="joint",
        question="Both?",
        estimates={
            f"{role}/{key}": share(0.4, lost=3)
            for role in ("model", "against")
            for key in ("plain/accuracy", "stated/hacc", "by/thinking_tokens/≤10/hacc")
        }
        | {"floor/constant/hacc": share(0.05)},
        comparisons={"capability": moved(capability), "compliance": moved(compliance)},
        outcome=outcome,
    )


@pytest.mark.parametrize(
    ("capability", "compliance", "outcome", "title"),
    [
        (0.2, 0.2, Outcome.both_rise, "Both rose"),
        (0.2, -0.2, Outcome.trade_off, "A trade-off: capability rose, compliance fell"),
        (-0.2, 0.2, Outcome.trade_off, "A trade-off: compliance rose, capability fell"),
        (0.2, 0.0, Outcome.one_rises, "Only capability rose"),
        (0.0, 0.0, Outcome.none_rises, "Neither rose"),
        (0.0, -0.2, Outcome.worse, "Worse: compliance fell"),
        (0.0, 0.0, Outcome.powerless, "Too few problems to tell"),
    ],
)
def test_the_title_says_which_side_moved(
    capability: float, compliance: float, outcome: Outcome, title: str
) -> None:
    assert verdict(pair(capability, compliance, outcome), NAMES).title == title


def test_the_numbers_stand_with_their_intervals() -> None:
    said = verdict(pair(0.12, -0.2, Outcome.trade_off), NAMES)
    assert said.numbers == (
        "Capability +0.120 [+0.070, +0.170], compliance −0.200 [−0.250, −0.150]."
    )


def test_powerless_says_what_could_have_been_seen() -> None:
    assert "capability 0.200, compliance 0.200" in (
        verdict(pair(0.0, 0.0, Outcome.powerless), NAMES).meaning
    )


def test_every_number_of_the_summary_has_interval_and_units() -> None:
    text = summary([pair(0.2, 0.2, Outcome.both_rise)], NAMES)
    row = next(line for line in text.splitlines() if line.startswith("| All constraints met"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "All constraints met (HAcc)",
        "0.400 [0.300, 0.500] (n=200, 3 unscored)",
        "0.400 [0.300, 0.500] (n=200, 3 unscored)",
        "+0.200 [+0.150, +0.250]",
        "< 0.001",
        "9/2",
        "0.200",
        "constant 0.050 [−0.050, 0.150]",
    ]


def test_names_cannot_become_markup_or_control_the_terminal() -> None:
    text = document([], {"model": "a\x1b[31m|<script>\nb"})
    assert text.splitlines()[0] == "# a [31m|&lt;script> b"


def test_other_diagnostics_are_listed() -> None:
    still = dataclasses.replace(moved(0.0), n_gained=0, n_lost=0)
    other = Finding(
        diagnostic="profiles",
        question="What differs?",
        estimates={"type/a|b/official": share(0.5), "type/a|b/fixed": share(0.6)},
        comparisons={"type/a|b": moved(0.1, detectable=None), "type/c": still},
        caveats=("careful",),
    )
    lines = summary([other]).splitlines()
    assert lines[0] == "**What differs?**"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")][1:3] == ["official", "fixed"]
    assert lines[4].startswith(r"| type/a\|b | 0.500 [0.400, 0.600] (n=200)")
    assert lines[6] == "In 1 more, not one problem came out otherwise."
    assert lines[8] == "- careful"


def test_a_diagnostic_that_compares_nothing_lists_its_estimates() -> None:
    other = Finding(diagnostic="x", question="How many?", estimates={"a/b": share(0.3)})
    assert "| a/b      | 0.300 [0.200, 0.400] (n=200) |" in summary([other])


def test_absences_name_what_is_missing_and_nothing_else() -> None:
    full = pair(0.2, 0.2, Outcome.both_rise)
    assert set(absences(full)) == {"types"}
    bare = Finding(diagnostic="joint", question="?", estimates={"model/stated/hacc": share(0.5)})
    assert set(absences(bare)) == {"accuracy", "types", "thinking", "against"}


def test_headline_rows_leave_out_what_was_not_measured() -> None:
    rows = headline(pair(0.2, 0.2, Outcome.both_rise))
    assert [row.key for row in rows] == ["plain/accuracy", "stated/hacc"]
    assert list(rows[0].estimates) == ["against", "model"]
    assert rows[0].comparison == moved(0.2)
    assert rows[1].floors == {"constant": share(0.05)}


def test_types_are_grouped_and_the_group_leads() -> None:
    keys = ("type/punctuation:no_comma/rate", "type/made:up/rate", "group/format/rate")
    finding = Finding(
        diagnostic="joint",
        question="?",
        estimates={f"model/{key}": share(0.5) for key in keys},
    )
    groups = types(finding)
    group = next(name for name, rows in groups.items() if len(rows) == 1 and name == "other")
    assert [row.name for row in groups[group]] == ["made:up"]
    assert next(row.name for row in groups["format"]) == "format"


def test_breakdowns_keep_values_with_slashes() -> None:
    finding = pair(0.2, 0.2, Outcome.both_rise)
    extra = {"model/by/source/a/b/hacc": share(0.1)}
    found = breakdowns(dataclasses.replace(finding, estimates={**finding.estimates, **extra}))
    assert [each.tag for each in found] == ["thinking_tokens", "source"]
    assert found[1].values == ("a/b",)


def test_endings_count_each_role_and_condition() -> None:
    counts = {"model/plain/ended/answered": 7, "model/plain/ended/failed": 1, "other": 3}
    (ending,) = endings(Finding(diagnostic="joint", question="?", counts=counts))
    assert ending.total == 8
    assert ending.counts[Ended.failed] == 1
