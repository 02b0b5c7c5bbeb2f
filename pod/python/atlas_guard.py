"""The check inside an Atlas pod, for servers in Python: one file, standard library only, Python 3.9 or later.

It decides like `atlas-compute/guard`. It accepts `Authorization: Bearer`, signed URLs, signed prefixes, the cookie that an
opening link sets, and for browsers' WebSockets the subprotocol pair `atlas.v1, atlas.bearer.<token>`. It reads the pod's
environment: ATLAS_AUTH, ATLAS_PRESHARED_KEY, ATLAS_SIGNING_SECRET, ATLAS_ORIGINS and ATLAS_COMPUTE_ID. With
ATLAS_CONTROL_URL and ATLAS_POD_TOKEN it asks the control plane which tokens it accepts, about once a minute, and tells it
that the pod is in use. `Guard(dead_man=True)` ends the pod after ATLAS_DEADLINE, and when the control plane is gone.

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

import asyncio
import base64
import binascii
import collections
import concurrent.futures
import datetime
import functools
import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import os
import random
import re
import signal
import socket
import stat
import threading
import time
import urllib.parse
import weakref
import zlib

# A connection imports this codec, and a worker that is forked meanwhile would wait for the import for ever.
import encodings.idna  # noqa: E402, F401

__all__ = [
    "Guard",
    "READINESS_PATH",
    "HEARTBEAT_PATH",
    "OPEN_PATH",
    "generation_secret",
    "hash_token",
    "verify_token",
    "verify_signed_url",
    "verify_signed_prefix",
    "verify_opening_link",
    "verify_cookie",
    "cookie_may_act",
]

__version__ = "0.1.0"

READINESS_PATH = "/.well-known/atlas/ready"
HEARTBEAT_PATH = "/.well-known/atlas/heartbeat"
OPEN_PATH = "/.well-known/atlas/open"
SECURE_COOKIE = "__Host-atlas"
SUBPROTOCOL = "atlas.v1"
TOKEN_SUBPROTOCOL = "atlas.bearer."
SCHEMES = ("bearer", "signed-url", "cookie")
DEFAULT_SCHEMES = ("bearer", "signed-url")
SIGN_KINDS = ("requests", "sockets", "heartbeats")
RETRY_AFTER_SECONDS = "2"
MAX_URL_LENGTH = 65_536
MAX_PATH_LENGTH = 4096
MAX_LINK_LENGTH = 16_384
MAX_EXP_DIGITS = 16
MAX_COOKIES = 8

HEARTBEAT_SECONDS = 60
MIN_ASK_SECONDS, MAX_ASK_SECONDS = 45, 60
START_SECONDS = (1, 2, 4, 8, 15)
SPACING_SECONDS = 2
BUSY_SECONDS = 5
WAIT_SECONDS = 5
UNKNOWN_SECONDS = 10
MAX_UNKNOWN = 256
MAX_NAMED_ORIGINS = 100
MAX_WAITERS = 64
MAX_WSGI_WAITERS = 1
MAX_ANSWER_BYTES = 65_536
MAX_HASHES = 100
TIMEOUT_SECONDS = 10
MAX_SKEW_SECONDS = 30
UNREACHABLE_SECONDS = 1800
LOOK_SECONDS = 30
END_SECONDS = 30
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 15, 60
FIRST_PROBE_SECONDS, MAX_PROBE_SECONDS = 0.25, 15
MAX_SAFE_INTEGER = 2**53 - 1

_CANDIDATE = re.compile(r"[\x00-\x7f]{1,4096}")
_HASH = re.compile(r"[0-9a-f]{64}")
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_HIDDEN_TOKEN = re.compile(r"\bbearer[\t-\r \xa0,]+[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", re.IGNORECASE | re.ASCII)
_DIRECTIVE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",])+')
_SHARED_DIRECTIVE = re.compile(r"(?:public|private|s-maxage)?(?:\s*=.*)?", re.IGNORECASE | re.DOTALL | re.ASCII)
_LOCATION = re.compile(r"(https?://([^/?#]*))?(/[^?#]*)", re.IGNORECASE | re.ASCII)
_COMMA_COOKIE = re.compile(r",[ \t]*(?=(?:__Host-atlas|atlas-[\w-]*)=)", re.ASCII)
_HTTP_ORIGIN = re.compile(r"^https?://[^/]*", re.IGNORECASE | re.ASCII)
_REFERRER_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?(?=/|$)")
_MINTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{42}")
_KEY = re.compile(r"[!-+\--~]{1,4096}")
_SECRET = re.compile(r".{1,4096}", re.DOTALL)
_COMPUTE_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_URL_ORIGIN = re.compile(r"(?:https?|wss?)://[^/]+", re.IGNORECASE | re.ASCII)
_ORIGIN_PATTERN = re.compile(r"(https?://[a-z0-9-]*)\*([a-z0-9-]*(?:\.[^.*/:]+){2,}(?::[0-9]+)?)")
_AMBIGUOUS = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")
_DIGITS = re.compile(r"[1-9][0-9]*")
_EXP = re.compile(r"[1-9][0-9]{0,15}")
_SECONDS = re.compile(r"[1-9][0-9]{1,4}")
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")
_SAFE_PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_PATH_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FORBIDDEN_BYTES = re.compile(rb"[\x00-\x1f\x7f%./\\]")
_PREFIX = re.compile(r"/\.atlas/([1-9][0-9]{0,15})\.([1-9]|1[0-6])\.([A-Za-z0-9_-]{43})(/.*)", re.DOTALL)
_RESERVED = re.compile(r"/\.(?:atlas|well-known/atlas)(?:/|$)")
_VISIBLE = re.compile(r"[!-~]{1,2048}")
_ORIGIN = re.compile(r"""(https?)://(\[[0-9a-f:]+\]|[a-z0-9!"$&'()*+,\-.;=_`{}~]+)(?::([1-9][0-9]{0,4}|0))?""")
_PRIVATE_NAME = re.compile(r"[^.]+|.+\.(?:localhost|local|internal|lan|home\.arpa|svc|cluster\.local)")
_COOKIE_VALUE = re.compile(r"([1-9][0-9]{0,15})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_PUBLIC_PATH = re.compile(r"/(?:[\w\-.~@+/]*|(?:[\w\-.~@+/]*/)?\*)", re.ASCII)
_PLAIN_SEGMENT = re.compile(r"(?!\.{1,2}$)[\w\-.~@+]*", re.ASCII)
_HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(one)
    for one in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                "192.168.0.0/16", "::/128", "::1/128", "fc00::/7", "fe80::/10")
)

_FINAL_REASONS = frozenset(["missing", "malformed", "unconfigured"])
_LITERAL = "-._~!$&'()*+,;=:@/"
_METHOD_NAME = re.compile(r"[A-Z-]{1,17}")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
# A scope that a program makes may name no version.
_VERSIONS = ("", "1.0", "1.1", "2", "3")
_METHOD = re.compile(r"[A-Z]{1,20}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_SINGLE_HEADERS = ("authorization", "content-length", "host", "sec-websocket-key", "transfer-encoding", "upgrade")
_BLANKS = " \t\n\v\f\r\xa0"
_RAW_URIS = ("RAW_URI", "REQUEST_URI")
_CHOSEN_VARIABLES = ("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE")
# Headers by which some servers replace the method or the path that the guard has judged, and the credentials that open only one of each.
_REPLACING = ("x-http-method", "x-http-method-override", "x-method-override", "x-original-uri", "x-original-url", "x-rewrite-url",
              "x-script-name")
_NARROW = ("none", "signed-url", "prefix")
_PROBLEM = {"cache-control": "no-store", "content-type": "application/problem+json"}


def _problem(title, status, detail, code, **more):
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return json.dumps({**problem, **more})


_UNAUTHORIZED_BODY = _problem(
    "The credential was rejected",
    401,
    "This pod needs a valid credential: a bearer token or a signed URL.",
    "UNAUTHORIZED",
    retryable=False,
)
_UNAVAILABLE_BODY = _problem(
    "Not available",
    503,
    "This pod cannot check the credential now, because its control plane does not answer.",
    "UNAVAILABLE",
    retryable=True,
    retryAfterSeconds=2,
)

_log = logging.getLogger("atlas_guard")


# Tokens and signed URLs


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
    """Return "ok", or the reason of a refusal: "malformed", "expired" or "bad_signature". Never raises.

    A path whose escapes another program has written differently is tried in its canonical form, too.
    """
    request = _read_signed(url)
    if request is None:
        return "malformed"
    messages, exp, sig = request
    if not _unix_seconds(now) <= _to_number(exp):
        return "expired"
    expected = [_signature(message, secret) for secret in secrets if secret for message in messages]
    if not any([hmac.compare_digest(sig, one) for one in expected]):
        return "bad_signature"
    return "malformed" if len(exp) > MAX_EXP_DIGITS else "ok"


def _unix_seconds(now):
    return int(time.time() if now is None else now)


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
    if len(exps) != 1 or len(sigs) != 1 or not _DIGITS.fullmatch(exps[0].decode("latin-1")):
        return None
    path = path or "/"
    if _is_reserved(path):
        return None
    signed = _format_query([pair for pair in parameters if pair[0] != b"sig"])
    paths = dict.fromkeys([path, _safe_path(path) or path])
    return ([one + "?" + signed for one in paths], exps[0].decode("latin-1"), sigs[0])


def _signature(message, secret):
    digest = hmac.new(secret.encode("utf-8"), message.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return _base64url(digest).encode("ascii")


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _split_url(url):
    """Split into origin, path, query and fragment without a change; None for a text that is neither an http URL nor a path."""
    before, hash_sign, fragment = url.partition("#")
    target, _, query = before.partition("?")
    match = _URL_ORIGIN.match(target)
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


# Paths, keys and origins


def _safe_path(path):
    """Return the canonical form of a path, or None for a path that two servers could read in two ways."""
    if len(path) > MAX_PATH_LENGTH or not _SAFE_PATH.fullmatch(path):
        return None
    try:
        canonical = _PATH_ESCAPES.sub(_canonical_escapes, path)
    except ValueError:
        return None
    segments = canonical[1:].split("/")
    are_plain = all(one.split(";", 1)[0] not in (".", "..") for one in segments) and "" not in segments[:-1]
    return canonical if are_plain else None


def _canonical_escapes(match):
    data = urllib.parse.unquote_to_bytes(match.group(0))
    if _FORBIDDEN_BYTES.search(data):
        raise ValueError("an escape of a character that changes how a server reads a path")
    data.decode("utf-8")
    return urllib.parse.quote(data, safe="-._~!$&'()*+,;=:@")


def _is_reserved(path):
    return bool(_RESERVED.match(path) or _RESERVED.match(_safe_path(path) or ""))


def generation_secret(secret, generation):
    """Return the signing secret of a generation: each revocation of a compute's tokens begins the next one."""
    if generation == 0:
        return secret
    return _base64url(_derive(secret, "atlas/generation/v1/%d" % generation))


@functools.lru_cache(maxsize=64)
def _derive(secret, info):
    """HKDF-SHA256 (RFC 5869) with an empty salt, for one block of 32 bytes."""
    key = hmac.new(bytes(32), secret.encode("utf-8"), hashlib.sha256).digest()
    return hmac.new(key, info.encode("utf-8") + b"\x01", hashlib.sha256).digest()


def _link_signature(kind, lines, secret):
    message = "\n".join(["atlas/%s/v1" % kind, *lines]).encode("utf-8")
    return _base64url(hmac.new(_derive(secret, "atlas/%s/v1" % kind), message, hashlib.sha256).digest())


def _is_link_signed(kind, lines, sig, secrets):
    """Compare with every secret's signature, in constant time."""
    expected = [_link_signature(kind, lines, secret).encode("ascii") for secret in secrets if secret]
    given = sig.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(given, one) for one in expected])


def _is_origin(origin):
    """Return True for an http or https origin as browsers write it."""
    match = _ORIGIN.fullmatch(origin)
    if not match:
        return False
    scheme, host, port = match.groups()
    if port is not None and (int(port) > 65_535 or port == {"http": "80", "https": "443"}[scheme]):
        return False
    return _is_browsers_host(host)


def _is_browsers_host(host):
    labels = (host[:-1] if host.endswith(".") else host).split(".")
    looks_like_ipv4 = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) is not None
    if not host.startswith("[") and not looks_like_ipv4:
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return str(address) == host.strip("[]")


def _is_private_host(host):
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _PRIVATE_NAME.fullmatch(host) is not None
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address.version == one.version and address in one for one in _PRIVATE_NETWORKS)


# Signed prefixes, opening links and cookies


def verify_signed_prefix(path, secrets, now=None):
    """Return ("ok", prefix, path for the server behind), or (reason, None, None). Never raises."""
    parts = _read_prefix(path)
    if parts is None:
        return "malformed", None, None
    exp, sig, prefix, rest = parts
    if not _unix_seconds(now) <= int(exp):
        return "expired", None, None
    if not _is_link_signed("prefix", [prefix, exp], sig, secrets):
        return "bad_signature", None, None
    return "ok", prefix, rest


def _read_prefix(path):
    match = _PREFIX.fullmatch(path) if isinstance(path, str) and len(path) <= MAX_URL_LENGTH else None
    if match is None:
        return None
    exp, depth, sig, rest = match.groups()
    canonical = _safe_path(rest)
    if canonical is None or _is_reserved(canonical) or canonical.count("/") <= int(depth):
        return None
    prefix = "/".join(canonical.split("/")[: int(depth) + 1]) + "/"
    return exp, sig, prefix, canonical


def verify_opening_link(query, secrets, now=None):
    """Return ("ok", {"at", "to", "seconds"}), or (reason, None). Never raises."""
    link = _read_opening_link(query)
    if link is None or int(link["exp"]) > _unix_seconds(now) + 600:
        return "malformed", None
    if not _unix_seconds(now) <= int(link["exp"]):
        return "expired", None
    if not _is_link_signed("open", [link["exp"], link["for"], link["at"], link["to"]], link["sig"], secrets):
        return "bad_signature", None
    return "ok", {"at": link["at"], "to": link["to"], "seconds": int(link["for"])}


def _read_opening_link(query):
    if not isinstance(query, str) or len(query) > MAX_LINK_LENGTH or "+" in query:
        return None
    parameters = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in _parse_query(query)]
    link = dict(parameters)
    if len(parameters) != 5 or set(link) != {"at", "exp", "for", "to", "sig"}:
        return None
    if not _EXP.fullmatch(link["exp"]) or not _TOKEN.fullmatch(link["sig"]):
        return None
    is_lifetime = _SECONDS.fullmatch(link["for"]) and 60 <= int(link["for"]) <= 86_400
    return link if is_lifetime and _is_origin(link["at"]) and _is_target(link["to"]) else None


def _is_target(to):
    if not _VISIBLE.fullmatch(to) or "#" in to or "\\" in to:
        return False
    path = to.partition("?")[0]
    return _safe_path(path) == path and not _is_reserved(path)


def _cookie_names(compute_id):
    """Return the names of a pod's cookie: the one for https, and the one for plain http."""
    return SECURE_COOKIE, "atlas-%s" % (compute_id or "")


def _make_cookie(link, compute_id, secret, now):
    at, exp = link["at"], str(_unix_seconds(now) + link["seconds"])
    is_secure = at.startswith("https:")
    name = _cookie_names(compute_id)[0 if is_secure else 1]
    value = "%s.%s.%s" % (exp, _base64url(at.encode("ascii")), _link_signature("cookie", [name, exp, at], secret))
    secure = "; Secure" if is_secure else ""
    return "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s" % (name, value, link["seconds"], secure)


def verify_cookie(header, secrets, compute_id, now=None):
    """Return (public origin, expiry) of the first genuine cookie of this pod in a `Cookie` header, or None. Never raises.

    The header has its bytes as they were received, one character each.
    """
    if not isinstance(header, str) or len(header) > MAX_URL_LENGTH:
        return None
    fields = [one.strip(" \t") for one in header.split(";")]
    for name in _cookie_names(compute_id):
        values = [one[len(name) + 1 :] for one in fields if one.startswith(name + "=")]
        found = [_read_cookie(name, value, secrets, now) for value in values[:MAX_COOKIES]]
        if any(found):
            return next(one for one in found if one)
    return None


def _read_cookie(name, value, secrets, now):
    match = _COOKIE_VALUE.fullmatch(value)
    if not match or not _unix_seconds(now) <= int(match.group(1)):
        return None
    exp, encoded, sig = match.groups()
    at = _decode_text(encoded)
    if at is None or not _is_link_signed("cookie", [name, exp, at], sig, secrets):
        return None
    return at, int(exp)


def _decode_text(encoded):
    """Decode base64url. Base64 has several texts for the same bytes: only the one that the guard writes counts."""
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if _base64url(text.encode("utf-8")) == encoded else None


def _without_cookies(header, names):
    fields = header.split(";")
    others = [one for one in fields if _name_of(one) not in names]
    return header if len(others) == len(fields) else ";".join(others).strip(" \t")


def _name_of(field):
    return field.partition(";")[0].partition("=")[0].strip(" \t")


def cookie_may_act(method, is_upgrade, site, mode, dest, origin, at):
    """Return True when a request may act by its cookie alone. None stands for a header that was not sent."""
    is_read = method in ("GET", "HEAD") and not is_upgrade
    if site is None:
        return origin == at or (is_read and origin is None)
    if site == "same-origin":
        return True
    if site == "none":
        return is_read
    return site in ("same-site", "cross-site") and is_read and mode == "navigate" and dest == "document"


# The decision


class _Request:
    """The parts of a request that the guard reads. `headers` are (name, value) pairs of text, with names in lowercase."""

    def __init__(self, method, url, headers, is_ambiguous=False):
        self.method = method
        self.url = url
        self.headers = headers
        self.is_ambiguous = is_ambiguous

    def header(self, name):
        values = [value.strip(" \t") for key, value in self.headers if key == name]
        return ("; " if name == "cookie" else ", ").join(values) if values else None

    def is_upgrade(self):
        return self.header("upgrade") is not None

    def is_read(self):
        return self.method in ("GET", "HEAD") and not self.is_upgrade()


class _Answer:
    """An answer that the guard gives by itself. `asks` is the digest of an unknown token, which the control plane may know."""

    kind = "answer"

    def __init__(self, name, status, headers, body="", reason=None, asks=None):
        self.name, self.status, self.headers, self.body = name, status, headers, body
        self.reason, self.asks = reason, asks


class _Pass:
    """A request that goes on.

    `url` is what the server behind gets, `edits` are changes of the request's headers (None removes one), `headers` are the guard's
    own for the response, and `folder` is what a prefix-signed URL opens.
    """

    kind = "pass"

    def __init__(self, credential, url, edits, headers, folder=None):
        self.credential, self.url, self.edits, self.headers, self.folder = credential, url, edits, headers, folder


class _Folder:
    """The folder of a verified prefix: the credential in front of its paths, the folder, and the path in canonical form."""

    def __init__(self, path, prefix, canonical):
        self.credential = "/".join(path.split("/")[:3])
        self.prefix, self.path = prefix, canonical


class _Finding:
    """The finding about a credential: `credential` is None on a refusal, whose digest is that of a token which may be too new."""

    def __init__(self, credential, reason=None, digest=None, folder=None):
        self.credential, self.reason, self.digest, self.folder = credential, reason, digest, folder


class _Knowledge:
    """The credentials that the guard accepts.

    `standing` is "alone" without a control plane. With one it is "starting" before the first answer, "settled" after it, and "rejected"
    when the control plane no longer knows this pod.
    """

    def __init__(self, standing, hashes, base_secrets, generation=0):
        self.standing, self.hashes, self.base_secrets = standing, tuple(hashes), tuple(base_secrets)
        self.generation = generation
        self.secrets = tuple(generation_secret(one, generation) for one in base_secrets)


def _refusal(reason, cors, asks=None):
    headers = {**_PROBLEM, "www-authenticate": "Bearer", "x-atlas-refusal": "1", **cors}
    return _Answer("refused", 401, headers, _UNAUTHORIZED_BODY, reason, asks)


def _unavailable(cors):
    headers = {**_PROBLEM, "retry-after": RETRY_AFTER_SECONDS, **cors}
    return _Answer("unavailable", 503, headers, _UNAVAILABLE_BODY)


def _is_asked_first(request):
    return request.method == "OPTIONS" and request.header("access-control-request-method") is not None


class _Origins:
    """The origins whose pages may call the pod. The `*` of a pattern stands for one or more of `a-z`, `0-9` and `-`."""

    def __init__(self, listed, monotonic):
        for one in listed:
            if not isinstance(one, str) or not (_is_origin(one) or (_ORIGIN_PATTERN.fullmatch(one) and _is_origin(one.replace("*", "a")))):
                raise ValueError("origins: got %r; allowed: origins such as https://app.example, or patterns such as "
                                 "https://preview-*.app.example" % (one,))
        self.is_empty = not listed
        self._listed = frozenset(listed)
        matches = [_ORIGIN_PATTERN.fullmatch(one) for one in listed]
        self._patterns = [re.compile(re.escape(one[1]) + "[a-z0-9-]+" + re.escape(one[2])) for one in matches if one]
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._named, self._last_line = collections.OrderedDict(), float("-inf")

    def allows(self, origin):
        """Return True when pages of this origin may call the pod."""
        return origin is not None and (origin in self._listed or any(one.fullmatch(origin) for one in self._patterns))

    def name_refused(self, origin):
        """Name a refused origin in the log: each once an hour, and one line in ten seconds at most, because callers can invent them."""
        now = self._monotonic()
        with self._lock:
            if now - self._last_line < 10 or now - self._named.get(origin, float("-inf")) < 3600:
                return
            self._last_line = self._named[origin] = now
            while len(self._named) > MAX_NAMED_ORIGINS:
                self._named.popitem(last=False)
        _log.warning("A page of %s may not read answers: its origin is not listed. List it in the spawn request's origins, in "
                     "ATLAS_ORIGINS or in the guard's origins.", json.dumps(origin[:200]))


def _is_public(method, path, listed):
    if method not in ("GET", "HEAD"):
        return False
    return any(_is_below(path, one[:-1]) if one.endswith("*") else path == one for one in listed)


def _is_below(path, parent):
    if not path.startswith(parent):
        return False
    segments = path[len(parent) :].split("/")
    return all(_PLAIN_SEGMENT.fullmatch(one) for one in segments) and "" not in segments[:-1]


def _subprotocols(request):
    offered = request.header("sec-websocket-protocol")
    return [] if offered is None else [one.strip(_BLANKS) for one in offered.split(",")]


def _is_token_subprotocol(name):
    return name.startswith(TOKEN_SUBPROTOCOL)


def _remaining_subprotocols(request):
    """Return the offered subprotocols without every token; None when there is no token."""
    offered = _subprotocols(request)
    if not any(map(_is_token_subprotocol, offered)):
        return None
    return ", ".join(one for one in offered if not _is_token_subprotocol(one))


def _edit_referer(referer):
    """Reduce a URL that holds a credential to its origin; None where it has none as browsers write it."""
    path, _, query = referer.partition("#")[0].partition("?")
    if not _is_below_prefix(_HTTP_ORIGIN.sub("", path, 1)) and not _is_signed(query):
        return referer
    origin = _REFERRER_ORIGIN.match(referer)
    return origin.group(0) if origin else None


def _is_below_prefix(path):
    return path == "/.atlas" or path.startswith("/.atlas/")


def _is_signed(query):
    return {b"exp", b"sig"} <= {key for key, _ in _parse_query(query)}


def _without_signature(query):
    return "&".join(one for one in query.split("&")
                    if [key for key, _ in _parse_query(one)] not in ([b"exp"], [b"sig"]))


class Guard:
    """The guard of this pod. The environment supplies the arguments that are left out.

    `schemes` are the kinds of credentials that the pod accepts: "bearer", "signed-url" (prefixes, too) and "cookie"; without ATLAS_AUTH
    the first two. `signed_methods` are further methods, beside GET and HEAD, that a
    signed URL opens; "WEBSOCKET" stands for an upgrade. `signs` are the kinds of signs of life. `is_ready` returns True when the server that
    listens is ready, for the readiness path and the report to the control plane. `on_ending` takes {"at", "reason"} when the control plane
    announces the pod's end, from another thread. `dead_man` makes the pod end itself at `deadline` (an ISO time, else ATLAS_DEADLINE), and
    when the control plane is gone or rejects its credential: True, or {"unreachable_seconds": 1800}, with None for no limit.
    `fetch(url, token, body)` returns (status, text) of a call to the control plane; it and the clocks `now` and `monotonic` are replaced in
    tests.

    Raises ValueError for a malformed argument or variable.
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
        schemes=None,
        signed_methods=(),
        on_ending=None,
        monotonic=time.monotonic,
        dead_man=False,
        deadline=None,
    ):
        keys = _as_list(preshared_key if preshared_key is not None else env.get("ATLAS_PRESHARED_KEY") or [])
        secrets = _as_list(signing_secret if signing_secret is not None else env.get("ATLAS_SIGNING_SECRET") or [])
        self._compute_id = compute_id or env.get("ATLAS_COMPUTE_ID") or None
        _require("preshared_key", keys, _KEY, "visible ASCII without a comma", secret=True)
        _require("public_paths", public_paths, _PUBLIC_PATH, "paths such as /healthz or /assets/*")
        _require("signing_secret", secrets, _SECRET, "1 to 4096 characters", secret=True)
        _require("signs", signs, re.compile("|".join(SIGN_KINDS)), ", ".join(SIGN_KINDS))
        _require("hashes", hashes, _HASH, "64 lowercase hex digits")
        _require("compute_id", [self._compute_id or "-"], _COMPUTE_ID, "up to 64 letters, digits, _ and -")
        self._schemes = _parse_schemes(schemes if schemes is not None else env.get("ATLAS_AUTH") or DEFAULT_SCHEMES)
        self._origins = _Origins([*(origins or ()), *_split_list(env.get("ATLAS_ORIGINS") or "")], monotonic)
        self._public_paths = tuple(public_paths)
        _require("signed_methods", signed_methods, _METHOD, 'methods in upper case, such as "POST", or "WEBSOCKET"')
        self._signed_methods = frozenset(["GET", "HEAD", *signed_methods])
        self._is_ready = is_ready
        self._now = now
        self._kinds = frozenset(signs)
        own = [(one, None) for one in [*map(hash_token, keys), *hashes]]
        url, token = control_url or env.get("ATLAS_CONTROL_URL"), pod_token or env.get("ATLAS_POD_TOKEN")
        _require("pod_token", [token] if token else [], _KEY, "visible ASCII without a comma", secret=True)
        self._control = None
        has_control = bool(url and token)
        self._dead_man = _arm(dead_man, deadline or env.get("ATLAS_DEADLINE"), has_control, env, now, monotonic)
        if has_control:
            sender = fetch or _Sender()
            self._control = _ControlPlane(_require_control_url(url), token, self._compute_id, self._take, on_ending,
                                          sender, now, monotonic, self._dead_man)
            report = functools.partial(sender, _require_control_url(url) + "/pod/status", token, _READY)
            self._report = _ReadyReport(self._compute_id, is_ready, report)
        self._knowledge = _Knowledge("starting" if self._control else "alone", own, secrets)
        if not own and not self._knowledge.secrets and not self._control:
            _log.error(
                "The guard has no key, so it refuses every request but those for public paths. "
                "Set ATLAS_PRESHARED_KEY (bearer tokens) or ATLAS_SIGNING_SECRET (signed URLs)."
            )

    def asgi(self, app):
        """Put the guard in front of an ASGI application."""
        self._start()
        return _AsgiGuard(self, app)

    def wsgi(self, app):
        """Put the guard in front of a WSGI application."""
        self._start()
        if self._control:
            self._report.start()
        return _WsgiGuard(self, app)

    def heartbeat(self):
        """Report that the pod is busy without requests, with a long job for example."""
        self._start()
        self._see("heartbeats")

    def replace_hashes(self, hashes):
        """Replace the accepted tokens with this list: [{"hash": …, "expiresAt": ISO time or None}]."""
        known = self._knowledge
        self._knowledge = _Knowledge(known.standing, _parse_hashes(hashes), known.base_secrets, known.generation)

    def _start(self):
        if self._control:
            self._control.start()
        self._dead_man.start()

    def _note_listening(self):
        if self._control:
            self._report.note_listening()

    def _take(self, standing, hashes=None, generation=None):
        """Take what the control plane says. The whole knowledge changes at once, so that no request sees half of it."""
        known = self._knowledge
        if hashes is None:
            hashes, generation = known.hashes, known.generation
        self._knowledge = _Knowledge(standing, hashes, known.base_secrets, generation)

    def _see(self, kind):
        if self._control and kind in self._kinds:
            self._control.see(kind)

    def _judge(self, request):
        """Judge a request. Never raises, whatever the request is."""
        self._start()
        self._note_listening()
        try:
            verdict = self._decide(request)
            self._note_origin(request)
        except Exception:  # The guard refuses a request that it cannot judge.
            _log.exception("The guard could not judge a request, so it refused it.")
            return _refusal("malformed", {})
        if verdict.kind == "answer" and verdict.name == "heartbeat":
            self.heartbeat()
        if verdict.kind == "pass" and verdict.credential != "none":
            self._see("requests")
        return verdict

    def _note_origin(self, request):
        """Note the origin of a page that asks to read an answer and may not."""
        origin = request.header("origin")
        is_read = request.is_read() or _is_asked_first(request)
        if origin is not None and is_read and not self._origins.allows(origin):
            self._origins.name_refused(origin)

    def _question_for(self, verdict, max_waiters):
        """Return the future of the question that a verdict depends on, or None where the verdict stands."""
        if self._control is None or verdict.kind != "answer":
            return None
        if verdict.name == "unavailable" and self._control.is_new():
            return self._control.ask(max_waiters)
        if verdict.asks is None or self._control.is_unknown(verdict.asks):
            return None
        return self._control.ask(max_waiters)

    def _judge_again(self, request, is_answered):
        """Judge after a question: without an answer nobody can say."""
        if not is_answered:
            return _unavailable(self._cors_headers(request))
        again = self._judge(request)
        if again.kind == "answer" and again.asks is not None:
            self._control.note_unknown(again.asks)
        return again

    def _decide(self, request):
        cors = self._cors_headers(request)
        if request.is_ambiguous:
            return _refusal("malformed", cors)
        if self._is_preflight(request):
            return _Answer("preflight", 204, self._preflight_headers(request))
        parts = _split_url(request.url)
        if parts is None or parts[3] != "" or parts[1].startswith("//"):
            return _refusal("malformed", cors)
        path, query, known = parts[1] or "/", parts[2], self._knowledge
        if _is_public(request.method, path, [READINESS_PATH]):
            return self._readiness(known, cors)
        if path == OPEN_PATH:
            return self._open(request, query, known)
        signature = self._judge_signature(path, query, known)
        # A query that came empty goes on empty, because the target goes on as it came.
        rest = "?" + query if query or "?" in request.url else ""
        if signature == "ok":
            rest = "?" + _without_signature(query) if _without_signature(query) else ""
        if _is_public(request.method, path, self._public_paths):
            return self._pass(request, path, rest, _Finding("none"), known, cors)
        finding = self._find_credential(request, path, signature, known)
        answer = self._answer_of(finding, known, cors)
        if answer is not None:
            return answer
        if request.method == "POST" and path == HEARTBEAT_PATH:
            return _Answer("heartbeat", 204, {"cache-control": "no-store", **cors})
        return self._pass(request, path, rest, finding, known, cors)

    def _answer_of(self, finding, known, cors):
        """Return the answer to a refused credential, and to each one while the guard does not know, or knows no longer, what it accepts."""
        is_final = finding.credential is None and finding.reason in _FINAL_REASONS
        if known.standing in ("starting", "rejected") and not is_final:
            return _unavailable(cors) if known.standing == "starting" else _refusal("rejected", cors)
        return None if finding.credential else _refusal(finding.reason, cors, finding.digest)

    def _find_credential(self, request, path, signature, known):
        """Judge the credentials in their order. A prefix, an `Authorization` of the guard's form and a subprotocol decide alone."""
        if not known.hashes and not known.secrets and known.standing == "alone":
            return _Finding(None, "unconfigured")
        if _is_below_prefix(path):
            return self._judge_prefix(request, path, known)
        is_ours, authorization = self._judge_authorization(request, known)
        if is_ours:
            return authorization
        offered = self._judge_subprotocols(request, known)
        if offered is not None:
            return offered
        if signature == "ok" and self._is_signed_method(request):
            return _Finding("signed-url")
        cookie = self._judge_cookie(request, known)
        if cookie.credential:
            return cookie
        signed = "not_allowed" if signature == "ok" else signature
        return _Finding(None, (authorization and authorization.reason) or signed or cookie.reason)

    def _judge_authorization(self, request, known):
        """Return (True, finding) when the header is the guard's: its token is accepted, or has the form of a minted token."""
        authorization = request.header("authorization")
        if authorization is None:
            return False, None
        match = _BEARER.fullmatch(authorization)
        if match is None or "," in match.group(1):
            return _HIDDEN_TOKEN.search(authorization) is not None, _Finding(None, "malformed")
        finding = self._judge_token(match.group(1), "bearer", known)
        return bool(finding.credential or _TOKEN.fullmatch(match.group(1))), finding

    def _judge_subprotocols(self, request, known):
        """Judge the token that a WebSocket offers; None when there is none."""
        offered = _subprotocols(request)
        tokens = [one[len(TOKEN_SUBPROTOCOL) :] for one in offered if _is_token_subprotocol(one)]
        if not tokens or (request.header("upgrade") or "").lower() != "websocket":
            return None
        if SUBPROTOCOL not in offered or len(tokens) > 1:
            return _Finding(None, "malformed")
        return self._judge_token(tokens[0], "subprotocol", known)

    def _judge_token(self, token, credential, known):
        if "bearer" not in self._schemes:
            return _Finding(None, "bad_token")
        now = self._now()
        matches = [verify_token(token, one) for one, expires_at in known.hashes if expires_at is None or now < expires_at]
        if any(matches):
            return _Finding(credential)
        may_be_new = known.standing != "alone" and _MINTED.fullmatch(token)
        return _Finding(None, "bad_token", hash_token(token) if may_be_new else None)

    def _judge_prefix(self, request, path, known):
        # A service worker below a prefix would outlive it, and see every request of its pages.
        if not request.is_read() or request.header("service-worker") is not None:
            return _Finding(None, "not_allowed")
        secrets = known.secrets if "signed-url" in self._schemes else ()
        result, prefix, canonical = verify_signed_prefix(path, secrets, self._now())
        return _Finding("prefix", folder=_Folder(path, prefix, canonical)) if result == "ok" else _Finding(None, result)

    def _judge_signature(self, path, query, known):
        """Return "ok", the reason of a refusal, or None where there is no signature."""
        if not known.secrets or "signed-url" not in self._schemes or not _is_signed(query):
            return None
        return verify_signed_url(path + "?" + query, known.secrets, self._now())

    def _is_signed_method(self, request):
        return ("WEBSOCKET" if request.is_upgrade() else request.method) in self._signed_methods

    def _judge_cookie(self, request, known):
        header = request.header("cookie")
        if header is None or "cookie" not in self._schemes:
            return _Finding(None, "missing")
        found = verify_cookie(header, known.secrets, self._compute_id, self._now())
        if found is None:
            return _Finding(None, "missing" if self._strip_cookies(header) == header else "bad_signature")
        fetch = [request.header("sec-fetch-" + name) for name in ("site", "mode", "dest")]
        may_act = cookie_may_act(request.method, request.is_upgrade(), *fetch, request.header("origin"), found[0])
        return _Finding("cookie") if may_act else _Finding(None, "not_allowed")

    def _open(self, request, query, known):
        """Answer an opening link with the cookie and the page. Only a tab that a person opens may have it: no frame, no prefetch."""
        is_tab = request.header("sec-fetch-dest") in (None, "document") and request.header("sec-purpose") is None
        if request.method != "GET" or request.is_upgrade() or not is_tab:
            result, link = "not_allowed", None
        else:
            result, link = verify_opening_link(query, known.secrets if "cookie" in self._schemes else (), self._now())
        answer = self._answer_of(_Finding("opened") if link else _Finding(None, result), known, {})
        if answer is not None:
            return answer
        headers = {
            "location": link["to"],
            "set-cookie": _make_cookie(link, self._compute_id, known.secrets[0], self._now()),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }
        return _Answer("opened", 303, headers)

    def _pass(self, request, path, rest, finding, known, cors):
        path = finding.folder.path if finding.folder else path
        return _Pass(finding.credential, path + rest, self._edits(request, known), cors, finding.folder)

    def _edits(self, request, known):
        """Return the changes that take every credential out of a request's headers."""
        edits = {}
        if self._judge_authorization(request, known)[0]:
            edits["authorization"] = None
        subprotocols = _remaining_subprotocols(request)
        if subprotocols is not None:
            edits["sec-websocket-protocol"] = subprotocols or None
        for name, edit in (("cookie", self._strip_cookies), ("referer", _edit_referer)):
            value = request.header(name)
            if value is not None and edit(value) != value:
                edits[name] = edit(value) or None
        return edits

    def _strip_cookies(self, header):
        return _without_cookies(header, _cookie_names(self._compute_id))

    def _readiness(self, known, cors):
        is_starting = known.standing == "starting"
        is_ready = not is_starting and bool(self._is_ready())
        readiness = {"computeId": self._compute_id, "status": "ready" if is_ready else "starting"}
        body = json.dumps({**readiness, "waitingFor": "control-plane"} if is_starting else readiness)
        headers = {"cache-control": "no-store", "content-type": "application/json", **cors}
        return _Answer("readiness", 200, headers, body) if is_ready else _Answer(
            "readiness", 503, {**headers, "retry-after": RETRY_AFTER_SECONDS}, body)

    def _cors_headers(self, request):
        if self._origins.is_empty:
            return {}
        origin = request.header("origin")
        if not self._origins.allows(origin):
            return {"vary": "Origin"}
        return {"access-control-allow-origin": origin, "access-control-expose-headers": "*", "vary": "Origin"}

    def _is_preflight(self, request):
        return _is_asked_first(request) and self._origins.allows(request.header("origin"))

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


def _parse_schemes(value):
    schemes = _split_list(value) if isinstance(value, str) else list(value)
    _require("schemes", schemes, re.compile("|".join(SCHEMES)), ", ".join(SCHEMES))
    return frozenset(schemes)


def _parse_hashes(hashes):
    _require("hashes", [one["hash"] for one in hashes], _HASH, "64 lowercase hex digits")
    return tuple((one["hash"], None if one["expiresAt"] is None else _to_timestamp(one["expiresAt"])) for one in hashes)


def _to_timestamp(iso):
    match = _ISO_TIME.fullmatch(iso)
    if not match:
        raise ValueError("a time: got %r; allowed: an ISO time such as 2030-01-31T12:00:00Z" % iso)
    seconds, fraction, zone = match.groups()
    time_of_day = datetime.datetime.fromisoformat(seconds + zone.replace("Z", "+00:00")).timestamp()
    return time_of_day + float("0." + (fraction or "0"))


def _require(what, values, pattern, allowed, secret=False):
    for value in values:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("%s: got %s; allowed: %s" % (what, "a secret" if secret else repr(value), allowed))


def _require_control_url(url):
    parts = urllib.parse.urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_private_host(parts.hostname or ""))
    if not is_safe or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        shown = "%s://%s" % (parts.scheme, parts.hostname)
        raise ValueError("control_url: got %r; allowed: an https URL without a user, or http to a private host" % shown)
    return url.rstrip("/")


# The servers


def _has_two_readings(method, version, url, pairs):
    """Return True for a request that two servers may read in two ways, and for an upgrade with a body."""

    def values(name):
        return [value.strip(" \t") for key, value in pairs if key == name]

    if not _METHOD_NAME.fullmatch(method) or method == "CONNECT" or version not in _VERSIONS:
        return True
    if any(_CONTROL.search(value) for _, value in pairs) or any(len(values(name)) > 1 for name in _SINGLE_HEADERS):
        return True
    hosts, upgrades = values("host"), values("upgrade")
    if not all(map(_HOST.fullmatch, hosts)) or (version == "1.1" and not hosts):
        return True
    # A server of WSGI joins two headers by a comma.
    if any("," in one for one in [*upgrades, *values("sec-websocket-key")]):
        return True
    if method != "GET" and "websocket" in [one.lower() for one in upgrades]:
        return True
    authority = _URL_ORIGIN.match(url)
    if authority and authority.group(0).partition("://")[2].lower() != "".join(hosts).lower():
        return True
    lengths, encodings = values("content-length"), values("transfer-encoding")
    if not all(map(_LENGTH.fullmatch, lengths)):
        return True
    if encodings and (lengths or encodings[0].lower() != "chunked" or version == "1.0"):
        return True
    has_body = bool(encodings) or any(one.strip("0") for one in lengths)
    return bool(upgrades) and has_body


def _is_ours(name):
    return name.lower().replace("_", "-").startswith("x-atlas-")


def _is_taken(name, verdict):
    """Return True for a request header that ends at the guard. Servers that turn names into variables take `_` and `-` for the same."""
    return _is_ours(name) or (verdict.credential in _NARROW and name.lower().replace("_", "-") in _REPLACING)


def _edit_request(pairs, verdict):
    """Take the credentials and the guard's own headers out of a request, and tell the kind of its credential."""
    kept = [(name, value) for name, value in pairs if name not in verdict.edits and not _is_taken(name, verdict)]
    changed = [(name, value) for name, value in verdict.edits.items() if value is not None]
    return [*kept, *changed, ("x-atlas-credential", verdict.credential)]


def _edit_response(pairs, verdict, request, cookie_names):
    """Edit the response headers of the server behind: (name, value) pairs of text."""
    kept = [pair for pair in pairs if not _is_dropped(*pair, cookie_names)]
    for edit in _EDITS.get(verdict.credential, ()):
        kept = edit(kept, verdict, request)
    return _replace_cors_headers(kept, verdict)


def _is_dropped(name, value, cookie_names):
    name = name.lower()
    return name.startswith("access-control-") or _is_ours(name) or (name == "set-cookie" and _is_own_cookie(value, cookie_names))


def _is_own_cookie(cookie, names):
    """A cookie without a name is sent as its value, which can begin with a name."""
    name = _name_of(cookie)
    return (_name_of(cookie.partition("=")[2]) if name == "" else name) in names


def _make_private(pairs, _verdict, _request):
    """Keep an answer out of shared caches: its URL or its cookie was the credential."""
    given = [one.strip(_BLANKS) for name, value in pairs if name.lower() == "cache-control" for one in _DIRECTIVE.findall(value)]
    kept = [one for one in given if not _SHARED_DIRECTIVE.fullmatch(one)]
    return [*_without(pairs, "cache-control"), ("cache-control", ", ".join([*kept, "private"]))]


def _hide_referrer(pairs, _verdict, _request):
    return [*_without(pairs, "referrer-policy"), ("referrer-policy", "same-origin")]


def _forbid_frames(pairs, _verdict, _request):
    return [*pairs, ("content-security-policy", "frame-ancestors 'self'")]


def _keep_folder(pairs, verdict, request):
    """Put the credential back into a `Location` inside the folder, so that a redirect does not lose it."""
    host = request.header("host")
    return [(name, _inside_folder(value, verdict.folder, host) if name.lower() == "location" else value)
            for name, value in pairs]


def _inside_folder(location, folder, host):
    match = _LOCATION.match(location)
    if match is None:
        return location
    origin, own_host, path = match.group(1) or "", match.group(2), match.group(3)
    is_here = origin == "" or (host is not None and own_host.lower() == host.lower())
    if not is_here or not (_safe_path(path) or "").startswith(folder.prefix):
        return location
    return origin + folder.credential + location[len(origin) :]


def _without(pairs, dropped):
    return [(name, value) for name, value in pairs if name.lower() != dropped]


_EDITS = {
    "cookie": (_make_private, _forbid_frames),
    "signed-url": (_make_private, _hide_referrer),
    "prefix": (_make_private, _hide_referrer, _keep_folder),
}


def _replace_cors_headers(pairs, verdict):
    """Add the guard's own CORS headers. Those of the application are dropped, so that one layer speaks."""
    kept, own = pairs, dict(verdict.headers)
    if "vary" in own:
        before = [value for name, value in kept if name.lower() == "vary"]
        kept = _without(kept, "vary")
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
        if scope["type"] == "lifespan":
            self._guard._start()
            await self._live(scope, receive, send)
        elif scope["type"] in ("http", "websocket"):
            await self._serve(scope, receive, send)
        else:
            raise NotImplementedError("atlas_guard refuses the scope type %r, which it cannot judge." % scope["type"])

    async def _live(self, scope, receive, send):
        """Pass the lifespan on. After the start the server begins to listen, also where the application does not know this protocol."""
        told = []

        async def tell(message):
            told.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                self._guard._note_listening()
            await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            if not told:
                self._guard._note_listening()

    async def _serve(self, scope, receive, send):
        request = _asgi_request(scope)
        verdict = await self._judge(request)
        if verdict.kind == "answer":
            await _send_answer(scope, receive, send, verdict)
            return
        exchange = _AsgiExchange(self._guard, request, verdict, receive, send)
        await self._app(exchange.scope(scope), exchange.receive, exchange.send)

    async def _judge(self, request):
        verdict = self._guard._judge(request)
        question = self._guard._question_for(verdict, MAX_WAITERS)
        return verdict if question is None else self._guard._judge_again(request, await _wait_async(question))


async def _wait_async(question):
    """Wait for a question without blocking the loop. Outside asyncio nothing waits: the caller asks again after two seconds."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return question.done() and question.result()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(question), WAIT_SECONDS)
    except asyncio.TimeoutError:
        return False


class _AsgiExchange:
    """One accepted request: what the application gets of it, and what goes back."""

    def __init__(self, guard, request, verdict, receive, send):
        self._guard, self._request, self._verdict = guard, request, verdict
        self._receive, self._send = receive, send
        self._cookie_names = _cookie_names(guard._compute_id)
        self._opened = time.monotonic()
        self._offers_token = any(map(_is_token_subprotocol, _subprotocols(request)))

    def scope(self, scope):
        path, _, query = self._verdict.url.partition("?")
        pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        stripped = {
            **scope,
            "headers": _encode_pairs(_edit_request(pairs, self._verdict)),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
        }
        if self._verdict.folder is not None or not scope["path"].startswith("/"):
            stripped["path"] = urllib.parse.unquote(path)
        if scope["type"] == "websocket":
            offered = scope.get("subprotocols") or []
            stripped["subprotocols"] = [one for one in offered if not _is_token_subprotocol(one)]
        return stripped

    async def receive(self):
        message = await self._receive()
        self._touch()
        return message

    async def send(self, message):
        edit = _ASGI_EDITS.get(message["type"])
        self._touch()
        await self._send(message if edit is None else edit(self, message))

    def start(self, message):
        """Edit the head of a response."""
        pairs = _edit_response(_decode_pairs(message), self._verdict, self._request, self._cookie_names)
        return {**message, "headers": _encode_pairs(pairs)}

    def trail(self, message):
        """Edit headers that come beside a response: those of an accepted WebSocket, and trailers."""
        pairs = [pair for pair in _decode_pairs(message) if not _is_dropped(*pair, self._cookie_names)]
        return {**message, "headers": _encode_pairs(pairs)}

    def accept(self, message):
        """Answer the guard's subprotocol: a browser that offers one fails without an answer, and most servers do not know it."""
        is_open = self._offers_token and message.get("subprotocol") is None
        return self.trail({**message, "subprotocol": SUBPROTOCOL} if is_open else message)

    def _touch(self):
        """Note traffic on the connection. The request itself counts for the first minute."""
        if self._verdict.credential != "none" and time.monotonic() - self._opened >= HEARTBEAT_SECONDS:
            self._guard._see("sockets")


_ASGI_EDITS = {
    "http.response.start": _AsgiExchange.start,
    "websocket.http.response.start": _AsgiExchange.start,
    "http.response.trailers": _AsgiExchange.trail,
    "websocket.accept": _AsgiExchange.accept,
}


def _decode_pairs(message):
    return [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in message.get("headers", ())]


def _encode_pairs(pairs):
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _asgi_request(scope):
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    raw = scope.get("raw_path") or urllib.parse.quote(scope["path"], safe=_LITERAL, errors="surrogateescape")
    path = (raw if isinstance(raw, str) else raw.decode("latin-1")).partition("?")[0]
    query = scope.get("query_string", b"").decode("latin-1")
    served = (scope["path"], scope.get("root_path", "") + scope["path"])
    method, url = scope.get("method", "GET"), path + ("?" + query if query else "")
    has_two_readings = _has_two_readings(method, scope.get("http_version", ""), url, pairs)
    is_ambiguous = has_two_readings or urllib.parse.unquote(path) not in served
    if scope["type"] == "websocket":
        offered = ", ".join(scope.get("subprotocols") or [])
        pairs = [*[pair for pair in pairs if pair[0] != "upgrade"], ("upgrade", "websocket")]
        # Some servers take this header out of the list.
        if offered and "sec-websocket-protocol" not in dict(pairs):
            pairs.append(("sec-websocket-protocol", offered))
    return _Request(method, url, pairs, is_ambiguous)


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
        request = _wsgi_request(environ)
        verdict = self._judge(request)
        if verdict.kind == "answer":
            return _wsgi_answer(environ, start_response, verdict)
        names = _cookie_names(self._guard._compute_id)

        def start(status, headers, *rest):
            return start_response(status, _edit_response(headers, verdict, request, names), *rest)

        return self._app(_wsgi_environ(environ, verdict), start)

    def _judge(self, request):
        verdict = self._guard._judge(request)
        question = self._guard._question_for(verdict, MAX_WSGI_WAITERS)
        return verdict if question is None else self._guard._judge_again(request, _wait(question))


def _wait(question):
    try:
        return question.result(WAIT_SECONDS)
    except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
        question.cancel()
        return False


def _wsgi_request(environ):
    pairs = [(name[5:].replace("_", "-").lower(), value) for name, value in environ.items() if name[:5] == "HTTP_"]
    # These servers join two headers by a comma, and browsers may send two of `Cookie`.
    pairs = [(name, _COMMA_COOKIE.sub("; ", value) if name == "cookie" else value) for name, value in pairs]
    if environ.get("CONTENT_LENGTH"):
        pairs.append(("content-length", environ["CONTENT_LENGTH"]))
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    raws = {environ[name] for name in _RAW_URIS if environ.get(name)}
    made = urllib.parse.quote(path.encode("latin-1"), safe=_LITERAL) + ("?" + query if query else "")
    url = min(raws) if raws else made
    # A server that takes these from a header lets the caller choose the path that the application serves.
    is_chosen = any(name in environ for name in _CHOSEN_VARIABLES)
    method, version = environ["REQUEST_METHOD"], environ.get("SERVER_PROTOCOL", "").partition("/")[2]
    has_two_readings = _has_two_readings(method, version, url, pairs)
    is_ambiguous = is_chosen or len(raws) > 1 or not _is_served(url, path, query) or has_two_readings
    return _Request(method, url, pairs, is_ambiguous)


def _is_served(url, path, query):
    """Return True when the application serves the path and the query that the guard judges."""
    parts = _split_url(url)
    if parts is None:
        return False
    return (urllib.parse.unquote_to_bytes(parts[1]) or b"/") == (path.encode("latin-1") or b"/") and parts[2] == query


def _wsgi_environ(environ, verdict):
    path, _, query = verdict.url.partition("?")
    dropped = {_variable(name) for name in verdict.edits}
    edited = {name: value for name, value in environ.items()
              if name not in dropped and not (name[:5] == "HTTP_" and _is_taken(name[5:], verdict))}
    edited.update({_variable(name): value for name, value in verdict.edits.items() if value is not None})
    edited.update({"HTTP_X_ATLAS_CREDENTIAL": verdict.credential, "QUERY_STRING": query})
    edited.update({name: verdict.url for name in _RAW_URIS if name in environ})
    if verdict.folder is not None:
        edited.update({"SCRIPT_NAME": "", "PATH_INFO": urllib.parse.unquote_to_bytes(path).decode("latin-1")})
    return edited


def _variable(name):
    return "HTTP_" + name.upper().replace("-", "_")


def _wsgi_answer(environ, start_response, answer):
    body = answer.body.encode("utf-8")
    length = [] if answer.status == 204 else [("content-length", str(len(body)))]
    start_response("%d %s" % (answer.status, http.client.responses[answer.status]), [*answer.headers.items(), *length])
    return [] if environ["REQUEST_METHOD"] == "HEAD" or not body else [body]


# The control plane


class _Outcome:
    """The outcome of a question: `kind` is "answered", "busy", "rejected" or "lost"."""

    def __init__(self, kind, why="", answer=None):
        self.kind, self.why, self.answer = kind, why, answer


class _ControlPlane:
    """Asks the control plane what the guard accepts, one question at a time, from one thread of each process.

    It asks every 45 to 60 seconds with the signs of life since the last report, and at once, two seconds apart, about a token that
    the guard does not know. Before the first answer it asks after 1, 2, 4, 8 and then every 15 seconds.
    """

    def __init__(self, url, token, compute_id, take, on_ending, fetch, now, monotonic, dead_man):
        self._url, self._token, self._compute_id = url + "/pod/heartbeat", token, compute_id
        self._take, self._on_ending, self._fetch = take, on_ending, fetch
        self._now, self._monotonic = now, monotonic
        self._dead_man = dead_man
        self._is_forked = False
        self._ending = None
        self._reset()
        _THREADED.add(self)

    def _reset(self):
        self._changed = threading.Condition()
        self._thread = None
        self._standing = "starting"
        self._revision = -1
        self._begun, self._wanted = 0, 0
        self._last_begun, self._last_report = float("-inf"), float("-inf")
        self._next = float("-inf")
        self._failures = 0
        self._rejected_at = None
        self._waiters = []
        self._seen = set()
        self._unknown = collections.OrderedDict()

    def after_fork(self):
        """Begin again in a forked process: it has no thread, and it asks for itself at its first request."""
        self._reset()
        self._is_forked = True
        self._take("starting")

    def start(self):
        """Start the thread, once in a process."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="atlas-guard", daemon=True)
                self._thread.start()

    def see(self, kind):
        """Note a sign of life."""
        with self._changed:
            if kind not in self._seen:
                self._seen.add(kind)
                self._changed.notify()

    def is_new(self):
        """Return True in a forked process whose first question has not ended: its first requests wait for it."""
        with self._changed:
            return self._is_forked and self._failures == 0 and self._standing == "starting"

    def ask(self, max_waiters):
        """Return the future of a question that begins from now on: True when it was answered."""
        self.start()
        question = concurrent.futures.Future()
        with self._changed:
            self._waiters = [one for one in self._waiters if not one[1].done()]
            if len(self._waiters) >= max_waiters:
                question.set_result(False)
                return question
            self._wanted = self._begun + 1
            self._waiters.append((self._wanted, question))
            self._changed.notify()
        return question

    def is_unknown(self, digest):
        """Return True for a digest that the control plane did not know a moment ago."""
        with self._changed:
            return self._unknown.get(digest, float("-inf")) > self._monotonic()

    def note_unknown(self, digest):
        """Remember a digest that the control plane does not know."""
        with self._changed:
            self._unknown.pop(digest, None)
            self._unknown[digest] = self._monotonic() + UNKNOWN_SECONDS
            while len(self._unknown) > MAX_UNKNOWN:
                self._unknown.popitem(last=False)

    def step(self):
        """Ask when a question is due. Return the seconds until the next one is due, zero after a question."""
        with self._changed:
            wait = self._due() - self._monotonic()
            if wait > 0:
                return wait
            signs, before = self._begin()
            number = self._begun
        outcome = self._send(signs)
        with self._changed:
            self._settle(outcome, signs, before)
        self._tell(number, outcome.kind == "answered")
        self._announce(outcome.answer)
        return 0

    def _run(self):
        while True:
            self.step()
            with self._changed:
                wait = self._due() - self._monotonic()
                if wait > 0:
                    self._changed.wait(wait)

    def _due(self):
        """Return the time of the next question."""
        times = [self._next]
        if self._wanted > self._begun:
            times.append(self._last_begun + SPACING_SECONDS)
        if self._seen and self._standing == "settled" and self._failures == 0:
            times.append(max(self._last_report + HEARTBEAT_SECONDS, self._last_begun + SPACING_SECONDS))
        return min(times)

    def _begin(self):
        """Take the signs of life into a question, once a minute at most."""
        now, before = self._monotonic(), self._last_report
        self._begun += 1
        self._last_begun = now
        self._next = float("inf")
        signs = sorted(self._seen) if now >= self._last_report + HEARTBEAT_SECONDS else []
        if signs:
            self._seen, self._last_report = set(), now
        return signs, before

    def _send(self, signs):
        try:
            status, body = self._fetch(self._url, self._token, {"signs": signs})
            return self._read(status, body)
        except Exception as error:  # A question must not end the thread that asks the next one.
            return _Outcome("lost", type(error).__name__)

    def _read(self, status, body):
        content = _parse_object(body)
        if status == 200:
            answer = _read_answer(content, self._compute_id, self._revision)
            return _Outcome("lost", "an answer of another server") if answer is None else _Outcome("answered", "", answer)
        if status == 429 and content.get("code") == "RATE_LIMIT" and content.get("retryable") is True:
            return _Outcome("busy", "status 429")
        details = content.get("details")
        if status == 401 and content.get("code") == "UNAUTHORIZED" and isinstance(details, dict) and details.get("credential") == "pod":
            return _Outcome("rejected", "status 401")
        return _Outcome("lost", "status %d" % status)

    def _settle(self, outcome, signs, before):
        """Take the outcome of a question, and set the time of the next one."""
        now = self._monotonic()
        self._dead_man.note_contact(outcome.kind != "lost")
        if outcome.kind == "answered":
            self._failures, self._rejected_at = 0, None
            self._learn(outcome.answer)
            self._next = now + random.uniform(MIN_ASK_SECONDS, MAX_ASK_SECONDS)
            return
        self._failures += 1
        self._seen.update(signs)
        if outcome.kind == "busy":
            # Reports of many workers share one rate; a question without signs has a rate of its own.
            self._rejected_at = None
            self._next = now + BUSY_SECONDS
            return
        self._last_report = before
        if outcome.kind == "rejected":
            self._note_rejection(now)
        is_starting = self._standing == "starting" and outcome.kind != "rejected"
        pause = START_SECONDS[min(self._failures, len(START_SECONDS)) - 1] if is_starting else HEARTBEAT_SECONDS
        self._next = now + pause
        if self._failures == 1 or outcome.kind == "rejected":
            _log.warning("The control plane did not answer a question of the guard (%s). The guard asks again.", outcome.why)

    def _learn(self, answer):
        self._standing, self._revision = "settled", answer["revision"]
        self._take("settled", answer["hashes"], answer["generation"])
        self._dead_man.set_deadline(answer["deadline"])
        skew = answer["now"] - self._now()
        if abs(skew) > MAX_SKEW_SECONDS:
            _log.warning("The clock of this pod differs from the control plane's by %d seconds.", skew)

    def _announce(self, answer):
        """Call `on_ending` once for each planned end."""
        ending = answer["ending"] if answer else self._ending
        if ending == self._ending:
            return
        self._ending = ending
        if ending is None or self._on_ending is None:
            return
        try:
            self._on_ending(dict(ending))
        except Exception:  # The application's function must not end the thread that asks the next question.
            _log.exception("on_ending raised an error.")

    def _note_rejection(self, now):
        """One rejection may be an error; a second one, a minute later, ends the guard's knowledge."""
        if self._rejected_at is None:
            self._rejected_at = now
        elif now - self._rejected_at >= HEARTBEAT_SECONDS - 1 and self._standing != "rejected":
            self._standing = "rejected"
            self._take("rejected")
            self._dead_man.note_rejection()
            _log.error("The control plane rejects this pod's credential: its compute has ended. The guard refuses every credential.")

    def _tell(self, number, is_answered):
        """Wake the requests that wait for this question."""
        with self._changed:
            ready = [one for one in self._waiters if one[0] <= number]
            self._waiters = [one for one in self._waiters if one[0] > number]
        for _, question in ready:
            if question.set_running_or_notify_cancel():
                question.set_result(is_answered)


# The objects with a thread, which a forked process does not have.
_THREADED = weakref.WeakSet()


def _after_fork():
    for threaded in list(_THREADED):
        threaded.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _parse_object(body):
    """Return the object of a JSON text; an empty one for any other text."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_answer(content, compute_id, revision):
    """Return the control plane's answer with parsed times, or None when it is not the control plane's own for this compute."""
    numbers = [content.get("revision"), content.get("generation")]
    hashes = content.get("hashes")
    if any(type(one) is not int or not 0 <= one <= MAX_SAFE_INTEGER for one in numbers) or numbers[0] < revision:
        return None
    if content.get("computeId") != compute_id or not isinstance(hashes, list) or len(hashes) > MAX_HASHES:
        return None
    try:
        parsed, now = _parse_hashes(hashes), _to_timestamp(content["now"])
        ending = _parse_ending(content.get("ending"))
        deadline = None if content["deadline"] is None else _to_timestamp(content["deadline"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return {"revision": numbers[0], "generation": numbers[1], "hashes": parsed, "now": now, "ending": ending, "deadline": deadline}


def _parse_ending(ending):
    if ending is None:
        return None
    _to_timestamp(ending["at"])
    if not isinstance(ending["reason"], str):
        raise ValueError("ending: the reason is no text")
    return {"at": ending["at"], "reason": ending["reason"]}


class _Sender:
    """Posts to the control plane and returns (status, text).

    A framework that wants a slash at the end of every path, or none, answers with a redirect to that form of the same URL. The sender takes
    this form from then on. It follows no other redirect, because the pod's credential goes to the control plane only.
    """

    def __init__(self):
        self._slash = ""

    def __call__(self, url, token, body):
        status, location, text = _post(url + self._slash, token, body)
        other = "" if self._slash else "/"
        if status in (301, 307, 308) and location and urllib.parse.urljoin(url + self._slash, location) == url + other:
            self._slash = other
            status, _, text = _post(url + other, token, body)
        return status, text


def _post(url, token, body):
    """Post to one URL and return (status, location, text). No answer is longer than 64 KB."""
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept-Encoding": "gzip"}
    parts = urllib.parse.urlsplit(url)
    return _call(_connect(parts, TIMEOUT_SECONDS), _read_whole, "POST", parts.path, json.dumps(body).encode("utf-8"), headers)


def _read_whole(response):
    data = response.read(MAX_ANSWER_BYTES + 1)
    if response.length:
        raise ValueError("an answer that was cut, or of more than %d bytes" % MAX_ANSWER_BYTES)
    return response.status, response.getheader("Location"), _bounded(data, response.getheader("Content-Encoding"))


def _read_status(response):
    return response.status


def _connect(parts, seconds):
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=seconds)


def _call(connection, read, method, path, body=None, headers=None):
    """Send one request, follow no redirect, and return the read answer, all within the timeout of the connection."""
    connection.connect()
    # The timeout of a socket counts from byte to byte; this one is for the whole.
    watchdog = threading.Timer(connection.timeout, _cut, [connection.sock])
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request(method, path, body, {**(headers or {}), "User-Agent": "atlas-compute (python)"})
        return read(connection.getresponse())
    finally:
        watchdog.cancel()
        connection.close()


def _cut(connected):
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("The connection to the control plane had already ended.")


def _bounded(data, encoding):
    """Decompress at most 64 KB."""
    if encoding not in (None, "identity", "gzip"):
        raise ValueError("an answer with the encoding %r" % encoding)
    text = zlib.decompressobj(31).decompress(data, MAX_ANSWER_BYTES + 1) if encoding == "gzip" else data
    if len(text) > MAX_ANSWER_BYTES:
        raise ValueError("an answer of more than %d bytes" % MAX_ANSWER_BYTES)
    return text


# The report that the server listens


class _ReadyReport:
    """Reports once that the server listens and is ready, so that a page that waits for the pod hears of it at once.

    An ASGI server tells by the lifespan protocol that it begins to listen. A WSGI server tells nothing: a thread sends one request for the
    readiness path to each TCP port at which the process listens. Any request to this process shows that the server listens. Where another
    process of the server takes the thread's request, that process reports.
    """

    def __init__(self, compute_id, is_ready, report, find=None, ask=None, sleep=None):
        self._compute_id, self._is_ready, self._report = compute_id, is_ready, report
        self._find, self._ask, self._sleep = find or _listening_addresses, ask or _ask_readiness, sleep
        self._reset()
        _THREADED.add(self)

    def _reset(self):
        self._lock, self._thread = threading.Lock(), None
        self._listens = threading.Event()
        self._asked = set()

    def after_fork(self):
        """Begin again in a forked process."""
        self._reset()

    def start(self):
        """Start the thread, once in a process."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self.run, name="atlas-ready", daemon=True)
                self._thread.start()

    def note_listening(self):
        """Note that the server listens."""
        if not self._listens.is_set():
            self._listens.set()
            self.start()

    def run(self):
        """Wait until the server listens and is ready, and report it until the control plane takes it."""
        if not self._is_listening():
            return
        while not self._has_begun():
            self._rest(FIRST_PROBE_SECONDS)
        failures = 0
        while not self._is_taken():
            failures += 1
            self._rest(_pause_after(failures))

    def _is_listening(self):
        """Wait until the server listens. Return False where another process of it reports."""
        elapsed = 0
        while not self._listens.is_set():
            if self._is_answered_elsewhere():
                return False
            pause = min(FIRST_PROBE_SECONDS + elapsed / 20, MAX_PROBE_SECONDS)
            elapsed += pause
            self._rest(pause)
        return True

    def _rest(self, seconds):
        (self._sleep or time.sleep)(seconds)

    def _is_answered_elsewhere(self):
        """Ask each new port. Return True when another process of the pod's server has answered."""
        for address in [one for one in self._find() if one not in self._asked]:
            try:
                answer = _parse_object(self._ask(address))
            except socket.timeout:
                # A server that loads its application accepts the connection later.
                continue
            except Exception as error:  # A port may speak any protocol.
                _log.debug("A port of this process did not answer: %s.", type(error).__name__)
                answer = {}
            self._asked.add(address)
            is_ours = answer.get("status") in ("ready", "starting") and answer.get("computeId") == self._compute_id
            if is_ours and not self._listens.is_set():
                return True
        return False

    def _has_begun(self):
        try:
            return bool(self._is_ready())
        except Exception:  # The application's function must not end the thread.
            _log.debug("is_ready raised an error.", exc_info=True)
            return False

    def _is_taken(self):
        """Report once. Return False when the report has to be repeated."""
        try:
            status, _ = self._report()
        except Exception as error:  # A report must not end the thread that repeats it.
            _log.debug("The report that the server listens failed: %s.", type(error).__name__)
            return False
        return status < 500 and status not in (408, 429)


_READY = {"status": "ready", "detail": "guard %s (python)" % __version__}


def _listening_addresses():
    """Return the TCP addresses at which this process listens."""
    try:
        descriptors = [int(one) for one in os.listdir("/dev/fd")]
    except OSError:
        return []
    return [one for one in map(_listening_address, descriptors) if one is not None]


def _listening_address(descriptor):
    try:
        # A copy of another file must not be closed: that would end the locks of the process on it.
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as copied:
            is_listening = copied.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            address = copied.getsockname()
    except OSError:
        return None
    return address[:2] if is_listening and isinstance(address, tuple) and len(address) >= 2 else None


def _ask_readiness(address):
    """Ask the readiness path, which needs no credential, over plain HTTP. Return the text of the answer."""
    host, port = address
    return _call(http.client.HTTPConnection(_LOOPBACKS.get(host, host), port, timeout=TIMEOUT_SECONDS), _read_whole, "GET", READINESS_PATH)[2]


# The address at which a server that listens at every address is reached from its own machine.
_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


# The dead man's switch


def _arm(wanted, deadline, has_control, env, now, monotonic):
    """Make the dead man's switch that an option wants."""
    is_seconds = isinstance(wanted, dict) and _is_limit(wanted.get("unreachable_seconds", UNREACHABLE_SECONDS))
    if not isinstance(wanted, bool) and not (is_seconds and set(wanted) <= {"unreachable_seconds"}):
        raise ValueError('dead_man: got %r; allowed: True, False, or {"unreachable_seconds"} with 60 or more, or None for a deadline alone'
                         % (wanted,))
    ends_at = _require_deadline(deadline)
    seconds = wanted.get("unreachable_seconds", UNREACHABLE_SECONDS) if is_seconds else UNREACHABLE_SECONDS
    if wanted is not False and ends_at is None and not has_control:
        _log.error("The dead man's switch has neither a deadline nor a control plane. Set ATLAS_DEADLINE, or ATLAS_CONTROL_URL and "
                   "ATLAS_POD_TOKEN.")
    if ends_at is not None and has_control:
        # An extension moves the deadline, and only the control plane knows of it.
        ends_at = max(ends_at, now() + (seconds or UNREACHABLE_SECONDS))
    return _DeadMan(wanted is not False, ends_at, seconds, lambda: _end_once(env), now, monotonic)


def _is_limit(seconds):
    return seconds is None or (type(seconds) is int and 60 <= seconds <= MAX_SAFE_INTEGER)


def _require_deadline(deadline):
    try:
        return _to_timestamp(deadline) if deadline else None
    except (ValueError, TypeError, OverflowError):
        raise ValueError("deadline: got %r; allowed: an ISO time such as 2030-01-31T12:00:00Z" % (deadline,)) from None


def _pause_after(failures):
    """Return the pause after so many failures: each twice as long as the one before, up to a maximum. Chance shortens it by up to a quarter."""
    return min(FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 9), MAX_PAUSE_SECONDS) * random.uniform(0.75, 1)


class _DeadMan:
    """Ends the pod when its control plane can no longer do so: one thread of each process looks at the deadline and at the contact.

    The time without contact is that of a clock that stands while the machine sleeps.
    """

    def __init__(self, is_on, deadline, unreachable_seconds, end, now, monotonic):
        self._is_on = is_on
        self._deadline, self._unreachable_seconds, self._end = deadline, unreachable_seconds, end
        self._now, self._monotonic = now, monotonic
        self._reset()
        _THREADED.add(self)

    def _reset(self):
        self._lock, self._thread = threading.Lock(), None
        self._moved = threading.Event()
        self._failing_since, self._is_rejected = None, False
        self._reason, self._failures = None, 0

    def after_fork(self):
        """Begin again in a forked process, with the last known deadline."""
        self._reset()

    def start(self):
        """Start the thread of a switch that is on, once in a process."""
        with self._lock:
            if self._is_on and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="atlas-dead-man", daemon=True)
                self._thread.start()

    def set_deadline(self, deadline):
        """Move the deadline, in seconds since 1970; None removes it."""
        if deadline != self._deadline:
            self._deadline = deadline
            self._moved.set()

    def note_contact(self, reached):
        """Note a call to the control plane, which reached it or not."""
        if reached:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = self._monotonic()

    def note_rejection(self):
        """Note that the control plane no longer accepts this pod's credential: the compute has ended."""
        self._is_rejected = True

    def step(self):
        """Look once, and end the pod for a reason. Return the seconds until the next look; None after the end."""
        self._reason = self._reason or self._reason_to_end()
        if self._reason is None:
            return LOOK_SECONDS if self._deadline is None else max(0, min(LOOK_SECONDS, self._deadline - self._now()))
        _log.error("Ending this pod: %s.", self._reason)
        failure = self._end()
        if failure is None:
            return None
        _log.error("This pod could not be ended (%s). The guard tries again.", failure)
        self._failures += 1
        return _pause_after(self._failures)

    def _reason_to_end(self):
        if self._deadline is not None and self._now() >= self._deadline:
            return "its deadline has passed"
        if self._is_rejected:
            return "the control plane rejects its credential"
        since = self._failing_since
        if self._unreachable_seconds is None or since is None or self._monotonic() - since < self._unreachable_seconds:
            return None
        return "the control plane is gone"

    def _run(self):
        wait = self.step()
        while wait is not None:
            self._moved.wait(wait)
            self._moved.clear()
            wait = self.step()


def _end_once(env):
    """Ask the provider once to end this pod. Return the reason of a failure, or None.

    The provider is the one whose variables are all there; without any the pod is a local process. A 404 is a failure too: right after a
    start the provider may not know the pod yet.
    """
    provider, end = next((one[1:] for one in _MEANS if all(env.get(name) for name in one[0])), ("local", _end_local))
    try:
        status = end(env)
    except Exception as error:  # The text of an error may hold the provider's key.
        return "%s: %s" % (provider, type(error).__name__)
    return None if 200 <= status < 300 else "%s answered %d" % (provider, status)


def _end_runpod(env):
    """Delete the pod. The key inside a pod is scoped to that pod."""
    parts = urllib.parse.urlsplit(_RUNPOD_API)
    headers = {"Authorization": "Bearer " + env["RUNPOD_API_KEY"]}
    path = "%s/pods/%s" % (parts.path, _segment(env["RUNPOD_POD_ID"]))
    return _call(_connect(parts, END_SECONDS), _read_status, "DELETE", path, headers=headers)


def _end_fly(env):
    """Delete the machine over a socket that gives it access to the Machines API without a token."""
    path = "/v1/apps/%s/machines/%s?force=true" % (_segment(env["FLY_APP_NAME"]), _segment(env["FLY_MACHINE_ID"]))
    return _call(_SocketConnection(_FLY_SOCKET), _read_status, "DELETE", path)


def _end_local(_env):
    """End this process and its group, which is all of a local pod: SIGTERM, then SIGKILL after 30 seconds."""
    kill = threading.Timer(END_SECONDS, os.kill, [0, signal.SIGKILL])
    kill.daemon = True
    kill.start()
    os.kill(0, signal.SIGTERM)
    return 204


def _segment(value):
    return urllib.parse.quote(value, safe="")


class _SocketConnection(http.client.HTTPConnection):
    """An HTTP connection over a Unix socket."""

    def __init__(self, path):
        super().__init__("_api.internal", timeout=END_SECONDS)
        self._path = path

    def connect(self):
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


_RUNPOD_API = "https://api.runpod.io/v2"
_FLY_SOCKET = "/.fly/api"

# The variables that a provider sets in its pods, its name, and its way to end one.
_MEANS = (
    (("RUNPOD_POD_ID", "RUNPOD_API_KEY"), "runpod", _end_runpod),
    (("FLY_APP_NAME", "FLY_MACHINE_ID"), "fly", _end_fly),
)
