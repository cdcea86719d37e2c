"""What the site needs beyond `docs/`: pages of the recipes, a reference of the commands, and links that hold.

In the repository a page may link to any file. The site has the pages of `docs/` and the recipes'
READMEs with their figures; a link to anything else becomes the path of that file.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
RESULTS = "results"
COMMANDS = "reference/commands.md"
PYTHON = "reference/python.md"
GALLERY = f"{RESULTS}/gallery.md"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
# The stable names beside those of `twofold` itself.
_NAMES = (
    "twofold.scorers.Product",
    "twofold.adapters.trl.TrlReward",
    "twofold.prefix_scoring.branch_logprobs",
    "twofold.types.Constraint",
    "twofold.types.Scorer",
    "twofold.types.Model",
    "twofold.types.Estimate",
    "twofold.types.Finding",
    "twofold.diagnostics.Diagnostic",
    "twofold.methods.Method",
    "twofold.judges.Judge",
    "twofold.stats",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the recipes' pages in the navigation."""
    pages = [f"{RESULTS}/{file.parent.name}.md" for file in _recipes()]
    pages.append(GALLERY)
    config.nav = [{"Results": pages} if "Results" in each else each for each in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and the recipes' figures."""
    for file in _recipes():
        page = f"{RESULTS}/{file.parent.name}.md"
        files.append(File.generated(config, page, content=file.read_text(encoding="utf-8")))
        for figure in sorted(file.parent.glob("*.svg")):
            name = f"{RESULTS}/{file.parent.name}/{figure.name}"
            files.append(File.generated(config, name, abs_src_path=str(figure)))
    files.append(File.generated(config, GALLERY, content=gallery()))
    files.append(File.generated(config, COMMANDS, content=commands()))
    files.append(File.generated(config, PYTHON, content=python()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the repository's links into the site's."""
    here = page.file.src_uri
    home = _in_repository(here)
    if here == GALLERY:  # written for the site
        return markdown

    def moved(match: re.Match[str]) -> str:
        picture, text, target = match.groups()
        path, mark, part = target.partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return match[0]
        there = posixpath.normpath(posixpath.join(posixpath.dirname(home), path))
        place = _on_site(there)
        if files.get_file_from_path(place):
            relative = posixpath.relpath(place, posixpath.dirname(here) or ".")
            return f"{picture}[{text}]({relative}{mark}{part})"
        if not (ROOT / there).exists():
            return match[0]  # a dead link, which --strict refuses
        return text if text.strip("`") in there else f"{text} (`{there}`)"

    parts = _CODE.split(markdown)
    return "".join(part if i % 2 else _LINK.sub(moved, part) for i, part in enumerate(parts))


def commands() -> str:
    """The reference of the command line, from the application itself."""
    from twofold.cli import app

    lines = [
        "# Commands and options",
        "",
        "Made from the commands themselves; `twofold COMMAND --help` says the same.",
    ]
    root = typer.main.get_command(app)
    return "\n".join([*lines, *_command(root, "twofold")]) + "\n"


def _command(command: Any, name: str) -> Iterator[str]:
    """A command, and those below it."""
    yield from ("", f"## `{name}`", "", " ".join((command.help or "").split()), "")
    rows = [_option(each) for each in command.params if each.name != "help"]
    if rows:
        yield from ("| argument or option | default | |", "|---|---|---|", *rows)
    for each, below in getattr(command, "commands", {}).items():
        yield from _command(below, f"{name} {each}")


def _option(option: Any) -> str:
    argument = option.param_type_name == "argument"
    called = option.name.upper() if argument else ", ".join(option.opts)
    if option.required:
        default = "required"
    else:
        default = (
            "" if option.default is None or callable(option.default) else f"`{option.default}`"
        )
    text = " ".join((option.help or "").split()).replace("|", "\\|").replace("<", "&lt;")
    return f"| `{called}` | {default} | {text} |"


def gallery() -> str:
    """The figures of the recipes, each under the question that it answers."""
    lines = ["# Figures"]
    for file in _recipes():
        name = file.parent.name
        title = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        if figures := sorted(file.parent.glob("*.svg")):
            lines += ["", f"## [{title}]({name}.md)", ""]
            lines += [f"![{title}: {each.stem}]({name}/{each.name})" for each in figures]
    return "\n".join(lines) + "\n"


def python() -> str:
    """The reference of the stable Python names, from their docstrings."""
    import twofold

    own = [twofold._HOMES[name].replace(":", ".") for name in twofold.__all__]
    head = [
        "# Python",
        "",
        "`import twofold` loads no torch; each name is imported on first use.",
        "",
    ]
    return "\n".join([*head, *(f"::: {name}\n" for name in (*own, *_NAMES))])


def _recipes() -> list[Path]:
    return sorted(ROOT.glob("recipes/*/README.md"))


def _in_repository(place: str) -> str:
    """The file of the repository that a page of the site shows."""
    if place.startswith(f"{RESULTS}/"):
        return f"recipes/{Path(place).stem}/README.md"
    return f"docs/{place}"


def _on_site(path: str) -> str:
    """The page or figure of the site that shows a file of the repository."""
    parts = path.split("/")
    if parts[0] == "recipes" and len(parts) > 1:
        inner = parts[2:] or ["README.md"]
        page = inner == ["README.md"]
        return f"{RESULTS}/{parts[1]}.md" if page else "/".join([RESULTS, *parts[1:]])
    return path.removeprefix("docs/") if parts[0] == "docs" else f"../{path}"
