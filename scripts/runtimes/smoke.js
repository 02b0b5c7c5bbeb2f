/**
 * The program that every runtime runs on the installed package: tokens and signed URLs, a spawn on mock(), a spawn on RunPod's fake over HTTP, the guard, the control
 * plane, and the browser's client of it. It returns the names of the parts that worked, and throws at the first that did not.
 */
import { createAtlas } from "atlas-compute";
import { hashToken, mintToken, signUrl, verifySignedUrl, verifyToken } from "atlas-compute/auth";
import { createComputeClient } from "atlas-compute/browser";
import { createGuard } from "atlas-compute/guard";
import { mock } from "atlas-compute/mock";
import { runpod } from "atlas-compute/runpod";
import { createControlPlane } from "atlas-compute/server";

function expect(condition, what) {
  if (!condition) throw new Error(`it is not so that ${what}`);
}

function auth() {
  const { token, hash } = mintToken();
  expect(hashToken(token) === hash && verifyToken(token, hash), "a token has its hash");
  expect(!verifyToken(`${token}x`, hash), "another token is refused");
  const secret = "s".repeat(32);
  const url = signUrl("https://pod.example/video.mp4", { secret });
  expect(verifySignedUrl(url, { secret }).ok, "a signed URL is accepted");
  expect(!verifySignedUrl(url.replace("video", "other"), { secret }).ok, "another path is refused");
}

async function spawnOnMock() {
  const provider = mock();
  const atlas = createAtlas({ providers: [provider], fetch: provider.fetch, deployment: "smoke" });
  const compute = await atlas.spawnCompute({ gpu: "h100", ports: [8000] });
  await compute.waitUntilReady({ timeoutSeconds: 20 });
  expect(await atlas.verifyToken(compute.id, compute.auth.token), "the spawn's token is known");
  expect((await compute.terminate()).status === "terminated", "the compute ended");
  expect((await atlas.reap()).failed.length === 0, "a pass of the reaper failed at nothing");
  await atlas.close();
}

async function spawnOnRunpod({ url, apiKey }) {
  const provider = runpod({ apiKey, baseUrl: `${url}/v2` });
  const atlas = createAtlas({ providers: [provider], deployment: "smoke" });
  const compute = await atlas.spawnCompute({ gpu: "any", image: "ghcr.io/me/server:1", ports: [8000] });
  expect(compute.providerId !== undefined, "RunPod gave the pod an id");
  expect((await atlas.getCompute(compute.id)).provider === "runpod", "the compute is recorded");
  await compute.terminate();
  await atlas.close();
}

async function guardedRequests() {
  const { token } = mintToken();
  const guard = createGuard({ presharedKey: token, schemes: ["bearer"] });
  const handle = guard.fetch(() => new Response("hello"));
  const ask = (headers) => handle(new Request("http://pod.example/", { headers }));
  expect((await ask({})).status === 401, "a request without a token is refused");
  const accepted = await ask({ authorization: `Bearer ${token}` });
  expect((await accepted.text()) === "hello", "a request with the token passes");
}

async function throughTheBrowsersClient() {
  const provider = mock();
  const atlas = createAtlas({ providers: [provider], fetch: provider.fetch, deployment: "smoke" });
  const plane = createControlPlane({
    atlas,
    authorize: () => ({ userId: "ada" }),
    request: () => ({ gpu: "h100", ports: [8000] }),
    basePath: "/api/atlas",
  });
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const client = createComputeClient({
    baseUrl: "https://app.example/api/atlas",
    fetch: (input, init) => plane(new Request(input, init)),
    headers: { authorization: "Bearer ada" },
    storage,
  });
  const session = await client.open();
  expect((await atlas.listComputes()).computes.length === 1, "the page's compute is recorded");
  await session.end();
  session.close();
  await atlas.close();
}

/** The parts, in order. */
const PARTS = {
  auth,
  "spawn on mock()": spawnOnMock,
  "spawn on RunPod's fake": spawnOnRunpod,
  guard: guardedRequests,
  "control plane and browser client": throughTheBrowsersClient,
};

/** Runs every part. `runpodFake` is the fake's address and key. */
export async function smoke(runpodFake) {
  const worked = [];
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      await part(runpodFake);
      worked.push(name);
    } catch (error) {
      throw new Error(`${name}: ${error?.stack ?? error}`);
    }
  }
  return worked;
}
