"""Puts the runtime into the wheel: three files of an npm package, pinned by its digest."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

REGISTRY = "https://registry.npmjs.org"
PACKAGE = "onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
FILES = ("dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm")
GIVEN = "LOOKALIKE_WEB_TARBALL"
SECONDS = 60  # without a byte
PAUSES = (1.0, 4.0, 15.0)  # seconds before it is tried again
FINAL = (401, 403, 404, 410)  # answers that will not be others in a moment


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
    """The npm package: the file that the environment names, or from the registry, npm's own or the one that npm is
    told of (NPM_CONFIG_REGISTRY). Raises SystemExit, in words, if it is not to be had, or is another one."""
    given = os.environ.get(GIVEN)
    source = given or f"{os.environ.get('NPM_CONFIG_REGISTRY', REGISTRY).rstrip('/')}/{PACKAGE}"
    try:
        data = Path(given).read_bytes() if given else fetched(source)
    except OSError as error:
        raise SystemExit(
            f"{source}: {error}\nONNX Runtime for the browser could not be had, so lookalike-web is not built; all "
            f"else of Lookalike works without it. Try again later, have NPM_CONFIG_REGISTRY name a mirror, or fetch "
            f"the file elsewhere (npm pack onnxruntime-web@1.30.0) and name it: {GIVEN}=FILE"
        ) from error
    if (actual := hashlib.sha256(data).hexdigest()) != SHA256:
        raise SystemExit(f"{source}: another file than the one that was looked through: sha256 {actual}, not {SHA256}")
    return data


def fetched(url: str, pauses: Sequence[float] = PAUSES) -> bytes:
    """The bytes at an address, which is asked again after each pause. Raises OSError if it never answers, or says that
    there is no such thing."""
    for pause in pauses:
        try:
            return _fetched(url)
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code in FINAL:
                raise
            print(f"{url}: {error}; again in {pause:g} s", file=sys.stderr, flush=True)
            time.sleep(pause)
    return _fetched(url)


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read()
    except http.client.HTTPException as error:  # it broke off
        raise OSError(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithRuntime})
