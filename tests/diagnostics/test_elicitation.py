"""Elicitation on planted pairs: each condition fires where it was built in, and nowhere else.

The models are scripts, so what the base can do is known. `same` is the control: a gain that is none.
"""

import json

import pytest

from twofold.constraints import from_spec
from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.diagnostics.elicitation.collect import AGAIN
from twofold.diagnostics.elicitation.rates import Rates
from twofold.errors import RunError
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.randomness import rng_for
from twofold.runs.audit import audit
from twofold.storage.jsonl import read_lines
from twofold.types import FinishReason, Problem, Response, Sampling, Slice

N = 4  # samples
NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
PROBLEMS = [
    Problem(question=f"What is {i} + 200?", answer=str(i + 200), constraints=(NO_COMMA,))
    for i in range(24)
]


def number(prompt):
    return int(prompt.split("What is ")[-1].split()[0])


def replying(decide, *, comma=lambda prompt: False):
    """A model that is right where `decide(number, sample, prompt)` says so."""

    def line(prompt, sample):
        i = number(prompt)
        answer = i + 200 if decide(i, sample, prompt) else 1000 + 50 * i + sample
        return f"{'Well, it' if comma(prompt) else 'It'} is \\boxed{{{answer}}}."

    return ScriptedModel(line)


def always(i, sample, prompt):
    return True


def rambling(prompt, sample):
    """The right number, in words that state no answer, unless the prompt asks for a box."""
    i = number(prompt)
    if "boxed" in prompt.rpartition("What is")[2]:
        return f"It is \\boxed{{{i + 200}}}."
    return f"From {i + 200} as we had it to begin with we take a look at all {i} of them here"


def audited(tmp_path, base, tuned, problems=PROBLEMS, **settings):
    result = audit(
        tuned,
        problems,
        out=tmp_path / "run",
        baseline=base,
        diagnostics=(Elicitation(n_samples=N),),
        **settings,
    )
    return result.findings[-1]


def fired(finding):
    return {c.metric.removeprefix("fired:") for c in finding.counts if c.n and ":" in c.metric}


def judged(finding):
    return {c.metric.removeprefix("fired:") for c in finding.counts if ":" in c.metric}


PLANTED = {
    "format_artefact": (ScriptedModel(rambling), replying(always)),
    # right in one try of two, its wrong answers all different
    "sharpening": (replying(lambda i, s, p: (i + s) % 2 == 0), replying(always)),
    # the base solves everything in one try of four; the tuned model two thirds, always
    "narrowing": (replying(lambda i, s, p: s % 4 == i % 4), replying(lambda i, s, p: i % 3 > 0)),
    "new_capability_within_budget": (
        replying(lambda i, s, p: i < 6),
        replying(lambda i, s, p: i < 6 or (i + s) % 2 == 0),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_planted_condition_fires(tmp_path, name):
    found = audited(tmp_path, *PLANTED[name])
    assert fired(found) == {name}
    assert found.caveats[0].startswith("Fired: ")
    assert any(c.startswith(f"Fired: {name.replace('_', ' ')} (") for c in found.caveats)


def test_the_same_model_twice_fires_nothing_and_recovers_nothing(tmp_path):
    half = replying(lambda i, s, p: (i + s) % 2 == 0)
    found = audited(tmp_path, half, half)
    assert judged(found) == set()
    assert not any(m.metric.startswith("recovery") for m in found.measures)
    assert any("nothing to explain" in c for c in found.caveats)
    assert any("not defined" in c for c in found.caveats)


def test_a_gain_that_no_condition_explains_is_called_mixed(tmp_path):
    """A base that is right once in the further tries alone: not found, not recovered by any arm."""
    base = replying(lambda i, s, p: i < 6 or s == N)
    tuned = replying(lambda i, s, p: i < 6 or (i + s) % 2 == 0)
    found = audited(tmp_path, base, tuned)
    assert fired(found) == set() and judged(found)
    assert any(c.startswith("Mixed: ") for c in found.caveats)


def drawn(rates, role, arm, problem, n, *parts):
    """A row of n tries at a rate of success; wrong answers are spread over five."""
    rng = rng_for(role, arm, problem.id, *parts)
    tries = []
    for right in (rng.random(n) < rates[role, problem.id]).tolist():
        answer = problem.answer if right else f"wrong {rng.integers(5)}"
        tries.append(
            {"correct": float(right), "met": [], "stated": 1, "answer": answer, "n_tokens": 9}
            | {"ended": "answered"}
        )
    at = {"role": role, "arm": arm, "condition": "unconstrained", "problem": problem.id}
    row = at | {"temperature": 1.0, "replies": tries[:16]}
    unsolved = arm == "sampled" and not any(each["correct"] for each in tries[:16])
    return row | ({"more": tries[16:]} if unsolved else {})


# The rate of success at problem i of the base, and of the tuned model
WORLDS = {
    "sharpening": (lambda i: 0.3 + 0.4 * i / 80, lambda i: 0.9),
    "new_capability_within_budget": (
        lambda i: 0.0 if i % 5 < 2 else 0.6,  # a vote recovers as much, on other problems
        lambda i: 0.6,
    ),
    "narrowing sharpening": (lambda i: 0.4, lambda i: 0.0 if i % 4 == 0 else 0.9),
    "": (lambda i: 0.5, lambda i: 0.5),
}


def test_a_seldom_skill_that_a_few_tokens_bring_out_is_sharpened_not_new():
    """The base is right in a tenth of its tries: far behind at 16 of them, and nothing is found in 80."""
    many = [Problem(question=f"What is {i} + 200?", answer=str(i + 200)) for i in range(80)]
    for seed in range(5):
        rates = {("baseline", p.id): 0.1 for p in many} | {("model", p.id): 0.95 for p in many}
        rows = [
            drawn(rates, role, arm, problem, n, seed)
            for role in ("model", "baseline")
            for arm, n in (("as_asked", 1), ("sampled", 80))
            for problem in many
        ]
        assert fired(Elicitation().analyse(rows, many)) == set()  # no arm has the gain
        forced = {("baseline", p.id): 0.9 for p in many}
        rows += [drawn(forced, "baseline", "forced_tokens", p, 1, seed) for p in many]
        found = Elicitation().analyse(rows, many)
        ahead = found.comparison("pass_at_k", condition="sampled", slice=Slice("k", "16"))
        assert ahead.difference.low > 0
        assert fired(found) == {"sharpening"}, (seed, found.caveats)


@pytest.mark.parametrize("name", WORLDS)
def test_with_chance_in_every_reply_the_verdict_is_right_over_five_seeds(name):
    many = [Problem(question=f"What is {i} + 200?", answer=str(i + 200)) for i in range(80)]
    base, tuned = WORLDS[name]
    rates = {("baseline", p.id): base(i) for i, p in enumerate(many)}
    rates |= {("model", p.id): tuned(i) for i, p in enumerate(many)}
    for seed in range(5):
        rows = [
            drawn(rates, role, arm, problem, n, seed)
            for role in ("model", "baseline")
            for arm, n in (("as_asked", 1), ("sampled", 80))
            for problem in many
        ]
        found = Elicitation().analyse(rows, many)
        assert fired(found) == set(name.split()), (seed, found.caveats)


def test_every_number_of_the_sharpened_pair_by_hand(tmp_path):
    found = audited(tmp_path, *PLANTED["sharpening"])
    at = {k: Slice("k", str(k)) for k in (1, 2, 4)}
    base = {
        k: found.estimate("pass_at_k", role="baseline", condition="sampled", slice=at[k]).value
        for k in at
    }
    # 2 of 4 right: 1/2, 1 - 1/6, 1
    assert base == pytest.approx({1: 0.5, 2: 5 / 6, 4: 1.0})
    # at k = 3 every set of three holds one of the two right ones
    assert found.estimate("crossover", condition="sampled").value == 3
    assert found.estimate("kept", condition="sampled").value == 1.0
    # sample 0 is right for even numbers; two votes for it beat two lone wrong ones
    assert found.estimate("accuracy", role="baseline", condition="as_asked").value == 0.5
    majority = found.estimate(
        "recovery", role="baseline", condition="majority", slice=Slice("scale", "as_asked")
    )
    assert majority.value == 1.0 and majority.low < 1.0
    guess = found.estimate("pass_at_k", role="guess", condition="sampled", slice=at[4])
    assert guess.value == 0.0  # no two problems share an answer


def test_few_possible_answers_are_said_to_be_guessable(tmp_path):
    """Answers 1 to 4, six problems each: another problem's answer is right in 5 of 23 tries."""
    few = [
        Problem(question=f"What is {i} mod 4, plus 1?", answer=str(i % 4 + 1)) for i in range(24)
    ]
    model = ScriptedModel(lambda prompt, sample: "\\boxed{1}")
    found = audited(tmp_path, model, model, few)
    floor = {
        k: found.estimate("pass_at_k", role="guess", condition="sampled", slice=Slice("k", str(k)))
        for k in (1, 4)
    }
    assert floor[1].value == pytest.approx(5 / 23)
    assert floor[4].value == pytest.approx(1 - (18 / 23) ** 4)
    assert any("within 4 tries for 62%" in c for c in found.caveats)


def test_nothing_is_found_that_further_tries_of_the_base_solve(tmp_path):
    """The same pair but for one right reply among the base's further tries."""
    tuned = replying(lambda i, s, p: True)
    never = audited(tmp_path / "a", replying(lambda i, s, p: i < 6), tuned)
    late = audited(tmp_path / "b", replying(lambda i, s, p: i < 6 or s == 5 * N - 1), tuned)
    assert never.estimate("found", condition="sampled").value == 18 / 24
    assert late.estimate("found", condition="sampled").value == 0.0
    for role in ("baseline", "model"):  # further tries never enter the curves
        for one, other in zip(never.measures, late.measures, strict=False):
            if (one.metric, one.role) == ("pass_at_k", role):
                assert one == other
    counts = {(c.role, c.metric): c.n for c in late.counts}
    assert counts["baseline", "asked_again"] == counts["baseline", "solved_when_asked_again"] == 18
    rows = [r for r in read_lines(tmp_path / "b" / "run" / "elicitation.jsonl") if "more" in r]
    assert {len(row["more"]) for row in rows} == {AGAIN * N}
    assert {row["condition"] for row in rows} == {"unconstrained"}


def test_the_best_prompt_is_chosen_on_the_other_half(tmp_path):
    """Prompts that are right by luck alone: the best of them must not look better than they are."""
    import hashlib

    def lucky(i, sample, prompt):
        return hashlib.sha256(prompt.encode()).digest()[0] % 2 == 0

    many = [Problem(question=f"What is {i} + 200?", answer=str(i + 200)) for i in range(200)]
    found = audited(tmp_path, replying(lucky), replying(always), many)
    best = found.estimate("accuracy", role="baseline", condition="best_prompt")
    assert best.n == 200 and best.low <= 0.5 <= best.high
    format_ = found.estimate(
        "recovery", role="baseline", condition="best_prompt", slice=Slice("scale", "as_asked")
    )
    assert format_.low <= 0.0 <= format_.high
    assert any(c.startswith("best_prompt is ") for c in found.caveats)


def test_a_prompt_whose_replies_are_mostly_unscored_is_not_the_best_one():
    def row(arm, problem, right):
        tries = {"correct": right, "met": [], "stated": 1, "answer": "1", "n_tokens": 1}
        tries["ended"] = "answered" if right is not None else "unclosed_thinking"
        at = {"role": "baseline", "arm": arm, "condition": "unconstrained", "temperature": 0.0}
        return at | {"problem": problem.id, "replies": [tries]}

    rows = [row("as_asked", p, float(i % 4 > 0)) for i, p in enumerate(PROBLEMS)]
    rows += [row("steps", p, 1.0 if i % 6 == 0 else None) for i, p in enumerate(PROBLEMS)]
    assert set(Rates(rows).chosen("baseline").values()) == {"as_asked"}


def test_obedience_is_measured_under_each_arm(tmp_path):
    """A base that drops its comma when told, except after the hint to think step by step."""

    def comma(prompt):
        told = "comma" in prompt
        return not told or "step by step" in prompt

    base = replying(lambda i, s, p: (i + s) % 2 == 0, comma=comma)
    found = audited(tmp_path, base, replying(always))

    def of(arm, metric):
        return found.estimate(metric, role="baseline", condition=arm)

    assert (of("as_asked", "obedience").value, of("steps", "obedience").value) == (1.0, 0.0)
    assert of("steps", "obedience").low < 0 < of("steps", "obedience").high
    assert (of("majority", "obedience").value, of("majority", "both").value) == (1.0, 1.0)
    lost = found.comparison("obedience", role="baseline", versus="as_asked", condition="steps")
    assert lost.difference.value == -1.0 and lost.p_adjusted < 0.05
    best = found.estimate(
        "obedience_at_k", role="baseline", condition="sampled", slice=Slice("k", "4")
    )
    assert best.value == 1.0


def test_unscored_replies_are_left_out_and_counted(tmp_path):
    """Every second sample of four problems is an unclosed thought; of one problem every reply is."""

    def line(prompt, sample):
        i = number(prompt)
        if i == 0 or (i < 5 and sample % 2):
            return Response(raw="hm", reply="", finish_reason=FinishReason.unclosed_thinking)
        return f"It is \\boxed{{{i + 200}}}."

    found = audited(tmp_path, ScriptedModel(line), replying(always))
    at = {
        k: found.estimate(
            "pass_at_k", role="baseline", condition="sampled", slice=Slice("k", str(k))
        )
        for k in (1, 2, 4)
    }
    assert [(e.value, e.n, e.n_unscored) for e in at.values()] == [
        (1.0, 23, 1),
        (1.0, 23, 1),
        (1.0, 19, 5),
    ]
    own = found.estimate("accuracy", role="baseline", condition="as_asked")
    assert (own.value, own.n, own.n_unscored) == (1.0, 23, 1)
    assert found.estimate("kept", condition="sampled").n_unscored == 1


def test_problems_without_an_answer_are_not_unscored(tmp_path):
    open_ = [Problem(question=f"Greet number {i}.", constraints=(NO_COMMA,)) for i in range(5)]
    base = ScriptedModel(lambda prompt, sample: "Well, \\boxed{200}" if sample % 2 else "Well")
    tuned = ScriptedModel(lambda prompt, sample: "Well \\boxed{200}")
    found = audited(tmp_path / "both", base, tuned, [*PROBLEMS[:1], *open_])
    own = found.estimate("accuracy", role="baseline", condition="as_asked")
    assert (own.n, own.n_unscored) == (1, 0)
    assert found.estimate("compliance", role="baseline", condition="as_asked").n == 6
    found = audited(tmp_path / "open", base, tuned, open_)
    assert judged(found) == set() and len(found.caveats) == 2
    assert "shift by token was not measured" in found.caveats[1]
    assert found.caveats[0].startswith("No problem with a reference answer")
    stating = [
        Problem(
            question=f"Greet {i} without commas.",
            constraints=(NO_COMMA,),
            question_states_constraints=True,
        )
        for i in range(5)
    ]
    found = audited(tmp_path / "stating", base, tuned, stating)
    assert found.estimate("compliance", role="model", condition="as_asked").value == 1.0
    assert found.estimate("obedience", role="model", condition="as_asked") is None
    assert len(found.caveats) == 2


def test_a_failed_call_is_asked_again_by_the_same_command(tmp_path):
    down = [True]

    def line(prompt, sample):
        if down[0] and number(prompt) == 3 and sample == 2:
            return Response(raw="", reply="", finish_reason=FinishReason.failed, error="down")
        return f"It is \\boxed{{{number(prompt) + 200}}}."

    model = ScriptedModel(line)
    first = audited(tmp_path, model, model)
    at = {"role": "baseline", "condition": "sampled", "slice": Slice("k", "4")}
    assert first.estimate("pass_at_k", **at).n_unscored == 1
    down[0] = False
    again = audited(tmp_path, model, model)
    assert again.estimate("pass_at_k", **at).n_unscored == 0


def test_killed_in_the_middle_the_same_command_ends_with_the_same_table(tmp_path):
    pair = PLANTED["new_capability_within_budget"]
    audited(tmp_path, *pair)
    table = tmp_path / "run" / "elicitation.jsonl"
    whole = table.read_text()
    lines = whole.splitlines(keepends=True)
    for kept in (1, len(lines) // 3, len(lines) - 1):
        table.write_text("".join(lines[:kept]) + lines[kept][:30])
        audited(tmp_path, *pair)
        assert table.read_text() == whole


@pytest.mark.slow
def test_killed_on_real_weights_the_arms_of_the_base_are_the_same(tmp_path):
    """The pocket model as its own base, killed in each arm."""
    model, few = resolve("pocket"), pocket.suite(3)
    settings = {"sampling": Sampling(max_tokens=48)}
    found = audited(tmp_path, model, model, few, **settings)
    arms = {m.condition for m in found.measures if m.role == "baseline"}
    assert {"cot_decoding", "branch_vote", "few_shot", "best_prompt", "majority"} <= arms
    table = tmp_path / "run" / "elicitation.jsonl"
    whole = table.read_text()
    lines = whole.splitlines(keepends=True)
    for kept in (0, 2, 9, 14, 21, len(lines) - 1):  # the base's rows are first in the sorted table
        table.write_text("".join(lines[:kept]))
        audited(tmp_path, model, model, few, **settings)
        assert table.read_text() == whole


def test_another_number_of_samples_in_the_same_run_is_refused(tmp_path):
    model = replying(always)
    audited(tmp_path, model, model)
    before = (tmp_path / "run" / "elicitation.jsonl").read_text()
    with pytest.raises(RunError, match=f"sampled with {N} tries a problem, not 7"):
        audit(
            model,
            PROBLEMS,
            out=tmp_path / "run",
            baseline=model,
            diagnostics=(Elicitation(n_samples=7),),
        )
    assert (tmp_path / "run" / "elicitation.jsonl").read_text() == before


def test_an_audit_that_samples_has_the_greedy_reply_as_an_arm(tmp_path):
    base = replying(lambda i, s, p: (i + s) % 2 == 0)
    found = audited(tmp_path, base, replying(always), sampling=Sampling(temperature=1.0), n=6)
    for role in ("baseline", "model"):
        assert found.estimate("accuracy", role=role, condition="greedy") is not None
    greedy = found.estimate(
        "recovery", role="baseline", condition="greedy", slice=Slice("scale", "sampled")
    )
    assert greedy is not None


def test_numbers_are_finite_and_within_their_intervals(tmp_path):
    found = audited(tmp_path, *PLANTED["narrowing"])
    for each in found.measures:
        assert each.estimate.low <= each.estimate.value <= each.estimate.high
    assert "NaN" not in json.dumps([*found.rows()])
