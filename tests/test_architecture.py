"""The house rules that a program can check: who imports whom, how big, what is forbidden."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "twofold"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room may import rooms of a lower floor, and itself.
FLOORS = [
    {"errors", "randomness", "progress"},
    {"types", "validation"},
    {"storage", "extension", "worker_process"},
    {"stats", "constraints"},
    {"problems", "models"},
    {"prefix_scoring"},
    {"scorers"},
    {"judges"},
    {"diagnostics"},
    {"methods"},
    {"adapters"},
    {"report"},
    {"runs"},
    {"study"},
    {"publishing"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts == ["twofold"]:
                for alias in node.names:
                    yield f"twofold.{alias.name}"
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_lower_floors(path):
    here = room(path)
    if here == "__init__":
        return
    for name in imported(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] != "twofold" or len(parts) < 2 or parts[1] in (here, "__version__"):
            continue
        assert FLOOR[parts[1]] < FLOOR[here], f"{path.name} ({here}) imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_sizes_and_forbidden_words(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 400
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno - docstring.count("\n")
            assert length <= 60, f"{path.name}:{node.name} has {length} lines"
            wanted = len([a for a in node.args.args if a.arg not in ("self", "cls")])
            wanted += len(node.args.kwonlyargs)
            assert wanted <= 8 or room(path) == "cli", f"{node.name} takes {wanted} arguments"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("hasattr", "eval", "exec"), f"{path.name}:{node.lineno}"
    assert "trust_remote_code=True" not in text
    assert path.stem not in ("utils", "helpers", "common", "misc")


# Who opens files besides `storage`, and why it may.
READERS = {
    "constraints/ngrams.py": "langdetect's own profiles",
    "judges/prompt_template.py": "the package's own prompts",
    "judges/sandbox/sandbox_worker.py": "the kernel's own files",
    "models/memory.py": "the kernel's own files",
    "report/page.py": "the package's own templates",
    "models/cache.py": "weights, hashed byte by byte",
    "models/checkpoint.py": "a model's folder, with errors about models",
    "models/gguf.py": "weights in the cache, counted",
    "models/gguf_folder.py": "a lock in the cache",
    "models/gguf_header.py": "weights, whose header is binary",
    "models/smollm2.py": "a file of an installed package",
    "models/tensor_files.py": "tensors just written, brought to the disk",
    "methods/merge/weights.py": "weights, block by block",
    "methods/trl/callbacks.py": "checkpoints of the trainer",
    "methods/trl/checkpoints.py": "checkpoints of the trainer",
    "methods/trl/early_stopping.py": "checkpoints of the trainer",
    "methods/trl/kept_model.py": "checkpoints of the trainer",
    "methods/trl/runner.py": "checkpoints of the trainer",
}
OPENING = {"open", "read_text", "read_bytes", "iterdir", "glob", "rglob", "listdir", "scandir"}


def opens(tree: ast.AST):
    """What in a module opens a file or a folder: calls of `open` and of methods that do, and parsers."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno, "open"
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            called = f"{owner}.{node.func.attr}"
            if called in ("json.load", "yaml.load", "yaml.safe_load"):
                yield node.lineno, called
            if node.func.attr in OPENING and owner not in ("RunDir", "gzip"):
                yield node.lineno, called


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_opened_in_one_place(path):
    """Every file of ours or a user's is read through `storage/reading.py`; see there."""
    found = list(opens(ast.parse(path.read_text())))
    if room(path) != "storage" and str(path.relative_to(PACKAGE)) not in READERS:
        assert not found, f"{path.name} opens files itself: {found}; use storage/reading.py"


def test_the_list_of_readers_is_not_longer_than_it_must_be():
    for name in READERS:
        assert list(opens(ast.parse((PACKAGE / name).read_text()))), f"{name} opens nothing"
    assert list(opens(ast.parse("open('a'); p.read_text(); json.load(f); os.listdir('b')")))


def test_published_files_are_looked_for_in_one_place():
    """A test that guesses the folder itself can guess wrong, and is then skipped for good."""
    guess = 'environ.get("' + 'TWOFOLD_SHARED"'
    guessing = [path for path in (ROOT / "tests").rglob("*.py") if guess in path.read_text()]
    assert guessing == [ROOT / "tests/conftest.py"]


def test_a_module_that_tests_import_by_name_has_a_name_of_its_own():
    """`conftest` is several files: which one an import means would depend on the order of the path."""
    files = [*(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.py")]
    places = {path.stem: [p for p in files if p.stem == path.stem] for path in files}
    for path in files:
        for name in imported(ast.parse(path.read_text())):
            found = [str(p.relative_to(ROOT)) for p in places.get(name, [])]
            assert len(found) <= 1, f"{path.name} imports {name}, which is {found}"


def test_the_repository_names_no_machine_and_no_registry():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    forbidden = re.compile(
        r"/(work|farm|root)/[a-z.]|pypi\.org|pythonhosted|huggingface\.co|hf\.co/"
    )
    for name in listed:
        path = ROOT / name
        if path.suffix in (".png", ".gguf") or path == Path(__file__) or not path.exists():
            continue
        found = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{name} names {found.group()}"


@pytest.mark.parametrize(
    "statement",
    [
        "import twofold",
        "import twofold.types",
        "import twofold.cli",
        "import twofold.models",
        "import twofold.problems",
        "import twofold.constraints",
    ],
)
def test_importing_pulls_in_no_torch(statement):
    probe = f"{statement}; import sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_the_probe_above_can_fail():
    pytest.importorskip("torch")
    probe = "import torch, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 1
