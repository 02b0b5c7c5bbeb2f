"""Runs the table of cases through the Python guard, and prints the observations as JSON: {name: observation}."""

import asyncio
import json
import logging
import pathlib
import sys
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

from atlas_guard import Guard  # noqa: E402

logging.disable(logging.CRITICAL)
TABLE = json.loads((HERE / "cases.json").read_text("utf-8"))
UPSTREAM_HEADERS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Vary", "Accept-Encoding"),
]


def guard_for(name):
    config = TABLE["configs"][name]
    guard = Guard(
        preshared_key=config.get("presharedKey"),
        signing_secret=config.get("signingSecret"),
        schemes=config.get("schemes"),
        signed_methods=config.get("signedMethods", ()),
        origins=config.get("origins"),
        public_paths=config.get("publicPaths", ()),
        compute_id=config.get("computeId"),
        is_ready=lambda: config.get("isReady", True),
        now=lambda: TABLE["now"],
        env={},
    )
    if "replaced" in config:
        guard.replace_hashes(config["replaced"])
    return guard


def is_websocket(case):
    return any(name == "Upgrade" for name, _ in case.get("headers", []))


def run_asgi(case):
    scope, sent = asgi_scope(case), []
    seen = {}

    async def app(scope, receive, send):
        path = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        seen.update(url=path + ("?" + query if query else ""), headers=headers)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        headers = [(name.encode(), value.encode()) for name, value in UPSTREAM_HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"}

    async def send(message):
        sent.append(message)

    asyncio.run(guard_for(case.get("config", "default")).asgi(app)(scope, receive, send))
    return {**observe(sent), **({"upstream": seen} if seen else {})}


def asgi_scope(case):
    path, _, query = case["url"].partition("?")
    given = [("Host", "pod.example"), *case.get("headers", [])]
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given]
    scope = {
        "type": "websocket" if is_websocket(case) else "http",
        "method": case.get("method", "GET"),
        "path": urllib.parse.unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }
    if is_websocket(case):
        scope["method"] = "GET"
        scope["subprotocols"] = []
    return scope


def observe(sent):
    first = sent[0]
    if first["type"] == "websocket.accept":
        subprotocol = first.get("subprotocol")
        return {"status": 101, "body": "", "headers": {"sec-websocket-protocol": subprotocol} if subprotocol else {}}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in first["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return {"status": first["status"], "headers": headers, "body": body.decode("utf-8")}


def run_wsgi(case):
    seen, started = {}, []

    def app(environ, start_response):
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        seen.update(url=environ["RAW_URI"], headers=headers)
        start_response("200 OK", list(UPSTREAM_HEADERS))
        return []

    def start_response(status, headers):
        started.extend([int(status[:3]), {name.lower(): value for name, value in headers}])

    body = b"".join(guard_for(case.get("config", "default")).wsgi(app)(wsgi_environ(case), start_response))
    observation = {"status": started[0], "headers": started[1], "body": body.decode("utf-8")}
    return {**observation, **({"upstream": seen} if seen else {})}


def path_of(target):
    """Return the path of a whole URL, as the servers of WSGI do."""
    return "/" + target.partition("://")[2].partition("/")[2] if "://" in target else target


def wsgi_environ(case):
    path, _, query = case["url"].partition("?")
    environ = {
        "REQUEST_METHOD": case.get("method", "GET"),
        "PATH_INFO": urllib.parse.unquote_to_bytes(path_of(path)).decode("latin-1"),
        "HTTP_HOST": "pod.example",
        "QUERY_STRING": query,
        "RAW_URI": case["url"],
    }
    for name, value in case.get("headers", []):
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = environ[key] + "," + value if key in environ else value
    return environ


def main():
    run = {"asgi": run_asgi, "wsgi": run_wsgi}[sys.argv[1]]
    cases = [case for case in TABLE["cases"] if sys.argv[1] == "asgi" or not is_websocket(case)]
    print(json.dumps({case["name"]: run(case) for case in cases}))


main()
