"""How does a block of ours get into a README that others write, too? Between two marks, and in one key.

Whatever else stands there is kept, character by character: texts, other metadata, results of other
benchmarks. Putting a block in twice gives the same as once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import yaml

from twofold.errors import RunError
from twofold.report.card import TASK
from twofold.storage.reading import Row
from twofold.storage.unique_keys import load_yaml

BEGIN, END = "<!-- twofold: begin -->", "<!-- twofold: end -->"

INDEX = "model-index"

_METADATA = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_INDEX = re.compile(rf"^{INDEX}:.*?(?=^[^\s-]|\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """What twofold says in a README.

    Args:
        body: Markdown.
        model_index: Results for the metadata; empty for none.
    """

    body: str
    model_index: Sequence[Row] = ()

    def put_into(self, text: str) -> str:
        """A README with this block in place of an earlier one, or at its end.

        Raises:
            RunError: If its metadata are no mapping in YAML, or hold results in an unknown form.

        Example:
            >>> print(Block(body="Right: 3 of 4.").put_into("# Mine"))
            # Mine
            <BLANKLINE>
            <!-- twofold: begin -->
            Right: 3 of 4.
            <!-- twofold: end -->
            <BLANKLINE>
        """
        text = text.replace("\r\n", "\n")
        inner = self.body.replace(BEGIN, "").replace(END, "").strip("\n")
        block = f"{BEGIN}\n{inner}\n{END}"
        if _BLOCK.search(text):
            text = _BLOCK.sub(lambda _: block, text, count=1)
        else:
            text = f"{text.rstrip()}\n\n{block}\n".lstrip("\n")
        return _with_index(text, self.model_index) if self.model_index else text


def metadata(text: str) -> Row:
    r"""The metadata of a README; empty if it has none.

    Raises:
        RunError: If they are no mapping in YAML.

    Example:
        >>> metadata("---\nlicense: mit\n---\n# Mine")
        {'license': 'mit'}
    """
    found = _METADATA.match(text.replace("\r\n", "\n"))
    return _read(found.group(1)) if found else {}


def _read(block: str) -> Row:
    try:
        value = load_yaml(block) or {}
    except (yaml.YAMLError, ValueError) as fault:
        reason = " ".join(str(fault).split())[:300]
        raise RunError(
            f"the metadata of README.md are no YAML ({reason}); mend the lines between its `---`"
        ) from fault
    if not isinstance(value, dict):
        raise RunError("the metadata of README.md are no mapping; mend the lines between its `---`")
    return value


def _with_index(text: str, ours: Sequence[Row]) -> str:
    """The text with our results in its metadata, beside those of others."""
    found = _METADATA.match(text)
    block = found.group(1) if found else ""
    before = _read(block)
    wanted = before | {INDEX: _joined(before.get(INDEX), ours)}
    told = yaml.safe_dump({INDEX: wanted[INDEX]}, sort_keys=False, width=100, allow_unicode=True)
    made = _INDEX.sub(lambda _: told, block, count=1) if INDEX in before else block + told
    if _read(made) != wanted:  # it is written in a way that cannot be replaced by lines
        made = yaml.safe_dump(wanted, sort_keys=False, width=100, allow_unicode=True)
    return f"---\n{made}---\n" + text[found.end() if found else 0 :]


def _joined(theirs: Any, ours: Sequence[Row]) -> list[Row]:
    """The results of others, and ours in place of earlier ones of ours."""
    try:
        others = [
            each | {"results": [one for one in each["results"] if one["task"].get("name") != TASK]}
            for each in theirs or ()
        ]
    except (TypeError, KeyError, AttributeError) as fault:
        raise RunError(
            f"{INDEX} in the metadata of README.md has an unknown form; mend it, or take it out"
        ) from fault
    if not others:
        return list(ours)
    first, *rest = others
    return [first | {"results": first["results"] + [r for o in ours for r in o["results"]]}, *rest]
