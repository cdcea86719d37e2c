"""What `score` says of the rules: keywords of any kind, special tokens, instruction-level accuracy."""

import json

from twofold.constraints import from_spec
from twofold.runs.score import score
from twofold.types import Problem

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


def test_fixed_takes_keywords_that_the_published_checker_cannot_use(tmp_path):
    """It reads them as regular expressions; such a type is left out of the comparison of profiles."""
    args = [{"keywords": ["$5"]}, {"keywords": ["sum"]}]
    rules = [from_spec("keywords:existence", each, profile="fixed") for each in args]
    rules.append(from_spec("startend:quotation", None, profile="fixed"))
    problem = Problem(question="2 + 2 = ?", constraints=tuple(rules))
    (tmp_path / "replies.jsonl").write_text('{"output": ["\\"It is $5, the sum is 4.\\""]}')
    result = score(tmp_path / "replies.jsonl", [problem], out=tmp_path / "run", profile="fixed")
    joint = result.findings[0]
    assert joint.estimate("hacc", condition="constrained").value == 1.0
    (compared,) = (each for each in result.findings if each.diagnostic == "profiles")
    types = {m.slice.value for m in compared.measures if m.slice.by == "type"}
    assert types == {"startend:quotation"}


def test_kept_special_tokens_are_not_judged_but_counted(tmp_path):
    quoted = from_spec("startend:quotation", None, profile="fixed")
    asked = [Problem(question=f"{n} + 2 = ?", constraints=(quoted,)) for n in (1, 2)]
    lines = [json.dumps({"output": [text]}) for text in ('"It is 3."<|im_end|>', '"It is 4."')]
    (tmp_path / "replies.jsonl").write_text("\n".join(lines))
    joint = score(tmp_path / "replies.jsonl", asked, out=tmp_path / "run").findings[0]
    assert joint.estimate("hacc", condition="constrained").value == 1.0
    assert [(c.condition, c.n) for c in joint.counts if c.metric == "special_tokens"] == [
        ("constrained", 1)
    ]
    assert any("special tokens" in said and "constrained: in 1" in said for said in joint.caveats)


def test_instruction_level_accuracy_counts_each_constraint_once(tmp_path):
    """SAcc is (1 + 1/2) / 2 here, and two of three instructions are followed."""
    quoted = from_spec("startend:quotation", None, profile="fixed")
    asked = [
        Problem(question="1 + 2 = ?", constraints=(NO_COMMA,)),
        Problem(question="2 + 2 = ?", constraints=(NO_COMMA, quoted)),
    ]
    lines = [json.dumps({"output": [text]}) for text in ("It is 3.", "It is 4.")]
    (tmp_path / "replies.jsonl").write_text("\n".join(lines))
    joint = score(tmp_path / "replies.jsonl", asked, out=tmp_path / "run").findings[0]
    told = {"condition": "constrained"}
    assert joint.estimate("sacc", **told).value == 0.75
    accuracy = joint.estimate("instruction_accuracy", **told)
    assert (round(accuracy.value, 4), accuracy.n, accuracy.n_unscored) == (0.6667, 2, 0)
    assert accuracy.low < accuracy.value < accuracy.high
