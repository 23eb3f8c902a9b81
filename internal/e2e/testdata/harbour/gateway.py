"""An enforcement point for MCP over HTTP that follows COAZ-MCP, binding draft 1.

It stands before a server and asks an AuthZEN PDP about each request, one evaluation after the
other. What a tool's inputSchema declares as x-authzen-mapping it knows once a tools/list that has
the tool passed it; until then, and for all other methods, it goes by the mappings of the binding.
A method that has none is refused, and nobody is asked.

Refusals are JSON-RPC errors: -32001 denied, -32602 a mapping that does not fit the request, -32603
no decision. That the PDP takes an evaluation for no request (status 400) is of the second kind.
Whoever has no known token gets HTTP status 401 and nothing else.
"""

import json
import logging
import math
from collections.abc import Mapping
from typing import Any

import httpx2
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import mapping

DENIED, NO_MAPPING, NO_DECISION = -32001, -32602, -32603
MAX_BODY = 4 << 20

log = logging.getLogger("gateway")


class Refusal(Exception):
    """The request does not pass."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Gateway:
    """Lets through to a server what the PDP allows.

    tokens has the claims of each bearer token, server is the identifier of the server, and
    denials_as_results has tools answer a denial with a result that says isError.
    """

    def __init__(
        self,
        app: ASGIApp,
        pdp: str,
        tokens: Mapping[str, dict],
        server: str,
        denials_as_results: bool = False,
    ) -> None:
        self._app = app
        self._url = pdp + "/access/v1/evaluation"
        self._pdp = httpx2.AsyncClient(timeout=5, trust_env=False)
        self._tokens = tokens
        self._server = server
        self._denials_as_results = denials_as_results
        self._declared: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        claims = self._tokens.get(token) if scheme.lower() == "bearer" else None
        if claims is None:
            answer: Response = PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
        elif scope["method"] != "POST":  # a stream of what the server says, or the end of a session
            await self._app(scope, receive, send)
        else:
            await self._post(scope, receive, send, claims)

    async def _post(self, scope: Scope, receive: Receive, send: Send, claims: dict) -> None:
        message: Any = None
        try:
            message = _parse(await _read(Request(scope, receive)))
            await self._decide(message, claims)
        except Refusal as refusal:
            await self._refuse(message, refusal)(scope, receive, send)
            return
        # What was judged goes on, and not what could be read in another way.
        body = json.dumps(message).encode()
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["content-length"] = str(len(body))
        on = {**scope, "headers": headers.raw}
        if message.get("method") == "tools/list":
            await self._app(on, _once(body, receive), _Learner(self._learn, send))
        else:
            await self._app(on, _once(body, receive), send)

    async def _decide(self, message: Any, claims: dict) -> None:
        """Return if a message may pass, or raise a Refusal."""
        if not isinstance(message, dict):
            raise Refusal(-32600, "a request is one object")
        if "method" not in message and ("result" in message or "error" in message):
            return  # an answer to the server
        method = message.get("method")
        if not isinstance(method, str):
            raise Refusal(-32600, "a request has a method")
        if method == mapping.PASSED or method.startswith("notifications/") and "id" not in message:
            return
        try:
            asked = self._evaluations(method, message.get("params", {}), claims)
        except mapping.MappingError as error:
            raise Refusal(NO_MAPPING, f"COAZ mapping error: {error}") from error
        if not all([await self._permits(evaluation) for evaluation in asked]):
            raise Refusal(DENIED, "Access denied")

    def _evaluations(self, method: str, params: Any, claims: dict) -> list[dict]:
        if not isinstance(params, dict):
            raise mapping.MappingError("params is no object")
        name = params.get("name")
        if method == "tools/call" and isinstance(name, str) and name in self._declared:
            declared = self._declared[name]
            if mapping.chosen_subject(declared):
                log.warning("the mapping of %s says by itself who the subject is", name)
            return mapping.evaluations(declared, params, claims)
        found = mapping.default(method, claims, self._server)
        if found is None:
            raise Refusal(DENIED, "Access denied: the method has no mapping")
        return mapping.evaluations(found[0], params, found[1])

    async def _permits(self, evaluation: dict) -> bool:
        """Ask the PDP."""
        try:
            answer = await self._pdp.post(self._url, json=evaluation)
            if answer.status_code == 400:
                raise Refusal(NO_MAPPING, "COAZ mapping error: the PDP takes it for no request")
            decision = answer.raise_for_status().json()["decision"]
        except (httpx2.HTTPError, ValueError, TypeError, KeyError) as error:
            raise Refusal(NO_DECISION, "Authorization service unavailable") from error
        if not isinstance(decision, bool):
            raise Refusal(NO_DECISION, "Authorization service unavailable")
        return decision

    def _learn(self, body: bytes) -> None:
        """Take the mappings in from one page of the tools."""
        try:
            tools = json.loads(body)["result"]["tools"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        for tool in tools:
            schema = tool.get("inputSchema", {})
            if "x-authzen-mapping" in schema:
                self._declared[tool["name"]] = schema["x-authzen-mapping"]
            else:
                self._declared.pop(tool["name"], None)

    def _refuse(self, message: Any, refusal: Refusal) -> Response:
        of = message if isinstance(message, dict) else {}
        identifier = of.get("id")
        if isinstance(identifier, bool) or not isinstance(identifier, (int, str)):
            identifier = None
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": identifier}
        if self._denials_as_results and refusal.code == DENIED and of.get("method") == "tools/call":
            answer["result"] = {"content": [{"type": "text", "text": str(refusal)}], "isError": True}
        else:
            answer["error"] = {"code": refusal.code, "message": str(refusal)}
        return JSONResponse(answer)


class _Learner:
    """Holds an answer back until it was learned from."""

    def __init__(self, learn: Any, send: Send) -> None:
        self._learn = learn
        self._send = send
        self._held: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._held.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._learn(b"".join(m.get("body", b"") for m in self._held))
            for held in self._held:
                await self._send(held)


async def _read(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise Refusal(-32600, "the request is too large")
    return body


def _parse(body: bytes) -> Any:
    def finite(text: str) -> float:
        if not math.isfinite(number := float(text)):
            raise ValueError("a number is too large")
        return number

    try:
        return json.loads(body, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError) as error:
        raise Refusal(-32700, "the request is no JSON") from error


def _once(body: bytes, receive: Receive) -> Receive:
    """Return what hands a body out, and then what else comes."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return parts.pop() if parts else await receive()

    return next_message
