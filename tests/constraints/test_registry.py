"""The registry knows every type, and imports IFBench's when one of them is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

from twofold.constraints import CONSTRAINTS, ifbench
from twofold.constraints.affix import NoComma, Quotation
from twofold.constraints.registry import Registry
from twofold.types import Constraint

PROBE = """
import sys
import twofold, twofold.cli
from twofold.constraints import CONSTRAINTS, from_spec
from twofold.problems import load

def seen():
    return "twofold.constraints.ifbench.counts" in sys.modules

(problem,) = load(sys.argv[1], profile="fixed")
print([rule.check("one").score for rule in problem.constraints])
print(seen())
from_spec("count:numbers", {"N": 1}, profile="fixed")
print(seen())
"""


def test_ifbench_is_imported_when_one_of_its_types_is_asked_for(tmp_path: Path) -> None:
    row = {
        "key": 1,
        "prompt": "Say it without commas, in 2 words at least.",
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"num_words": 2, "relation": "at least"}],
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    probe = [sys.executable, "-c", PROBE, str(tmp_path / "rows.jsonl")]
    done = subprocess.run(probe, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[1.0, 0.0]", "False", "True"]


def test_every_type_that_ifbench_defines_is_registered() -> None:
    defined = {
        cls
        for file in iter_modules(ifbench.__path__, f"{ifbench.__name__}.")
        for cls in vars(import_module(file.name)).values()
        if isinstance(cls, type) and issubclass(cls, Constraint) and not isabstract(cls)
    }
    assert len({cls.name for cls in defined}) == len(defined) >= 87
    assert defined <= set(CONSTRAINTS.values())


def module(**classes: type) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(classes)
    return made


def test_later_files_are_imported_once_and_stand_behind_the_others() -> None:
    calls = []

    def more() -> list[ModuleType]:
        calls.append("imported")
        return [module(Quotation=Quotation, NoComma=NoComma, Base=Constraint)]

    registry = Registry([module(NoComma=NoComma, text=str)], more)
    assert registry["punctuation:no_comma"] is NoComma
    assert "punctuation:no_comma" in registry
    assert calls == []
    assert registry["startend:quotation"] is Quotation
    assert list(registry.items()) == [
        ("punctuation:no_comma", NoComma),
        ("startend:quotation", Quotation),
    ]
    assert registry.get("no:such") is None
    with pytest.raises(KeyError, match="no:such"):
        registry["no:such"]
    assert calls == ["imported"]


def test_a_class_that_is_set_before_the_other_files_are_imported_stays() -> None:
    registry = Registry([], lambda: [module(Quotation=Quotation)])
    registry["startend:quotation"] = NoComma
    assert dict(registry) == {"startend:quotation": NoComma}


def test_a_name_of_a_file_that_is_not_imported_yet_is_taken() -> None:
    registry = Registry([], lambda: [module(Quotation=Quotation)])
    assert registry.setdefault("startend:quotation", NoComma) is Quotation
    registry["example:one"] = NoComma
    assert list(registry) == ["startend:quotation", "example:one"]
    del registry["example:one"]
    assert len(registry) == 1
