"""Puts the runtime into the wheel: three files of an npm package, pinned by its digest."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGE = "https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
FILES = ("dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm")
GIVEN = "LOOKALIKE_WEB_TARBALL"
SECONDS = 60  # without a byte


class BuildWithRuntime(build_py):
    """As usual, and the runtime beside our own scripts."""

    def run(self) -> None:
        super().run()
        folder = Path(self.build_lib) / "lookalike_web" / "browser"
        with tarfile.open(fileobj=io.BytesIO(tarball())) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/{name}")
                (folder / Path(name).name).write_bytes(member.read())


def tarball() -> bytes:
    """The npm package. Raises SystemExit if it is not to be had, or is another one."""
    given = os.environ.get(GIVEN)
    try:
        data = Path(given).read_bytes() if given else urllib.request.urlopen(PACKAGE, timeout=SECONDS).read()
    except OSError as error:
        raise SystemExit(f"{given or PACKAGE}: {error}; {GIVEN} may name a copy of it on this machine") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{given or PACKAGE}: another file than the one that was looked through")
    return data


setup(cmdclass={"build_py": BuildWithRuntime})
