/** The Python guard behind the servers that people run: what is judged is what the application serves. */
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hashToken, signOpeningLink, signPrefix, signUrl } from "../../src/auth/index.ts";
import {
  PYTHON_SERVERS,
  pythonWithServers,
  type RawAnswer,
  type RunningServer,
  sendBytes,
  startPython,
} from "./support/python-servers.ts";
import { start } from "./support/servers.ts";

const TOKEN = "a".repeat(43);
const SECRET = "test-secret";
const BEARER = `Authorization: Bearer ${TOKEN}`;
const ENVIRONMENT = {
  ATLAS_AUTH: "bearer,signed-url,cookie",
  ATLAS_PRESHARED_KEY: TOKEN,
  ATLAS_SIGNING_SECRET: SECRET,
  ATLAS_COMPUTE_ID: "c1",
};

interface Seen {
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Requests that no server may serve: a line for the request line, then the headers. */
const REFUSED: readonly (readonly [name: string, ...lines: string[]])[] = [
  ["a request without a credential", "GET /secret HTTP/1.1"],
  ["a way out of a public folder", "GET /assets/../secret HTTP/1.1"],
  ["an escaped way out of a public folder", "GET /assets/%2e%2e/secret HTTP/1.1"],
  ["a mount point of the caller's choice", "GET /secret HTTP/1.1", "SCRIPT_NAME: /assets"],
  ["a mount point in the middle of the path", "GET /x/assets/secret HTTP/1.1", "SCRIPT_NAME: /assets"],
  ["a path that begins with two slashes", "GET //healthz HTTP/1.1", BEARER],
  ["a fragment", "GET /healthz#/../secret HTTP/1.1"],
  ["a backslash", "GET /assets\\..\\secret HTTP/1.1"],
  ["a token in a header of another name", "GET /secret HTTP/1.1", `X-Authorization: Bearer ${TOKEN}`],
  ["two credentials in one header", "GET /secret HTTP/1.1", `Authorization: Basic x, Bearer ${TOKEN}`],
  ["two Authorization headers", "GET /secret HTTP/1.1", BEARER, BEARER],
  ["two hosts", "GET /healthz HTTP/1.1", "Host: other.example"],
  [
    "a framing of another name",
    "POST /x HTTP/1.1",
    BEARER,
    "Content-Length: 0",
    "Transfer-Encoding: xchunked",
  ],
  ["an upgrade with a body", "GET /x HTTP/1.1", BEARER, "Upgrade: h2c", "Content-Length: 5", "", "hello"],
  [
    "a subprotocol's token without an upgrade",
    "GET /x HTTP/1.1",
    `Sec-WebSocket-Protocol: atlas.v1, atlas.bearer.${TOKEN}`,
  ],
  ["a signed URL for another method", `DELETE ${signUrl("/a", { secret: SECRET })} HTTP/1.1`],
  ["a signed prefix for another method", `POST ${signPrefix("/hls/", { secret: SECRET })}a HTTP/1.1`],
  [
    "a service worker below a signed prefix",
    `GET ${signPrefix("/hls/", { secret: SECRET })}a HTTP/1.1`,
    "Service-Worker: script",
  ],
  ["a way out of a signed prefix", `GET ${signPrefix("/hls/", { secret: SECRET })}..%2fsecret HTTP/1.1`],
];

/** Headers that some servers take for a part of the path. */
const CHOSEN: readonly (readonly [name: string, path: string, ...headers: string[]])[] = [
  ["a mount point that makes a public path", "/assets/secret", "SCRIPT_NAME: /assets"],
  ["a mount point with a hyphen", "/assets/secret", "Script-Name: /assets"],
  ["a path", "/healthz", "PATH_INFO: /secret"],
  ["the path before a proxy", "/healthz", "X-Original-URL: /secret", "X-Rewrite-URL: /secret"],
  ["a prefix of a proxy", "/assets/secret", "X-Forwarded-Prefix: /assets"],
];

/** Headers by which some applications replace the method or the path. */
const REPLACING: readonly string[] = [
  "X-HTTP-Method-Override: DELETE",
  "X_HTTP_Method_Override: DELETE",
  "X-HTTP-Method: DELETE",
  "X-Method-Override: DELETE",
  "X-Script-Name: /assets",
  "X_Script_Name: /assets",
  "X-Original-URL: /secret",
  "X-Original-URI: /secret",
  "X-Rewrite-URL: /secret",
];

/** Requests that pass, and the path that the application gets. */
const SERVED: readonly (readonly [name: string, path: string, credential: string, ...lines: string[]])[] = [
  ["a bearer token", "/a b", "bearer", "GET /a%20b?q=%C3%A9+x HTTP/1.1", BEARER],
  ["a public path", "/assets/a.js", "none", "GET /assets/a.js HTTP/1.1"],
  [
    "a signed URL",
    "/me@home.png",
    "signed-url",
    `GET ${signUrl("/me@home.png?n=a%20b", { secret: SECRET })} HTTP/1.1`,
  ],
  [
    "a signed URL in another escaping",
    "/me@home.png",
    "signed-url",
    `GET ${signUrl("/me@home.png", { secret: SECRET }).replace("@", "%40")} HTTP/1.1`,
  ],
  [
    "a signed prefix",
    "/hls/42/é~.ts",
    "prefix",
    `GET ${signPrefix("/hls/42/", { secret: SECRET })}%c3%a9%7E.ts?x=1 HTTP/1.1`,
  ],
  ["the whole URL of this server", "/v1", "bearer", "GET http://pod.example/v1 HTTP/1.1", BEARER],
];

const python = pythonWithServers();

describe.skipIf(python === undefined && process.env.CI === undefined).each(PYTHON_SERVERS)(
  "the Python guard behind $name",
  (server) => {
    let running: RunningServer;
    const ask = (requestLine: string, ...lines: string[]): Promise<RawAnswer> => {
      const hasBody = lines.includes("");
      const text = [requestLine, "Host: pod.example", "Connection: close", ...lines].join("\r\n");
      return sendBytes(running.port, hasBody ? text : `${text}\r\n\r\n`);
    };

    beforeAll(async () => {
      if (python === undefined) throw new Error("no Python has uvicorn, hypercorn, gunicorn and waitress");
      running = await startPython(python, server, ENVIRONMENT);
    });
    afterAll(() => running?.[Symbol.asyncDispose]());

    it.each(REFUSED)("refuses %s", async (_, requestLine = "", ...lines) => {
      const answer = await ask(requestLine, ...lines);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toContain('"headers"');
    });

    it.each(CHOSEN)("lets no header choose the path: %s", async (_, path, ...headers) => {
      const answer = await ask(`GET ${path} HTTP/1.1`, ...headers);
      const served = answer.status === 200 ? JSON.parse(answer.body).path : path;
      expect(served).toBe(path);
    });

    it.each([
      ["no credential", "/assets/secret"],
      ["a signed URL", signUrl("/file", { secret: SECRET })],
      ["a signed prefix", `${signPrefix("/hls/", { secret: SECRET })}a`],
    ])("passes no header that replaces a method or a path on with %s", async (_, path) => {
      const answer = await ask(`GET ${path} HTTP/1.1`, ...REPLACING, "X-Own: 1");
      const { headers }: Seen = JSON.parse(answer.body);
      const names = headers.map(([name]) => name.toLowerCase().replaceAll("_", "-"));
      expect(names).toContain("x-own");
      expect(names.filter((name) => /override|script|original|rewrite|method/.test(name))).toEqual([]);
    });

    it("passes such a header on with a token, which opens every path and method", async () => {
      const answer = await ask("GET /x HTTP/1.1", BEARER, "X-HTTP-Method-Override: DELETE");
      expect(valuesOf(JSON.parse(answer.body).headers, "x-http-method-override")).toEqual(["DELETE"]);
    });

    // Waitress takes the chunks and drops the other length, before the guard sees the request.
    it.skipIf(server.name === "waitress")("refuses a request with two framings", async () => {
      const framings = ["Content-Length: 5", "Transfer-Encoding: chunked"];
      const answer = await ask("POST /x HTTP/1.1", BEARER, ...framings, "", "0", "", "");
      expect(answer.status).toBeGreaterThanOrEqual(400);
    });

    it.each(SERVED)(
      "serves %s, and tells the application its kind",
      async (_, path, credential, line, ...more) => {
        const answer = await ask(
          line ?? "",
          "X-Atlas-Credential: cookie",
          "X_Atlas_Credential: cookie",
          "Referer: https://pod.example/.atlas/1.1.x/a",
          "Cookie: own=1; __Host-atlas=old",
          ...more,
        );
        expect(answer.status).toBe(200);
        const seen: Seen = JSON.parse(answer.body);
        expect(seen.path).toBe(path);
        expect(valuesOf(seen.headers, "x-atlas-credential")).toEqual([credential]);
        expect(valuesOf(seen.headers, "authorization")).toEqual([]);
        expect(valuesOf(seen.headers, "cookie")).toEqual(["own=1"]);
        expect(valuesOf(seen.headers, "referer")).toEqual(["https://pod.example"]);
        expect(seen.query).not.toContain("sig=");
        expect(valuesOf(answer.headers, "set-cookie")).toEqual(["session=own"]);
        expect(valuesOf(answer.headers, "x-atlas-refusal")).toEqual([]);
      },
    );

    it("refuses with one answer, which a page can tell from the application's", async () => {
      const answer = await ask("GET /secret HTTP/1.1");
      expect(answer.status).toBe(401);
      expect(valuesOf(answer.headers, "x-atlas-refusal")).toEqual(["1"]);
      expect(valuesOf(answer.headers, "www-authenticate")).toEqual(["Bearer"]);
    });

    it("takes a subprotocol's token out of a request without an upgrade, too", async () => {
      const offered = `Sec-WebSocket-Protocol: atlas.v1, atlas.bearer.${TOKEN}`;
      const answer = await ask("GET /x HTTP/1.1", BEARER, offered);
      expect(valuesOf(JSON.parse(answer.body).headers, "sec-websocket-protocol")).toEqual(["atlas.v1"]);
      expect(answer.body).not.toContain(TOKEN);
    });

    it("takes an Authorization of another form to the application", async () => {
      const url = signUrl("/a", { secret: SECRET });
      const answer = await ask(`GET ${url} HTTP/1.1`, "Authorization: Basic dXNlcjpwYXNz");
      expect(valuesOf(JSON.parse(answer.body).headers, "authorization")).toEqual(["Basic dXNlcjpwYXNz"]);
    });

    it("keeps a redirect inside a signed prefix, and no other", async () => {
      const folder = signPrefix("/hls/", { secret: SECRET });
      const inside = await ask(`GET ${folder}a?location=/hls/b?x=1 HTTP/1.1`);
      const outside = await ask(`GET ${folder}a?location=/other HTTP/1.1`);
      expect(valuesOf(inside.headers, "location")).toEqual([`${folder}b?x=1`]);
      expect(valuesOf(outside.headers, "location")).toEqual(["/other"]);
      expect(valuesOf(inside.headers, "cache-control")).toEqual(["max-age=60, private"]);
      expect(valuesOf(inside.headers, "referrer-policy")).toEqual(["same-origin"]);
    });

    it("turns an opening link into a cookie, with which the browser acts from its own pages alone", async () => {
      const link = signOpeningLink("https://pod.example", { secret: SECRET, to: "/lab?x=1" });
      const opened = await ask(`GET ${link.slice("https://pod.example".length)} HTTP/1.1`);
      expect(opened.status).toBe(303);
      expect(valuesOf(opened.headers, "location")).toEqual(["/lab?x=1"]);
      const cookie = `Cookie: ${valuesOf(opened.headers, "set-cookie")[0]?.split(";")[0]}`;
      const own = await ask("POST /lab HTTP/1.1", cookie, "Sec-Fetch-Site: same-origin", "Content-Length: 0");
      const sibling = await ask(
        "POST /lab HTTP/1.1",
        cookie,
        "Sec-Fetch-Site: same-site",
        "Content-Length: 0",
      );
      const image = await ask(
        "GET /lab HTTP/1.1",
        cookie,
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Mode: no-cors",
      );
      expect([own.status, sibling.status, image.status]).toEqual([200, 401, 401]);
      expect(valuesOf(own.headers, "content-security-policy")).toEqual(["frame-ancestors 'self'"]);
      expect(valuesOf(JSON.parse(own.body).headers, "cookie")).toEqual([]);
    });

    it.runIf(server.protocol === "asgi")("opens a WebSocket by a subprotocol's token", async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${running.port}/ws`, [
        "atlas.v1",
        `atlas.bearer.${TOKEN}`,
      ]);
      const text = await new Promise<string>((resolve, reject) => {
        socket.on("message", (data) => resolve(String(data))).on("error", reject);
      });
      expect(socket.protocol).toBe("atlas.v1");
      expect(text).not.toContain(TOKEN);
      expect(JSON.parse(text)).toMatchObject({ path: "/ws" });
    });

    it.runIf(server.protocol === "asgi")("opens no WebSocket without a credential", async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${running.port}/ws`, ["atlas.v1"]);
      await expect(
        new Promise((resolve, reject) => {
          socket.on("open", resolve).on("error", reject);
        }),
      ).rejects.toThrow(/40[13]/);
    });
  },
);

describe.skipIf(python === undefined && process.env.CI === undefined)(
  "the Python guard with a control plane",
  { concurrent: true },
  () => {
    it.each(PYTHON_SERVERS)(
      "is closed until its answer, and knows a new token at its first use, behind $name",
      async (server) => {
        await using control = await startControlPlane();
        const env = { ...ENVIRONMENT, ATLAS_CONTROL_URL: control.url, ATLAS_POD_TOKEN: "pod-token" };
        await using running = await startPython(python ?? "python3", server, env);
        const get = async (path: string, token?: string): Promise<number> => {
          const lines = token === undefined ? [] : [`Authorization: Bearer ${token}`];
          const text = [`GET ${path} HTTP/1.1`, "Host: pod.example", "Connection: close", ...lines];
          return (await sendBytes(running.port, `${text.join("\r\n")}\r\n\r\n`, 8000)).status;
        };
        expect(await get("/", TOKEN)).toBe(503);
        expect(await get("/.well-known/atlas/ready")).toBe(503);
        control.tokens.push(TOKEN);
        while ((await get("/.well-known/atlas/ready")) === 503) await pause(50);
        expect(await get("/", TOKEN)).toBe(200);
        const rotated = "b".repeat(43);
        control.tokens.push(rotated);
        expect(await get("/", rotated)).toBe(200);
        expect(await get("/", "c".repeat(43))).toBe(401);
        expect(control.credentials).toEqual(new Set(["Bearer pod-token"]));
      },
    );
  },
);

/** A control plane that refuses every question until it has a token. */
async function startControlPlane(): Promise<
  { readonly url: string; readonly tokens: string[]; readonly credentials: Set<string> } & AsyncDisposable
> {
  const tokens: string[] = [];
  const credentials = new Set<string>();
  const server = createServer((request, response) => {
    credentials.add(request.headers.authorization ?? "");
    const hashes = tokens.map((token) => ({ hash: hashToken(token), expiresAt: null }));
    const now = new Date().toISOString();
    const answer = { computeId: "c1", revision: tokens.length, hashes, generation: 0, deadline: null, now };
    response.writeHead(tokens.length === 0 ? 500 : 200).end(JSON.stringify(answer));
  });
  const url = `http://127.0.0.1:${await start(server)}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { url, tokens, credentials, [Symbol.asyncDispose]: close };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function valuesOf(headers: readonly (readonly [string, string])[], wanted: string): string[] {
  return headers.filter(([name]) => name === wanted).map(([, value]) => value);
}
