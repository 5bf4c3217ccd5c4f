"""The networks behind a gallery's vectors, for clients that describe images themselves: input and file of each."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from lookalike.descriptors import get
from lookalike.descriptors.neural.image_fit import SQUEEZED
from lookalike.descriptors.neural.onnx_model import Network, Neural
from lookalike.gallery import Gallery
from lookalike.service import schemas
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import NotThere
from lookalike.service.service import Server

router = APIRouter(prefix="/v1", tags=["search and compare"], route_class=CheckedRoute)

RUNTIME = "lookalike_web"  # the distribution that the folder web/ makes
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # a digest never means another file


def runtime_folder() -> Path | None:
    """Where ONNX Runtime for the browser lies, and what of the page needs it; None if it is not installed."""
    return None if find_spec(RUNTIME) is None else Path(importlib.import_module(RUNTIME).FOLDER)


@router.get("/networks", response_model=schemas.NetworkList)
async def networks(server: Server) -> dict[str, object]:
    """The networks whose vectors this gallery holds, and whether the page can run them in the browser."""
    held = await server.gallery.ask(_networks)
    return {"networks": [_described(name, one) for name, one in held.items()], "runtime": runtime_folder() is not None}


@router.get(
    "/networks/{sha256}",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def network_file(server: Server, sha256: Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]) -> FileResponse:
    """The ONNX file with this digest."""
    held = await server.gallery.ask(_networks)
    file = next((one.file for one in held.values() if one.sha256 == sha256), None)
    if file is None:
        raise NotThere("this gallery holds no vectors of such a network")
    return FileResponse(file, media_type="application/octet-stream", headers=FOR_EVER)


def _networks(opened: Gallery) -> dict[str, Network]:
    """Name of a descriptor of whole images -> the network that makes its vectors, of images squeezed to a square."""
    info = opened.info()
    found = {name: get(name) for name in info.descriptors if name not in info.regions}
    networks = {name: one.network for name, one in found.items() if isinstance(one, Neural)}
    return {name: one for name, one in networks.items() if one.input_spec.fit == SQUEEZED}


def _described(name: str, network: Network) -> dict[str, object]:
    card, input_spec = network.outputs[name], network.input_spec
    return {
        "name": name,
        "sha256": network.sha256,
        "dim": card.dim,
        "metric": card.metric,
        "min_side": card.min_side,
        "min_contrast": card.min_contrast,
        "input": {
            "name": input_spec.name,
            "side": input_spec.side,
            "layout": input_spec.layout,
            "type": input_spec.type,
            "mean": input_spec.mean,
            "std": input_spec.std,
            "channels": input_spec.channels,
        },
    }
