"""How are problems read from the Hugging Face hub? Through `datasets`, imported only here."""

from collections.abc import Iterator
from typing import Any

from twofold.errors import ProblemError
from twofold.problems.row import Origin

FORM = "hub:org/name, hub:org/name:split or hub:org/name:config:split"


def rows(spec: str) -> Iterator[tuple[Origin, dict[str, Any]]]:
    """The rows of one split; without a name the data set must have just one. Its code is never run.

    Raises:
        ProblemError: If `datasets` is not installed, the data set is not available, or a split must be
            named.
    """
    name, *options = spec.split(":")
    if len(options) > 2 or not all([name, *options]):
        raise ProblemError(f"hub:{spec} is no data set; write {FORM}")
    config = options[0] if len(options) == 2 else None
    split = options[-1] if options else None
    found = _loaded(name, config, split)
    if isinstance(found, dict):
        if len(found) != 1:
            raise ProblemError(
                f"hub:{spec} has the splits {', '.join(found)}; name one: hub:{spec}:{min(found)}"
            )
        split, found = next(iter(found.items()))
    for number, row in enumerate(found):
        where = f"hub:{spec}, row {number}"
        yield Origin(where=where, file=name, number=number, split=split or ""), dict(row)


def _loaded(name: str, config: str | None, split: str | None) -> Any:
    """A `Dataset`, or without a split a `DatasetDict`, which is a dict."""
    try:
        import datasets
    except ImportError as error:
        raise ProblemError(
            "reading from the hub needs `datasets`: pip install 'twofold[hub]', or name a local file"
        ) from error
    try:
        return datasets.load_dataset(name, config, split=split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        # all of it, shortened: where a configuration has to be named, the second line lists them
        reason = " ".join(str(error).split())[:400] or type(error).__name__
        raise ProblemError(
            f"the data set {name!r} cannot be loaded from the hub ({reason}); check its name, config and "
            f"split ({FORM}) and the network, or download its files and name them instead"
        ) from error
