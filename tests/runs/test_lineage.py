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


def manifest(
    model: object, baseline: object = BASE, trained_from: str | None = None, **seen: object
) -> dict:
    noted = ({"trained_from": trained_from} if trained_from else {}) | seen
    observed = {"model": noted} if noted else {}
    return {"identity": {"models": {"model": model, "baseline": baseline}}, "observed": observed}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (manifest(BASE | {"adapter_sha256": "b"}), FROM_BASE),
        (manifest(BASE | {"adapter_sha256": "b"}, replaced_base={"base": "x"}), Lineage.unknown),
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


def test_a_full_checkpoint_tells_its_base_and_so_do_its_own_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model"
    shutil.copytree(Path(pocket.__file__).parent / "checkpoint", model)
    assert locate(str(model)).trained_from() is None
    training = {"identity": {"base": {"weights_sha256": "a"}, "rows_sha256": "r"}}
    (model / "manifest.json").write_text(json.dumps(training))
    own = [model / kept for kept in ("checkpoint-20", "frontier/step-20", "best/step-20")]
    other = [model / "other" / "step-20", model / "step-20", model / "frontier" / "other"]
    for folder in own + other:
        folder.mkdir(parents=True)
        for file in model.iterdir():
            if file.is_file() and file.name != "manifest.json":
                shutil.copy(file, folder)
    for each in (model, *own):
        assert locate(str(each)).trained_from() == "a"
        monkeypatch.chdir(each)
        assert locate(".").trained_from() == "a"
    assert [locate(str(each)).trained_from() for each in other] == [None] * 3
    assert load_model(str(model)).observed() == {"trained_from": "a"}
    (model / "manifest.json").write_text("[")
    assert locate(str(model)).trained_from() is None


def train_adapter(base: Path, out: Path) -> Path:
    """An adapter that one step of training made."""
    pytest.importorskip("trl")
    from twofold.methods import Sft

    problems = load("pocket:1", profile="fixed")
    said = out.parent / "said.jsonl"
    said.write_text(json.dumps({"problem": problems[0].id, "raw": "four"}))
    method = Sft(demonstrations=said, learning_rate=1e-3, epochs=1, batch=1, lora=1)
    return method.train(str(base), problems, out=out).folder


def change_a_weight(model: Path) -> None:
    from safetensors.torch import load_file, save_file

    (file,) = model.glob("*.safetensors")
    weights = load_file(file)
    weights["model.norm.weight"][0] += 1
    save_file(weights, file, metadata={"format": "pt"})


def caveats_of(adapter: Path, out: Path) -> tuple[str, ...]:
    problems = load("pocket:2", profile="fixed")
    done = audit(load_model(str(adapter)), problems, sampling=Sampling(max_tokens=4), out=out)
    assert done is not None
    return tuple(each for each in done.findings[0].caveats if "was trained on other" in each)


def test_an_adapter_whose_base_was_overwritten_is_told_and_no_other(tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(pocket.FOLDER, base)
    train_adapter(base, adapter)
    assert caveats_of(adapter, tmp_path / "same") == ()

    settings = base / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"top_k": 7}))
    moved = tmp_path / "moved"
    base.rename(moved)
    file = adapter / "adapter_config.json"
    named = json.loads(file.read_text()) | {"base_model_name_or_path": str(moved)}
    file.write_text(json.dumps(named))
    assert load_model(str(adapter)).observed().keys() == {"trained_from"}
    assert caveats_of(adapter, tmp_path / "settings") == ()

    change_a_weight(moved)
    (said,) = caveats_of(adapter, tmp_path / "other")
    assert said.startswith(
        f"model: the adapter {adapter} was trained on other files of weights than its base {moved} holds"
    )
    assert "set base_model_name_or_path in adapter_config.json to where they are" in said

    kept = adapter / "frontier" / "step-1"
    kept.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(adapter / name, kept)
    told = {"adapter": str(kept), "base": str(moved)}
    assert load_model(str(kept)).observed()["replaced_base"] == told

    training = json.loads((adapter / "manifest.json").read_text())
    assert len(training.pop("base_weights")) == 1
    (adapter / "manifest.json").write_text(json.dumps(training))  # of a run of 0.1.0
    assert caveats_of(adapter, tmp_path / "unknown") == ()
