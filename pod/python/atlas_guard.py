"""The check inside an Atlas pod, for servers in Python: one file, standard library only, Python 3.9 or later.

It decides like `atlas-compute/guard`: it accepts `Authorization: Bearer`, signed URLs, and for browsers' WebSockets the
subprotocol pair `atlas.v1, atlas.bearer.<token>`. It reads the pod's environment: ATLAS_PRESHARED_KEY,
ATLAS_SIGNING_SECRET, ATLAS_ORIGINS and ATLAS_COMPUTE_ID. With ATLAS_CONTROL_URL and ATLAS_POD_TOKEN it tells the control
plane, once a minute at most, that the pod is in use.

    from fastapi import FastAPI
    from atlas_guard import Guard

    guard = Guard(origins=["https://app.example"], public_paths=["/healthz"])
    api = FastAPI()
    app = guard.asgi(api)          # the application for uvicorn

    @guard.asgi                    # or as a decorator of a bare ASGI application
    async def app(scope, receive, send): ...

    @guard.wsgi                    # or of a WSGI application, such as flask_app.wsgi_app
    def app(environ, start_response): ...

Put it around all other middleware. Without a key it refuses every request except those for public paths.
"""

import base64
import datetime
import hashlib
import hmac
import json
import logging
import os
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["Guard", "READINESS_PATH", "HEARTBEAT_PATH", "hash_token", "verify_token", "verify_signed_url"]

READINESS_PATH = "/.well-known/atlas/ready"
HEARTBEAT_PATH = "/.well-known/atlas/heartbeat"
SUBPROTOCOL = "atlas.v1"
TOKEN_SUBPROTOCOL = "atlas.bearer."
HEARTBEAT_SECONDS = 60
SIGN_KINDS = ("requests", "sockets", "heartbeats")
MAX_URL_LENGTH = 65_536
MAX_EXP_DIGITS = 16

_CANDIDATE = re.compile(r"[\x00-\x7f]{1,4096}")
_HASH = re.compile(r"[0-9a-f]{64}")
_BEARER = re.compile(r"bearer +([!-+\--~]+)", re.IGNORECASE)
_KEY = re.compile(r"[!-+\--~]{1,4096}")
_ORIGIN = re.compile(r"(?:https?|wss?)://[^/]+", re.IGNORECASE)
_CORS_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")
_AMBIGUOUS = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")
_EXP = re.compile(r"[1-9][0-9]*")
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")
_PUBLIC_PATH = re.compile(r"/(?:[\w\-.~@+/]*|(?:[\w\-.~@+/]*/)?\*)", re.ASCII)
_PLAIN_SEGMENT = re.compile(r"(?!\.{1,2}$)[\w\-.~@+]*", re.ASCII)
_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)

_PROBLEM = {"cache-control": "no-store", "content-type": "application/problem+json"}
_UNAUTHORIZED_BODY = json.dumps(
    {
        "type": "about:blank",
        "title": "The credential was rejected",
        "status": 401,
        "detail": "This pod needs a valid credential: a bearer token or a signed URL.",
        "code": "UNAUTHORIZED",
        "retryable": False,
    }
)

_log = logging.getLogger("atlas_guard")


# Credentials


def hash_token(token):
    """Return the SHA-256 of the token's UTF-8 text as 64 lowercase hex digits."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def verify_token(candidate, token_hash):
    """Return True when a candidate is the token behind a hash, in constant time. Never raises."""
    if not isinstance(candidate, str) or not _CANDIDATE.fullmatch(candidate):
        return False
    if not isinstance(token_hash, str) or not _HASH.fullmatch(token_hash):
        return False
    return hmac.compare_digest(hash_token(candidate), token_hash)


def verify_signed_url(url, secrets, now=None):
    """Return "ok", or the reason of a refusal: "malformed", "expired" or "bad_signature". Never raises."""
    request = _read_signed(url)
    if request is None:
        return "malformed"
    message, exp, sig = request
    if not int(time.time() if now is None else now) <= _to_number(exp):
        return "expired"
    expected = [_signature(message, secret) for secret in secrets if secret]
    if not any([hmac.compare_digest(sig, one) for one in expected]):
        return "bad_signature"
    return "malformed" if len(exp) > MAX_EXP_DIGITS else "ok"


def _to_number(exp):
    # Python refuses to parse thousands of digits, and no real time has that many.
    return int(exp) if len(exp) <= 2 * MAX_EXP_DIGITS else float("inf")


def _read_signed(url):
    if not isinstance(url, str) or len(url) > MAX_URL_LENGTH:
        return None
    parts = _split_url(url)
    if parts is None or (parts[0] == "" and parts[3] != ""):
        return None
    _, path, query, _ = parts
    parameters = _parse_query(query)
    exps = [value for key, value in parameters if key == b"exp"]
    sigs = [value for key, value in parameters if key == b"sig"]
    if len(exps) != 1 or len(sigs) != 1 or not _EXP.fullmatch(exps[0].decode("latin-1")):
        return None
    signed = _format_query([pair for pair in parameters if pair[0] != b"sig"])
    return ((path or "/") + "?" + signed, exps[0].decode("latin-1"), sigs[0])


def _signature(message, secret):
    digest = hmac.new(secret.encode("utf-8"), message.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _split_url(url):
    """Split into origin, path, query and fragment without a change; None for a text that is neither an http URL nor a path."""
    before, hash_sign, fragment = url.partition("#")
    target, _, query = before.partition("?")
    match = _ORIGIN.match(target)
    origin = match.group(0) if match else ""
    path = target[len(origin) :]
    if _AMBIGUOUS.search(target) or (origin == "" and not path.startswith("/")):
        return None
    return origin, path, query, hash_sign + fragment


def _parse_query(query):
    """Return the decoded parameters as bytes, in order of appearance."""
    pairs = [pair.partition(b"=") for pair in query.encode("utf-8", "surrogatepass").split(b"&") if pair]
    return [(_decode(key), _decode(value)) for key, _, value in pairs]


def _decode(text):
    return _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), text.replace(b"+", b" "))


def _format_query(parameters):
    encoded = [(urllib.parse.quote_plus(key, safe="~"), urllib.parse.quote_plus(value, safe="~"))
               for key, value in sorted(parameters, key=lambda pair: pair[0])]
    return "&".join(key + "=" + value for key, value in encoded)


# The decision


class _Request:
    """The parts of a request that the guard reads. `headers` are (name, value) pairs of text, with names in lowercase."""

    def __init__(self, method, url, headers):
        self.method = method
        self.url = url
        self._headers = headers

    def header(self, name):
        values = [value.strip(" \t") for key, value in self._headers if key == name]
        return ", ".join(values) if values else None


class _Answer:
    kind = "answer"

    def __init__(self, name, status, headers, body="", reason=None):
        self.name, self.status, self.headers, self.body, self.reason = name, status, headers, body, reason


class _Pass:
    kind = "pass"

    def __init__(self, credential, url, subprotocols, headers):
        self.credential, self.url, self.subprotocols, self.headers = credential, url, subprotocols, headers


def _refusal(reason, cors):
    headers = {**_PROBLEM, "www-authenticate": "Bearer", **cors}
    return _Answer("refused", 401, headers, _UNAUTHORIZED_BODY, reason)


def _is_public(method, path, listed):
    if method not in ("GET", "HEAD"):
        return False
    return any(_is_below(path, one[:-1]) if one.endswith("*") else path == one for one in listed)


def _is_below(path, parent):
    if not path.startswith(parent):
        return False
    segments = path[len(parent) :].split("/")
    return all(_PLAIN_SEGMENT.fullmatch(one) for one in segments) and "" not in segments[:-1]


def _offered_subprotocols(request):
    if (request.header("upgrade") or "").lower() != "websocket":
        return []
    offered = request.header("sec-websocket-protocol")
    return [] if offered is None else [one.strip() for one in offered.split(",")]


def _is_token(subprotocol):
    return subprotocol.startswith(TOKEN_SUBPROTOCOL)


def _is_signed(query):
    return {b"exp", b"sig"} <= {key for key, _ in _parse_query(query)}


def _without_signature(query):
    if not _is_signed(query):
        return query
    kept = [pair for pair in query.split("&") if [key for key, _ in _parse_query(pair)] not in ([b"exp"], [b"sig"])]
    return "&".join(kept)


class Guard:
    """The guard of this pod. The environment supplies the arguments that are left out.

    `signs` are the kinds of signs of life. `is_ready` returns True when the server is ready, for the readiness path.
    `fetch` and `now` replace the network and the clock in tests.
    """

    def __init__(
        self,
        preshared_key=None,
        signing_secret=None,
        origins=None,
        public_paths=(),
        compute_id=None,
        control_url=None,
        pod_token=None,
        hashes=(),
        signs=SIGN_KINDS,
        is_ready=lambda: True,
        now=time.time,
        fetch=None,
        env=os.environ,
    ):
        keys = _as_list(preshared_key if preshared_key is not None else env.get("ATLAS_PRESHARED_KEY") or [])
        secrets = _as_list(signing_secret if signing_secret is not None else env.get("ATLAS_SIGNING_SECRET") or [])
        listed = origins if origins is not None else _split_list(env.get("ATLAS_ORIGINS") or "")
        _require("preshared_key", keys, _KEY, "visible ASCII without a comma", secret=True)
        _require("origins", listed, _CORS_ORIGIN, "origins such as https://app.example")
        _require("public_paths", public_paths, _PUBLIC_PATH, "paths such as /healthz or /assets/*")
        _require("hashes", hashes, _HASH, "64 lowercase hex digits")
        self._hashes = [(one, None) for one in [*map(hash_token, keys), *hashes]]
        self._secrets = [secret for secret in secrets if secret]
        self._origins = frozenset(listed)
        self._public_paths = tuple(public_paths)
        self._compute_id = compute_id or env.get("ATLAS_COMPUTE_ID") or None
        self._is_ready = is_ready
        self._now = now
        self._kinds = frozenset(signs)
        url = control_url or env.get("ATLAS_CONTROL_URL")
        token = pod_token or env.get("ATLAS_POD_TOKEN")
        self._signs = _SignsOfLife(url.rstrip("/"), token, self._take, fetch or _fetch) if url and token else None
        if not self._hashes and not self._secrets:
            _log.error(
                "The guard has no key, so it refuses every request but those for public paths. "
                "Set ATLAS_PRESHARED_KEY (bearer tokens) or ATLAS_SIGNING_SECRET (signed URLs)."
            )

    def asgi(self, app):
        """Put the guard in front of an ASGI application."""
        return _AsgiGuard(self, app)

    def wsgi(self, app):
        """Put the guard in front of a WSGI application."""
        return _WsgiGuard(self, app)

    def heartbeat(self):
        """Report that the pod is busy without requests, with a long job for example."""
        self._see("heartbeats")

    def replace_hashes(self, hashes):
        """Replace the accepted tokens with this list: [{"hash": …, "expiresAt": ISO time or None}]."""
        self._hashes = [(one["hash"], _to_timestamp(one["expiresAt"])) for one in hashes]

    def _take(self, answer):
        if answer.get("hashes") is not None:
            self.replace_hashes(answer["hashes"])

    def _see(self, kind):
        if self._signs and kind in self._kinds:
            self._signs.see(kind)

    def _judge(self, request):
        """Judge a request. Never raises, whatever the request is."""
        try:
            verdict = self._decide(request)
        except Exception:  # The guard refuses a request that it cannot judge.
            _log.exception("The guard could not judge a request, so it refused it.")
            return _refusal("malformed", {})
        if verdict.kind == "answer" and verdict.name == "heartbeat":
            self.heartbeat()
        if verdict.kind == "pass" and verdict.credential != "none":
            self._see("requests")
        return verdict

    def _decide(self, request):
        if self._is_preflight(request):
            return _Answer("preflight", 204, self._preflight_headers(request))
        cors = self._cors_headers(request)
        parts = _split_url(request.url)
        # Some servers take two slashes at the start for a host, and servers disagree about the text after a "#".
        if parts is None or parts[3] != "" or parts[1].startswith("//"):
            return _refusal("malformed", cors)
        path, query = parts[1] or "/", parts[2]
        if _is_public(request.method, path, [READINESS_PATH]):
            return self._readiness(cors)
        if _is_public(request.method, path, self._public_paths):
            return self._pass(request, path, query, "none", cors)
        credential, reason = self._find_credential(request, path, query)
        if credential is None:
            return _refusal(reason, cors)
        if request.method == "POST" and path == HEARTBEAT_PATH:
            return _Answer("heartbeat", 204, {"cache-control": "no-store", **cors})
        return self._pass(request, path, query, credential, cors)

    def _find_credential(self, request, path, query):
        """Return the kind of the accepted credential, or None and the reason. The first credential of a request decides."""
        if not self._hashes and not self._secrets:
            return None, "unconfigured"
        authorization = request.header("authorization")
        if authorization is not None:
            match = _BEARER.fullmatch(authorization)
            return self._judge_token(match and match.group(1), "bearer")
        offered = _offered_subprotocols(request)
        tokens = [one[len(TOKEN_SUBPROTOCOL) :] for one in offered if _is_token(one)]
        if tokens:
            is_pair = SUBPROTOCOL in offered and len(tokens) == 1
            return self._judge_token(tokens[0] if is_pair else None, "subprotocol")
        if not _is_signed(query):
            return None, "missing"
        result = verify_signed_url(path + "?" + query, self._secrets, self._now())
        return ("signed-url", None) if result == "ok" else (None, result)

    def _judge_token(self, token, credential):
        if token is None:
            return None, "malformed"
        live = [one for one, expires_at in self._hashes if expires_at is None or self._now() < expires_at]
        matches = [verify_token(token, one) for one in live]
        return (credential, None) if any(matches) else (None, "bad_token")

    def _pass(self, request, path, query, credential, cors):
        rest = _without_signature(query) if self._secrets else query
        offered = _offered_subprotocols(request)
        kept = ", ".join(one for one in offered if not _is_token(one)) if any(map(_is_token, offered)) else None
        return _Pass(credential, path if rest == "" else path + "?" + rest, kept, cors)

    def _readiness(self, cors):
        is_ready = bool(self._is_ready())
        body = json.dumps({"computeId": self._compute_id, "status": "ready" if is_ready else "starting"})
        headers = {"cache-control": "no-store", "content-type": "application/json", **cors}
        return _Answer("readiness", 200, headers, body) if is_ready else _Answer(
            "readiness", 503, {**headers, "retry-after": "2"}, body)

    def _cors_headers(self, request):
        if not self._origins:
            return {}
        origin = request.header("origin")
        if origin not in self._origins:
            return {"vary": "Origin"}
        return {"access-control-allow-origin": origin, "access-control-expose-headers": "*", "vary": "Origin"}

    def _is_preflight(self, request):
        if request.method != "OPTIONS" or request.header("access-control-request-method") is None:
            return False
        return request.header("origin") in self._origins

    def _preflight_headers(self, request):
        asked = request.header("access-control-request-headers")
        return {
            "access-control-allow-origin": request.header("origin"),
            "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            "access-control-allow-headers": asked if asked is not None and _HEADER_NAMES.fullmatch(asked)
            else "authorization, content-type",
            "access-control-max-age": "7200",
            "vary": "Origin, Access-Control-Request-Headers",
        }


def _as_list(value):
    return [value] if isinstance(value, str) else list(value)


def _split_list(text):
    return [one.strip() for one in text.split(",") if one.strip()]


def _to_timestamp(iso):
    return None if iso is None else datetime.datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


def _require(what, values, pattern, allowed, secret=False):
    for value in values:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("%s: got %s; allowed: %s" % (what, "a secret" if secret else repr(value), allowed))


# The servers


def _strip_headers(pairs, verdict):
    """Remove the checked credential from headers, which are (lowercase name, value) pairs of bytes."""
    kept = [(name, value) for name, value in pairs if name != b"authorization"]
    if verdict.subprotocols is None:
        return kept
    kept = [(name, value) for name, value in kept if name != b"sec-websocket-protocol"]
    return [*kept, (b"sec-websocket-protocol", verdict.subprotocols.encode("latin-1"))] if verdict.subprotocols else kept


def _replace_cors_headers(pairs, verdict):
    """Replace the application's CORS headers, (name, value) pairs of text, with the guard's own."""
    kept = [(name, value) for name, value in pairs if not name.lower().startswith("access-control-")]
    own = dict(verdict.headers)
    if "vary" in own:
        before = [value for name, value in kept if name.lower() == "vary"]
        kept = [(name, value) for name, value in kept if name.lower() != "vary"]
        own["vary"] = _join_vary(", ".join(before), own["vary"])
    return [*kept, *own.items()]


def _join_vary(existing, added):
    present = [one.strip().lower() for one in existing.split(",")]
    if "*" in present or added.lower() in present:
        return existing
    return existing + ", " + added if existing else added


class _AsgiGuard:
    def __init__(self, guard, app):
        self._guard = guard
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        verdict = self._guard._judge(_asgi_request(scope))
        if verdict.kind == "answer":
            await _send_answer(scope, receive, send, verdict)
        else:
            touch = self._toucher(verdict)
            await self._app(_asgi_scope(scope, verdict), _receiver(receive, touch), _sender(send, verdict, touch))

    def _toucher(self, verdict):
        """Make the function that notes traffic on a connection. The request itself counts for the first minute."""
        opened = time.monotonic()

        def touch():
            if verdict.credential != "none" and time.monotonic() - opened >= HEARTBEAT_SECONDS:
                self._guard._see("sockets")

        return touch


def _receiver(receive, touch):
    async def receiver():
        message = await receive()
        touch()
        return message

    return receiver


def _sender(send, verdict, touch):
    async def sender(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": _asgi_headers(message.get("headers", ()), verdict)}
        elif message["type"] == "websocket.accept" and message.get("subprotocol") is None:
            message = {**message, **_answered_subprotocol(verdict)}
        touch()
        await send(message)

    return sender


def _answered_subprotocol(verdict):
    """Answer the guard's subprotocol: a browser that offers one fails without an answer, and most servers do not know it."""
    return {} if verdict.subprotocols is None else {"subprotocol": SUBPROTOCOL}


def _asgi_request(scope):
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    raw_path = scope.get("raw_path") or urllib.parse.quote(scope["path"]).encode("ascii")
    query = scope.get("query_string", b"")
    url = raw_path.partition(b"?")[0] + (b"?" + query if query else b"")
    if scope["type"] == "websocket":
        headers = [*[pair for pair in headers if pair[0] != "upgrade"], ("upgrade", "websocket")]
    return _Request(scope.get("method", "GET"), url.decode("latin-1"), headers)


def _asgi_scope(scope, verdict):
    headers = _strip_headers([(name.lower(), value) for name, value in scope["headers"]], verdict)
    path, _, query = verdict.url.partition("?")
    stripped = {
        **scope,
        "headers": headers,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
    }
    if not scope["path"].startswith("/"):
        stripped["path"] = urllib.parse.unquote(path)
    if scope["type"] == "websocket":
        offered = scope.get("subprotocols") or []
        stripped["subprotocols"] = [one for one in offered if not _is_token(one)]
    return stripped


def _asgi_headers(pairs, verdict):
    text = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in pairs]
    own = _replace_cors_headers(text, verdict)
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own]


async def _send_answer(scope, receive, send, answer):
    body = answer.body.encode("utf-8")
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(body)).encode("ascii")))
    prefix = "http"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        prefix = "websocket.http"
    await send({"type": prefix + ".response.start", "status": answer.status, "headers": headers})
    await send({"type": prefix + ".response.body", "body": b"" if scope.get("method") == "HEAD" else body})


class _WsgiGuard:
    def __init__(self, guard, app):
        self._guard = guard
        self._app = app

    def __call__(self, environ, start_response):
        verdict = self._guard._judge(_wsgi_request(environ))
        if verdict.kind == "answer":
            return _wsgi_answer(environ, start_response, verdict)

        def start(status, headers, *rest):
            return start_response(status, _replace_cors_headers(headers, verdict), *rest)

        return self._app(_wsgi_environ(environ, verdict), start)


def _wsgi_request(environ):
    headers = [(name[5:].replace("_", "-").lower(), value) for name, value in environ.items() if name[:5] == "HTTP_"]
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    path = urllib.parse.quote((environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"))
    query = environ.get("QUERY_STRING", "")
    return _Request(environ["REQUEST_METHOD"], raw or path + ("?" + query if query else ""), headers)


def _wsgi_environ(environ, verdict):
    query = verdict.url.partition("?")[2]
    stripped = {name: value for name, value in environ.items() if name != "HTTP_AUTHORIZATION"}
    stripped["QUERY_STRING"] = query
    for name in ("RAW_URI", "REQUEST_URI"):
        if name in stripped:
            stripped[name] = verdict.url
    return stripped


def _wsgi_answer(environ, start_response, answer):
    body = answer.body.encode("utf-8")
    length = [] if answer.status == 204 else [("content-length", str(len(body)))]
    reasons = {200: "OK", 204: "No Content", 401: "Unauthorized", 503: "Service Unavailable"}
    start_response("%d %s" % (answer.status, reasons[answer.status]), [*answer.headers.items(), *length])
    return [] if environ["REQUEST_METHOD"] == "HEAD" or not body else [body]


# Signs of life


class _SignsOfLife:
    """Collects signs of life and posts them once a minute at most, from a thread that ends after a minute without signs."""

    def __init__(self, url, token, take, fetch):
        self._url = url + "/pod/heartbeat"
        self._token = token
        self._take = take
        self._fetch = fetch
        self._lock = threading.Lock()
        self._seen = set()
        self._is_running = False

    def see(self, kind):
        with self._lock:
            self._seen.add(kind)
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="atlas-heartbeat", daemon=True).start()

    def _run(self):
        while True:
            with self._lock:
                signs, self._seen = sorted(self._seen), set()
                if not signs:
                    self._is_running = False
                    return
            self._report(signs)
            time.sleep(HEARTBEAT_SECONDS)

    def _report(self, signs):
        """Send a heartbeat. The signs of a lost heartbeat go out with the next one."""
        try:
            self._take(self._fetch(self._url, self._token, {"signs": signs}))
        except urllib.error.HTTPError as error:
            _log.warning("The control plane refused a heartbeat with status %d.", error.code)
            if error.code >= 500 or error.code in (408, 429):
                self._keep(signs)
        except Exception as error:  # A heartbeat must not end the thread that sends the next one.
            _log.warning("The control plane does not answer heartbeats (%s).", type(error).__name__)
            self._keep(signs)

    def _keep(self, signs):
        with self._lock:
            self._seen.update(signs)


def _fetch(url, token, body):
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode("utf-8"),
        headers={
            "Authorization": "Bearer " + token,
            "Content-Type": "application/json",
            "User-Agent": "atlas-compute (python)",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read(65_536)
    return json.loads(text) if text else {}
