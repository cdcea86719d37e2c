"""Does CITATION.cff say what its readers require, and the version that is installed?"""

from pathlib import Path

import yaml

import twofold


def test_the_required_keys_are_there() -> None:
    """Those of the Citation File Format 1.2.0, with an author by name."""
    cited = yaml.safe_load((Path(__file__).parents[1] / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0"
    assert all(each.keys() & {"name", "family-names"} for each in cited["authors"])
    assert (cited["type"], cited["license"]) == ("software", "Apache-2.0")
    assert cited["version"] == twofold.__version__
