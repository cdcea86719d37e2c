"""Sentences and plain-text tables: the verdict in words, and what is shown where nothing is."""

import dataclasses

import pytest

from twofold.diagnostics.joint.analysis import AS_WRONG
from twofold.report.markdown import document, summary
from twofold.report.side_by_side import pairs
from twofold.report.tables import CELLS, breakdowns, endings, headline, types, unfinished
from twofold.report.verdict import absences, never_finished, verdict
from twofold.report.wording import false_moves, statement
from twofold.types import (
    ALL,
    Comparison,
    Contrast,
    Count,
    Estimate,
    Finding,
    FinishReason,
    Lineage,
    Measure,
    Outcome,
    Slice,
)

NAMES = {"model": "new", "baseline": "old"}


def share(value: float, *, half: float = 0.1, lost: int = 0) -> Estimate:
    return Estimate(
        value=value, low=value - half, high=value + half, n=200, n_unscored=lost, method="by hand"
    )


def moved(by: float, *, minimum_detectable_effect: float | None = 0.2) -> Comparison:
    return Comparison(
        difference=share(by, half=0.05),
        before=share(0.5),
        after=share(0.5 + by),
        n_improved=9,
        n_regressed=2,
        p=0.0004,
        minimum_detectable_effect=minimum_detectable_effect,
        test="by hand",
    )


def measure(
    metric: str,
    estimate: Estimate,
    *,
    role: str = "model",
    condition: str = "constrained",
    part: Slice = ALL,
) -> Measure:
    return Measure(role=role, condition=condition, metric=metric, slice=part, estimate=estimate)


def contrast(
    metric: str,
    comparison: Comparison,
    *,
    versus: str = "baseline",
    condition: str = "constrained",
    part: Slice = ALL,
) -> Contrast:
    return Contrast(
        role="model",
        versus=versus,
        condition=condition,
        metric=metric,
        slice=part,
        comparison=comparison,
    )


def joint(*measures: Measure) -> Finding:
    return Finding(diagnostic="joint", question="?", measures=measures)


def pair(capability: float, compliance: float, outcome: Outcome) -> Finding:
    return Finding(
        diagnostic="joint",
        question="Both?",
        measures=[
            measure(metric, share(0.4, lost=3), role=role, condition=condition, part=part)
            for role in ("model", "baseline")
            for condition, metric, part in (
                ("unconstrained", "accuracy", ALL),
                ("constrained", "hacc", ALL),
                ("constrained", "hacc", Slice("thinking_tokens", "≤10")),
            )
        ]
        + [measure("hacc", share(0.05), role="constant_reply", condition="")],
        contrasts=[
            contrast("accuracy", moved(capability), condition="unconstrained"),
            contrast("hacc", moved(compliance)),
        ],
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
        (0.0, 0.0, Outcome.underpowered, "Too few problems to tell"),
    ],
)
def test_the_title_says_which_side_moved(
    capability: float, compliance: float, outcome: Outcome, title: str
) -> None:
    assert verdict(pair(capability, compliance, outcome), NAMES).title == title


def test_the_first_line_says_that_there_is_one_training_run_a_side() -> None:
    line = summary([pair(0.2, 0.2, Outcome.both_rise)], NAMES).splitlines()[0]
    assert ", one training run**: One training run: with 200 problems, 29 % of simulated" in line
    assert "such a move (48 % if the baseline is a training run, too)" in line


def test_where_nothing_moved_no_false_move_is_spoken_of() -> None:
    for outcome in (Outcome.none_rises, Outcome.underpowered, Outcome.unfinished):
        line = summary([pair(0.0, 0.0, outcome)], NAMES).splitlines()[0]
        assert ", one training run**: One training run: the intervals cover other problems" in line
        assert "simulated" not in line


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "50 problems, 11 %"), (71, "100 problems, 15 %"), (3000, "1000 problems, 69 %")],
)
def test_the_rate_of_false_moves_is_that_of_the_nearest_simulated_number(n: int, said: str) -> None:
    assert said in false_moves(n, Lineage.trained_from_baseline)
    assert "%" not in false_moves(n, Lineage.trained_from_baseline).split(said)[1]


def test_weights_that_were_not_trained_have_no_training_run() -> None:
    said = statement(Outcome.both_rise, {}, lineage=Lineage.same_weights)
    assert (said.first_line, said.caution) == ("Both rose", "")


def test_with_several_training_runs_the_sentence_goes() -> None:
    said = statement(Outcome.both_rise, {}, n_runs=3)
    assert (said.first_line, said.caution) == ("Both rose", "")


def test_the_numbers_stand_with_their_intervals() -> None:
    said = verdict(pair(0.12, -0.2, Outcome.trade_off), NAMES)
    assert said.numbers == (
        "Capability +0.120 [+0.070, +0.170], compliance −0.200 [−0.250, −0.150]."
    )


def test_powerless_says_what_could_have_been_seen() -> None:
    assert "capability 0.200, compliance 0.200" in (
        verdict(pair(0.0, 0.0, Outcome.underpowered), NAMES).meaning
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
        "constant reply 0.050 [-0.050, 0.150] (n=200)",
    ]


def test_names_cannot_become_markup_or_control_the_terminal() -> None:
    text = document([], {"model": "a\x1b[31m|<script>\nb"})
    assert text.splitlines()[0] == "# a [31m|&lt;script> b"


def profiles() -> Finding:
    """Four things judged by both profiles: alike, a little apart, far apart, and by one alone."""
    same, far = Slice("type", "same"), Slice("type", "a|b")
    values = {("met", same): (0.5, 0.5), ("accuracy", ALL): (0.5, 0.4), ("met", far): (0.5, 0.8)}
    measures = [
        measure(metric, share(value, lost=7), condition=profile, part=part)
        for (metric, part), both in values.items()
        for profile, value in zip(("official", "fixed"), both, strict=True)
    ]
    alone = measure("met", share(0.3), condition="fixed", part=Slice("type", "alone"))

    def differs(metric: str, part: Slice, comparison: Comparison) -> Contrast:
        return contrast(metric, comparison, versus="official", condition="fixed", part=part)

    return Finding(
        diagnostic="profiles",
        question="What differs?",
        measures=[*measures, alone],
        contrasts=[
            differs("met", same, dataclasses.replace(moved(0.0), n_improved=0, n_regressed=0)),
            differs("accuracy", ALL, moved(-0.1)),
            differs("met", far, moved(0.3, minimum_detectable_effect=None)),
        ],
        caveats=("careful",),
    )


def test_every_type_has_a_row_and_the_largest_difference_leads() -> None:
    rows = pairs(profiles())
    assert [row.label for row in rows] == ["a|b", "answer (grader)", "same", "alone"]
    assert rows[0].before == share(0.5, lost=7)  # all that the profile scored, not the pairs alone
    assert (rows[3].before, rows[3].after, rows[3].comparison) == (None, share(0.3), None)


def test_the_terminal_hides_no_type() -> None:
    lines = summary([profiles()]).splitlines()
    assert lines[0] == "**What differs?**"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")][1:3] == ["official", "fixed"]
    first = r"| a\|b            | 0.500 [0.400, 0.600] (n=200, 7 unscored) | 0.800"
    assert lines[4].startswith(first)
    alone = [cell.strip() for cell in lines[7].strip("|").split("|")]
    assert alone == ["alone", "–", "0.300 [0.200, 0.400] (n=200)", *["–"] * 4]
    assert lines[9] == "- careful"


def test_profiles_of_which_one_scored_nothing() -> None:
    found = dataclasses.replace(profiles(), contrasts=())
    assert len(pairs(found)) == 4
    assert "(grader)" in summary([found])


def test_types_of_a_pair_stand_before_and_after() -> None:
    part = Slice("type", "x")
    found = joint(
        measure("met", share(0.2), role="baseline", part=part),
        measure("met", share(0.4), part=part),
        measure("met", share(0.1), condition="unconstrained", part=part),
    )
    lines = [line for line in summary([found]).splitlines() if line.startswith(("| con", "| x "))]
    head, row = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert head == [
        "constraint type",
        "met when stated, before",
        "met when stated, after",
        "met when not stated, before",
        "met when not stated, after",
    ]
    assert [cell[:5] for cell in row] == ["x", "0.200", "0.400", "–", "0.100"]


def test_cells_stand_once() -> None:
    found = joint(*(measure(metric, share(0.2)) for metric in ("joint", *CELLS)))
    assert [row.label for row in headline(found)] == ["Right and all constraints met"]
    text = summary([found])
    assert "Right and obedient" not in text
    assert "Wrong, but compliant" in text


def cut(n: int) -> Finding:
    """A pair of which both rise, whose base was cut inside `n` of 100 thoughts."""
    counts = [
        Count(role=role, condition=condition, metric=metric, n=number)
        for role, condition, metric, number in (
            ("baseline", "unconstrained", "answered", 50),
            ("baseline", "constrained", "answered", 50 - n),
            ("baseline", "constrained", "unclosed_thinking", n),
            ("model", "constrained", "answered", 50),
        )
    ]
    return dataclasses.replace(pair(0.2, 0.2, Outcome.both_rise), counts=counts)


def test_cut_thoughts_are_counted_over_both_conditions() -> None:
    assert unfinished(cut(9)) == {"baseline": (9, 100)}
    assert unfinished(cut(0)) == {}


def test_a_warning_from_more_than_one_in_twenty() -> None:
    assert never_finished(cut(5), NAMES) == []
    (said,) = never_finished(cut(6), NAMES)
    assert said.startswith("6 of 100 replies of old never finished thinking (6.0 %).")


def test_a_verdict_that_unfinished_replies_decide() -> None:
    found = cut(9)
    worst = [
        contrast("accuracy", moved(0.01), condition="unconstrained", part=AS_WRONG),
        contrast("hacc", moved(0.01), part=AS_WRONG),
    ]
    found = dataclasses.replace(
        found, outcome=Outcome.unfinished, contrasts=[*found.contrasts, *worst]
    )
    said = verdict(found, NAMES)
    assert said.title == "Undecided: too many replies never finished thinking"
    assert said.meaning == (
        "The verdict changes if unclosed thinking is counted as wrong. "
        "Never finished thinking: 9 of 100 replies of old. Counted as wrong and not compliant: "
        "capability +0.010 [−0.040, +0.060], compliance +0.010 [−0.040, +0.060]."
    )


def test_a_diagnostic_that_compares_nothing_lists_its_estimates() -> None:
    measures = (measure("steps", share(0.3), condition=""),)
    other = Finding(diagnostic="x", question="How many?", measures=measures)
    assert "| steps · model | 0.300 [0.200, 0.400] (n=200) |" in summary([other])


def test_absences_name_what_is_missing_and_nothing_else() -> None:
    full = pair(0.2, 0.2, Outcome.both_rise)
    assert set(absences(full)) == {"types"}
    bare = joint(measure("hacc", share(0.5)))
    assert set(absences(bare)) == {"accuracy", "types", "thinking", "baseline"}


def test_headline_rows_leave_out_what_was_not_measured() -> None:
    rows = headline(pair(0.2, 0.2, Outcome.both_rise))
    assert [row.label.partition(",")[0] for row in rows] == [
        "Accuracy",
        "All constraints met (HAcc)",
    ]
    assert list(rows[0].estimates) == ["baseline", "model"]
    assert rows[0].comparison == moved(0.2)
    assert rows[1].floors == {"constant reply": share(0.05)}


def test_types_are_grouped_and_the_group_leads() -> None:
    parts = (
        Slice("type", "punctuation:no_comma"),
        Slice("type", "made:up"),
        Slice("group", "format"),
    )
    finding = joint(*(measure("met", share(0.5), part=part) for part in parts))
    groups = types(finding)
    group = next(name for name, rows in groups.items() if len(rows) == 1 and name == "other")
    assert [row.name for row in groups[group]] == ["made:up"]
    assert next(row.name for row in groups["format"]) == "format"


def test_breakdowns_keep_values_with_slashes() -> None:
    finding = pair(0.2, 0.2, Outcome.both_rise)
    extra = measure("hacc", share(0.1), part=Slice("source", "a/b"))
    found = breakdowns(dataclasses.replace(finding, measures=[*finding.measures, extra]))
    assert [each.label for each in found] == ["Thinking length in tokens", "Source"]
    assert found[1].values == ("a/b",)


def test_endings_count_each_role_and_condition() -> None:
    counts = [
        Count(role="model", condition="unconstrained", metric=metric, n=n)
        for metric, n in (("answered", 7), ("failed", 1))
    ]
    (ending,) = endings(Finding(diagnostic="joint", question="?", counts=counts))
    assert ending.total == 8
    assert ending.counts[FinishReason.failed] == 1
