"""How is a folder sent? Through `huggingface_hub`, imported only here, in one commit.

A commit is there whole or not at all: large files are sent first, and are seen by nobody before the commit
names them. So a push that failed, at whatever moment, is repeated by the same command.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twofold.errors import RunError
from twofold.models.checkpoint import HUB_ID
from twofold.publishing.contents import README, Contents
from twofold.publishing.keys import keys_here, refuse_keys
from twofold.storage.reading import InputFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_LOG_IN = "log in by `hf auth login`, or set HF_TOKEN to a token that may write"
_AGAIN = "give the same command again"
_REMEDIES = {
    401: f"the token is not valid: {_LOG_IN}",
    403: f"the token may not write there: {_LOG_IN}, or choose a name of your own",
    404: "check the name: there may be no such user or organisation",
    409: f"somebody has changed the repository meanwhile: {_AGAIN}",
    412: f"somebody has changed the repository meanwhile: {_AGAIN}",
    413: "it is too large for the hub",
    429: f"the hub asks for patience: {_AGAIN} later",
}


def push(sent: Contents, repo_id: str, *, public: bool = False) -> str:
    """Send files in one commit, into a repository that is made if it is missing.

    Nothing there is deleted. A README.md there is kept around our block.

    Args:
        sent: The files.
        repo_id: The repository, `USER/NAME`.
        public: Whether everybody may see it; a new repository is private otherwise.

    Returns:
        The address of the commit.

    Raises:
        RunError: If nobody is logged in, a file holds a key, the name belongs to a repository of another
            kind or to a public one and `public` is not set, or the hub refuses or cannot be reached.
        ModuleNotFoundError: If `huggingface_hub` is not installed.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    check_name(repo_id)
    token = get_token()
    if token is None:
        raise RunError(f"you are not logged in to the hub; {_LOG_IN}")
    api = HfApi(token=token)
    with _in_words(repo_id):
        there = _info(api, repo_id, sent.kind)
        if there is None:
            _refuse_other_kind(api, repo_id, sent.kind)
        elif not there.private and not public:
            raise RunError(
                f"{repo_id} is there already, and public; give --public, or choose another name"
            )
        readme = _readme(api, repo_id, sent.kind) if there else None
        files = sent.with_readme(readme)
        refuse_keys(files, keys_here() | {"your token of the hub": token})
        if there is None:
            api.create_repo(repo_id, repo_type=sent.kind, private=not public, exist_ok=True)
        done = api.create_commit(
            repo_id,
            [CommitOperationAdd(path_in_repo=n, path_or_fileobj=f) for n, f in files.items()],
            commit_message="Push by twofold",
            repo_type=sent.kind,
            parent_commit=there.sha if there else None,  # so that no other change is overwritten
        )
    return done.commit_url


def check_name(repo_id: str) -> None:
    """Refuse what is no name of a repository, before anything is read.

    Raises:
        RunError: If it is none.
    """
    if not HUB_ID.fullmatch(repo_id):
        raise RunError(f"{repo_id!r} is no name of a repository; write USER/NAME")


def _info(api: HfApi, repo_id: str, kind: str) -> Any:
    """What the hub says of a repository; None if there is none that may be seen."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.repo_info(repo_id, repo_type=kind)
    except RepositoryNotFoundError:
        return None


def _refuse_other_kind(api: HfApi, repo_id: str, kind: str) -> None:
    """Refuse the name of a repository of another kind, beside which a second one would be made."""
    other = "dataset" if kind == "model" else "model"
    if _info(api, repo_id, other) is not None:
        what = "a run is sent as a data set" if kind == "dataset" else "this folder is a model"
        raise RunError(f"{repo_id} is a {other} there, and {what}; choose another name")


def _readme(api: HfApi, repo_id: str, kind: str) -> str | None:
    """README.md of a repository; None if it has none."""
    from huggingface_hub.errors import EntryNotFoundError

    with tempfile.TemporaryDirectory() as place:
        try:
            found = api.hf_hub_download(repo_id, README, repo_type=kind, local_dir=place)
        except EntryNotFoundError:
            return None
        return InputFile(Path(found)).text()


@contextmanager
def _in_words(repo_id: str) -> Iterator[None]:
    """Turn what the hub, its library and the network raise into one message with its remedy."""
    from huggingface_hub.errors import HTTPError

    try:
        yield
    # the last two are a README.md or a large file that is refused
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        reason, remedy = _told(error)
        told = " ".join(reason.split())[:400].rstrip(". ")
        raise RunError(
            f"the push to {repo_id} failed: {told}. It is there whole or not at all; {remedy}"
        ) from error


def _told(error: BaseException) -> tuple[str, str]:
    """What has happened, and what to do about it."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return error.server_message or str(error), _REMEDIES.get(status, f"{_AGAIN} later")
    if isinstance(error, HTTPError | OSError):
        remedy = f"check the network (and HF_ENDPOINT and HF_HUB_OFFLINE, if set), then {_AGAIN}"
        return str(error) or type(error).__name__, remedy
    if error.__cause__ is not None:
        reason, remedy = _told(error.__cause__)
        return f"{error} {reason}", remedy
    return str(error), f"mend what it names, then {_AGAIN}"
