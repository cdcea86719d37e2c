"""What does a run know of the way from its baseline to its model?"""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from twofold import load_model
from twofold.models import pocket
from twofold.models.checkpoint import locate
from twofold.problems import load
from twofold.report.findings import read_findings
from twofold.runs.audit import audit
from twofold.runs.lineage import lineage
from twofold.types import Lineage, Sampling

FROM_BASE = Lineage.trained_from_baseline
BASE = {"kind": "hf", "weights_sha256": "a", "tokenizer_sha256": "t", "template_sha256": "u"}


def manifest(model: object, baseline: object = BASE, trained_from: str | None = None) -> dict:
    seen = {"model": {"trained_from": trained_from}} if trained_from else {}
    return {"identity": {"models": {"model": model, "baseline": baseline}}, "observed": seen}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (manifest(BASE | {"adapter_sha256": "b"}), FROM_BASE),
        (manifest(BASE | {"weights_sha256": "c"}), Lineage.unknown),
        (manifest(BASE | {"weights_sha256": "c"}, trained_from="a"), FROM_BASE),
        (manifest(BASE | {"weights_sha256": "c"}, trained_from="z"), Lineage.unknown),
        (manifest({"kind": "few_shot", "base": BASE}), Lineage.same_weights),
        (manifest(BASE | {"tokenizer_sha256": "other"}), Lineage.same_weights),
        (manifest({"kind": "hybrid", "base": BASE, "vectors": {"sha256": "v"}}), FROM_BASE),
        (manifest(BASE, BASE | {"adapter_sha256": "b"}), Lineage.unknown),
        (manifest({"kind": "server"}, {"kind": "server"}), Lineage.unknown),
        ({"identity": {"models": {"model": BASE}}}, Lineage.unknown),
        ({"identity": {}}, Lineage.unknown),
    ],
)  # fmt: skip
def test_it_is_read_from_the_hashes_of_the_manifest(written: dict, expected: Lineage) -> None:
    assert lineage(written) is expected


def test_a_prompt_is_no_training_run_and_the_verdict_speaks_of_none(tmp_path: Path) -> None:
    file = tmp_path / "hinted.yaml"
    file.write_text(yaml.safe_dump({"kind": "hinted", "base": "pocket", "hint": "Be brief."}))
    done = audit(
        load_model(str(file)),
        load("pocket:6", profile="fixed"),
        baseline=load_model("pocket"),
        sampling=Sampling(max_tokens=96),
        out=tmp_path / "run",
    )
    assert done is not None and done.findings[0].lineage is Lineage.same_weights
    (saved, *_), _ = read_findings(tmp_path / "run" / "findings.json")
    assert saved.lineage is Lineage.same_weights
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "one training run" not in page


def test_a_full_checkpoint_tells_its_base_and_so_do_its_own_checkpoints(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(Path(pocket.__file__).parent / "checkpoint", model)
    assert locate(str(model)).trained_from() is None
    training = {"identity": {"base": {"weights_sha256": "a"}, "rows_sha256": "r"}}
    (model / "manifest.json").write_text(json.dumps(training))
    (model / "checkpoint-20").mkdir()
    for file in model.iterdir():
        if file.is_file() and file.name != "manifest.json":
            shutil.copy(file, model / "checkpoint-20")
    for each in (model, model / "checkpoint-20"):
        assert locate(str(each)).trained_from() == "a"
    assert load_model(str(model)).observed() == {"trained_from": "a"}
    (model / "manifest.json").write_text("[")
    assert locate(str(model)).trained_from() is None
