"""Mappings of COAZ-MCP, binding draft 1: what an enforcement point asks its PDP.

A mapping has the shape of an AuthZEN request in which texts that begin with $ are expressions in
CEL over params, those of the MCP request, and token, the claims of the access token. This module
makes the AuthZEN evaluations of a mapping, and knows the mappings of methods that have none of
their own. It decides nothing.
"""

import functools
import math
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

# How deep params, claims and mappings may be nested, and how long a text may be that is CEL. The
# CEL library bounds the nesting and the loops of expressions itself.
MAX_DEPTH = 100
MAX_EXPRESSION = 8192

PASSED = "ping"  # beside notifications
SERVER = "$token.aud"

OBJECT = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
CEL = cel.NewEnv(variables={"params": OBJECT, "token": OBJECT}, extensions=[ext_optional.ExtOptional()])
ABSENT = object()

# What every evaluation has to have.
REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}


class MappingError(Exception):
    """Of a mapping and a request no evaluation can be made."""


def _default(method: str, kind: str, identifier: str, **context: str) -> dict:
    return {
        "evaluation": {
            "subject": {"type": "identity", "id": "$token.sub"},
            "action": {"name": method},
            "resource": {"type": kind, "id": identifier},
            "context": {"agent": "$token.?client_id", **context},
        }
    }


DEFAULTS = {
    "initialize": _default("initialize", "mcp_server", SERVER, protocol_version="$params.protocolVersion"),
    "logging/setLevel": _default("logging/setLevel", "mcp_server", SERVER, level="$params.level"),
    "tools/call": _default("tools/call", "tool", "$params.name"),
    "prompts/get": _default("prompts/get", "prompt", "$params.name"),
    # The draft prints a $ before each params inside, which is no CEL.
    "completion/complete": _default(
        "completion/complete",
        "$params.ref.type == 'ref/prompt' ? 'prompt' : 'resource'",
        "$params.ref.type == 'ref/prompt' ? params.ref.name : params.ref.uri",
    ),
    **{
        method: _default(method, "mcp_server", SERVER)
        for method in ("tools/list", "resources/list", "prompts/list", "tasks/list")
    },
    **{
        method: _default(method, "resource", "$params.uri")
        for method in ("resources/read", "resources/subscribe", "resources/unsubscribe")
    },
    **{
        method: _default(method, "task", "$params.taskId")
        for method in ("tasks/get", "tasks/result", "tasks/cancel")
    },
}


def default(method: str, token: dict, server: str) -> tuple[dict, dict] | None:
    """Return the mapping of a method, with the token to resolve it with, or None.

    What is about the server itself goes by its identifier: the aud of the token, or the one
    member of it that is the server's own.
    """
    mapping = DEFAULTS.get(method)
    if mapping is None or mapping["evaluation"]["resource"]["id"] != SERVER:
        return mapping and (mapping, token)
    audience = token.get("aud")
    if isinstance(audience, list):
        audience = server if audience.count(server) == 1 else None
    if not isinstance(audience, str) or not audience:
        raise MappingError("the token's aud does not name this server")
    return mapping, {**token, "aud": audience}


def evaluations(mapping: Any, params: Any, token: dict) -> list[dict]:
    """Return the evaluations that a mapping makes of a request, all of which must be allowed."""
    if not isinstance(mapping, dict) or len(mapping) != 1:
        raise MappingError("a mapping has one key, evaluation or evaluations")
    [(envelope, template)] = mapping.items()
    if envelope not in ("evaluation", "evaluations") or not isinstance(template, dict):
        raise MappingError("a mapping has one key, evaluation or evaluations")
    entries = [{}]
    if envelope == "evaluations":
        template = dict(template)
        entries = template.pop("evaluations", None)
        # It says when a PDP may stop. Here each entry is a question of its own, so it says nothing.
        template.pop("options", None)
        if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
            raise MappingError("evaluations has a list of evaluations")
        if any("subject" in entry for entry in entries):
            raise MappingError("an entry of evaluations has no subject of its own")
    if isinstance(template.get("subject", {}), dict):
        subject = {"type": "identity", "id": "$token.sub", **template.get("subject", {})}
        template = {**template, "subject": subject}
    inputs = {"params": doubles(params), "token": doubles(token)}
    shared = resolve(template, inputs)
    made = [{**shared, **resolve(entry, inputs)} for entry in entries]
    for evaluation in made:
        for part, names in REQUIRED.items():
            value = evaluation.get(part)
            for name in names:
                if not isinstance(value, dict) or value.get(name) is None:
                    raise MappingError(f"{part}.{name} is absent")
    return made


def chosen_subject(mapping: Any) -> bool:
    """Report whether a mapping says by itself who the subject is."""
    for template in mapping.values() if isinstance(mapping, dict) else ():
        subject = template.get("subject", {}) if isinstance(template, dict) else {}
        return not isinstance(subject, dict) or subject.get("id", "$token.sub") != "$token.sub"
    return False


def resolve(value: Any, inputs: dict, depth: int = 0) -> Any:
    """Return a part of a mapping with its expressions evaluated, or ABSENT.

    Lists are taken as they are, with the texts in them.
    """
    if depth > MAX_DEPTH:
        raise MappingError("the mapping is nested too deeply")
    if isinstance(value, dict):
        made = {key: resolve(below, inputs, depth + 1) for key, below in value.items()}
        return {key: below for key, below in made.items() if below is not ABSENT}
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if value.startswith("$$"):
        return value[1:]
    return evaluate(value[1:], inputs)


def evaluate(expression: str, inputs: dict) -> Any:
    """Return what an expression comes to as a JSON value, or ABSENT."""
    if len(expression) > MAX_EXPRESSION:
        raise MappingError("an expression is too long")
    try:
        result = _compile(expression).eval(data=inputs)
        if _is_optional(result):
            # The library hands out no optional value, but leaves a key out by one. That it may be
            # of any type was checked already.
            held = _compile("{?'value': (" + expression + "\n)}", False).eval(data=inputs).value()
            if "value" not in held:
                return ABSENT
            result = held["value"]
        return _plain(result)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it has no value"
        raise MappingError(f"expression {expression[:200]!r}: {reason[:300]}") from error


@functools.lru_cache(maxsize=1024)
def _compile(expression: str, checked: bool = True) -> Any:
    return CEL.compile(expression, disable_check=not checked)


def _is_optional(result: Any) -> bool:
    if result.type() != cel.Type.ERROR:
        return False
    try:
        result.value()  # of an error it is a text
    except TypeError:
        return True
    return False


def _plain(result: Any) -> Any:
    if result.type() == cel.Type.NULL:
        return None  # value() would take a reference to None away, and without any Python ends
    value = result.value()
    if result.type() == cel.Type.ERROR:
        raise ValueError(value)
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(member) for key, member in value.items()}
    raise ValueError(f"{result.type()} is no JSON value")


def doubles(value: Any, depth: int = 0) -> Any:
    """Return a JSON value as CEL knows it: all its numbers are doubles."""
    if depth > MAX_DEPTH:
        raise MappingError("the request is nested too deeply")
    if isinstance(value, dict):
        return {key: doubles(below, depth + 1) for key, below in value.items()}
    if isinstance(value, list):
        return [doubles(below, depth + 1) for below in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise MappingError("a number is too large") from error
    return value
