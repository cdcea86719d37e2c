"""Does a README of others keep every character but those of our block?"""

import pytest
import yaml

from twofold.errors import RunError
from twofold.publishing.readme import BEGIN, END, Block, metadata
from twofold.report.card import TASK

OURS = [{"name": "m", "results": [{"task": {"type": "t", "name": TASK}, "metrics": []}]}]
THEIRS = {"task": {"type": "t", "name": "Sums"}, "metrics": [{"type": "accuracy", "value": 1}]}


def test_texts_and_metadata_around_it_stay() -> None:
    before = f"---\nlicense: mit  # mine\ntags:\n- a\n---\n# Title\n\n{BEGIN}\nold\n{END}\n\nEnd.\n"
    after = Block(body="new", model_index=OURS).put_into(before)
    assert after.startswith("---\nlicense: mit  # mine\ntags:\n- a\nmodel-index:\n- name: m\n")
    assert after.endswith(f"---\n# Title\n\n{BEGIN}\nnew\n{END}\n\nEnd.\n")
    assert metadata(after) == {"license": "mit", "tags": ["a"], "model-index": OURS}


def test_twice_is_once() -> None:
    block = Block(body="new", model_index=OURS)
    for text in (
        "",
        "# T\n",
        "---\na: 1\n---\n",
        "---\na: 1\n---\nbody",
        "---\r\na: 1\r\n---\r\nb",
    ):
        once = block.put_into(text)
        assert block.put_into(once) == once
        assert metadata(once)["model-index"] == OURS


def test_results_of_others_stay_and_ours_are_replaced() -> None:
    index = [{"name": "m", "results": [THEIRS, *OURS[0]["results"]]}]
    before = "---\n" + yaml.safe_dump({"model-index": index, "license": "mit"}, sort_keys=False)
    new = {"task": {"type": "t", "name": TASK}, "metrics": [1]}
    after = Block(body="b", model_index=[{"name": "n", "results": [new]}]).put_into(
        before + "---\n"
    )
    assert metadata(after) == {
        "model-index": [{"name": "m", "results": [THEIRS, new]}],
        "license": "mit",
    }


def test_metadata_on_one_line_are_written_anew() -> None:
    after = Block(body="b", model_index=OURS).put_into(
        "---\n{license: mit, model-index: []}\n---\n"
    )
    assert metadata(after) == {"license": "mit", "model-index": OURS}


def test_marks_in_a_body_end_no_block() -> None:
    block = Block(body=f"a {END} b")
    once = block.put_into("")
    assert once.count(END) == 1 and block.put_into(once) == once


def test_a_rule_below_the_title_is_no_metadata() -> None:
    text = "# Title\n\n---\n\nBody\n"
    assert metadata(text) == {}
    assert Block(body="b").put_into(text).startswith(text)


@pytest.mark.parametrize(
    "text",
    [
        "---\na: [\n---\n",
        "---\n- a\n---\n",
        "---\na: 1\na: 2\n---\n",
        "---\nmodel-index: 3\n---\n",
        "---\nmodel-index: [{name: m}]\n---\n",
    ],
)
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(RunError, match=r"README\.md.*; mend"):
        Block(body="b", model_index=OURS).put_into(text)
