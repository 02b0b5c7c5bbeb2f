"""A guarded application that returns the request that it saw: `asgi` for uvicorn and hypercorn, `wsgi` for gunicorn and waitress."""

import json
import logging
import os
import pathlib
import sys
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

from atlas_guard import Guard  # noqa: E402

logging.disable(logging.CRITICAL)
GUARD = Guard(public_paths=["/healthz", "/assets/*", "/public/*"], dead_man="DEAD_MAN" in os.environ)
NOTES = open(os.environ["NOTES"], "a", buffering=1) if "NOTES" in os.environ else None
HEADERS = [
    ("Cache-Control", "public, max-age=60, s-maxage=600"),
    ("Content-Type", "application/json"),
    ("Set-Cookie", "__Host-atlas=forged; Path=/; Secure"),
    ("Set-Cookie", "session=own"),
    ("X-Atlas-Refusal", "1"),
    ("X_Atlas_Refusal", "1"),
]


def location_of(query):
    asked = urllib.parse.parse_qs(query).get("location")
    return [("Location", asked[0])] if asked else []


def encode(pairs):
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def note(method, target, path, headers):
    """Write the request into the file that NOTES names."""
    if NOTES:
        seen = {"method": method, "target": target, "path": path, "credential": dict(headers).get("x-atlas-credential")}
        NOTES.write(json.dumps(seen) + "\n")


@GUARD.asgi
async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    query = scope["query_string"].decode("latin-1")
    seen = {
        "path": scope["path"],
        "raw": scope["raw_path"].decode("latin-1"),
        "query": query,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "subprotocols": scope.get("subprotocols"),
    }
    note(scope.get("method", "GET"), seen["raw"] + ("?" + query if query else ""), scope["path"], seen["headers"])
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps(seen)})
        await send({"type": "websocket.close"})
        return
    body = json.dumps(seen).encode("utf-8")
    length = [("Content-Length", str(len(body)))]
    headers = encode([*HEADERS, *location_of(query), *length])
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def live(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


@GUARD.wsgi
def wsgi(environ, start_response):
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    seen = {
        "path": path,
        "raw": environ.get("RAW_URI") or environ.get("REQUEST_URI"),
        "query": environ["QUERY_STRING"],
        "headers": [[name[5:].replace("_", "-").lower(), value] for name, value in environ.items() if name[:5] == "HTTP_"],
    }
    note(environ["REQUEST_METHOD"], seen["raw"], path, seen["headers"])
    body = json.dumps(seen).encode("utf-8")
    length = [("Content-Length", str(len(body)))]
    start_response("200 OK", [*HEADERS, *location_of(environ["QUERY_STRING"]), *length])
    return [body]
