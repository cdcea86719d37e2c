"""Each kind of name takes `package.module:Name`: from the user, and from nobody else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from twofold import constraints, extension, problems
from twofold.cli import main
from twofold.errors import ProblemError, RunError
from twofold.extension import ExtensionError, class_named, function_named, instance_named
from twofold.judges.spec import judge_named
from twofold.methods import Method
from twofold.methods.rewards import reward
from twofold.models import resolve
from twofold.types import Constraint, Scorer

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from faulty_server import Asked, FaultyServer, Say, Send

HERE = Path(__file__).parent
RULE = "example_extension.rules:EndsWith"
ROW = {
    "question": "What is 1 + 1?",
    "answer": "2",
    "constraints": [{"name": "example:ends_with", "args": {"sign": "."}}],
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """The extension can be imported, nobody has named anything, and what is named is forgotten."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(constraints, "CONSTRAINTS", dict(constraints.CONSTRAINTS))
    monkeypatch.setattr(constraints, "ALIASES", dict(constraints.ALIASES))
    monkeypatch.setattr(extension, "_NAMED", set())
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "spy_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert "spy_module" not in sys.modules


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments: object, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["twofold", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert (ended.value.code or 0) == status, told.err
        return told.out + told.err

    return run


@pytest.fixture(scope="module")
def server():
    def act(asked: Asked):
        if asked.path.endswith("/models"):
            return Send(body=b'{"data": [{"id": "m"}]}')
        return Say("What is \\boxed{4}.")

    with FaultyServer(act) as server:
        yield f"{server.url}#m"


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def found(out: Path, diagnostic: str = "joint") -> dict:
    findings = json.loads((out / "findings.json").read_text())["findings"]
    return next(f for f in findings if f["diagnostic"] == diagnostic)


def estimate(out: Path, metric: str, diagnostic: str = "joint", condition: str = "") -> dict:
    return next(
        measure
        for measure in found(out, diagnostic)["measures"]
        if measure["role"] == "model"
        and measure["metric"] == metric
        and measure.get("condition", "") == condition
    )


@pytest.mark.parametrize("called", ["example:ends_with", RULE])
def test_a_constraint_that_the_user_names(called, run, tmp_path):
    row = ROW | {"constraints": [{"name": called, "args": {"sign": "."}}]}
    asked = lines(tmp_path / "p.jsonl", row, row | {"question": "Again?"})
    replies = lines(tmp_path / "r.jsonl", {"output": ["\\boxed{2}."]}, {"output": ["\\boxed{2}"]})
    score = ("score", replies, "--problems", asked, "--out", tmp_path / "run")
    assert "--constraints package.module:Name" in run(*score, status=2)
    told = run("--constraints", RULE, *score)
    assert "0.500" in told
    assert estimate(tmp_path / "run", "hacc", condition="constrained")["value"] == 0.5


def test_a_run_with_a_constraint_is_reported_once_it_is_named_again(run, tmp_path, monkeypatch):
    constraints.register(RULE)
    asked = lines(tmp_path / "p.jsonl", ROW)
    replies = lines(tmp_path / "r.jsonl", {"output": ["\\boxed{2}."]})
    run("score", replies, "--problems", asked, "--out", tmp_path / "run")
    del constraints.CONSTRAINTS["example:ends_with"]
    assert "one of your own is named before the command" in run(
        "report", tmp_path / "run", status=2
    )
    run("--constraints", RULE, "report", tmp_path / "run")


def test_a_source_of_problems(run, tmp_path):
    replies = lines(tmp_path / "r.jsonl", *({"output": [f"\\boxed{{{n}}}."]} for n in (0, 2, 5)))
    source = ("--problems", "example_extension.problems:sums")
    run("score", replies, *source, "--out", tmp_path / "run")
    accuracy, hacc = (
        estimate(tmp_path / "run", metric, condition="constrained")["value"]
        for metric in ("accuracy", "hacc")
    )
    assert accuracy == pytest.approx(2 / 3) and hacc == 1.0


def test_a_judge(run, tmp_path):
    listed = {"question": "Well?", "checklist": {"criteria": [{"text": "Is it kind to all?"}]}}
    asked, replies = (
        lines(tmp_path / "p.jsonl", listed),
        lines(tmp_path / "r.jsonl", {"output": "No."}),
    )
    score = ("score", replies, "--problems", asked, "--out", tmp_path / "run")
    run(*score, "--judge", "example_extension.judges:Lenient")
    lenient = "example_extension.judges:Lenient"
    assert estimate(tmp_path / "run", "mean", "checklist", lenient)["value"] == 1.0


def test_a_model(run, tmp_path):
    (tmp_path / "own_model.py").write_text(
        "from twofold.models.scripted import ScriptedModel\n"
        "TWO = ScriptedModel(lambda prompt, sample: '#### 2.')\n"
    )
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps({"question": "What is 1 + 1?", "answer": "2"}))
    said = run("audit", "own_model:TWO", "--problems", file, "--out", tmp_path / "run")
    assert "1.000" in said
    with pytest.raises(ExtensionError, match=r"is no subclass of twofold\.types\.model\.Model"):
        resolve("twofold.scorers:Correct")
    with pytest.raises(ExtensionError, match="cannot be imported"):
        resolve("no_such_module:MODEL")


def test_a_method_with_a_reward_and_a_scorer(run, tmp_path):
    asked, settings = lines(tmp_path / "p.jsonl", {"question": "1 + 1?"}), tmp_path / "c.yaml"
    train = ("train", "example_extension.methods:Nothing", "--base", "pocket", "--problems", asked)
    train = (*train, "--out", tmp_path / "model", "--config", settings)
    for name, called in (("RIGHT_AND_BRIEF", "product(correct,brief)"), ("Brief", "brief")):
        settings.write_text(f"reward: example_extension.measures:{name}")
        assert called in run(*train, "--dry-run")
    assert "0 steps; now `twofold audit pocket --baseline pocket --problems HELD" in run(*train)


def test_a_diagnostic(server, run, tmp_path):
    out = tmp_path / "run"
    asked = lines(tmp_path / "p.jsonl", {"question": "What is 2 + 2?", "answer": "4"})
    named = ("--diagnostics", "example_extension.diagnostics:Parroting")
    run("audit", server, "--problems", asked, *named, "--out", out)
    share = {"value": pytest.approx(2 / 3), "n": 1}
    assert estimate(out, "share", "parroting").items() >= share.items()
    assert "Does the model repeat the question?" in (out / "report.html").read_text()
    run("report", out)
    assert "parroting" not in {
        f["diagnostic"] for f in json.loads((out / "findings.json").read_text())["findings"]
    }
    assert (
        "parroting.jsonl is the table of a diagnostic from outside"
        in (out / "report.html").read_text()
    )
    run("report", out, *named)
    assert estimate(out, "share", "parroting").items() >= share.items()
    assert not [line for line in found(out)["caveats"] if "from outside" in line]


def test_a_plan_names_all_of_them(tmp_path):
    from twofold import study

    (tmp_path / "plan.yaml").write_text(
        "base: pocket\n"
        "train: example_extension.problems:sums\n"
        "splits: {test: 'pocket:2'}\n"
        f"constraints: ['{RULE}']\n"
        "diagnostics: example_extension.diagnostics:Parroting\n"
        "arms:\n"
        "  a: {method: 'example_extension.methods:Nothing', reward: 'example_extension.measures:Brief'}\n"
        "  b: {method: grpo, reward: {judge: 'example_extension.judges:Lenient'}}\n"
    )
    plan = study.read(tmp_path / "plan.yaml")
    assert [type(arm.method).__name__ for arm in plan.arms] == ["Nothing", "Grpo"]
    (tmp_path / "again.yaml").write_text(plan.to_yaml())
    assert study.read(str(tmp_path / "again.yaml")) == plan


def test_a_module_in_the_working_directory_is_found(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from twofold import Problem\ndef one(profile): yield Problem(question='1?', answer='1')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-m", "twofold", "check", "mine:one"],  # -P: as the console script
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("1 problems"), done.stderr


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: reward("no_such_module:Name"), "install it, or run the command in the folder"),
        (lambda: reward("example_extension.measures:Nothing"), "check the name after the colon"),
        (
            lambda: reward("example_extension.judges:Lenient"),
            r"is no subclass of twofold\.types\.model\.Scorer",
        ),
        (
            lambda: judge_named("example_extension.measures:Brief"),
            "no subclass of twofold.judges.judge.Judge",
        ),
        (lambda: instance_named(RULE, Constraint), "give its fields defaults"),
        (lambda: class_named("example_extension.measures:RIGHT_AND_BRIEF", Scorer), "no subclass"),
        (lambda: class_named("os:system", Method), "no subclass of twofold.methods.method.Method"),
        (lambda: function_named("string:digits"), "is no function"),
    ],
)
def test_an_error_names_the_remedy(ask, said):
    with pytest.raises(ExtensionError, match=said):
        ask()


def test_a_name_that_is_taken_is_refused(monkeypatch):
    from example_extension.diagnostics import Parroting
    from example_extension.rules import EndsWith

    from twofold.diagnostics import diagnostics_named

    monkeypatch.setattr(EndsWith, "name", "punctuation:no_comma")
    with pytest.raises(ProblemError, match="rename it"):
        constraints.register(RULE)
    monkeypatch.setattr(Parroting, "name", "responses")
    with pytest.raises(RunError, match="give it another name"):
        diagnostics_named("example_extension.diagnostics:Parroting")


def test_a_source_gives_problems(monkeypatch):
    import example_extension.problems as source

    monkeypatch.setattr(source, "sums", lambda profile: ["1 + 1?"])
    with pytest.raises(ProblemError, match="it must return Problems"):
        problems.load("example_extension.problems:sums", profile="fixed")


@pytest.mark.parametrize("name", ["spy_module:Rule", "os:system"])
def test_a_problem_file_imports_nothing(name, run, tmp_path):
    asked = lines(tmp_path / "p.jsonl", ROW | {"constraints": [{"name": name}]})
    assert f"constraint '{name}' does not exist" in run("check", asked, status=2)


def test_a_manifest_imports_nothing(run, tmp_path):
    asked, replies = (
        lines(tmp_path / "p.jsonl", {"question": "1?", "answer": "1"}),
        lines(tmp_path / "r.jsonl", {"output": "1"}),
    )
    out = tmp_path / "run"
    run("score", replies, "--problems", asked, "--out", out)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest |= {"models": {"model": "spy_module:Model"}, "diagnostics": "spy_module:Diagnostic"}
    (out / "manifest.json").write_text(json.dumps(manifest))
    lines(out / "spy_module.jsonl", {"role": "model", "key": "spy_module:Diagnostic"})
    run("report", out)


@pytest.mark.parametrize(
    "named",
    [
        "arms: {a: {method: spy_module:Method}}",
        "arms: {a: {method: grpo, reward: spy_module:Reward}}",
        "arms: {a: {method: grpo, reward: {judge: spy_module:Judge}}}",
        "diagnostics: spy_module:Diagnostic\narms: {a: {method: rft}}",
        "constraints: [spy_module:Rule]\narms: {a: {method: rft}}",
        "train: spy_module:problems\narms: {a: {method: rft}}",
    ],
)
def test_the_plan_in_a_studys_folder_imports_nothing(named, run, tmp_path):
    plan = {"base": "pocket", "train": "pocket:2:train", "splits": {"test": "pocket:2"}}
    text = "".join(f"{k}: {json.dumps(v)}\n" for k, v in plan.items() if f"{k}:" not in named)
    (tmp_path / "study.yaml").write_text(text + named)
    assert "nothing is imported because a file there names" in run("report", tmp_path, status=2)


@pytest.mark.parametrize("file", ["config.json", "adapter_config.json", "tokenizer_config.json"])
def test_a_model_folder_imports_nothing(file, run, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    spy = "spy_module:Model"
    config = {
        "model_type": spy,
        "base_model_name_or_path": spy,
        "auto_map": {"AutoModelForCausalLM": spy},
    }
    (folder / file).write_text(json.dumps(config | {"peft_type": "LORA"}))
    run("audit", folder, "--problems", "synthetic:1", "--out", tmp_path / "run", status=2)
