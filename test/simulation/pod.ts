/** The servers behind the pods' ports. Until they are up, an edge answers in their place, as a provider's proxy does. */
import { READINESS_PATH } from "../../src/internal/readiness.ts";
import type { World } from "./world.ts";

const PLACEHOLDER = "<!doctype html><title>starting</title>your pod is starting";

/** Answers a request to a pod, and judges it: before the pod is known, no secret may be sent to its port. */
export async function answerOfPod(
  { ledger, provider }: World,
  [target, init]: Parameters<typeof fetch>,
): Promise<Response> {
  const url = new URL(target instanceof Request ? target.url : target);
  const sent = new Headers(init?.headers);
  if (!ledger.podsAnswer) {
    if (sent.has("authorization"))
      ledger.problems.push("law 15: a token was sent to a port whose pod is not known yet");
    return new Response(PLACEHOLDER, { status: 200, headers: { "content-type": "text/html" } });
  }
  const instance = provider.instances.find(({ ports }) =>
    ports.some((port) => port.url !== undefined && url.href.startsWith(port.url)),
  );
  if (instance === undefined || instance.status !== "running") return new Response("", { status: 502 });
  const id = instance.env.ATLAS_COMPUTE_ID ?? null;
  if (id !== null) ledger.answered.add(id);
  if (url.pathname !== READINESS_PATH) return new Response("ok");
  return Response.json({ computeId: id, status: "ready" });
}
