"""How is a zip of a user's read? Member by member, in memory, and never more than a bound.

What a member says of its size is not believed, its name decides nothing but whether it is read, and nothing
is unpacked onto the disk. Members may be compressed with zstd, which Python's zipfile knows from 3.14 on.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator

from twofold.errors import RunError
from twofold.storage.reading import LONGEST_LINE, InputFile, Row

_ZSTD = 93  # the number of the method
_MOST = 1 << 34  # bytes of all members together, unpacked


def objects(file: InputFile, wanted: re.Pattern[str]) -> Iterator[tuple[str, Row]]:
    """The JSON objects of the members whose whole names match, by name.

    Raises:
        RunError: Of the file's class, if it is no zip, a member leaves it, is damaged, too large or no JSON
            object; if zstd is needed and not installed.
    """
    with file.opened() as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                names = archive.namelist()
                if strange := [n for n in names if n.startswith("/") or ".." in n.split("/")]:
                    raise file.broken("", f"it has a member that leaves it, {strange[0]!r:.60}")
                left = _MOST
                for name in sorted({name for name in names if wanted.fullmatch(name)}):
                    content = _unpacked(file, archive, archive.getinfo(name))
                    left -= len(content)
                    if left < 0:
                        raise file.broken("", f"it unpacks to more than {_MOST} bytes")
                    row = file.parsed(content.decode("utf-8", "surrogateescape"), f", {name}")
                    if not isinstance(row, dict):
                        raise file.broken(f", {name}", "this is no object")
                    yield name, row
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as fault:
            raise file.broken("", f"this is no zip that we read ({fault})") from fault


def _unpacked(file: InputFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of a member, of bounded size."""
    if member.compress_type == _ZSTD:
        content = _from_zstd(file, archive, member)
    else:
        with archive.open(member) as packed:
            content = packed.read(LONGEST_LINE + 1)
    if len(content) > LONGEST_LINE:
        raise file.broken(f", {member.filename}", f"it unpacks to more than {LONGEST_LINE} bytes")
    if zlib.crc32(content) != member.CRC:
        raise file.broken(f", {member.filename}", "its content is damaged")
    return content


def _from_zstd(file: InputFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        import zstandard
    except ImportError as error:
        raise RunError(
            f"{file.path} is compressed with zstd, which needs one more package: "
            "pip install 'twofold[inspect]'"
        ) from error
    raw = archive.fp
    assert raw is not None
    raw.seek(member.header_offset)
    head = raw.read(
        30
    )  # of a local file: its last four bytes are the lengths of name and extra field
    skipped = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    raw.seek(member.header_offset + len(head) + skipped)
    packed = raw.read(min(member.compress_size, LONGEST_LINE))
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
            return bytes(stream.read(LONGEST_LINE + 1))
    except zstandard.ZstdError as error:
        raise file.broken(f", {member.filename}", f"its content is damaged: {error}") from error
