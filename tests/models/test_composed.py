"""Models that a YAML file puts together: each kind, relative names, and what is refused with its remedy."""

import subprocess
import sys
from pathlib import Path

import pytest

from twofold.errors import ModelError
from twofold.extension import ExtensionError
from twofold.models import composed, resolve
from twofold.types import Message, Sampling

ASKED = [[Message(role="user", content="Anna has 3 apples and buys 4. How many has she?")]]
SHORT = Sampling(max_tokens=12)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def write(folder: Path, text: str, name: str = "model.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


ONE_MODEL = {
    "best_of_n": "kind: best_of_n\nbase: pocket\nn_tries: 2\nrules: {problems: 'pocket:4'}\n",
    "constraint_first": "kind: constraint_first\nbase: pocket\n",
    "parent_answers": "kind: parent_answers\nbase: pocket\nparent: pocket\n",
    "repeat_after_thinking": "kind: repeat_after_thinking\nbase: pocket\n",
    "rewrite": "kind: rewrite\nbase: pocket\ncontrol: true\n",
    "two_passes": "kind: two_passes\nbase: pocket\n",
    "majority": "kind: majority\nbase: pocket\nn_votes: 2\n",
    "cot_decoding": "kind: cot_decoding\nbase: pocket\nk: 2\nhow: max\n",
    "power_sampling": "kind: power_sampling\nbase: pocket\nalpha: 2\nblocks: 2\nmoves: 1\n",
    "cooled": "kind: cooled\nbase: pocket\nalpha: 2\n",
    "forced_tokens": "kind: forced_tokens\nbase: pocket\ntuned: pocket\nn_forced: 2\n",
    "hinted": "kind: hinted\nbase: pocket\nhint: Be brief.\n",
    "text_hints": "kind: text_hints\nbase: pocket\nassistant: pocket\nmax_tokens: 4\n",
    "few_shot": "kind: few_shot\nbase: pocket\nshots: [['2 + 2?', '4'], ['3 + 3?', '6']]\nn_shots: 1\n",
    "cross_sampling": (
        "kind: cross_sampling\nbase: pocket\ntuned: pocket\n"
        "gate: {kind: js, tau: 0.01}\nbudget: {most: 3}\n"
    ),
}


@pytest.mark.parametrize("kind", ONE_MODEL)
def test_every_kind_answers_under_the_name_of_its_file(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("torch")
    file = write(tmp_path, ONE_MODEL[kind])
    model = resolve(str(file))
    assert model.spec == str(file)
    assert model.fingerprint()["kind"] == kind
    ((reply,),) = model.sample(ASKED, SHORT)
    assert reply.ids and len(reply.ids) <= 12
    again = resolve(file)
    assert again.fingerprint() == model.fingerprint()
    assert again.sample(ASKED, SHORT) == [[reply]]


def test_every_kind_names_a_class_that_is_there() -> None:
    pytest.importorskip("torch")
    assert set(composed.KINDS) == {*ONE_MODEL, "feature_steering", "hybrid", "softcot"}
    for kind in composed.KINDS:
        assert composed._class(kind, Path("x")).name == kind  # type: ignore[attr-defined]


def test_the_fingerprint_changes_with_every_setting(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    texts = [
        ONE_MODEL["cross_sampling"],
        ONE_MODEL["cross_sampling"].replace("0.01", "0.02"),
        ONE_MODEL["cross_sampling"].replace("most: 3", "most: 4"),
        ONE_MODEL["cross_sampling"].replace("{kind: js, tau: 0.01}", "argmax"),
        ONE_MODEL["cross_sampling"].replace("{kind: js, tau: 0.01}", "{kind: random, rate: 0.1}"),
    ]
    found = [resolve(write(tmp_path, text)).fingerprint() for text in texts]
    assert all(found.count(each) == 1 for each in found)


def test_models_are_found_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    inner = write(tmp_path / "runs", "kind: hinted\nbase: pocket\nhint: Be brief.\n", "inner.yaml")
    outer = write(tmp_path / "runs", "kind: majority\nbase: inner.yaml\nn_votes: 1\n", "outer.yaml")
    monkeypatch.chdir(tmp_path)
    model = resolve("runs/outer.yaml")
    base = model.fingerprint()["base"]
    assert base == resolve(str(inner)).fingerprint()
    assert resolve(str(outer)).fingerprint() == model.fingerprint()


REFUSED = [
    ("kind: mayority\nbase: pocket\n", "there is no kind 'mayority'; did you mean 'majority'"),
    ("base: pocket\n", "says no kind of model; write `kind: NAME`.*majority"),
    ("- majority\n", "says no kind of model"),
    ("kind: majority\nbase: pocket\nn_vote: 3\n", "'n_vote' is unknown; did you mean 'n_votes'"),
    ("kind: majority\nbase: pocket\nn_votes: many\n", "'n_votes' should be a valid integer"),
    ("kind: majority\n", "'base' is missing; add it"),
    ("kind: majority\nbase: 7\n", "7 names no model; write a text"),
    ("kind: majority\nbase: no/such/folder\n", "no model 'no/such/folder'|no such folder"),
    ("kind: majority\nbase: model.yaml\n", "is made of itself; name another model in it"),
    ("kind: cot_decoding\nbase: pocket\nk: 0\n", "model.yaml: k is 0; give at least one"),
    ("kind: majority\nbase: pocket\nn_votes: 0\n", "n_votes is 0; draw at least one reply"),
    ("kind: majority\nbase: pocket\ntemperature: 0\n", "greedy replies are all the same"),
    ("kind: few_shot\nbase: pocket\n", "0 examples and shows 3; give at least one of `shots`"),
    ("kind: few_shot\nbase: pocket\nn_shots: 0\nshots: [[a, b]]\n", "show at least one"),
    ("kind: majority\nbase: {a: [}\n", "is not valid YAML"),
    ("kind: best_of_n\nbase: pocket\n", "'rules' is missing; add it"),
    ("kind: best_of_n\nbase: pocket\nrules: pocket\n", "names no rules; write `rules:"),
    (
        "kind: best_of_n\nbase: pocket\nrules: {problems: 'pocket:4', scorer: none_such}\n",
        "no scorer 'none_such'",
    ),
    (
        "kind: best_of_n\nbase: pocket\nrules: {problems: 'pocket:4', scorer: correct}\n",
        "judges none of these 4 problems without their reference answers.*take compliant",
    ),
    (
        "kind: best_of_n\nbase: pocket\nn_tries: 0\nrules: {problems: 'pocket:4'}\n",
        "n_tries is 0; draw at least one reply",
    ),
    ("kind: parent_answers\nbase: pocket\n", "'parent' is missing; add it"),
    (
        "kind: repeat_after_thinking\nbase: http://127.0.0.1:9/v1#m\n",
        "a model with local weights: .*use two_passes or rewrite",
    ),
]
OF_TWO = [
    ("gate: jss", "there is no gate 'jss'; did you mean 'js'"),
    ("gate: {kind: js, tua: 0.1}", "'tua' is unknown; did you mean 'tau'"),
    ("gate: {kind: js, tau: -1}", "give a divergence in nats"),
    ("gate: {kind: random, rate: 2}", "give a share of tokens, of 0 to 1"),
    ("gate: {kind: random}", "'rate' is missing"),
    ("gate: {kind: probe}", "a probe has one setting"),
    ("gate: {kind: probe, file: no.safetensors}", "no.safetensors cannot be read"),
    ("gate: [js]", "model.yaml: there is no gate ..js..; known: argmax, js"),
    ("gate: {kind: [js]}", "there is no gate ..js..; known: argmax, js"),
    ("gate: {js: {tau: 0.1}}", "there is no gate None; known: argmax, js"),
    ("gate: {kind: category, chosen: [1], labelling: one}", "no category 1"),
    (
        "gate: {kind: category, chosen: [0], labelling: {layer: 1, path: x, "
        "class: 'twofold.types:Sampling'}}",
        "twofold.types:Sampling loads no categories; name a class with `load`",
    ),
    ("gate: js\nbudget: 3", "3 is no budget; write `share:` or `most:`"),
    ("gate: js\nbudget: {share: 2}", "share is of 0 to 1"),
    ("", "cross_sampling has no gate; give one"),
]


@pytest.mark.parametrize(
    ("text", "message"),
    REFUSED
    + [(f"kind: cross_sampling\nbase: pocket\ntuned: pocket\n{a}\n", b) for a, b in OF_TWO]
    + [("kind: cross_sampling\nbase: pocket\ngate: js\n", "another model's tokens; add `tuned`")],
)
def test_what_is_wrong_is_said_with_its_remedy(tmp_path: Path, text: str, message: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(ModelError, match=message):
        resolve(write(tmp_path, text))


def test_a_missing_file_and_a_class_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"no\.yaml"):
        resolve(tmp_path / "no.yaml")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_of_a_test.py").write_text(
        "from dataclasses import dataclass\n"
        "from twofold.diagnostics.elicitation.prompts import Hinted\n"
        "from twofold.models.scripted import ScriptedModel\n"
        "ECHO = ScriptedModel(lambda prompt, sample: prompt)\n"
    )
    own = "kind: twofold.diagnostics.elicitation.prompts:Hinted\nbase: own_of_a_test:ECHO\nhint: Yes?\n"
    ((reply,),) = resolve(write(tmp_path, own)).sample(ASKED, SHORT)
    assert reply.reply.endswith("How many has she?\nYes?")
    with pytest.raises(ExtensionError):
        resolve(write(tmp_path, "kind: own_of_a_test:ECHO\n"))


def test_a_yaml_file_is_read_without_torch(tmp_path: Path) -> None:
    file = write(tmp_path, "kind: nothing\n")
    probe = (
        "import sys\nfrom twofold.models import resolve\nfrom twofold.errors import ModelError\n"
        f"try:\n    resolve({str(file)!r})\nexcept ModelError:\n    sys.exit('torch' in sys.modules)\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
