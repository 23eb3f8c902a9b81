"""What mapping.py makes of requests, for a test: a line of JSON with each in, a line out.

In: {"method": ..., "params": ..., "token": ..., "mapping": ...}, without a mapping for the default
one. Out: {"evaluations": [...]}, {"refused": why}, or {"unlisted": true}.
"""

import json
import sys

import mapping

SERVER = "https://harbour.example/mcp"

for line in sys.stdin:
    case = json.loads(line)
    try:
        made, token = case.get("mapping"), case["token"]
        if "mapping" not in case:
            found = mapping.default(case["method"], token, SERVER)
            if found is None:
                print(json.dumps({"unlisted": True}))
                continue
            made, token = found
        print(json.dumps({"evaluations": mapping.evaluations(made, case["params"], token)}))
    except mapping.MappingError as error:
        print(json.dumps({"refused": str(error)}))
