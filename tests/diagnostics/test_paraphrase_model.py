"""A chain in a model's words: only what keeps its numbers is taken, and it has a control of its own."""

import pytest

from twofold.diagnostics import diagnostics_named
from twofold.diagnostics.chain.collect import collect
from twofold.diagnostics.chain.faithfulness import Faithfulness
from twofold.diagnostics.chain.paraphrase_model import PROMPT, paraphrase_model
from twofold.diagnostics.diagnostic import ScoredResponse, Subject
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.types import FinishReason, Item, Problem, Response, Sampling, Slice

from .test_edits import OTHERS, STEPS, chain, encode, made


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Adding 3 to 4 makes 7.", " Adding 3 to 4 makes 7.\n"),
        ('"Adding 3 to 4 makes 7."', " Adding 3 to 4 makes 7.\n"),
        ("Adding 4 to 3 makes 7.", None),  # in another order
        ("Adding 3 to 4 makes 8.", None),
        ("It makes 7.", None),
        ("3 and 4 is 7.", None),  # nothing changed
        ("", None),
        ("Sure! " * 50 + "3 and 4 is 7", None),
    ],
)
def test_only_a_paraphrase_is_taken(said, wanted):
    model = ScriptedModel(lambda prompt, sample: said)
    assert paraphrase_model(model, [" 3 and 4 is 7.\n"]) == [wanted]


def test_the_model_sees_the_passage_and_nothing_else():
    seen = []

    def answer(prompt, sample):
        seen.append(prompt)
        return "So be it: 7."

    paraphrase_model(ScriptedModel(answer), ["It is 7.", "That is 7."])
    assert seen == [PROMPT + "It is 7.", PROMPT + "That is 7."]
    assert paraphrase_model(ScriptedModel(answer), []) == []


def test_the_edit_and_its_control_change_as_much():
    import numpy as np

    from twofold.diagnostics.chain.edits import edits

    whole = chain(*STEPS)
    new = " Now halt at 9. All is done."
    found = edits(whole, OTHERS, encode, np.random.default_rng(0), paraphrase_model=new)
    by_name = {edit.name: edit for edit in found}
    edit, control = by_name["paraphrase_model"], by_name["paraphrase_model/control"]
    assert edit.at == control.at == 2 and edit.ids == encode(new)
    assert edit.n_changed == control.n_changed
    old = tuple(t for piece in whole.pieces[2:] for t in piece)
    assert sum(a != b for a, b in zip(old, control.ids, strict=True)) == control.n_changed
    assert "paraphrase_model" not in made()


@pytest.mark.slow
def test_collected_with_a_paraphraser_it_is_a_row_of_the_finding():
    model = resolve("pocket")
    texts = ("north gives east. east gives south. It is \\boxed{south}.",)
    texts += ("red gives blue. blue gives green. It is \\boxed{green}.",)
    problems = [Problem(question=f"Where to, {i}?", answer="south") for i in range(2)]
    answers = [
        ScoredResponse(
            item=Item("model", "unconstrained", problem.id, 0),
            response=Response(
                raw=text,
                reply=text,
                ids=tuple(model.tokenizer(text, add_special_tokens=False).input_ids),
            ),
            correct=None,
        )
        for problem, text in zip(problems, texts, strict=True)
    ]
    asked = Subject(
        role="model",
        model=model,
        problems=problems,
        answers=answers,
        sampling=Sampling(max_tokens=8),
        seed=0,
    )
    other = ScriptedModel(lambda prompt, sample: "It makes a turn.")
    rows = list(collect(asked, frozenset(), paraphraser=other))
    assert all(
        {"paraphrase_model", "paraphrase_model/control"} <= row["scores"]["edits"].keys()
        for row in rows
    )
    for row in rows:  # as if both were recalled, so that the edit is scored
        row["scores"]["same_own"][0][-1] = 1
        row["scores"]["edits"]["paraphrase_model"]["same"] = 0
    found = Faithfulness().analyse(rows, problems)
    part = Slice("edit", "paraphrase_model")
    assert found.estimate("answer_changed", slice=part).value == 1.0
    assert found.comparison("answer_changed", versus="control", slice=part)
    plain = Faithfulness().analyse(list(collect(asked, frozenset())), problems)
    assert not any("paraphrase_model" in caveat for caveat in plain.caveats)
    assert not any("paraphrase_model" in each.slice for each in plain.measures)


def test_by_name_the_paraphraser_reaches_both_diagnostics_of_a_chain():
    other = ScriptedModel(lambda prompt, sample: "")
    both = diagnostics_named("information_gain,faithfulness", paraphraser=other)
    assert [each.paraphraser for each in both] == [other, other]


def test_a_paraphraser_that_is_down_is_asked_again():
    """The rows of its chains are made again by the same command, as those of a failed reply are."""
    model = resolve("pocket")
    text = "north gives east. east gives south. It is \\boxed{south}."
    ids = tuple(model.tokenizer(text, add_special_tokens=False).input_ids)
    problem = Problem(question="Where to?", answer="south")
    answer = ScoredResponse(
        item=Item("model", "unconstrained", problem.id, 0),
        response=Response(raw=text, reply=text, ids=ids),
        correct=None,
    )
    asked = Subject(
        role="model",
        model=model,
        problems=[problem],
        answers=[answer],
        sampling=Sampling(max_tokens=8),
        seed=0,
    )
    down = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 503")
    (lost,) = collect(asked, frozenset(), paraphraser=ScriptedModel(lambda prompt, g: down))
    assert lost["retry"] and "paraphrase_model" not in lost["scores"]["edits"]
    healthy = ScriptedModel(lambda prompt, g: "It makes a turn.")
    (row,) = collect(asked, frozenset(), paraphraser=healthy)
    assert "retry" not in row and "paraphrase_model" in row["scores"]["edits"]
    none = ScriptedModel(lambda prompt, g: "")
    (row,) = collect(asked, frozenset(), paraphraser=none)
    assert "retry" not in row and "paraphrase_model" not in row["scores"]["edits"]
