"""``/docs``: the OpenAPI document as one page without scripts, from this package alone.

What FastAPI would show is fetched from another host, which a machine without the internet cannot reach, and which our
own policy forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

METHODS = ("get", "post", "put", "patch", "delete")
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxLength": "at most {} characters",
}
NO_LIMIT = 1e15  # larger ones are those of 64 bits

Schema = Mapping[str, Any]


def render(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"type": type_of, "prose": prose}
    template = environment.from_string(_text("api_docs.html"))
    schemas = document["components"]["schemas"]
    return template.render(info=document["info"], tags=_by_tag(document), schemas=schemas, rows=rows)


def style() -> str:
    """Its style sheet."""
    return _text("api_docs.css")


def _text(name: str) -> str:
    return resources.files("lookalike.service").joinpath(name).read_text("utf-8")


def _by_tag(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Tag -> its operations, in the order of the document."""
    found: dict[str, list[dict[str, Any]]] = {}
    for operation in _operations(document):
        found.setdefault(operation["tags"][0], []).append(operation)
    return found


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield {"parameters": [], "requestBody": None, **methods[method], "path": path, "method": method.upper()}


def rows(schema: Schema, schemas: Mapping[str, Schema]) -> list[dict[str, Any]]:
    """The fields of a schema, or of the one that it refers to."""
    schema = schemas[_name(schema["$ref"])] if "$ref" in schema else schema
    required = schema.get("required", ())
    return [
        {"name": name, "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def type_of(schema: Schema) -> Markup:
    """In words, with a link to the schema that it names: "list of Hit", "integer, at least 1"."""
    if "$ref" in schema:
        name = _name(schema["$ref"])
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(type_of(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return Markup(", ").join(escape(repr(one)) for one in schema.get("enum", [schema.get("const")]))
    return Markup(", ").join([_plain(schema), *map(escape, _limits(schema))])


def _limits(schema: Schema) -> Iterator[str]:
    for name, words in LIMITS.items():
        value = schema.get(name)
        if value is not None and value < NO_LIMIT:
            yield words.format(f"{int(value) if value == int(value) else value:,}")


def prose(text: str) -> Markup:
    """A docstring: what stands between two backticks is code."""
    parts = text.split("``")
    pairs = [Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(parts)]
    return Markup("").join(pairs)


def _plain(schema: Schema) -> Markup:
    kind = str(schema.get("format") or schema.get("type", "any"))
    if schema.get("type") == "array":
        return Markup("list of {}").format(type_of(schema.get("items", {})))
    values = schema.get("additionalProperties")
    if schema.get("type") == "object" and isinstance(values, Mapping):
        return Markup("object of {}").format(type_of(values))
    return escape("file" if kind == "binary" else kind)


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]
