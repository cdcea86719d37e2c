"""Recall against optimising, on models that do exactly one of the two."""

import pytest

from twofold.diagnostics.diagnostic import Subject
from twofold.diagnostics.generalisation.ood import UNSEEN, Ood
from twofold.models.scripted import ScriptedModel
from twofold.problems.optimisation import VARIANTS, quadruple
from twofold.problems.optimisation.choice import Choice
from twofold.problems.optimisation.packing import Knapsack
from twofold.types import Sampling, Slice

N = 20


def collected(reply, family=None, role="model", n=N):
    """Rows of a model that answers `reply(quadruple, variant)`."""
    family = family or Choice()
    asked = {}
    for i in range(n):
        made = quadruple(family, 0, i)
        fresh = quadruple(family, UNSEEN, i)
        text = fresh.problem("n1_binding").messages()[-1]["content"].strip()
        asked[text] = (fresh, "n1_binding")
        for variant in VARIANTS:
            asked[made.problem(variant).messages()[-1]["content"].strip()] = (made, variant)
    model = ScriptedModel(lambda prompt, sample: reply(*asked[prompt]))
    subject = Subject(role=role, model=model, problems=(), answers=(), sampling=Sampling(), seed=0)
    diagnostic = Ood(families=(family,), n=n)
    return diagnostic, list(diagnostic.collect(subject, frozenset()))


def boxed(text):
    return f"It is \\boxed{{{text}}}."


def optimiser(made, variant):
    return boxed(made.problem(variant).answer)


def recaller(made, variant):
    return boxed(made.problem("n" if variant != "size_control" else variant).answer)


def memory(made, variant):
    """Knows the instances of seed 0 and gives their optimum for whatever is like them; else solves."""
    known = made.source_id.startswith("0/") and variant in ("n", "n1_binding", "n1_slack")
    return recaller(made, variant) if known else optimiser(made, variant)


def test_memory_shows_against_the_fresh_twin_and_nowhere_else():
    diagnostic, rows = collected(memory)
    found = diagnostic.analyse(rows, ())
    fall = found.comparison("solved", versus="n1_fresh", condition="n1_binding")
    assert fall.difference.value == -1.0 and fall.p_adjusted < 0.001
    assert found.estimate("copies", condition="n1_binding").value == 1.0
    assert found.estimate("solved", condition="n1_fresh").value == 1.0


def cheapest(made, variant):
    """A rule without any memory: the cap is not looked at."""
    worth = made.instances[variant].program().worth
    return boxed(min(worth, key=worth.__getitem__))


def test_a_rule_without_memory_does_not_look_like_memory():
    diagnostic, rows = collected(cheapest, n=80)
    found = diagnostic.analyse(rows, ())
    fall = found.comparison("solved", versus="n1_fresh", condition="n1_binding").difference
    assert fall.low < 0 < fall.high


@pytest.mark.parametrize("family", [Choice(), Knapsack()], ids=lambda f: f.name)
def test_an_optimiser_loses_nothing_and_copies_nothing(family):
    diagnostic, rows = collected(optimiser, family)
    found = diagnostic.analyse(rows, ())
    for variant in VARIANTS:
        assert found.estimate("best", condition=variant).value == 1.0
        assert found.estimate("gap", condition=variant).value == 0.0
    assert found.estimate("copies", condition="n1_binding").value == 0.0
    assert found.estimate("changed_for_nothing", condition="n1_slack").value == 0.0
    assert (
        found.comparison("solved", versus="n1_fresh", condition="n1_binding").difference.value
        == 0.0
    )


@pytest.mark.parametrize("family", [Choice(), Knapsack()], ids=lambda f: f.name)
def test_a_recaller_is_right_until_what_it_recalls_is_gone(family):
    diagnostic, rows = collected(recaller, family)
    found = diagnostic.analyse(rows, ())
    assert (
        found.estimate("best", condition="n").value
        == found.estimate("best", condition="n1_slack").value
        == 1
    )
    assert found.estimate("best", condition="n1_binding").value == 0.0
    assert found.estimate("copies", condition="n1_binding").value == 1.0
    assert found.estimate("kept", condition="n1_binding", slice=Slice("rule", "names")).value == 0.0
    known = found.comparison("solved", versus="size_control", condition="n")
    assert known.difference.value == 0.0  # it was told the optimum of the control as well
    assert (
        found.comparison("solved", versus="n1_fresh", condition="n1_binding").difference.value
        == 0.0
    )
    assert found.estimate("copies", role="random", condition="n1_binding").value < 1.0


def test_who_answers_in_no_form_is_unscored_and_told():
    diagnostic, rows = collected(lambda made, variant: "I would rather not say.")
    found = diagnostic.analyse(rows, ())
    assert found.estimate("parsed", condition="n").value == 0.0
    assert found.estimate("best", condition="n") is None
    assert any("too few" in caveat for caveat in found.caveats)


def test_what_is_done_is_not_asked_again():
    diagnostic, rows = collected(optimiser)
    asked = []

    def listen(prompt, sample):
        asked.append(prompt)
        return "x"

    subject = Subject(
        role="model",
        model=ScriptedModel(listen),
        problems=(),
        answers=(),
        sampling=Sampling(),
        seed=0,
    )
    left = list(diagnostic.collect(subject, {row["key"] for row in rows[3:]}))
    assert len(left) == 3 == len(asked)


def test_a_pair_is_compared_by_instance():
    diagnostic, before = collected(recaller, role="baseline")
    _, after = collected(optimiser)
    found = diagnostic.analyse([*before, *after], ())
    change = found.comparison("solved", condition="n1_binding")
    assert change.difference.value == 1.0 and change.n_improved == N


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("\\boxed{Nobody}", 0),
        ("\\boxed{}", 0),
        ("so \\boxed{<b>}", 0),
        ("<script>alert(1)</script>", 0),
        ("\\boxed{" + "a," * 5000 + "}", 0),
    ],
)
def test_odd_replies_are_judged_or_left(reply, read):
    diagnostic, rows = collected(lambda made, variant: reply)
    assert {row["parsed"] for row in rows} == {read}
    assert diagnostic.analyse(rows, ()).caveats
