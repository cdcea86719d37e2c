"""What is a model that a YAML file names? Other models, put together, with settings.

`kind` is a short name of a class in a higher room, which is looked up by its text and only then, so that
importing stays light and no arrow points up. What the class is made of stands in its fields: a `Model` is
any MODEL, a `Part` reads itself, everything else is validated.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar, cast, final, get_args, get_type_hints

from twofold.errors import ModelError, nearest
from twofold.extension import class_named, is_reference, nothing_imported
from twofold.models.gguf import LLAMA, is_for_llama
from twofold.storage.reading import InputFile, Kind, expanded, kind_of
from twofold.types import Message, Model, Response, Sampling, Share
from twofold.validation import validated

T = TypeVar("T")

SUFFIXES = (".yaml", ".yml")
FOLDER_FILE = "model.yaml"  # the file that makes a folder a composed model
REMEDY = "write `kind: NAME`, then one `key: value` per line"

_ELICITATION = "twofold.diagnostics.elicitation"
_SOFTCOT = "twofold.methods.softcot"
_REMEDIES = "twofold.methods.remedies"
KINDS = {
    "best_of_n": f"{_REMEDIES}.best_of_n:BestOfN",
    "constraint_first": f"{_REMEDIES}.constraint_first:ConstraintFirst",
    "cooled": f"{_ELICITATION}.power:Cooled",
    "cot_decoding": f"{_ELICITATION}.cot_decoding:CotDecoding",
    "cross_sampling": f"{_ELICITATION}.hybrid.cross_sampling:CrossSampling",
    "feature_steering": f"{_ELICITATION}.sae.steering:FeatureSteering",
    "few_shot": f"{_ELICITATION}.prompts:FewShot",
    "forced_tokens": f"{_ELICITATION}.forced_tokens:ForcedTokens",
    "hinted": f"{_ELICITATION}.prompts:Hinted",
    "hybrid": f"{_ELICITATION}.hybrid.steered:Hybrid",
    "majority": f"{_ELICITATION}.majority:MajorityVote",
    "parent_answers": f"{_REMEDIES}.parent_answers:ParentAnswers",
    "power_sampling": f"{_ELICITATION}.power:PowerSampling",
    "repeat_after_thinking": f"{_REMEDIES}.repeat_after_thinking:RepeatAfterThinking",
    "rewrite": f"{_REMEDIES}.rewrite:Rewrite",
    "softcot": f"{_SOFTCOT}.model:SoftCot",
    "text_hints": f"{_SOFTCOT}.hints:TextHints",
    "two_passes": f"{_REMEDIES}.two_passes:TwoPasses",
}

NAMES = ("pocket", "smollm2")  # models that are no paths

_OPEN: ContextVar[tuple[Path, ...]] = ContextVar("open", default=())


class Part(ABC):
    """A part of a composed model that is no model: it reads itself from what a YAML file says."""

    @classmethod
    @abstractmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The part that `value` describes; relative paths in it start at `folder`.

        Raises:
            ModelError: If it describes none.
        """

    @abstractmethod
    def fingerprint(self) -> object:
        """What decides what it does, as JSON values: settings, and hashes of files."""

    @abstractmethod
    def described(self, folder: Path) -> object:
        """What `read` reads again; files of its own are written into `folder`."""


@final
@dataclass(frozen=True)
class NamedModel(Model):
    """A composed model under the name of its file, by which `resolve` loads it again."""

    file: str
    model: Model

    @property
    def spec(self) -> str:
        """The file it was requested by."""
        return self.file

    def fingerprint(self) -> dict[str, object]:
        """That of the composed model; the file's name and place do not matter."""
        return self.model.fingerprint()

    @property
    def closed(self) -> str:
        """See `Model.closed`."""
        return (
            f"{self.file} is made of other models and has no weights of its own; name one of them"
        )

    def observed(self) -> dict[str, object]:
        """As the composed model."""
        return self.model.observed()

    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Iterator[tuple[int, int, Response]]:
        """As the composed model; see `Model.stream`."""
        yield from self.model.stream(prompts, sampling, n=n, seed=seed, done=done, share=share)


def is_composed(folder: Path) -> bool:
    """Whether a folder holds a composed model: `model.yaml`, and no network of its own."""
    there = [kind_of(folder / name, ModelError) for name in (FOLDER_FILE, "config.json")]
    return there == [Kind.file, Kind.missing]


def from_folder(folder: Path, *, marks: tuple[str, str] | None = None) -> Model:
    """The model that a folder's `model.yaml` describes; nothing is imported because that file names it.

    Raises:
        ModelError: As `from_yaml`.
        ExtensionError: If the file names something outside twofold.
    """
    with nothing_imported():
        made = from_yaml(folder / FOLDER_FILE, marks=marks)
    assert isinstance(made, NamedModel)
    return replace(made, file=str(folder))


def from_yaml(file: Path, *, marks: tuple[str, str] | None = None) -> Model:
    """The model that a YAML file describes.

    Args:
        file: A mapping: `kind` and the fields of its class. Models and files named by a relative path
            lie relative to it.
        marks: Thinking marks for the models it names; see `resolve`.

    Raises:
        ModelError: If the kind, a key or a value is unknown, or the file names itself.
        ExtensionError: If a kind `package.module:Name` cannot be loaded.
    """
    values = InputFile(file, ModelError, REMEDY).yaml()
    if not isinstance(values, dict) or "kind" not in values:
        raise ModelError(f"{file} says no kind of model; {REMEDY}. Kinds: {', '.join(KINDS)}")
    with _opened(file):
        settings = {str(key): value for key, value in values.items() if key != "kind"}
        made = _class(values["kind"], file)
        return NamedModel(str(file), built(made, settings, file, marks=marks))


@contextmanager
def _opened(file: Path) -> Iterator[None]:
    here = file.resolve()
    if here in _OPEN.get():
        raise ModelError(f"{file} is made of itself; name another model in it")
    token = _OPEN.set((*_OPEN.get(), here))
    try:
        yield
    finally:
        _OPEN.reset(token)


def _class(kind: object, file: Path) -> type[Model]:
    if isinstance(kind, str) and kind in KINDS:
        module, _, name = KINDS[kind].partition(":")
        try:
            return cast(type[Model], getattr(import_module(module), name))
        except ImportError as error:
            raise ModelError(
                f"{file}: the kind {kind!r} needs more packages ({error}): pip install 'twofold[hf]'"
            ) from error
    if isinstance(kind, str) and is_reference(kind):
        found = class_named(kind, Model)
        if is_dataclass(found):
            return found
        raise ModelError(
            f"{file}: {kind} is no dataclass, whose fields are its settings; make it one"
        )
    raise ModelError(f"{file}: there is no kind {kind!r:.60}; {nearest(str(kind), KINDS)}")


def built(
    made: type[T],
    settings: Mapping[str, object],
    file: Path,
    *,
    marks: tuple[str, str] | None = None,
) -> T:
    """An object with settings from a YAML file, in which models and parts are only named.

    Raises:
        ModelError: If a key or a value is wrong.
    """
    hints = get_type_hints(made)
    values = {
        key: _value(hints.get(key), value, file, marks=marks) for key, value in settings.items()
    }
    known = [each.name for each in fields(cast(Any, made))]
    for key in values:
        if key not in known:
            raise ModelError(f"{file}: the key {key!r} is unknown; {nearest(key, known)}")
    found: Any = validated(made, values, where=file, error=ModelError)
    # validation may have made a subclass of its own
    return made(**{name: getattr(found, name) for name in known})


def _value(hint: object, value: object, file: Path, *, marks: tuple[str, str] | None) -> object:
    """A value of a field as its type wants it."""
    kinds = [each for each in (hint, *get_args(hint)) if isinstance(each, type)]
    if any(issubclass(each, Model) for each in kinds):
        if value is None or isinstance(value, Model):
            return value
        from twofold.models import resolve

        try:
            return resolve(beside(file, value), thinking_marks=marks)
        except ModelError as error:
            raise ModelError(
                f"{file} names {value!r:.200}, which cannot be loaded: {error}. If it has moved, write "
                "its new place into that file"
            ) from error
    part = next((each for each in kinds if issubclass(each, Part)), None)
    if part is None or value is None or isinstance(value, part):
        return value
    try:
        return part.read(value, file.parent)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error


def name_beside(file: Path, model: Model) -> str:
    """The name of a model for a YAML file: a path relative to the file, if it is one."""
    path = Path(model.spec).expanduser()
    if model.spec in NAMES or kind_of(path, ModelError) is Kind.missing:
        return model.spec
    return os.path.relpath(path.resolve(), file.parent.resolve())


def beside(file: Path, name: object) -> str:
    """A model's name in a file: what lies beside the file, else the name itself.

    Example:
        >>> beside(Path("runs/hybrid.yaml"), "pocket")
        'pocket'
    """
    if not isinstance(name, str):
        raise ModelError(f"{file}: {name!r:.60} names no model; write a text")
    if name in NAMES or "://" in name or is_reference(name):
        return name
    if is_for_llama(name):
        return LLAMA + beside(file, name.removeprefix(LLAMA))
    path = file.parent / expanded(name, ModelError)
    return os.path.normpath(path) if kind_of(path, ModelError) is not Kind.missing else name
