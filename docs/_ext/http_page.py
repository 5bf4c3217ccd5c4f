"""The reference of the API over HTTP, from the app's own OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from markup import code, escaped, table

from lookalike.service.app import create_app
from lookalike.service.settings import Settings

Json = dict[str, Any]
JSON = "application/json"


def document() -> Json:
    """What ``GET /openapi.json`` answers, whatever the gallery."""
    return create_app(Settings(gallery="photos.gallery")).openapi()


def markdown() -> str:
    """Every request by its tag, then every schema."""
    document_ = document()
    by_tag: dict[str, list[str]] = {}
    for path, operations in document_["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method.upper(), path, operation, document_))
    parts = [f"## {tag.capitalize()}\n\n" + "\n\n".join(sections) for tag, sections in by_tag.items()]
    schemas = [_schema(name, schema) for name, schema in _shown(document_).items()]
    return "\n\n".join([*parts, "## Schemas", *schemas])


def _shown(document_: Json) -> Json:
    """The schemas but for those of forms, which stand with their request."""
    return {name: one for name, one in document_["components"]["schemas"].items() if not name.startswith("Body_")}


def _operation(method: str, path: str, operation: Json, document_: Json) -> str:
    parts = [
        f"### {method} {path}",
        escaped(operation.get("description", operation["summary"])),
        _fields(_parameters(operation) + _body(operation, document_)),
        _answers(operation["responses"]),
    ]
    return "\n\n".join(part for part in parts if part)


Row = tuple[str, str, Json, bool]  # name, where, schema, required


def _parameters(operation: Json) -> list[Row]:
    return [
        (
            one["name"],
            one["in"],
            one["schema"] | {"description": one.get("description", "")},
            one.get("required", False),
        )
        for one in operation.get("parameters", [])
    ]


def _body(operation: Json, document_: Json) -> list[Row]:
    rows = []
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content["schema"], document_)
        where = "JSON" if kind == JSON else "form"
        required = schema.get("required", [])
        rows += [(name, where, one, name in required) for name, one in schema.get("properties", {}).items()]
    return rows


def _resolved(schema: Json, document_: Json) -> Json:
    """The schema behind a reference; the first of ``allOf`` or ``anyOf``."""
    while True:
        if "$ref" in schema:
            schema = document_["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "allOf" in schema or "anyOf" in schema:
            schema = (schema.get("allOf") or schema["anyOf"])[0]
        else:
            return schema


def _fields(rows: list[Row]) -> str:
    return table(
        ("field", "in", "type", "default", "meaning"),
        [
            (code(name), where, kind(schema), "required" if needed else _default(schema), _words(schema))
            for name, where, schema, needed in rows
        ],
    )


def _default(schema: Json) -> str:
    return code(json.dumps(schema["default"])) if schema.get("default") is not None else ""


def kind(schema: Json) -> str:
    """The type in words; schemas link to their section."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(kind(one) for one in schema[key]))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(json.dumps(one)) for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return _array(schema)
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return f"map of {kind(schema['additionalProperties'])}"
    return "file" if schema.get("format") == "binary" else str(schema.get("type", "any"))


def _array(schema: Json) -> str:
    if "prefixItems" in schema:
        return "[" + ", ".join(kind(one) for one in schema["prefixItems"]) + "]"
    return f"list of {kind(schema.get('items', {}))}"


LIMITS = {
    "minimum": "at least {:g}",
    "exclusiveMinimum": "more than {:g}",
    "maximum": "at most {:g}",
    "exclusiveMaximum": "less than {:g}",
    "maxLength": "at most {:g} characters",
    "minItems": "at least {:g} items",
    "maxItems": "at most {:g} items",
}
UNLIMITED = 2**53  # a number that only keeps SQLite's integers from overflowing says nothing to a reader


def _words(schema: Json) -> str:
    """Its description, and the limits of its values."""
    parts = [schema, *schema.get("anyOf", ())]
    limits = [
        words.format(one[key]) for one in parts for key, words in LIMITS.items() if one.get(key, UNLIMITED) < UNLIMITED
    ]
    said = escaped(schema.get("description", ""))
    return f"{said} ({', '.join(limits)})" if said and limits else said or ", ".join(limits)


def _answers(responses: Json) -> str:
    """What comes back when it is well; errors are the same everywhere and stand at the top of the page."""
    good = [_answer(status, one) for status, one in responses.items() if status < "300"]
    return "Answers " + ", or ".join(good) + "."


def _answer(status: str, response: Json) -> str:
    contents = [
        kind(content["schema"]) if content.get("schema") else code(media)
        for media, content in response.get("content", {}).items()
    ]
    return f"**{status}** " + (" or ".join(contents) if contents else "without a body")


def _schema(name: str, schema: Json) -> str:
    required = schema.get("required", [])
    rows = [
        (code(field), kind(one), "" if field in required else "optional", _words(one))
        for field, one in schema.get("properties", {}).items()
    ]
    parts = [f"### {name}", escaped(schema.get("description", "")), table(("field", "type", " ", "meaning"), rows)]
    if "enum" in schema:
        parts.append(f"One of {kind(schema)}.")
    if "example" in schema:
        parts.append(f"```json\n{json.dumps(schema['example'], indent=2)}\n```")
    return "\n\n".join(part for part in parts if part)
