"""The office of a harbour: an MCP server behind gateway.py, an enforcement point of COAZ-MCP.

inventory.json is what it lists. Settings, all from the environment:

    HANA_TOKEN, ...    bearer tokens; a principal of principals.yaml without one cannot log in
    CERBOS_URL         the PDP's HTTP address
    HOST, PORT         where to listen (default 127.0.0.1:8000)
    RUNS_FILE          where to write how often each tool ran: {"find_ship": 2}
    DENIALS            result: a denied call is answered with a result that says isError

What principals.yaml says of somebody are the claims of the token: sub, roles, and attributes, which
come last. A tool that was refused must not have run. RUNS_FILE shows that to a test; no client can
see it.
"""

import json
import os
from collections import Counter
from pathlib import Path

import mcp_types as types
import uvicorn
import yaml
from jsonschema import Draft202012Validator
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from gateway import Gateway

HERE = Path(__file__).parent
AUDIENCE = "https://harbour.example/mcp"
inventory = json.loads((HERE / "inventory.json").read_text())
schemas = {tool["name"]: tool["inputSchema"] for tool in inventory["tools"]}
runs: Counter[str] = Counter()
PAGE = 4


async def list_tools(_, params) -> types.ListToolsResult:
    """Tools come in pages."""
    start = int(params.cursor) if params and params.cursor else 0
    tools = inventory["tools"][start : start + PAGE]
    more = str(start + PAGE) if start + PAGE < len(inventory["tools"]) else None
    return types.ListToolsResult.model_validate({"tools": tools, "nextCursor": more})


async def call_tool(_, params) -> types.CallToolResult:
    """Do nothing, and count it."""
    text, failed = "done", False
    if params.name not in schemas:
        text, failed = f"Unknown tool: {params.name}", True
    elif error := next(Draft202012Validator(schemas[params.name]).iter_errors(params.arguments or {}), None):
        text, failed = f"Input validation error: {error.message}", True
    else:
        runs[params.name] += 1
        if path := os.environ.get("RUNS_FILE"):
            Path(path).write_text(json.dumps(runs, sort_keys=True))
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)


async def list_prompts(*_) -> types.ListPromptsResult:
    return types.ListPromptsResult.model_validate({"prompts": inventory["prompts"]})


async def get_prompt(_, params) -> types.GetPromptResult:
    prompt = next((p for p in inventory["prompts"] if p["name"] == params.name), None)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    for argument in prompt.get("arguments", []):
        if argument.get("required") and argument["name"] not in (params.arguments or {}):
            raise MCPError(types.INVALID_PARAMS, f"Missing argument: {argument['name']}")
    return types.GetPromptResult(
        messages=[types.PromptMessage(role="user", content=types.TextContent(type="text", text=params.name))]
    )


async def list_resources(*_) -> types.ListResourcesResult:
    return types.ListResourcesResult.model_validate({"resources": inventory["resources"]})


async def list_templates(*_) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult.model_validate({"resourceTemplates": inventory["resourceTemplates"]})


async def read_resource(_, params) -> types.ReadResourceResult:
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=params.uri, text="calm")])


async def complete(*_) -> types.CompleteResult:
    return types.CompleteResult(completion=types.Completion(values=["north"]))


async def nothing(*_) -> types.EmptyResult:
    return types.EmptyResult()


def tokens() -> dict[str, dict]:
    """The claims of each token."""
    people = yaml.safe_load((HERE / "principals.yaml").read_text())["principals"]
    found = {}
    for key, who in people.items():
        if token := os.environ.get(f"{key.upper()}_TOKEN"):
            found[token] = {"sub": who["id"], "aud": AUDIENCE, "roles": who["roles"], **who.get("attr", {})}
    return found


if __name__ == "__main__":
    server = Server(
        "Harbour office",
        version="1.0.0",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=nothing,
        on_unsubscribe_resource=nothing,
        on_completion=complete,
        on_set_logging_level=nothing,
    )
    guarded = Gateway(
        server.streamable_http_app(json_response=True, stateless_http=True),
        os.environ["CERBOS_URL"],
        tokens(),
        AUDIENCE,
        denials_as_results=os.environ.get("DENIALS") == "result",
    )
    uvicorn.run(
        guarded,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        log_level="warning",
    )
