"""How are problems written for lm-evaluation-harness (0.4.13)? As a task and its functions.

Source: lm-evaluation-harness 0.4.13, `lm_eval/api/task.py`.
"""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl, own_rows

_TASK = """# lm-eval run --tasks twofold_NAME --include_path FOLDER --apply_chat_template ...
# Models that think: --model_args enable_thinking=True,think_end_token=...
task: twofold_NAME
dataset_path: json
dataset_kwargs:
  data_files:
    test: "FOLDER/test.jsonl"
test_split: test
output_type: generate_until
doc_to_text: "{{prompt[-1].content}}"
doc_to_target: "{{id}}"
generation_kwargs:
  until: []
  do_sample: false
  max_gen_toks: 2048
process_results: !function utils.process_results
metric_list:
  - metric: NAME
    aggregation: !function utils.mean_of_scored
    higher_is_better: true
  - metric: unscored
    aggregation: mean
    higher_is_better: false
metadata:
  version: 1.0
"""

_UTILS = '''"""The measure. What cannot be scored is None and not in the mean; `unscored` counts it."""

from twofold.adapters import problem_in, reward_function
REGISTER

def process_results(doc, results):
    """The score of one reply, or None."""
    reward = reward_function(REWARD)
    score = reward(problem_in(doc["problem"]), results[0])
    return {"NAME": score, "unscored": float(score is None)}


def mean_of_scored(scores):
    """The mean over the replies that were scored; None if none was."""
    scored = [score for score in scores if score is not None]
    return sum(scored) / len(scored) if scored else None
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`twofold_NAME.yaml`, `utils.py` and `test.jsonl`."""
    return {
        "test.jsonl": jsonl(own_rows(made.problems)),
        "utils.py": made.module(_UTILS),
        f"twofold_{made.name}.yaml": made.module(_TASK),
    }
