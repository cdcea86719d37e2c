"""What do models show besides their fingerprints, and where is it kept? In the manifest, as it comes.

A server's entry for a model may be missing at times, and what a server refuses of a request is known
only after asking, so neither is part of a run's identity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

from twofold.errors import ModelError, RunError
from twofold.storage.jsonl import Row
from twofold.storage.run_dir import RunDir
from twofold.types import Model

KEY = "observed"

# What each parameter decides that a server may refuse; `stream` changes no reply.
_DECIDES = {
    "temperature": "its own temperature was used",
    "top_p": "its own nucleus was used",
    "seed": "its replies cannot be drawn again",
}


@final
@dataclass
class Observations:
    """The observations of a run's models, by role; see `Model.observed`."""

    models: Mapping[str, Model]
    _noted: dict[str, Row] = field(default_factory=dict)

    def require_usable(self) -> None:
        """Report a wrong address or key before there is a directory; a `ModelError`."""
        for model in self.models.values():
            model.observed()

    def require_same_weights(self, run: RunDir) -> None:
        """Refuse to resume if a server lists other weights under the model's name than at first.

        A server that cannot be asked now is no obstacle: its replies may all be on disk.
        """
        for role, seen in run.manifest().get(KEY, {}).items():
            there, here = seen.get("listed", {}), self._now(role).get("listed", {})
            for key in there.keys() & here.keys():
                if there[key] != here[key]:
                    raise RunError(
                        f"{run.path}: the server of {role} listed {key} {there[key]!r} when the run "
                        f"began and lists {here[key]!r} now, so these are other weights; choose "
                        "another --out"
                    )

    def note(self, run: RunDir, role: str) -> None:
        """Record what is new about a model, before the reply that depends on it is saved."""
        now = self._now(role)
        if now == self._noted.get(role, {}) or run.rank != 0:
            return
        everything = run.manifest().get(KEY, {})
        before = everything.get(role, {})
        listed = now.get("listed", {}) | before.get("listed", {})
        merged = before | now | ({"listed": listed} if listed else {})
        run.note(KEY, everything | {role: merged})
        self._noted[role] = now

    def _now(self, role: str) -> Row:
        if role not in self.models:
            return {}
        try:
            return self.models[role].observed()
        except ModelError:
            return {}


def refused_in_words(manifest: Row) -> Iterator[str]:
    """A caveat for each parameter that a server refused and that changes replies."""
    top_p = manifest["identity"].get("sampling", {}).get("top_p")
    for role, seen in manifest.get(KEY, {}).items():
        for name, words in seen.get("left_out", {}).items():
            if name in _DECIDES and not (name == "top_p" and top_p == 1):
                yield f"{role}: the server refuses {name}, so {_DECIDES[name]} ({words})."


def replaced_in_words(manifest: Row) -> Iterator[str]:
    """A caveat for each adapter whose base has other weights now than when it was trained."""
    for role, seen in manifest.get(KEY, {}).items():
        if found := seen.get("replaced_base"):
            yield (
                f"{role}: the adapter {found['adapter']} was trained on other files of weights than its base "
                f"{found['base']} holds now, so unless the same weights were only saved anew, this is not "
                "the model that was trained. Put those files back, or set base_model_name_or_path in "
                "adapter_config.json to where they are, and audit again with another --out; or train again "
                "on this base."
            )
