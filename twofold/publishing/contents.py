"""What is sent? Of a model the files that it is loaded from, of a run its report and its tables.

What training needs besides (states of the optimiser, checkpoints, pickles) and locks stay here. Nothing is
read from a network, so that a dry run says what a push would send.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from pydantic import TypeAdapter

from twofold.errors import ModelError, RunError
from twofold.models.checkpoint import ADAPTER_CONFIG, own_files
from twofold.models.composed import is_composed
from twofold.publishing.readme import Block, metadata
from twofold.report.card import Card
from twofold.report.card import card as made_card
from twofold.report.findings import read_findings
from twofold.report.markdown import flat
from twofold.report.markdown import summary as run_summary
from twofold.report.page import model_names
from twofold.report.study import summary as study_summary
from twofold.report.study_file import NAME as STUDY
from twofold.report.study_file import read as read_study
from twofold.storage.reading import InputFile, Kind, files, kind_of, names
from twofold.storage.run_dir import RunDir

README = "README.md"

_OF_RUN = ("manifest.json", "findings.json", "*.jsonl", "*.csv", "report.md", "report.html")
_OF_STUDY = ("manifest.json", "study.json", "study.yaml", "report.html", "plane.svg")
_BESIDE_MODEL = ("LICENSE*", "NOTICE*")
_BASE = "base_model_name_or_path"
_LONGEST_HEADER = 100 << 20  # bytes; as in safetensors itself
_JSON = TypeAdapter(dict[str, Any])


@final
@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into a repository.

    Args:
        kind: What the repository is.
        files: By their names there: files, or contents that were made; without README.md.
        own_readme: The README.md of the folder, or a first one; "" for none.
        block: What twofold says in it; None for nothing.
        left_out: What in the folder stays here.
        is_lossy: Whether too much was lost for the numbers to describe a model.
    """

    kind: Literal["model", "dataset"]
    files: Mapping[str, Path | bytes]
    own_readme: str
    block: Block | None = None
    left_out: tuple[str, ...] = ()
    is_lossy: bool = False

    def readme(self, there: str | None = None) -> str:
        """README.md as it is sent; `there` is the repository's own, which is kept around the block."""
        text = self.own_readme if there is None else there
        return text if self.block is None else self.block.put_into(text)

    def with_readme(self, there: str | None = None) -> dict[str, Path | bytes]:
        """All files, README.md among them."""
        text = self.readme(there)
        made = {README: text.encode()} if text else {}
        return dict(sorted({**self.files, **made}.items()))


def contents(
    folder: str | Path,
    *,
    name: str = "",
    card: str | Path | None = None,
    arm: str | None = None,
    base: str = "",
) -> Contents:
    """What a push of a folder sends.

    Args:
        folder: An adapter, a checkpoint, or what `audit`, `score` or `study` wrote.
        name: What the model is called on its card; "" = as in the run.
        card: A finished run whose numbers go onto the model's card; None = no block.
        arm: The arm of `card`, if that is a study.
        base: What others call the model that an adapter was trained on.

    Raises:
        RunError: If there is no such folder, it is an unfinished run, or the base is named by a folder of
            this machine; or as `twofold.report.card.card`.
        ModelError: If it holds no model, or a file of the model is missing or cut.

    Example:
        >>> from twofold.models import pocket
        >>> found = contents(pocket.FOLDER)
        >>> found.kind, "model.safetensors" in found.files
        ('model', True)
    """
    path = Path(folder)
    if kind_of(path) is not Kind.folder:
        raise RunError(f"there is no folder {folder}; check the path")
    is_study = _has(path, STUDY, "study.yaml")
    if not is_study and not _has(path, "findings.json", "problems.jsonl"):
        return _of_model(path, made_card(card, arm=arm, name=name or None) if card else None, base)
    if card or arm or base:
        raise RunError(
            f"{path} is a run; --card, --arm and --base are for models, so leave them out"
        )
    return _of_study(path) if is_study else _of_run(path)


def _of_model(path: Path, card: Card | None, base: str) -> Contents:
    if is_composed(path):
        raise ModelError(f"{path} is a composed model, which names others; push these one by one")
    sent: dict[str, Path | bytes] = {str(f.relative_to(path)): f for f in own_files(path)}
    sent |= _matching(path, _BESIDE_MODEL)
    for name in sent:
        if name.endswith(".safetensors"):
            _refuse_cut(path / name)
    own = _text(path / README)
    config = (
        InputFile(path / ADAPTER_CONFIG, ModelError).json(_JSON) if ADAPTER_CONFIG in sent else {}
    )
    for named in {str(config.get(_BASE) or ""), str(metadata(own).get("base_model") or "")}:
        if named and _is_here(named):
            if not base:
                raise RunError(
                    f"{path} names its base by a folder of this machine, {named}, which others do not have; "
                    "name it as they do: --base ORG/NAME"
                )
            own = own.replace(named, base)
    if config and base:
        sent[ADAPTER_CONFIG] = json.dumps(config | {_BASE: base}, indent=2).encode()
    return Contents(
        kind="model",
        files=sent,
        own_readme=own or (f"# {flat(path.resolve().name)}\n" if card else ""),
        block=Block(body=card.body(), model_index=card.model_index()) if card else None,
        left_out=_others(path, sent),
        is_lossy=card is not None and card.is_lossy,
    )


def _of_run(path: Path) -> Contents:
    found, lost = read_findings(path / "findings.json")
    said = run_summary(found, model_names(RunDir(path).manifest(), found))
    return _report(path, _OF_RUN, said, is_lossy=bool(lost.get("too_many")))


def _of_study(path: Path) -> Contents:
    if not _has(path, STUDY):
        raise RunError(f"{path} is not finished; give the command of the study again")
    return _report(path, _OF_STUDY, study_summary(path), is_lossy=bool(read_study(path).failed))


def _report(path: Path, patterns: tuple[str, ...], said: str, *, is_lossy: bool) -> Contents:
    sent = _matching(path, patterns)
    title = flat(path.resolve().name)
    return Contents(
        kind="dataset",
        files=sent,
        own_readme=_text(path / README)
        or f"---\ntags:\n- twofold\nviewer: false\n---\n\n# {title}\n\n`report.html` is the page.\n",
        block=Block(body=said),
        left_out=_others(path, sent),
        is_lossy=is_lossy,
    )


def _has(path: Path, *of: str) -> bool:
    return any(kind_of(path / name) is not Kind.missing for name in of)


def _matching(path: Path, patterns: tuple[str, ...]) -> dict[str, Path | bytes]:
    return {file.name: file for pattern in patterns for file in files(path, pattern)}


def _others(path: Path, sent: Mapping[str, object]) -> tuple[str, ...]:
    """What is in the folder and not sent; a folder has a slash behind its name."""
    kept = {name.partition("/")[0] for name in sent} | {README}
    there = (name for name in names(path) if name not in kept)
    return tuple(f"{n}/" if kind_of(path / n) is Kind.folder else n for n in there)


def _text(file: Path) -> str:
    return "" if kind_of(file) is Kind.missing else InputFile(file).text()


def _is_here(name: str) -> bool:
    """Whether a model is named by a folder of this machine."""
    return Path(name).is_absolute() or name[0] in ".~" or kind_of(name) is Kind.folder


def _refuse_cut(file: Path) -> None:
    """Refuse weights whose file ends before the last tensor does."""
    with InputFile(file, ModelError).opened() as opened:
        length = int.from_bytes(opened.read(8), "little")
        size = file.stat().st_size
        try:
            header = json.loads(opened.read(length)) if length <= min(size, _LONGEST_HEADER) else {}
            ends = [t["data_offsets"][1] for n, t in header.items() if n != "__metadata__"]
            is_whole = bool(ends) and 8 + length + max(ends) == size
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            is_whole = False
    if not is_whole:
        raise ModelError(
            f"{file} is cut or damaged; give the command that wrote it again, or copy it again"
        )
