import { describe, expect, test } from "vitest";
import { READINESS_PATH } from "../../src/internal/readiness.ts";
import { type Scene, scene } from "../support/scene.ts";

/** A scene with pods that answer their readiness path like this, and every other path with 200. */
async function podThatAnswers(answer: (id: string) => Response): Promise<Scene & { readonly id: string }> {
  const set = scene();
  set.provider.respond((request, { env }) =>
    new URL(request.url).pathname === READINESS_PATH
      ? answer(env.ATLAS_COMPUTE_ID ?? "")
      : Response.json({ ok: true }),
  );
  const { id } = await set.spawn({ ports: [8000] });
  return { ...set, id };
}

async function waitOn(
  { atlas, settle, id }: Scene & { readonly id: string },
  path?: string,
): Promise<string> {
  const compute = await settle(atlas.getCompute(id));
  return (await settle(compute.waitUntilReady({ timeoutSeconds: 10, path }))).status;
}

describe("waiting for a guarded pod", () => {
  test("ends when the guard says that this compute is ready", async () => {
    const pod = await podThatAnswers((computeId) => Response.json({ computeId, status: "ready" }));
    expect(await waitOn(pod)).toBe("running");
  });

  test("goes on while the guard waits for its target, whatever the path answers", async () => {
    const pod = await podThatAnswers((computeId) =>
      Response.json({ computeId, status: "starting" }, { status: 503 }),
    );
    const error = await pod.failure(waitOn(pod, "/healthz"));
    expect(error).toMatchObject({ code: "TIMEOUT", computeId: pod.id });
    expect(error.message).toContain("the guard on port 8000 says starting");
  });

  test("does not take another pod for this one", async () => {
    const pod = await podThatAnswers(() =>
      Response.json({ computeId: "somebodyelse00000000", status: "ready" }),
    );
    expect((await pod.failure(waitOn(pod))).message).toContain("is answered by another pod");
  });

  test("does not take a placeholder page for the pod", async () => {
    const page = { headers: { "content-type": "text/html; charset=utf-8" } };
    const pod = await podThatAnswers(() => new Response("<h1>Starting…</h1>", page));
    expect((await pod.failure(waitOn(pod))).message).toContain("may be a placeholder");
  });

  test("asks the path where there is no guard", async () => {
    const pod = await podThatAnswers(() => new Response("not found", { status: 404 }));
    expect(await waitOn(pod, "/healthz")).toBe("running");
  });

  test("survives a guard's answer that never ends", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(4096).fill(0x20)),
    });
    const pod = await podThatAnswers(
      () => new Response(endless, { headers: { "content-type": "application/json" } }),
    );
    expect(await waitOn(pod)).toBe("running");
  });
});
