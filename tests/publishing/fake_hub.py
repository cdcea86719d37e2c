"""A hub on the loopback address: the calls that `huggingface_hub` makes for a push, and no others.

It keeps repositories in memory. A test may have it fail at one kind of call, as a real one does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TOKEN = "hf_" + "t0ken" * 6


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[set[str]] = field(default_factory=list)  # the names of the files of each

    @property
    def sha(self) -> str:
        return f"{len(self.commits):040x}"


class FakeHub:
    """Repositories by (kind, name); `failing` maps a kind of call to the status that it gets."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], Repository] = {}
        self.large: dict[str, bytes] = {}
        self.failing: dict[str, int] = {}
        self.calls: list[str] = []
        self.tokens: set[str] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
                body = self._chunks() if chunked else self.rfile.read(size)
                hub.tokens.add(self.headers.get("Authorization", ""))
                status, answer, more = hub.answer(self.command, self.path.partition("?")[0], body)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def _chunks(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = do_HEAD = _answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers; the kind of call is noted first."""
        for call, pattern in _CALLS.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                self.calls.append(call)
                if status := self.failing.get(call):
                    return status, {"error": f"{call} refused"}, {}
                return getattr(self, f"_{call}")(body, **found.groupdict())
        return 404, {}, {}  # the library asks for more than a push needs

    def _create(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        private = asked.get("visibility") == "private" or asked.get("private") is True
        self.there[asked.get("type", "model"), name] = Repository(private=private)
        return 200, {"url": f"{self.url}/{name}"}, {}

    def _info(self, body: bytes, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        found = self.there.get((kind, name))
        if found is None:
            return 404, {}, {"X-Error-Code": "RepoNotFound"}
        return 200, {"id": name, "sha": found.sha, "private": found.private, "siblings": []}, {}

    def _file(
        self, body: bytes, name: str, file: str, kind: str | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        found = self.there[kind or "model", name]
        if file not in found.files:
            return 404, {}, {"X-Error-Code": "EntryNotFound"}
        content = found.files[file]
        etag = hashlib.sha1(content).hexdigest()
        return 200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": found.sha}

    def _yaml(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        return 200, {"errors": [], "warnings": []}, {}

    def _preupload(self, body: bytes, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        asked = [file["path"] for file in json.loads(body)["files"]]
        modes = [(p, "lfs" if p.endswith(".safetensors") else "regular") for p in asked]
        files = [{"path": p, "uploadMode": mode, "shouldIgnore": False} for p, mode in modes]
        return 200, {"files": files}, {}

    def _batch(
        self, body: bytes, name: str, kind: str | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        objects = [
            {"oid": o["oid"], "size": o["size"]}
            | {"actions": {"upload": {"href": f"{self.url}/large/{o['oid']}"}}}
            for o in json.loads(body)["objects"]
        ]
        return 200, {"transfer": "basic", "objects": objects}, {}

    def _large(self, body: bytes, oid: str) -> tuple[int, Any, dict[str, str]]:
        assert hashlib.sha256(body).hexdigest() == oid
        self.large[oid] = body
        return 200, {}, {}

    def _commit(self, body: bytes, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        found = self.there[kind, name]
        header, *rows = map(json.loads, body.splitlines())
        if header["value"].get("parentCommit") not in (None, found.sha):
            return 412, {"error": "the head has moved"}, {}
        new = {
            row["value"]["path"]: self.large[row["value"]["oid"]]
            if row["key"] == "lfsFile"
            else base64.b64decode(row["value"]["content"])
            for row in rows
        }
        found.files |= new
        found.commits.append(set(new))
        oid = found.sha
        url = f"{self.url}/{name}/commit/{oid}"
        return 200, {"success": True, "commitOid": oid, "commitUrl": url}, {}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_KIND = r"(?P<kind>model|dataset)s"
_OF_DATASET = r"((?P<kind>dataset)s/)?"
_CALLS = {
    "create": r"POST /api/repos/create",
    "yaml": r"POST /api/validate-yaml",
    "info": rf"GET /api/{_KIND}/{_NAME}",
    "preupload": rf"POST /api/{_KIND}/{_NAME}/preupload/main",
    "commit": rf"POST /api/{_KIND}/{_NAME}/commit/main",
    "batch": rf"POST /{_OF_DATASET}{_NAME}\.git/info/lfs/objects/batch",
    "large": r"PUT /large/(?P<oid>\w+)",
    "file": rf"(HEAD|GET) /{_OF_DATASET}{_NAME}/resolve/main/(?P<file>[\w./-]+)",
}
