"""One way to read a file: what is text is read however it is packed, and what is not is told."""

import bz2
import gzip
import json
import lzma
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from twofold.errors import ProblemError, RunError
from twofold.storage.jsonl import read_lines
from twofold.storage.reading import DEEPEST, InputFile, Kind, expanded, files, kind_of

ROWS = [{"a": 1, "text": "é\u2028☃"}, {"a": 2}]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
PACKERS = (lambda b: b, gzip.compress, bz2.compress, lzma.compress)


def read(path, **settings):
    return [row for _, row in InputFile(path, **settings).lines()]


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_packing_and_every_marked_unicode_is_read(tmp_path, pack, encoding):
    path = tmp_path / "x.jsonl"
    path.write_bytes(pack(TEXT.encode(encoding)))
    assert read(path) == ROWS


def test_windows_line_ends_and_blank_lines_are_no_rows(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\r\n\r\n \n\xef\xbb\xbf{"a": 2}')
    assert list(InputFile(path).lines()) == [(1, {"a": 1}), (4, {"a": 2})]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x28\xb5\x2f\xfd" + b"x", "is a zstd file.*unpack it"),
        (b"PK\x03\x04x", "is a zip file"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "compressed data are damaged"),
        (lzma.compress(TEXT.encode())[:-9], "compressed data are damaged"),
        (TEXT.encode("utf-16-le"), "line 1: this is not JSON.*may be UTF-16"),
        (TEXT.encode("utf-16")[:-1], "not text in UTF-16"),
        (b'{"a": 1}\n{"a": "\xe9"}', "line 2: this is not JSON in UTF-8"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1: .*more than 4300 digits[)]"),
        (b'{"b": {"a": 1, "c": 2, "a": 1}}', "line 1: the key 'a' is there twice; take one out"),
        (b'{"a": ' + b"[" * 100_000, "line 1: .*nested more than"),
        (
            b'{"a": ' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}",
            "line 1: it is nested more than",
        ),
        (b'{"a": NaN}', "line 1: .*NaN is no JSON value"),
        (b"[1]", "line 1: this is JSON, but not an object"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line_and_no_word_of_deleting(tmp_path, content, says):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match=f"(?s){says}") as caught:
        read(path, error=ProblemError)
    assert str(path) in str(caught.value) and "elete" not in str(caught.value)
    assert path.read_bytes() == content


def test_logs_of_other_programs_may_hold_nan(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"acc": NaN, "a": 1}')
    (row,) = read(path, nan=True)
    assert row["a"] == 1


def test_half_a_surrogate_is_refused_where_it_cannot_be_kept(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": "\\uD800"}')
    assert read(path) == [{"a": "\ud800"}]
    with pytest.raises(RunError, match="surrogates not allowed"):
        read(path, halves=False)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p)])
def test_what_is_no_file_is_not_waited_for(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(RunError, match="name a file"):
        InputFile(tmp_path / "x").text()


def test_links_in_a_circle_long_names_and_no_names_are_told(tmp_path):
    (tmp_path / "x").symlink_to("x")
    for path in (tmp_path / "x", tmp_path / ("y" * 300), "a\0b"):
        with pytest.raises(RunError):
            kind_of(path)
        with pytest.raises(RunError, match=r"cannot read|is no path"):
            InputFile(tmp_path / path).text()
    with pytest.raises(RunError, match="write out the path"):
        expanded("~nobody-of-this-name/x")
    (tmp_path / "x").unlink()
    (tmp_path / "x").symlink_to("nowhere")
    assert kind_of(tmp_path / "x") is Kind.missing and kind_of(tmp_path) is Kind.folder
    assert files(tmp_path, "*.jsonl") == []
    with pytest.raises(RunError, match="No such file or directory; check the path"):
        files(tmp_path / "none", "*")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not valid YAML"),
        ("a: 2024-13-45", "not valid YAML"),
        ("a: !!timestamp x", "not valid YAML"),
        ("a: !!bool x", "not valid YAML"),
        ("a: " + "9" * 5000, "4300 digits"),
        ("[" * 3000, "nested more than"),
        ("a: " + "[" * 150 + "]" * 150, "nested more than"),
        (
            "a: &a [x, x]\n"
            + "".join(
                f"{k}: &{k} [{', '.join('*' + 'abcdefghijklmnopqr'[i] for _ in range(9))}]\n"
                for i, k in enumerate("bcdefghijk")
            ),
            "more than 100000 values",
        ),
        ("a: &a [*a]", "nested more than"),
        ("\ud800", "not text in UTF-8"),
    ],
)
def test_a_yaml_file_is_bounded_too(tmp_path, text, says):
    path = tmp_path / "x.yaml"
    path.write_text(text, errors="surrogatepass")
    with pytest.raises(RunError, match=says):
        InputFile(path).yaml()


def test_a_json_file_has_the_shape_that_was_asked_for(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": [1, "x"]}')
    shape = TypeAdapter(dict[str, list[int]])
    with pytest.raises(RunError, match=r"x\.json: 'a\.1' should be a valid integer.*a remedy"):
        InputFile(path, remedy="a remedy").json(shape)


@pytest.mark.parametrize(
    ("table", "row", "says"),
    [
        ("responses", {"role": "model"}, "'condition' is missing"),
        ("joint", {"finish_reason": "odd"}, "'finish_reason'"),
        ("joint", {"sample": -1}, "'sample'"),
        ("joint", {"sample": "0"}, "'sample'"),
        ("joint", {"parts": []}, "'parts'"),
        ("verdicts", {"correct": 1.0}, "'correct'"),
        ("profiles", {"problem": "p"}, "'type' is missing"),
        ("variants", {"key": 1}, "'key'"),
    ],
)
def test_a_table_of_ours_is_told_at_its_first_wrong_row(tmp_path, table, row, says):
    whole = {"role": "model", "condition": "constrained", "problem": "p", "sample": 0, "key": "k"}
    whole |= {"finish_reason": "answered", "raw": "", "parts": {}, "variant": "v", "of": "o"}
    row = row if len(row) == 1 and table in ("responses", "profiles") else whole | row
    path = tmp_path / f"{table}.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(RunError, match=f"line 1 is corrupt .*{says}"):
        list(read_lines(path))


@settings(max_examples=150)
@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda b: TEXT.encode() + b))
def test_any_bytes_are_rows_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "x.jsonl"
    path.write_bytes(content)
    try:
        assert all(isinstance(row, dict) for row in read(path))
    except RunError as error:
        assert str(path) in str(error)
