"""Published formats: known by their keys, read as they are published, and complete."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from twofold.errors import ProblemError
from twofold.problems import load
from twofold.problems.row import ASK
from twofold.scorers import Correct
from twofold.types import Profile, Response

ROOT = Path(os.environ["TWOFOLD_SHARED"])
BENCHMARKS = ROOT / "data"
needs_benchmarks = pytest.mark.skipif(
    not BENCHMARKS.is_dir(),
    reason="the published benchmarks are not here; set TWOFOLD_SHARED to the folder with data/",
)

GSM8K = {"question": "How many?", "answer": "500 + 500 = <<500+500=1000>>1,000\n#### 1,000"}
MATH = {
    "problem": "Find $x$.",
    "solution": "It is $5$.",
    "answer": "5",
    "subject": "Algebra",
    "level": 2,
    "unique_id": "test/algebra/1.json",
}
MATHIF = {
    "source": "HuggingFaceH4/gsm8k",
    "id": "gsm8k-double-0",
    "question": "How many?",
    "answer": "12",
    "constraint_desc": ["No commas, please.", 'Say "total".'],
    "constraint_name": ["punctuation:no_comma", "keywords:existence"],
    "constraint_args": [None, {"keywords": ["total"]}],
}
IFEVAL = {
    "key": 1001,
    "prompt": "Write four sentences or more. Do not use commas.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_sentences"],
    "kwargs": [
        {"relation": None, "num_sentences": None},
        {"relation": "at least", "num_sentences": 4},
    ],
}


def saved(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_gsm8k(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path / "test.jsonl", GSM8K), profile="fixed")
    assert problem.answer == "1000"
    assert problem.solution == "500 + 500 = 1,000\nThe answer is \\boxed{1000}."
    assert problem.tags == {"source": "gsm8k", "source_id": "test#0", "split": "test"}
    assert problem.messages()[0]["content"] == "How many?" + ASK.rstrip()
    assert "\\boxed{}" in ASK


def test_math500(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path / "m.jsonl", MATH), profile="fixed")
    assert (problem.question, problem.answer) == ("Find $x$.", "5")
    assert problem.solution == "It is $5$."
    assert problem.tags == {
        "source": "math500",
        "source_id": "test/algebra/1.json",
        "difficulty": "2",
        "subject": "Algebra",
    }


def test_a_set_with_problem_and_answer_reads_like_math500(tmp_path: Path) -> None:
    row = {"id": 60, "problem": "Find $x$.", "answer": 33, "solution": 33, "year": "2024"}
    (problem,) = load(saved(tmp_path / "aime_2024.jsonl", row), profile="fixed")
    assert (problem.answer, problem.solution) == ("33", None)
    assert problem.tags == {"source": "aime_2024", "source_id": "aime_2024#0"}


def test_mathif_asks_as_published(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path / "gsm8k_double.jsonl", MATHIF), profile="fixed")
    assert problem.messages()[0]["content"] == (
        "How many?Let's think step by step and output the final answer within \\boxed{}."
        'No commas, please. Say "total".'
    )
    assert problem.messages(stated=())[0]["content"] == (
        "How many?Let's think step by step and output the final answer within \\boxed{}."
    )
    assert problem.constraint_keys == ("punctuation:no_comma", "keywords:existence")
    assert problem.tags == {
        "source": "gsm8k",
        "source_id": "gsm8k_double#0",
        "file": "gsm8k_double",
        "published_id": "gsm8k-double-0",
    }


def test_a_mathif_directory_is_read_in_the_published_order(tmp_path: Path) -> None:
    for name in ("aime_single", "gsm8k_double", "gsm8k_single", "math500_triple"):
        saved(tmp_path / f"{name}.jsonl", MATHIF)
    (tmp_path / "parity_vectors.jsonl").write_text('{"kind": "split"}\n')
    found = [p.tags["file"] for p in load(str(tmp_path), profile="fixed")]
    assert found == ["gsm8k_single", "gsm8k_double", "math500_triple", "aime_single"]


def test_mathif_lists_of_different_length_are_an_error(tmp_path: Path) -> None:
    row = MATHIF | {"constraint_args": [None]}
    with pytest.raises(ProblemError, match=r"line 1: .* differ in length"):
        load(saved(tmp_path / "x.jsonl", row), profile="fixed")


def test_ifeval_nulls_are_absent_and_the_question_states_the_rules(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path / "i.jsonl", IFEVAL), profile="official")
    assert [c.args() for c in problem.constraints] == [
        {},
        {"num_sentences": 4, "relation": "at least"},
    ]
    assert problem.question_states_constraints
    assert problem.answer is None
    assert problem.messages()[0]["content"] == IFEVAL["prompt"]
    assert problem.tags == {"source": "ifeval", "source_id": "1001"}


def test_ifeval_keeps_a_zero(tmp_path: Path) -> None:
    row = IFEVAL | {"kwargs": [{}, {"relation": "at least", "num_sentences": 0}]}
    (problem,) = load(saved(tmp_path / "i.jsonl", row), profile="fixed")
    assert problem.constraints[1].args()["num_sentences"] == 0


def test_ifeval_needs_kwargs_for_each_instruction(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="2 instruction ids for 1 kwargs"):
        load(saved(tmp_path / "i.jsonl", IFEVAL | {"kwargs": [{}]}), profile="fixed")


def test_our_own_form_is_known_too(tmp_path: Path) -> None:
    rows = [{"question": "A?", "answer": "1"}, {"question": "B?"}]
    assert [p.answer for p in load(saved(tmp_path / "o.jsonl", *rows), profile="fixed")] == [
        "1",
        None,
    ]


def test_a_later_row_of_another_format_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.jsonl", GSM8K, MATH)
    with pytest.raises(ProblemError, match="line 2: the key 'question' is missing"):
        load(path, profile="fixed")
    path = saved(tmp_path / "y.jsonl", GSM8K, {"question": "A?", "answer": "7"})
    with pytest.raises(ProblemError, match="line 2: the answer has no '#### number'"):
        load(path, profile="fixed")


def test_limit_takes_the_first(tmp_path: Path) -> None:
    path = saved(tmp_path / "o.jsonl", *({"question": f"{n}?"} for n in range(5)))
    assert [p.question for p in load(path, profile="fixed", limit=2)] == ["0?", "1?"]
    assert len(load(path, profile="fixed", limit=9)) == 5
    with pytest.raises(ProblemError, match="limit of 0"):
        load(path, profile="fixed", limit=0)


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.jsonl", {"quesion": "A?", "gold": "1"})
    with pytest.raises(ProblemError) as caught:
        load(path, profile="fixed")
    message = str(caught.value)
    assert message.startswith(f"{path}, line 1: the keys quesion, gold fit no known format")
    assert "quesion: did you mean 'question'?" in message
    assert "IFEval or IFBench: key, prompt, instruction_id_list, kwargs" in message
    assert "own form: question" in message


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.jsonl").write_text(text)
    with pytest.raises(ProblemError, match="holds no problem"):
        load(str(tmp_path / "e.jsonl"), profile="fixed")


def test_a_missing_path_suggests_what_is_near(tmp_path: Path) -> None:
    saved(tmp_path / "train.jsonl", GSM8K)
    with pytest.raises(ProblemError, match=r"did you mean 'train\.jsonl'\?"):
        load(str(tmp_path / "trian.jsonl"), profile="fixed")
    with pytest.raises(ProblemError, match="did you mean 'synthetic'"):
        load("syntetic", profile="fixed")
    with pytest.raises(ProblemError, match="a directory, or one of synthetic, pocket"):
        load(str(tmp_path / "no" / "where"), profile="fixed")


def test_a_directory_with_several_files_wants_a_name(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"holds no \.jsonl file"):
        load(str(tmp_path), profile="fixed")
    saved(tmp_path / "test.jsonl", GSM8K)
    assert len(load(str(tmp_path), profile="fixed")) == 1
    saved(tmp_path / "train.jsonl", GSM8K)
    with pytest.raises(ProblemError, match=r"test\.jsonl, train\.jsonl; name one"):
        load(str(tmp_path), profile="fixed")


@pytest.mark.parametrize("spec", ["synthetic:x", "synthetic:0", "synthetic:9:dev", "synthetic:-1"])
def test_a_bad_suite_shows_the_form(spec: str) -> None:
    with pytest.raises(ProblemError, match="write synthetic, synthetic:200 or"):
        load(spec, profile="fixed")


def test_a_suite_has_the_size_and_split_asked_for() -> None:
    pytest.importorskip("twofold.problems.synthetic")
    train = load("synthetic:12:train", profile="fixed")
    test = load("synthetic:12", profile="fixed")
    assert (len(train), len(test)) == (12, 12)
    assert not {p.id for p in train} & {p.id for p in test}
    assert load("synthetic:12", profile="fixed", limit=5) == test[:5]


class TestHub:
    """The seam is `datasets.load_dataset`; here it answers from local files."""

    @pytest.fixture
    def datasets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        datasets = pytest.importorskip("datasets")
        original = datasets.load_dataset
        files = {"test": saved(tmp_path / "a.jsonl", IFEVAL, IFEVAL | {"key": 7})}
        files["train"] = saved(tmp_path / "b.jsonl", IFEVAL)

        def local(name: str, config: str | None, split: str | None) -> Any:
            if name == "some/configured":
                if config not in files:
                    raise ValueError(f"Config name is missing.\nPick one of {sorted(files)}")
                picked = {"dev": files[config]}
            elif name == "some/one":
                picked = {"test": files["test"]}
            elif name == "some/two":
                picked = files
            else:
                raise datasets.exceptions.DatasetNotFoundError(f"{name} is not on the Hub")
            cache = str(tmp_path / "cache")
            return original("json", data_files=picked, split=split, cache_dir=cache)

        monkeypatch.setattr(datasets, "load_dataset", local)
        return datasets

    def test_rows_go_through_the_same_detection(self, datasets: Any) -> None:
        found = load("hub:some/two:test", profile="fixed")
        assert [p.tags["source_id"] for p in found] == ["1001", "7"]
        assert found[0].constraints[0].args() == {}
        assert found[0].tags["split"] == "test"

    def test_one_split_needs_no_name_and_two_do(self, datasets: Any) -> None:
        assert len(load("hub:some/one", profile="fixed", limit=1)) == 1
        with pytest.raises(ProblemError, match="has the splits test, train; name one"):
            load("hub:some/two", profile="fixed")

    def test_a_configuration_and_its_split(self, datasets: Any) -> None:
        """`IFEVAL` is in both files, the row with the key 7 in one of them."""
        found = load("hub:some/configured:test:dev", profile="fixed")
        assert [(p.tags["source_id"], p.tags["split"]) for p in found] == [
            ("1001", "dev"),
            ("7", "dev"),
        ]
        assert len(load("hub:some/configured:train:dev", profile="fixed")) == 1

    def test_where_a_configuration_is_missing_all_are_listed(self, datasets: Any) -> None:
        with pytest.raises(ProblemError, match=r"Pick one of \['test', 'train'\].*:config:split"):
            load("hub:some/configured:dev", profile="fixed")

    def test_what_cannot_be_had_says_so(self, datasets: Any) -> None:
        with pytest.raises(ProblemError, match="'no/such' cannot be loaded from the hub"):
            load("hub:no/such:test", profile="fixed")
        with pytest.raises(ProblemError, match="cannot be loaded from the hub"):
            load("hub:some/one:dev", profile="fixed")

    @pytest.mark.parametrize("spec", ["hub:", "hub:a/b:", "hub:a/b:c:d:e"])
    def test_a_bad_spec_shows_the_form(self, spec: str) -> None:
        with pytest.raises(ProblemError, match="write hub:org/name"):
            load(spec, profile="fixed")

    def test_without_datasets_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "datasets", None)
        with pytest.raises(ProblemError, match=re.escape("pip install 'twofold[hub]'")):
            load("hub:some/one", profile="fixed")


@needs_benchmarks
@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize(
    ("path", "n_problems", "n_constraints"),
    [
        ("mathif", 420, 840),
        ("ifeval", 541, 834),
        ("math500", 500, 0),
        ("gsm8k/test.jsonl", 1319, 0),
        ("gsm8k/train.jsonl", 7473, 0),
    ],
)
def test_published_benchmarks_are_complete(
    path: str, n_problems: int, n_constraints: int, profile: Profile
) -> None:
    problems = load(str(BENCHMARKS / path), profile=profile)
    assert len(problems) == n_problems
    assert sum(len(p.constraints) for p in problems) == n_constraints
    assert len({p.id for p in problems}) == n_problems
    assert len({p.tags["source_id"] for p in problems}) == n_problems


@needs_benchmarks
def test_mathif_as_published_row_by_row() -> None:
    problems = load(str(BENCHMARKS / "mathif"), profile="official")
    rows = {
        f"{path.stem}#{number}": json.loads(line)
        for path in (BENCHMARKS / "mathif").glob("*_*le.jsonl")
        for number, line in enumerate(filter(str.strip, path.read_text("utf-8").split("\n")))
    }
    assert len(rows) == 420
    for problem in problems:
        row = rows[problem.tags["source_id"]]
        assert problem.answer == row["answer"]
        assert problem.messages()[0]["content"] == (
            row["question"]
            + "Let's think step by step and output the final answer within \\boxed{}."
            + " ".join(row["constraint_desc"])
        )
        assert [c.args() for c in problem.constraints] == [a or {} for a in row["constraint_args"]]
    by_source: dict[str, int] = {}
    for problem in problems:
        by_source[problem.tags["source"]] = by_source.get(problem.tags["source"], 0) + 1
    assert by_source == {"gsm8k": 90, "math500": 90, "minerva": 90, "olympiad": 90, "aime": 60}


@needs_benchmarks
def test_gsm8k_answers_are_numbers() -> None:
    for split in ("test", "train"):
        problems = load(str(BENCHMARKS / f"gsm8k/{split}.jsonl"), profile="fixed")
        assert all(re.fullmatch(r"-?\d+(\.\d+)?", p.answer or "") for p in problems)


@needs_benchmarks
@pytest.mark.parametrize("file", ["gsm8k/test.jsonl", "math500"])
def test_published_solutions_are_right(file: str) -> None:
    problems = load(str(BENCHMARKS / file), profile="fixed", limit=300)
    replies = [Response(raw=str(p.solution), reply=str(p.solution)) for p in problems]
    assert {verdict.score for verdict in Correct()(problems, replies)} == {1.0}
    assert not any("<<" in reply.raw for reply in replies if "gsm8k" in file)
