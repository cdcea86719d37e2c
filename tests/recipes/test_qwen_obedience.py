"""The Qwen study: are its rules what they claim, does it run to the end, and does a kill cost little?"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.apply import can_apply
from twofold.errors import ProblemError
from twofold.methods.demonstrations import written_reply
from twofold.models.scripted import ScriptedModel
from twofold.problems import load, write
from twofold.problems.drawn import distance
from twofold.randomness import rng_for
from twofold.runs.audit import audit
from twofold.scorers import Compliant, Correct
from twofold.study.scores import Scores
from twofold.types import Problem, Response

study = importlib.import_module("recipes.20_qwen_obedience")
rules = importlib.import_module("recipes.20_qwen_obedience.rules")
sets = importlib.import_module("recipes.20_qwen_obedience.problems")
results = importlib.import_module("recipes.20_qwen_obedience.results")
command = importlib.import_module("recipes.20_qwen_obedience.__main__")
claims = importlib.import_module("recipes.20_qwen_obedience.claims")
looking = importlib.import_module("recipes.20_qwen_obedience.attention")
more = importlib.import_module("recipes.20_qwen_obedience.more_pairs")
elicited = importlib.import_module("recipes.20_qwen_obedience.elicited")
edits = importlib.import_module("recipes.20_qwen_obedience.edits")
reach = importlib.import_module("recipes.20_qwen_obedience.reach")
local = importlib.import_module("recipes.20_qwen_obedience.local")
published = importlib.import_module("recipes.20_qwen_obedience.published")

ROOT = Path(__file__).parents[2]
ARMS = {"rft_answer_only", "rft_joint", "rft_hindsight", "sft_applied", "sft_types", "sft_own"}


def test_rules_are_at_the_distance_that_they_are_named_by() -> None:
    assert len(rules.TRAINED) >= 16
    assert len({CONSTRAINTS[name].family for name in rules.TRAINED}) >= 6
    for name, types in rules.TYPES.items():
        assert len(set(types)) == len(types)
        assert {distance(each, rules.TRAINED) for each in types} == {name}


def drawn(name: str, question: str, n: int) -> list[Any]:
    found = []
    for i in range(n):
        try:
            args = CONSTRAINTS[name].draw(rng_for("test", i, name), question)
            found.append(from_spec(name, args, profile="fixed"))
        except ProblemError:
            continue
    return found


@pytest.mark.parametrize("name", rules.TRAINED)
def test_a_trained_rule_can_be_applied_and_the_answer_stays_right(name: str) -> None:
    question, text = "What is 8 times 9?", "First, 8 times 9 is 72.\n\nThe answer is \\boxed{72}."
    problem = Problem(question=question, answer="72")
    made = drawn(name, question, 20)
    assert made and all(map(can_apply, made))
    edited = [rule.apply(text) for rule in made]
    there = [each for each in edited if each is not None]
    assert len(there) >= len(made) // 2
    verdicts = Correct()([problem] * len(there), [Response(raw=t, reply=t) for t in there])
    assert {v.score for v in verdicts} == {1.0}


def test_plans_name_the_splits_and_budgets_of_their_scales() -> None:
    for name, scale in study.SCALES.items():
        plan = yaml.safe_load((Path(str(study.__file__)).parent / f"{name}.yaml").read_text())
        assert tuple(plan["splits"]) == (rules.SPLITS if name == "full" else tuple(rules.TYPES))
        assert plan["max_tokens"] == scale.max_tokens
        trained = {k: arm for k, arm in plan["arms"].items() if k != "released"}
        assert set(trained) == ARMS
        for arm in trained.values():
            assert arm.get("max_completion_length", scale.max_tokens) == scale.max_tokens
            assert arm["lora"] == importlib.import_module("recipes.20_qwen_obedience.warm_up").RANK


N_TRAIN, N_TEST = 8, 2


def written_data(shared: Path) -> None:
    """A folder of published data with problems of one answer, so that a tiny model can know it."""
    (shared / "data" / "gsm8k").mkdir(parents=True)
    for name, n in (("train", N_TRAIN), ("test", N_TEST)):
        rows = [
            {"question": f"Is it {name} {i}?", "answer": "Two and two.\n#### 4"} for i in range(n)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (shared / "data" / "gsm8k" / f"{name}.jsonl").write_text(text)
    row = {"key": 1, "prompt": "Is it? Use no commas.", "kwargs": [{}]}
    row["instruction_id_list"] = ["punctuation:no_comma"]
    (shared / "data" / "ifeval").mkdir()
    (shared / "data" / "ifeval" / "input_data.jsonl").write_text(json.dumps(row) + "\n")


def taught(folder: Path) -> Path:
    """A tiny random model that was taught one reply to every prompt."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    spec = importlib.util.spec_from_file_location(
        "tiny_llama", ROOT / "tests" / "models" / "tiny_llama.py"
    )
    assert spec is not None and spec.loader is not None
    tiny_llama = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny_llama)
    tokenizer = tiny_llama.tiny_tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = transformers.LlamaForCausalLM(config)
        steps = torch.optim.AdamW(network.parameters(), lr=1e-2)
        reply = tokenizer("it is \\boxed{4}<|im_end|>").input_ids
        for n in range(150):
            rows = []
            for _ in range(8):
                before = torch.randint(5, len(tokenizer) - 5, (40 * (1 + n % 3),)).tolist()
                start = tokenizer("<|im_end|>\n<|im_start|>assistant\n").input_ids
                rows.append([*before, *start, *reply])
            ids = torch.tensor(rows)
            logits = network(ids).logits[:, -len(reply) - 1 : -1]
            loss = torch.nn.functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), ids[:, -len(reply) :].reshape(-1)
            )
            steps.zero_grad()
            loss.backward()
            steps.step()
    assert loss.item() < 0.05
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_program(tmp_path: Path) -> Path:
    """A program that runs the recipe at a tiny scale, as its command does."""
    values = yaml.safe_load((Path(str(command.__file__)).parent / "cpu.yaml").read_text())
    text = yaml.safe_dump(values, sort_keys=False).replace("runs/qwen/cpu", "runs/qwen/tiny")
    values = yaml.safe_load(text) | {"seeds": [0], "max_tokens": 16}
    for name, arm in values["arms"].items():
        if name != "released":
            arm |= {"batch": 4, "save_steps": 1, "learning_rate": 1e-4}
        if name.startswith("rft"):
            arm |= {"num_generations": 2, "max_completion_length": 16}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    program = tmp_path / "tiny.py"
    program.write_text(
        "import importlib, sys, pathlib\n"
        "study = importlib.import_module('recipes.20_qwen_obedience')\n"
        f"scale = study.Scale(train={N_TRAIN}, words=None, test={N_TEST}, mathif=None, published=None,"
        " max_tokens=16, draws=2)\n"
        "study.SCALES['tiny'] = scale\n"
        "command = importlib.import_module('recipes.20_qwen_obedience.__main__')\n"
        "base, out, plans = sys.argv[1:]\n"
        "sys.exit(command.whole('tiny', base, pathlib.Path(out), pathlib.Path(plans)))\n"
    )
    return program


def test_the_whole_study_at_tiny_scale_killed_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trl")
    written_data(tmp_path / "shared")
    base, out = taught(tmp_path / "base"), tmp_path / "out"
    environment = os.environ | {
        "TWOFOLD_SHARED": str(tmp_path / "shared"),
        "TWOFOLD_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    line = [sys.executable, str(tiny_program(tmp_path)), str(base), str(out), str(tmp_path)]
    ran = subprocess.Popen(
        line, env=environment, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL
    )
    merged = out / "base" / "config.json"
    started = time.monotonic()
    while not merged.exists():  # the warm-up is done, the study has begun or is about to
        assert ran.poll() is None and time.monotonic() < started + 400
        time.sleep(0.05)
    os.killpg(ran.pid, signal.SIGKILL)
    ran.wait()
    assert not (out / "study" / "study.json").exists()
    kept = [merged, out / "own_right.jsonl"]
    stamps = [file.stat().st_mtime_ns for file in kept]
    done = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [file.stat().st_mtime_ns for file in kept] == stamps, "finished work was done again"
    assert "mathif, ifbench left out: set TWOFOLD_SHARED" in done.stdout
    found = results.lines(out)
    arms = {"released", "base", *ARMS}
    assert {(each["split"], each["arm"]) for each in found} >= {
        (split, arm) for split in ("trained", "near", "far") for arm in arms
    }
    last = [each for each in found if each["split"] == "ifeval"]
    assert {each["arm"] for each in last} == arms
    assert "| ifeval | sft_applied | 1.000 [" in published.table(out)
    assert {each["measures"]["all met"]["value"] for each in last} == {1.0}
    for each in (each for each in found if each not in last):
        assert each["measures"]["right, untold"]["n"] == N_TEST
        assert ("obedience" in each["change"]) == (each["arm"] != "base")
    released = next(each for each in found if each["arm"] == "released")
    assert released["measures"]["right, untold"]["value"] == 1.0
    folder = tmp_path / "kept"
    folder.mkdir()
    assert set(results.keep(out, found, folder)) == (arms - {"released", "base"}) | {"warm_up"}
    assert "| trained | released | 1 | 1.000" in (folder / "results.md").read_text()
    for name in ("warm_up", "rft_joint"):
        config = json.loads((folder / "adapters" / name / "adapter_config.json").read_text())
        assert config["r"] == (4 if name == "warm_up" else 8)
        assert config["base_model_name_or_path"] == results.HUB
        assert name in (folder / "adapters" / name / "README.md").read_text()
    # another machine goes on: the same base, and every finished cell
    again = importlib.import_module("recipes.20_qwen_obedience.restore")
    made = again.restored(str(base), tmp_path / "again", folder)
    weights = "model.safetensors"
    assert (made / weights).read_bytes() == (out / "base" / weights).read_bytes()
    cells = {p.relative_to(out) for p in out.rglob("cell.json")}
    assert cells == {p.relative_to(made.parent) for p in made.parent.rglob("cell.json")}
    assert len(cells) == 2 * len(arms)
    # a folder of another scale is not mixed with this one
    shutil.copy(out / "data" / "near.jsonl", out / "data" / "far.jsonl")
    monkeypatch.setenv("TWOFOLD_SHARED", str(tmp_path / "shared"))
    scale = study.Scale(
        train=N_TRAIN, words=None, test=N_TEST, mathif=None, published=None, max_tokens=16, draws=2
    )
    with pytest.raises(ProblemError, match=r"at another scale.*give another --out"):
        command.written(out, scale)


@pytest.mark.parametrize(
    ("problems", "demonstrations", "types"),
    [(more.PROBLEMS, more.PAIRS, rules.TRAINED), (more.MANY_PROBLEMS, more.MANY_PAIRS, rules.MANY)],
)
def test_more_pairs_are_right_obey_and_have_their_twins(
    tmp_path: Path, problems: str, demonstrations: str, types: tuple[str, ...]
) -> None:
    question = "Tom has 8 boxes of 9 pens. How many pens are that?"
    problem = Problem(question=question, answer="72", ask="Box the answer.")
    own = "Each box has 9 pens.\n\nSo 8 boxes have \\boxed{72} pens."
    line = {"problem": problem.id, "raw": own, "finish_reason": "answered"}
    (tmp_path / "own.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "data").mkdir()
    n = more.written([problem], tmp_path / "own.jsonl", tmp_path)
    asked = {p.id: p for p in load(str(tmp_path / "data" / problems), profile="fixed")}
    shown = [json.loads(row) for row in (tmp_path / demonstrations).read_text().splitlines()]
    edited = [row for row in shown if asked[row["problem"]].constraints]
    twins = [row for row in shown if not asked[row["problem"]].constraints]
    assert n == len(edited) >= 3  # the same number for few types and for many
    assert [(row["problem"], row["raw"]) for row in twins] == [(problem.id, own)]
    of = [asked[row["problem"]] for row in edited]
    replies = [written_reply(row["raw"]) for row in edited]
    assert {v.score for v in Compliant("all")(of, replies)} == {1.0}
    assert {v.score for v in Correct()(of, replies)} == {1.0}
    assert {c.name for p in of for c in p.constraints} <= {*types}


def test_many_types_are_of_the_trained_families_and_none_is_held_out() -> None:
    families = {CONSTRAINTS[name].family for name in rules.TRAINED}
    assert {CONSTRAINTS[name].family for name in rules.MANY} == families
    assert {*rules.TRAINED} < {*rules.MANY} and len(rules.MANY) >= 2.5 * len(rules.TRAINED)
    assert not {*rules.MANY} & {*rules.NEAR, *rules.FAR}


def test_attention_is_a_geometric_mean_and_its_change_is_paired() -> None:
    """By hand: the base looks 2 and 8 times as much at the rule, the arm half as much as the base."""
    base = {"a": looking.Looked(2, 1), "b": looking.Looked(8, 1)}
    arm = {"a": looking.Looked(1, 1), "b": looking.Looked(12, 3), "c": looking.Looked(1, 1)}
    rows = {("near", "base"): base, ("near", "sft_applied"): arm}
    begun = {key: {"a": (1,), "b": (2,)} for key in rows}
    *_, first, second = looking.table(rows, begun).splitlines()
    assert first.startswith("| near | base | × 4.00 [")
    assert second.startswith("| near | sft_applied | × 1.59 [")
    same = "× 0.50 [0.50, 0.50]"  # 1/2 of 2/1, and 12/3 of 8/1
    assert f"(n=3) | {same} | × 0.87 [" in second
    assert second.endswith(f"| {same} (n=2) |")


def kept_run(place: Path) -> Path:
    """The run that is kept, with its problems, which need GSM8K."""
    importlib.import_module("recipes.archive").unpack(results.HERE / results.RUN, place)
    try:
        found = command.written(place, study.SCALES["cpu"])
    except ProblemError as absent:
        pytest.skip(str(absent))
    more.written(found["train"], place / "own_right.jsonl", place)
    return place


def test_the_readme_has_the_numbers_of_the_kept_run(tmp_path: Path) -> None:
    importlib.import_module("recipes.archive").unpack(results.HERE / results.RUN, tmp_path)
    text = (results.HERE / "README.md").read_text()
    looked = looking.kept(tmp_path)
    shown = looking.table(looked, looking.beginnings(tmp_path, looked))
    asked = [row for row in elicited.table(tmp_path).splitlines() if row.startswith("| trained")]
    assert len(asked) == 3
    tables = [claims.tables(tmp_path), shown, "\n".join(asked)]
    tables += [local.table(tmp_path), published.table(tmp_path)]
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) > 40
    assert [row for row in rows if row not in text] == []


def test_the_readme_has_the_kinds_of_rules_of_the_kept_run(tmp_path: Path) -> None:
    text = (results.HERE / "README.md").read_text()
    rows = [row for row in reach.tables(kept_run(tmp_path)).splitlines() if row]
    assert len(rows) == 2 + 12 + 2 + 26
    assert [row for row in rows if row not in text] == []


def test_a_title_is_an_edit_at_one_place_and_no_commas_at_every_comma() -> None:
    """By hand: a line before the reply; three commas go, and so do none in the second reply."""
    replies = ["First, 8, then 9, is \\boxed{72}.", "It is \\boxed{72}."]
    problems = [Problem(question="What is 8 times 9?", answer="72")] * 2
    title = edits.edited("detectable_format:title", problems, replies)
    assert (title.share, title.places, title.kept) == (1.0, 1.0, 1.0)
    assert title.is_local
    comma = edits.edited("punctuation:no_comma", problems, replies)
    assert (comma.share, comma.places) == (0.5, 3.0)
    assert not comma.is_local
    never = edits.edited("words:start_verb", problems, replies)
    assert never.share == 0 and not never.is_local


def test_local_types_are_those_of_many_that_an_edit_meets_and_none_is_trained(
    tmp_path: Path,
) -> None:
    kept_run(tmp_path)
    held_out = [name for name in rules.MANY if name not in rules.TRAINED]
    how = edits.edits(tmp_path, held_out)
    assert tuple(name for name in held_out if how[name].is_local) == rules.LOCAL
    assert not {*rules.LOCAL} & {*rules.TRAINED, *rules.NEAR, *rules.FAR}
    assert {distance(name, rules.TRAINED) for name in rules.LOCAL} == {"near"}


def test_obedience_is_by_question_over_the_rules_of_a_kind(tmp_path: Path) -> None:
    """By hand: told, `a` gets a title and no commas; `b`, with a comma, no title; `c` has no comma untold."""
    title, no_comma = (
        from_spec(name, None, profile="fixed")
        for name in ("detectable_format:title", "punctuation:no_comma")
    )
    of = {"a": (title, no_comma), "b": (title,), "c": (no_comma,)}
    problems = [Problem(question=q, answer="1", constraints=rules) for q, rules in of.items()]
    told = {"a": "<<One>> it is \\boxed{1}", "b": "So, \\boxed{1}", "c": "It is \\boxed{1}"}
    untold = {"a": "So, \\boxed{1}", "b": "So, \\boxed{1}", "c": "It is \\boxed{1}"}
    script = {}
    for problem in problems:
        for stated, replies in ((None, told), ((), untold)):
            said = "\n\n".join(m["content"] for m in problem.messages(stated=stated))
            script[said] = [replies[problem.question]]
    audit(ScriptedModel(script), problems, out=tmp_path / "run")
    scores = Scores.read(problems, {0: tmp_path / "run"})
    assert reach.obeyed(scores, {title.name, no_comma.name}).tolist() == [[1.0, 0.0, 0.0]]
    assert reach.obeyed(scores, {no_comma.name})[0, [0, 2]].tolist() == [1.0, 0.0]
    assert np.isnan(reach.obeyed(scores, {no_comma.name})[0, 1])
    how = {title.name: edits.Edit(1.0, 1.0, 1.0), no_comma.name: edits.Edit(1.0, 9.0, 1.0)}
    found = dict.fromkeys(reach.NAMED, scores)
    rows = reach.by_type("near", found, how, {title.name: 4})
    ones = " | ".join(["1"] * 4)
    assert rows[0] == f"| near | detectable_format:title | 1 | 4 | 2 | {ones} | 1 | 0 |"
    twos = " | ".join(["2"] * 4)
    assert rows[1] == f"| near | punctuation:no_comma | 9 | 0 | 2 | {twos} | 2 | 1 |"


def test_published_prompts_stand_beside_replies_to_other_prompts(tmp_path: Path) -> None:
    """By hand: each of three replies meets its own rule, and the third those of the others as well."""
    title, no_comma, last = (
        from_spec(*each, profile="fixed")
        for each in (
            ("detectable_format:title", None),
            ("punctuation:no_comma", None),
            ("startend:end_checker", {"end_phrase": "The end."}),
        )
    )
    replies = ["<<One, two>> So.", "So it is.", "<<One>> So. The end."]
    asked = [
        Problem(question=f"Say so {n}.", constraints=(rule,), question_states_constraints=True)
        for n, rule in enumerate((title, no_comma, last))
    ]
    script = {
        "\n\n".join(m["content"] for m in problem.messages()): [reply]
        for problem, reply in zip(asked, replies, strict=True)
    }
    run = tmp_path / "published" / "study" / "arms" / "released" / "seed-0" / "ifeval"
    audit(ScriptedModel(script), asked, out=run)
    rows = published.table(tmp_path).splitlines()
    assert len(rows) == 4
    assert rows[2].startswith("| ifeval | released, to another prompt | 0.333 [")  # 1/2, 1/2 and 0
    assert "(n=3)" in rows[2]
    assert rows[3].startswith("| ifeval | released | 1.000 [") and rows[3].endswith("| 0 of 3 |")


def test_a_single_published_prompt_has_no_control(tmp_path: Path) -> None:
    rule = from_spec("punctuation:no_comma", None, profile="fixed")
    asked = [Problem(question="Say so.", constraints=(rule,), question_states_constraints=True)]
    run = tmp_path / "published" / "study" / "arms" / "released" / "seed-0" / "ifeval"
    audit(ScriptedModel(lambda prompt, sample: "So."), asked, out=run)
    assert "| ifeval | released, to another prompt | – | | |" in published.table(tmp_path)


def test_examples_in_the_prompt_obey_other_rules_each(tmp_path: Path) -> None:
    """Two replies that obey two rules each; a third one shows a rule again, a fourth obeys one rule alone."""
    title, quoted, no_comma, lower = (
        from_spec(name, None, profile="fixed")
        for name in (
            *("detectable_format:title", "startend:quotation"),
            *("punctuation:no_comma", "change_case:english_lowercase"),
        )
    )
    rules_of = {
        "a": (title, quoted),
        "b": (quoted, no_comma),
        "c": (no_comma, lower),
        "d": (title,),
    }
    problems = [Problem(question=f"{q}?", answer="1", constraints=of) for q, of in rules_of.items()]
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / more.PROBLEMS, problems)
    with (tmp_path / more.PAIRS).open("w") as out:
        for n, problem in enumerate(problems):
            line = {"problem": problem.id, "raw": "x" * (n + 1), "finish_reason": "answered"}
            out.write(json.dumps(line) + "\n")
    found = elicited.shots(tmp_path)
    assert [(question[:2], reply) for question, reply in found] == [("a?", "x"), ("c?", "xxx")]


def test_without_data_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_SHARED", str(tmp_path))
    with pytest.raises(ProblemError, match="GSM8K is not there; set TWOFOLD_SHARED"):
        sets.files(study.SCALES["cpu"])


def test_one_in_four_training_problems_is_bare_and_the_test_questions_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_data(tmp_path)
    monkeypatch.setenv("TWOFOLD_SHARED", str(tmp_path))
    scale = study.Scale(
        train=8, words=5, test=2, mathif=None, published=None, max_tokens=16, draws=2
    )
    found = sets.files(scale)
    assert [bool(p.constraints) for p in found["train"]] == [True, True, True, False] * 2
    assert all(p.constraints for p in found["shown"])
    for name, types in rules.TYPES.items():
        assert [p.question for p in found[name]] == [p.question for p in found["far"]]
        assert {c.name for p in found[name] for c in p.constraints} <= set(types)
    with pytest.raises(ProblemError, match="0 questions have at most 1 words, and 8 are needed"):
        sets.files(study.Scale(**{**vars(scale), "words": 1}))
