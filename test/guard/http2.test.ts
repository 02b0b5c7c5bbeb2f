import { execFile } from "node:child_process";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { mintSigningSecret, mintToken, signPrefix, signUrl } from "../../src/auth/index.ts";
import { createGuard } from "../../src/guard/index.ts";

const run = promisify(execFile);
const token = mintToken().token;
const secret = mintSigningSecret();
const bearer = { authorization: `Bearer ${token}` };

/** A guarded HTTP/2 server, which shows every view of a request, and its client. */
async function guarded(): Promise<{ origin: string; client: ClientHttp2Session; served: string[] }> {
  const served: string[] = [];
  const guard = createGuard({
    ...{ presharedKey: token, signingSecret: secret, computeId: "atlascompute00000001" },
    ...{ origins: ["https://app.example"], publicPaths: ["/public/*"], env: {} },
  });
  const listener = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    served.push(request.url);
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url, headers, rawHeaders, trailers, rawTrailers } = request;
    response.setHeader("access-control-allow-origin", "*");
    response.writeHead(200, { "content-type": "application/json", "x-atlas-refusal": "1" });
    response.end(JSON.stringify({ method, url, headers, rawHeaders, trailers, rawTrailers, body }));
  };
  const server = createServer(
    guard.node(
      (request: Http2ServerRequest, response: Http2ServerResponse) => void listener(request, response),
    ),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connect(origin);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return { origin, client, served };
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Sends a request; `body` is sent in pieces, and never ended with `isEndless`. */
async function call(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  {
    body = "",
    isEndless = false,
    trailers = {},
  }: { body?: string; isEndless?: boolean; trailers?: OutgoingHttpHeaders } = {},
): Promise<Reply> {
  const hasBody = body !== "" || isEndless;
  const stream = client.request(headers, {
    endStream: !hasBody,
    waitForTrailers: Object.keys(trailers).length > 0,
  });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  const closed = once(stream, "close");
  const answered = once(stream, "response");
  if (body !== "") stream.write(body);
  if (hasBody && !isEndless) stream.end();
  const [answer] = await answered;
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  await closed;
  return { status: answer[":status"], headers: answer, text };
}

describe("a server of node:http2 behind the guard", () => {
  test("answers requests with a credential, and no others", async () => {
    const { client, served } = await guarded();
    const open = await call(client, { ":path": "/a?b=1", ...bearer });
    expect(open.status).toBe(200);
    expect(JSON.parse(open.text)).toMatchObject({
      url: "/a?b=1",
      headers: { "x-atlas-credential": "bearer" },
    });
    expect(open.text).not.toContain(token);
    const refused = await call(client, { ":path": "/a" });
    expect([refused.status, refused.headers["x-atlas-refusal"]]).toEqual([401, "1"]);
    expect((await call(client, { ":path": "/public/app.css" })).status).toBe(200);
    expect((await call(client, { ":path": "/.well-known/atlas/ready" })).status).toBe(200);
    expect(served).toEqual(["/a?b=1", "/public/app.css"]);
  });

  test("sees no signature and no folder's credential in any view of the request", async () => {
    const { client } = await guarded();
    const folder = signPrefix("/hls/42/", { secret });
    for (const path of [signUrl("/a?b=1", { secret }), `${folder}part.ts`]) {
      const { status, text } = await call(client, { ":path": path, referer: `https://pod.example${path}` });
      expect(status).toBe(200);
      expect(text).not.toMatch(/sig=|exp=|\.atlas/);
    }
  });

  test("speaks to pages by the guard's CORS headers alone, and not in the guard's name", async () => {
    const { client } = await guarded();
    const origin = "https://app.example";
    const { headers } = await call(client, { ":path": "/", origin, ...bearer });
    expect(headers).toMatchObject({ "access-control-allow-origin": origin, vary: "Origin" });
    expect(headers).not.toHaveProperty("x-atlas-refusal");
    const preflight = { ":method": "OPTIONS", origin, "access-control-request-method": "PUT" };
    expect((await call(client, preflight)).status).toBe(204);
  });

  test("reads a body and trailers without the guard's headers among them", async () => {
    const { client } = await guarded();
    const trailers = { "x-sum": "1", "x-atlas-credential": "bearer" };
    const { text } = await call(client, { ":method": "POST", ...bearer }, { body: "hello", trailers });
    expect(JSON.parse(text)).toMatchObject({
      body: "hello",
      trailers: { "x-sum": "1" },
      rawTrailers: ["x-sum", "1"],
    });
  });

  test("reads no body of a refused request, and goes on with the connection", async () => {
    const { client, served } = await guarded();
    const { status, text } = await call(
      client,
      { ":method": "POST" },
      { body: "x".repeat(100_000), isEndless: true },
    );
    expect([status, JSON.parse(text).code]).toEqual([401, "UNAUTHORIZED"]);
    expect((await call(client, { ":method": "HEAD" })).status).toBe(401);
    expect((await call(client, bearer)).status).toBe(200);
    expect(served).toEqual(["/"]);
  });

  test("refuses a request with two hosts", async () => {
    const { client } = await guarded();
    const hosts = { ":authority": "pod.example", host: "other.example" };
    expect((await call(client, { ...hosts, ...bearer })).status).toBe(401);
    expect((await call(client, { ...hosts, host: "Pod.example", ...bearer })).status).toBe(200);
  });

  test("is reached by curl, which waits to be told before it sends a body", async () => {
    const { origin } = await guarded();
    const args = ["--silent", "--http2-prior-knowledge", "--max-time", "10", "--write-out", " %{http_code}"];
    const post = [...args, "--header", "Expect: 100-continue", "--data", "hello", origin];
    expect((await run("curl", post)).stdout).toMatch(/ 401$/);
    expect((await run("curl", [...args, "--data", "x".repeat(100_000), origin])).stdout).toMatch(/ 401$/);
    expect((await run("curl", ["--oauth2-bearer", token, ...post])).stdout).toMatch(/"body":"hello".* 200$/);
  });
});
