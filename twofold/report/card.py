"""What does a finished run say on a model's card? Hugging Face's `model-index`, and a table for readers.

Every value has its interval and its n beside it, also in the metadata: in the name and the arguments of a
metric, since the format has no fields for them. Nothing is marked as verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, final

import yaml

from twofold.errors import RunError
from twofold.report.every_number import UNITS, cells, in_words, interval, is_study, verdict_of
from twofold.report.findings import read_findings
from twofold.report.markdown import flat, table
from twofold.report.page import model_names
from twofold.report.study import COMPARED, MEASURES, Page
from twofold.report.study_file import Key
from twofold.report.tables import floors, ignored
from twofold.report.wording import number, p_of, spread, units
from twofold.storage.jsonl import Row
from twofold.storage.run_dir import RunDir
from twofold.types import Comparison, Estimate

TASK = "Answers under constraints"  # the name of our task in `model-index`: what is ours there


@final
@dataclass(frozen=True, kw_only=True)
class Card:
    """What stands on the card of a model.

    Args:
        name: The model.
        base: What it is compared with; "" for nothing.
        dataset: What it was asked, as `model-index` has it.
        estimates: Its scores.
        floors: What trivial replies score, by the floor's name in words.
        changes: Its paired changes against the base.
        verdict: Did both rise? In words.
        notes: How it was measured, and the limits of the numbers.
        is_lossy: Whether too many replies were lost for the numbers to describe the model.
    """

    name: str
    base: str = ""
    dataset: Row
    estimates: Mapping[Key, Estimate]
    floors: Mapping[Key, Mapping[str, Estimate]]
    changes: Mapping[Key, Comparison]
    verdict: str
    notes: Sequence[str]
    is_lossy: bool = False

    def model_index(self) -> list[Row]:
        """The value of `model-index` in a card's metadata."""
        result = {
            "task": {"type": "text-generation", "name": TASK},
            "dataset": self.dataset,
            "metrics": [_metric(*each) for each in self.estimates.items()],
        }
        return [{"name": self.name, "results": [result]}]

    def text(self) -> str:
        """The metadata between lines of dashes, and the body."""
        block = yaml.safe_dump({"model-index": self.model_index()}, sort_keys=False, width=100)
        return f"---\n{block}---\n\n{self.body()}"

    def body(self) -> str:
        """The verdict, the table and the notes in Markdown."""
        parts = [
            "## Accuracy and obedience",
            self.verdict,
            self._table(),
            "\n".join(f"- {flat(each)}" for each in self.notes),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _table(self) -> str:
        head = ["measure", "value", interval([*self.estimates.values()]), *UNITS, "floor"]
        head += [f"change against {self.base}"] if self.changes else []
        body = []
        for key, estimate in self.estimates.items():
            trivial = self.floors.get(key, {}).items()
            row = [MEASURES[key], *cells(estimate)]
            row.append("; ".join(f"{flat(n)} {spread(e)}, {units(e)}" for n, e in trivial) or "–")
            body.append([*row, _change(self.changes.get(key))] if self.changes else row)
        return table(head, body)


def card(run_dir: str | Path, *, arm: str | None = None, name: str | None = None) -> Card:
    """The card of the model of an audit or a score, or of an arm of a study.

    Args:
        run_dir: The directory.
        arm: The arm; only of a study.
        name: The name of the model on its card; None = as it was given, without its folders.

    Raises:
        RunError: If it is no finished run, nothing in it was scored, or the arm is missing, unknown or
            not finished.

    Example:
        >>> import tempfile
        >>> from twofold import audit
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Problem
        >>> asked = [Problem(question=f"What is {i} + 0?", answer=str(i)) for i in range(9)]
        >>> model = ScriptedModel(lambda prompt, sample: "It is 4.")
        >>> made = card(audit(model, asked, out=tempfile.mkdtemp()).path, name="me/four")
        >>> made.model_index()[0]["results"][0]["metrics"][0]["value"]
        0.1111
    """
    path = Path(run_dir)
    made = _of_arm(path, arm, name) if is_study(path) else _of_audit(path, arm, name)
    if not made.estimates:
        raise RunError(
            f"{path} has no score for a card; `twofold report {path}` says what is missing"
        )
    return made


def _of_audit(path: Path, arm: str | None, name: str | None) -> Card:
    if arm is not None:
        raise RunError(f"{path} is no study and has no arm {arm}; leave --arm out")
    manifest = RunDir(path).manifest()
    findings, lost = read_findings(path / "findings.json")
    joint = [each for each in findings if each.diagnostic == "joint"]
    if not joint:
        raise RunError(f"{path} has no joint finding; `twofold report {path}` writes it again")
    finding = joint[0]
    given = {role: short(each) for role, each in model_names(manifest, findings).items()}
    names = given | ({"model": name} if name else {})
    return Card(
        name=names["model"],
        base=names.get("baseline", "") if finding.contrasts else "",
        dataset=_asked(manifest),
        estimates=_kept({key: finding.estimate(key[0], condition=key[1]) for key in COMPARED}),
        floors={key: floors(finding, key[0]) for key in COMPARED},
        changes=_kept({key: finding.comparison(key[0], condition=key[1]) for key in COMPARED}),
        verdict=verdict_of(finding, names),
        notes=[*_how(manifest), *_lost(lost), *finding.caveats],
        is_lossy=bool(lost.get("too_many")),
    )


def _of_arm(path: Path, arm: str | None, name: str | None) -> Card:
    page = Page.of(path)
    study = page.study
    if arm is None or arm not in study.arms:
        there = ", ".join(study.arms)
        fault = "is a study" if arm is None else f"has no arm {arm}"
        raise RunError(f"{path} {fault}; name one of its arms with --arm: {there}")
    if not study.arms[arm].seeds:
        raise RunError(f"arm {arm} of {path} is not finished; give the command of the study again")
    said = page.says(arm)
    estimates = _kept({key: page.estimate(arm, key) for key in COMPARED})
    return Card(
        name=name or short(arm),
        base="" if arm == study.base_arm else short(page.title),
        dataset=_dataset(study.splits[study.headline]),
        estimates=estimates,
        floors={key: _trivial(page, key, estimate) for key, estimate in estimates.items()},
        changes=_kept({key: page.comparison(arm, key) for key in COMPARED}),
        verdict=in_words(said, said.meaning) if said else "",
        notes=[f"Training runs: {len(study.arms[arm].seeds)}.", *study.caveats],
    )


def _trivial(page: Page, key: Key, estimate: Estimate) -> Mapping[str, Estimate]:
    """The floors of a measure of a study."""
    if key[0] == "obedience":
        return ignored(estimate)
    found = {name.replace("_", " "): page.floor(name, key) for name in page.floors}
    return {name: floor for name, floor in found.items() if floor is not None}


def _kept(found: Mapping[Key, Any]) -> dict[Key, Any]:
    return {key: each for key, each in found.items() if each is not None}


def _metric(key: Key, estimate: Estimate) -> Row:
    """A metric of the model index, with its interval and its n."""
    metric, condition = key
    low, high = (number(end) for end in (estimate.low, estimate.high))
    spread_over = f"{estimate.level:.0%} interval {low} to {high}, {units(estimate)}"
    return {
        "type": metric,
        "value": round(estimate.value, 4),
        "name": f"{MEASURES[key]} ({spread_over})".replace("−", "-"),
        "args": {
            "condition": condition or "constrained minus unconstrained",
            "low": round(estimate.low, 4),
            "high": round(estimate.high, 4),
            "level": estimate.level,
            "n": estimate.n,
            "n_unscored": estimate.n_unscored,
            "method": estimate.method,
        },
        "verified": False,
    }


def _change(found: Comparison | None) -> str:
    if found is None:
        return "–"
    said = f"{spread(found.difference, sign=True)}, {units(found.difference)}"
    return f"{said}, p {p_of(found)}"


def short(spec: str) -> str:
    """The name of a model or of problems without the folders of a machine.

    Example:
        >>> [short(each) for each in ("org/name", "/home/me/runs/grpo", "http://host:1/v1#qwen", "./a/b")]
        ['org/name', 'grpo', 'qwen', 'b']
    """
    if "://" in spec:
        return spec.rpartition("#")[2] if "#" in spec else "a served model"
    path = PurePath(spec)
    is_local = path.is_absolute() or spec.startswith((".", "~")) or len(path.parts) > 2
    return path.name if is_local and path.name else spec


def _asked(manifest: Mapping[str, Any]) -> Row:
    """The problems by the name in the command that asked them, and their number and hash."""
    command = str(manifest.get("command", ""))
    named = re.search(r" --problems[= ](\S+)", command)
    suite = "synthetic" if command.startswith("twofold audit ") else "problems"
    found = _dataset(named.group(1) if named else suite)
    about = manifest["identity"].get("problems")
    return found | ({"args": about} if isinstance(about, dict) and about else {})


def _dataset(spec: str) -> Row:
    """A data set by its name; one of a hub by its id, its configuration and its split."""
    if spec.startswith("hub:"):
        name, *options = spec.removeprefix("hub:").split(":")
        keys = ("config", "split")[-len(options) :] if options else ()
        return {"name": name, "type": name} | dict(zip(keys, options, strict=False))
    return {"name": short(spec), "type": short(spec)}


def _how(manifest: Mapping[str, Any]) -> list[str]:
    """How the replies were drawn, as far as the run says."""
    identity = manifest["identity"]
    found = []
    sampling = identity.get("sampling")
    if isinstance(sampling, dict):
        drawn = ", ".join(f"{name} {value}" for name, value in sampling.items())
        n = identity.get("n")
        found.append(f"Sampling: {drawn}; samples for each problem and condition: {n}.")
    if made_by := manifest.get("twofold"):
        found.append(f"Measured by twofold {made_by}.")
    return found


def _lost(lost: Mapping[str, object]) -> list[str]:
    if not lost.get("too_many"):
        return []
    of = f"{lost.get('n')} of {lost.get('of')}"
    return [f"{of} responses were lost: these numbers do not describe the model."]
