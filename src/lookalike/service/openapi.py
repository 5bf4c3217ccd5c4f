"""The OpenAPI document as clients' generators understand it."""

from __future__ import annotations

from typing import Any

BINARY = {"type": "string", "format": "binary"}


def documented(document: dict[str, Any]) -> dict[str, Any]:
    """The document with files that are sent as ``format: binary``: by ``contentMediaType``, which FastAPI writes,
    generators take them for text."""
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            if any("contentMediaType" in one for one in (field, *field.get("anyOf", ()))):
                schema["properties"][name] = BINARY | {"description": field.get("description", "an image")}
    return document
