"""A run directory as an audit leaves it: 60 problems, two models, both conditions, hostile texts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from twofold import problems as problem_files
from twofold.constraints import from_spec
from twofold.diagnostics.joint.analysis import Joint
from twofold.diagnostics.joint.table import rows
from twofold.report import study_file
from twofold.report.findings import finding_to_json
from twofold.report.study_file import (
    ArmRecord,
    DiagnosticRecords,
    LengthRecord,
    RetainedRecord,
    SplitRecords,
    StudyFile,
    VerdictRecord,
)
from twofold.stats import paired, proportion
from twofold.storage.jsonl import Row, dumps
from twofold.storage.run_dir import FORM
from twofold.types import Constraint, Contrast, Lineage, Measure, Outcome, Problem, Slice

ATTACK = '</script><script>alert(1)</script><img src=x onerror="alert(2)"><!-- & \u2028 "quoted"'
"""What a hostile reply holds; on the page it must be these very characters."""

RULES: tuple[tuple[str, dict[str, object]], ...] = (
    ("punctuation:no_comma", {}),
    ("change_case:english_lowercase", {}),
    ("startend:end_checker", {"end_phrase": "That is all."}),
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}),
    ("keywords:existence", {"keywords": ["therefore", "sum"]}),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}),
)


def chance(*of: object) -> float:
    """A number in [0, 1) that depends on `of` alone."""
    return int(sha256(repr(of).encode()).hexdigest()[:8], 16) / 16**8


def make_problems(n: int, *, answers: bool = True) -> list[Problem]:
    """`n` additions with one to three constraints each."""
    found = []
    for i in range(n):
        bound: list[Constraint] = [
            from_spec(name, args, profile="fixed")
            for k, (name, args) in enumerate(RULES)
            if k in {i % 6, (i // 2) % 6, (i // 6 + i) % 6}
        ]
        question = f"A shop sells {i + 3} apples and {2 * i + 1} pears. How many fruits is that?"
        found.append(
            Problem(
                question=question + (f" {ATTACK}" if i == 1 else ""),
                answer=str(3 * i + 4) if answers else None,
                constraints=tuple(bound),
                ask=" Think first, then answer. ",
                tags={"source": "shop" if i % 3 else "market", "difficulty": str(1 + i % 4)},
            )
        )
    return found


def make_reply(problem: Problem, index: int, role: str, condition: str) -> tuple[Row, Row]:
    """A response and its verdicts, decided by hash: the base obeys less, and so does a longer thought."""
    after = role == "model"
    item = {"role": role, "condition": condition, "problem": problem.id, "sample": 0}
    n_thinking = 20 + int(400 * chance(index, role, condition, "length"))
    right = chance(index, condition, "right") < (0.62 if after else 0.45)
    total = 3 * index + 4
    said = f"Adding both gives {total if right else total + 1}. That is all."
    thinking = f"First {index + 3}, then {2 * index + 1}. " * (n_thinking // 9)
    ended = "answered"
    if index == 7:
        ended = "unclosed_thinking"
    elif index == 11 and not after:
        ended = "failed"
    elif index % 13 == 5:
        ended = "truncated"
    if index == 2:
        said, thinking = f"{ATTACK} reply", f"{ATTACK} thinking"
    judged = ended in ("answered", "truncated")
    response: Row = item | {
        "raw": f"<think>\n{thinking}\n</think>\n\n{said}" if judged else thinking,
        "reply": said if judged else "",
        "thinking": thinking,
        "finish_reason": ended,
        "n_thinking_tokens": n_thinking,
        "n_reply_tokens": 12,
    }
    if ended == "failed":
        response |= {"raw": "", "thinking": "", "error": f"time-out {ATTACK}"}
    return response, item | {"finish_reason": ended} | _verdicts(problem, response, right, judged)


def _verdicts(problem: Problem, response: Row, right: bool, judged: bool) -> Row:
    if not judged:
        why = str(response.get("error", "unclosed thinking"))
        lost: Row = {"score": None, "reason": why}
        parts = dict.fromkeys(problem.constraint_keys, lost)
        return {"correct": lost, "compliant": lost | {"parts": parts}}
    shift = (0.15 if response["role"] == "model" else 0.0) - response["n_thinking_tokens"] / 2000
    stated = 0.7 if response["condition"] == "constrained" else 0.3
    parts = {}
    for key in problem.constraint_keys:
        kept = chance(problem.id, key, response["condition"], "kept") < stated + shift
        parts[key] = {"score": float(kept), "reason": f"{key}: {'met' if kept else ATTACK}"}
    met = min(part["score"] for part in parts.values())
    found: Row = {"compliant": {"score": met, "parts": parts}}
    if problem.answer is not None:
        found["correct"] = {"score": float(right), "reason": f"reads {problem.answer}"}
    return found


def write_run(home: Path, *, n: int = 60) -> Path:
    """A whole run directory but for its page."""
    return write_tables(home, make_problems(n), baseline=True, unconstrained=True)


def write_tables(
    home: Path, problems: list[Problem], *, baseline: bool, unconstrained: bool
) -> Path:
    """Every file that the report reads, for these problems."""
    home.mkdir(parents=True, exist_ok=True)
    problem_files.write(home / "problems.jsonl", problems)
    roles = ["baseline", "model"] if baseline else ["model"]
    made = [
        make_reply(problem, i, role, condition)
        for role in roles
        for condition in (("constrained", "unconstrained") if unconstrained else ("constrained",))
        for i, problem in enumerate(problems)
    ]
    _lines(home / "responses.jsonl", (response for response, _ in made))
    _lines(home / "verdicts.jsonl", (verdict for _, verdict in made))
    table = [
        *rows(iter(verdict | _lengths(response) for response, verdict in made)),
        *_floor(problems),
    ]
    _lines(home / "joint.jsonl", iter(table))
    finding = Joint().analyse(table, problems)
    saved = {
        "findings": [finding_to_json(finding)],
        "lost": {"n": 2, "of": len(made), "reasons": {}},
    }
    (home / "findings.json").write_text(dumps(saved))
    names = {"model": f"tuned {ATTACK}", "baseline": "base-1.5B"}
    manifest = {
        "form": FORM,
        "identity": {"models": {role: {"dtype": "float32"} for role in roles}, "seed": 0},
        "twofold": "0.1.0",
        "command": f"twofold audit tuned --baseline base {ATTACK}",
        "models": {role: names[role] for role in roles},
    }
    (home / "manifest.json").write_text(json.dumps(manifest))
    return home


def _lengths(response: Row) -> Row:
    return {key: response[key] for key in ("n_thinking_tokens", "n_reply_tokens")}


def _floor(problems: list[Problem]) -> Iterator[Row]:
    for problem in problems:
        parts = {
            k: c.check("5").score
            for k, c in zip(problem.constraint_keys, problem.constraints, strict=True)
        }
        item = {"role": "constant_reply", "condition": "floor", "problem": problem.id, "sample": 0}
        yield item | {"finish_reason": "answered", "parts": parts}


def _lines(path: Path, rows: Iterator[Row]) -> None:
    path.write_text("".join(dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="session")
def attack() -> str:
    """The hostile text that stands in names, questions, replies, thoughts, reasons and errors."""
    return ATTACK


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """A run of six problems that a test may spoil."""
    return write_run(tmp_path / "run", n=6)


@pytest.fixture(scope="session")
def pair_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model against its base; the page is not made yet."""
    return write_run(tmp_path_factory.mktemp("runs") / "pair")


@pytest.fixture(scope="session")
def single_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, constraints always stated, no reference answers: what `score` makes of IFEval."""
    home = tmp_path_factory.mktemp("runs") / "single"
    return write_tables(home, make_problems(20, answers=False), baseline=False, unconstrained=False)


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
"""The same for a study's page."""


HEADLINE = (
    ("accuracy", "unconstrained"),
    ("accuracy", "constrained"),
    ("hacc", "constrained"),
    ("joint", "constrained"),
)


def measured(arm: str, share: float) -> list[Measure]:
    estimate = proportion(round(100 * share), 100)
    return [
        Measure(role=arm, condition=condition, metric=metric, estimate=estimate)
        for metric, condition in HEADLINE
    ]


def contrast(arm: str, up: int, down: int) -> list[Contrast]:
    change = paired([0] * up + [1] * down + [0] * 60, [1] * up + [0] * down + [0] * 60)
    return [
        Contrast(role=arm, versus="base", condition=condition, metric=metric, comparison=change)
        for metric, condition in HEADLINE
    ]


def study_in(folder: Path, **changed: object) -> Path:
    """A study with a base, an arm that rose, one that paid, and one that is not finished."""
    arm = ArmRecord(
        method="grpo",
        reward="soft_gate",
        settings={"steps": 2},
        seeds=[0],
        minutes=1.5,
        lineage=Lineage.trained_from_baseline,
    )
    point = {"arm": "rose", "seed": 0, "unscored": 0.0, "tokens": 9.0}
    whole = {"split": "test", "slice_by": "", "slice": ""}
    met = Measure(
        role="rose",
        condition="constrained",
        metric="met",
        slice=Slice("type", "startend:quotation"),
        estimate=proportion(9, 9),
    )
    floor = Measure(
        role="bare_answer", condition="constrained", metric="hacc", estimate=proportion(23, 100)
    )
    found = StudyFile(
        base=HOSTILE,
        train="pocket:9:train",
        seeds=[0],
        splits={"test": "pocket:13"},
        reference="paid",
        arms={
            "base": ArmRecord(method=None, reward=None, settings={}, seeds=[0], minutes=None),
            "rose": arm,
            "paid": replace(arm, minutes=None),
            "late": replace(arm, seeds=[], minutes=None),
        },
        findings=[
            SplitRecords(
                split="test",
                measures=[
                    *measured("base", 0.5),
                    *measured("rose", 0.9),
                    *measured("paid", 0.2),
                    met,
                ],
                contrasts=[*contrast("rose", 30, 2), *contrast("paid", 2, 30)],
            )
        ],
        verdicts=[
            VerdictRecord(**whole, arm="rose", outcome=Outcome.both_rise),
            VerdictRecord(**whole, arm="paid", outcome=Outcome.worse),
        ],
        retained=[
            RetainedRecord(**whole, arm="rose", reference="paid", estimate=proportion(9, 10))
        ],
        lengths=[
            LengthRecord(
                arm="rose", low=1, high=9, tokens=5.0, accuracy=proportion(5, 9), hacc=None
            )
        ],
        curves=[point | {"step": s, "correct": s / 10, "compliant_all": 0.5} for s in (0, 2, 4)],
        diagnostics=DiagnosticRecords(measures=[], contrasts=[]),
        floors=[floor],
        samples={
            "rose": {
                "problem": {"question": HOSTILE, "answer": "1", "instructions": [HOSTILE]},
                "raw": HOSTILE,
                "correct": 1.0,
                "parts": {"startend:quotation": 0.0, "x": None},
            }
        },
        failed={},
        caveats=[f"late is not finished {HOSTILE}"],
    )
    folder.mkdir(exist_ok=True)
    study_file.write(replace(found, **changed), folder)
    (folder / "manifest.json").write_text(
        json.dumps({"form": FORM, "identity": {}, "command": "twofold study"})
    )
    return folder


@pytest.fixture(scope="session")
def made() -> Callable[..., Path]:
    """Writes a study into a folder, with keys of `study.json` changed."""
    return study_in
