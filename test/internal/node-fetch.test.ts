import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod/mini";
import { createHttpClient, type HttpClient, type HttpRequest } from "../../src/internal/http.ts";
import { createNodeFetch } from "../../src/internal/node-fetch.ts";
import { failureOf } from "../support/failure-of.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly length: string | undefined;
  readonly body: string;
}

let folder: string;
let server: Server | undefined;
const seen: Seen[] = [];
const context = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
const create: HttpRequest = { method: "POST", path: "/things", json: { a: "ü" }, idempotent: false };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "node-fetch-"));
  seen.length = 0;
});

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function serve(
  status: number,
  answer: readonly Uint8Array[],
  isCut = false,
): Promise<{ client: HttpClient; socketPath: string }> {
  const socketPath = join(folder, "server.sock");
  server = createServer(async (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    seen.push({ method, url, length: headers["content-length"], body: await text(incoming) });
    outgoing.writeHead(status, { "content-type": "application/json" });
    for (const chunk of answer) outgoing.write(chunk);
    if (isCut) setImmediate(() => outgoing.destroy());
    else outgoing.end();
  });
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
  return { client: clientAt(socketPath), socketPath };
}

function clientAt(socketPath: string): HttpClient {
  return createHttpClient({
    provider: "test",
    baseUrl: "http://socket",
    headers: () => ({}),
    fetch: createNodeFetch({ socketPath }),
    maxRetries: 0,
  });
}

test("a request over a socket arrives with its body and its length, and its answer is read", async () => {
  const { client } = await serve(200, [Buffer.from('{"id":"'), Buffer.from('1"}')]);
  const answer = await client.read(create, z.object({ id: z.string() }), context);
  expect(answer).toEqual({ id: "1" });
  expect(seen).toEqual([{ method: "POST", url: "/things", length: "10", body: '{"a":"ü"}' }]);
});

test("a DELETE without a body says so, so that the server waits for none", async () => {
  const { client } = await serve(204, []);
  await client.send({ method: "DELETE", path: "/things/1?force=true", idempotent: true }, context);
  expect(seen).toMatchObject([{ method: "DELETE", url: "/things/1?force=true", length: "0" }]);
});

test("bytes that are no text come through unchanged", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const { client } = await serve(200, [bytes]);
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.streamBytes({ method: "GET", path: "/", idempotent: true }, context))
    chunks.push(chunk);
  expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
});

test("a socket that does not exist proves that nothing was sent", async () => {
  const error = await failureOf(clientAt(join(folder, "none.sock")).send(create, context));
  expect(error).toMatchObject({ code: "TRANSPORT", mayHaveCreated: false });
  expect(String(error)).toContain("ENOENT");
});

test("an answer that breaks off leaves the outcome open", async () => {
  const { client } = await serve(200, [Buffer.from('{"id"')], true);
  const error = await failureOf(client.read(create, z.object({ id: z.string() }), context));
  expect(error).toMatchObject({ code: "TRANSPORT", mayHaveCreated: true });
});

test("an abort ends a request that hangs", async () => {
  const socketPath = join(folder, "server.sock");
  server = createServer(() => undefined);
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
  const giveUp = new AbortController();
  const refusal = failureOf(clientAt(socketPath).send(create, { ...context, signal: giveUp.signal }));
  giveUp.abort();
  expect(await refusal).toMatchObject({ code: "TIMEOUT" });
});
