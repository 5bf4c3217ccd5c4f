"""20,000 random requests made from the service's OpenAPI document: how many are answered with a 5xx, or otherwise than
the document says."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import SEED, Options, run, table
from benchmarks.serving import serving
from lookalike.gallery import Gallery

TITLE = "The service under random requests"
HEADER = ("operations", "requests", "passed", "failed")
CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"


def measure(options: Options) -> str:
    examples = options.size(1100, 3)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        with Gallery.create(folder) as gallery:
            gallery.add([str(path) for path in options.photographs("bsds", 20)])
        with serving(folder, "--uploads", str(Path(name) / "up")) as server:
            phases = "fuzzing" if options.quick else "examples,coverage,fuzzing"
            result = _fuzzed(f"http://127.0.0.1:{server.port}/openapi.json", examples, phases, name)
    made, passed = _number(r"([\d,]+) generated", result), _number(r"generated.*?([\d,]+) passed", result)
    return (
        f"{table(HEADER, [('all but the event stream', f'{made:,}', f'{passed:,}', f'{made - passed:,}')])}\n\n"
        f"Schemathesis, {examples} examples of each operation, seed {SEED}, over a real gallery. Passed: no 5xx, and "
        "the status, type and schema that the document says."
    )


def _number(pattern: str, result: str) -> int:
    found = re.search(pattern, result)
    if found is None:
        raise SystemExit(result[-3000:])
    return int(found[1].replace(",", ""))


def _fuzzed(document: str, examples: int, phases: str, folder: str) -> str:
    """What Schemathesis printed; its cache goes into ``folder``."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", document, "--checks", CHECKS,
        "--max-examples", str(examples), "--phases", phases, "--exclude-path-regex", "events",
        "--suppress-health-check", "all", "--generation-database", "none", "--seed", str(SEED), "--no-color",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


if __name__ == "__main__":
    run(TITLE, measure)
