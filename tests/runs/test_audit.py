"""The spine with a scripted model: what is asked, saved, resumed, refused and found."""

import json
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.errors import ModelError, ProblemError, RunError
from twofold.models.scripted import ScriptedModel
from twofold.runs.audit import audit
from twofold.runs.finalize import finalize
from twofold.storage.jsonl import read_lines
from twofold.types import ALL, Count, FinishReason, Outcome, Problem, Response, Sampling, Slice

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
QUOTED = from_spec("startend:quotation", None, profile="fixed")
ASK = "\nPut the answer in \\boxed{}.\n"


def problems(n: int = 12) -> list[Problem]:
    return [
        Problem(
            question=f"What is {i} + {i}?",
            answer=str(2 * i),
            constraints=(NO_COMMA,) if i % 2 else (NO_COMMA, QUOTED),
            ask=ASK,
            tags={"difficulty": str(1 + i % 3), "source": "test"},
        )
        for i in range(n)
    ]


def number_in(text: str) -> int:
    return int(text.split("What is ")[1].split(" ")[0])


def obedient(text: str, sample: int) -> str:
    answer = f"It is \\boxed{{{2 * number_in(text)}}}"
    return f'"{answer}"' if "quotation" in text else answer


def careless(text: str, sample: int) -> str:
    n = number_in(text)
    return f"Well, it is \\boxed{{{2 * n if n < 6 else n + 1}}}."


def found(result, metric: str, condition: str, part: Slice = ALL) -> float:
    return result.findings[0].estimate(metric, condition=condition, slice=part).value


def test_an_obedient_model_gets_full_marks_and_a_lift_of_one(tmp_path):
    result = audit(ScriptedModel(obedient), problems(), out=tmp_path / "run")
    for metric in ("accuracy", "hacc", "sacc", "joint"):
        assert found(result, metric, "constrained") == 1.0
    assert found(result, "accuracy", "unconstrained") == 1.0
    # unasked, it never quotes: null 0, so stating the rule did everything
    assert found(result, "met", "unconstrained", Slice("type", "startend:quotation")) == 0.0
    assert (
        found(result, "chance_corrected", "constrained", Slice("type", "startend:quotation")) == 1.0
    )
    # it never writes a comma anyway: null 1, there is no lift to speak of
    assert found(result, "met", "unconstrained", Slice("type", "punctuation:no_comma")) == 1.0
    no_comma = Slice("type", "punctuation:no_comma")
    corrected = result.findings[0].estimate(
        "chance_corrected", condition="constrained", slice=no_comma
    )
    assert corrected is None
    assert result.lost.n == 0


def test_before_and_after_and_the_page(tmp_path):
    result = audit(
        ScriptedModel(obedient),
        problems(40),
        baseline=ScriptedModel(careless),
        out=tmp_path / "run",
    )
    finding = result.findings[0]
    assert finding.outcome is Outcome.both_rise
    assert finding.comparison(
        "accuracy", condition="unconstrained"
    ).difference.value == pytest.approx(34 / 40)
    assert finding.comparison("accuracy", condition="unconstrained").n_improved == 34
    assert finding.comparison("hacc", condition="constrained").difference.value == 1.0
    saved = json.loads((tmp_path / "run" / "findings.json").read_text())
    assert saved["findings"][0]["outcome"] == "both_rise"
    assert "both rose" in (tmp_path / "run" / "report.html").read_text().lower()


def test_every_response_and_verdict_is_on_disk_in_one_order(tmp_path):
    audit(ScriptedModel(obedient), problems(), out=tmp_path / "run", n=2)
    rows = list(read_lines(tmp_path / "run" / "responses.jsonl"))
    assert len(rows) == 12 * 2 * 2
    keys = [(r["role"], r["condition"]) for r in rows]
    assert keys == sorted(keys)
    verdicts = list(read_lines(tmp_path / "run" / "verdicts.jsonl"))
    assert [v["problem"] for v in verdicts] == [r["problem"] for r in rows]
    assert all(v["correct"]["score"] == 1.0 for v in verdicts)


def test_what_stops_midway_is_resumed_with_the_same_result(tmp_path):
    asked = problems()
    whole = audit(ScriptedModel(obedient, name="m"), asked, out=tmp_path / "whole")
    calls = []

    class Stop(Exception):
        pass

    def interrupted(text: str, sample: int) -> str:
        calls.append(text)
        if len(calls) == 9:
            raise Stop
        return obedient(text, sample)

    script = ScriptedModel(interrupted, name="m")
    with pytest.raises(Stop):
        audit(script, asked, out=tmp_path / "cut")
    assert len(list(read_lines(tmp_path / "cut" / "responses.jsonl"))) == 8
    resumed = audit(script, asked, out=tmp_path / "cut")
    assert len(calls) == 24 + 1  # the one that raised was asked again, the others once
    assert resumed.findings == whole.findings
    for name in ("responses.jsonl", "verdicts.jsonl", "joint.jsonl", "findings.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_failed_calls_are_unscored_counted_and_asked_again(tmp_path):
    broken = {"on": True}

    def flaky(text: str, sample: int) -> str | Response:
        if broken["on"] and number_in(text) < 2:
            return Response(
                raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500 after 5 tries"
            )
        return obedient(text, sample)

    model = ScriptedModel(flaky)
    result = audit(model, problems(), out=tmp_path / "run")
    assert (result.lost.n, result.lost.of, result.lost.is_too_many) == (4, 24, True)
    assert found(result, "accuracy", "constrained") == 1.0
    assert result.findings[0].estimate("accuracy", condition="constrained").n_unscored == 2
    assert any("4 of 24 responses were lost" in c for c in result.findings[0].caveats)
    broken["on"] = False
    again = audit(model, problems(), out=tmp_path / "run")
    assert again.lost.n == 0
    assert len(list(read_lines(tmp_path / "run" / "responses.jsonl"))) == 24


def test_an_unclosed_thought_is_never_scored_as_an_answer(tmp_path):
    model = ScriptedModel(lambda text, sample: f"<think>It is \\boxed{{{2 * number_in(text)}}}")
    result = audit(model, problems(), out=tmp_path / "run")
    assert not [m for m in result.findings[0].measures if m.condition == "constrained"]
    cut = Count(role="model", condition="constrained", metric="unclosed_thinking", n=12)
    assert cut in result.findings[0].counts
    assert result.lost.n == 0  # the model's doing, not ours


def test_another_model_or_other_problems_are_refused(tmp_path):
    audit(ScriptedModel(obedient), problems(), out=tmp_path / "run")
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    with pytest.raises(RunError, match=r"models.model.script_sha256"):
        audit(ScriptedModel(careless), problems(), out=tmp_path / "run")
    with pytest.raises(RunError, match=r"problems.n was 12, now 11"):
        audit(ScriptedModel(obedient), problems(11), out=tmp_path / "run")
    with pytest.raises(RunError, match=r"sampling.max_tokens was 512, now 9"):
        audit(
            ScriptedModel(obedient),
            problems(),
            out=tmp_path / "run",
            sampling=Sampling(max_tokens=9),
        )
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before


def test_a_run_is_bound_to_its_profiles_in_one_order(tmp_path):
    official = from_spec("punctuation:no_comma", None, profile="official")
    asked = [*problems(2), Problem(question="What is 7 + 7?", answer="14", constraints=(official,))]
    for n, order in enumerate((asked, asked[::-1])):
        audit(ScriptedModel(obedient), order, out=tmp_path / str(n))
        identity = json.loads((tmp_path / str(n) / "manifest.json").read_text())["identity"]
        assert identity["profiles"] == ["fixed", "official"]


def test_problems_of_which_nothing_can_be_scored_are_refused_before_asking(tmp_path):
    model = ScriptedModel(lambda prompt, sample: pytest.fail("asked"))
    with pytest.raises(
        ProblemError, match=r"none of the 2 problems .* add .answer. or .constraints"
    ):
        audit(model, [Problem(question="Why?"), Problem(question="How?")], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_problem_and_a_model_that_cannot_work_say_so(tmp_path):
    with pytest.raises(ProblemError, match="at least one row"):
        audit(ScriptedModel(obedient), [], out=tmp_path / "run")
    with pytest.raises(ModelError, match="no line for the prompt"):
        audit(ScriptedModel({}), problems(), out=tmp_path / "other")


def test_duplicates_are_asked_once(tmp_path):
    audit(ScriptedModel(obedient), problems(4) * 2, out=tmp_path / "run")
    assert len(list(read_lines(tmp_path / "run" / "responses.jsonl"))) == 8


def test_conclude_remakes_the_same_findings_without_a_model(tmp_path):
    result = audit(ScriptedModel(careless), problems(), out=tmp_path / "run")
    (tmp_path / "run" / "findings.json").unlink()
    (tmp_path / "run" / "report.html").unlink()
    assert finalize(tmp_path / "run").findings == result.findings
    assert (tmp_path / "run" / "report.html").exists()


def test_conclude_names_what_is_missing(tmp_path):
    with pytest.raises(RunError, match="not a run directory"):
        finalize(tmp_path)
    audit(ScriptedModel(careless), problems(), out=tmp_path / "run")
    (tmp_path / "run" / "joint.jsonl").unlink()
    with pytest.raises(RunError, match=r"not finished \(joint.jsonl is missing\)"):
        finalize(Path(tmp_path / "run"))


def test_a_worker_of_ray_does_not_record_its_cluster(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/x/ray/_private/workers/default_worker.py", "--node-ip=1"])
    audit(ScriptedModel(obedient), problems(2), out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["command"] == "a worker of ray"
