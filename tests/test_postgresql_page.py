"""The commands of docs/how-to/postgresql.md run, in order, against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from postgres_server import PostgresServer
from samples import drawn, folder_of, save

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "postgresql.md"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.mark.full
def test_examples_run(postgres: PostgresServer, tmp_path: Path) -> None:
    """As one shell, which ends with the first that fails; the address is the test server's."""
    photos = folder_of(tmp_path / "photos", 6)
    shutil.copy(photos / "0003.jpg", photos / "copy.jpg")
    save(tmp_path / "query.jpg", drawn(3), quality=70)
    server = postgres.url("").partition("?")[0]
    commands = "".join(BLOCK.findall(PAGE.read_text("utf-8"))).replace("postgresql://localhost/photos", server)
    assert commands.count(server) == 3
    program = f'lookalike() {{ "{sys.executable}" -c "from lookalike.cli import main; main()" "$@"; }}\n'
    script = f"set -e\n{program}{commands}"
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("copy.jpg") >= 3
    assert "7 images, no problem" in ran.stdout
