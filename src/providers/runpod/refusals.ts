/** Reads RunPod's refusals where the HTTP status alone does not tell the error code. */
import type { Classification, Classify, HttpRefusal } from "../../internal/http-errors.ts";
import type { HttpRequest } from "../../internal/http-request.ts";
import { redact } from "../../internal/redact.ts";
import { problemSchema } from "./wire.ts";

/** RunPod's phrases for a lack of capacity. The same statuses stand for bad requests, so that only the phrase tells them apart. */
const NO_CAPACITY =
  /no longer any instances available|does not have the resources to deploy|not enough ((free|disk|storage) )*(gpus|capacity|resources|space|memory)|no (more )?capacity|out of capacity|please migrate/i;

/** Statuses that can mean a lack of capacity. With a 5xx the same phrases prove nothing. */
const CAPACITY_STATUSES = new Set([400, 409]);

/** Verdicts that count only in RunPod's own form, a problem (RFC 9457): gateways in front of RunPod answer these statuses too, also as JSON. */
const NEED_PROBLEM = new Set([403, 404]);

/**
 * Classifies a refusal. A 400 is a request that breaks a rule, or a lack of capacity: only `detail` tells them apart. A 409 to a
 * create refuses this placement. For every other refusal the HTTP status decides.
 */
export const classifyRefusal: Classify = (refusal, request) => {
  const { status, json } = refusal;
  if (NEED_PROBLEM.has(status) && !isProblem(refusal)) return { code: "PROVIDER" };
  if (json === undefined || request.method !== "POST" || !CAPACITY_STATUSES.has(status)) return undefined;
  const isCreate = request.path === "/pods";
  if (!NO_CAPACITY.test(ownWords(refusal, request))) return isCreate && status === 409 ? CAPACITY : undefined;
  return isCreate ? CAPACITY : HOST_FULL;
};

const CAPACITY: Classification = { code: "CAPACITY" };

/** A stopped pod is bound to its host, and a repeated start fails as long as the host is full. */
const HOST_FULL: Classification = { code: "CAPACITY", retryable: false };

function isProblem({ status, json }: HttpRefusal): boolean {
  return problemSchema.safeParse(json).data?.status === status;
}

/** The words of RunPod itself: `detail` without the values that it quotes from the request. */
function ownWords({ json }: HttpRefusal, { secrets }: HttpRequest): string {
  const { detail, title } = problemSchema.safeParse(json).data ?? {};
  return redact(detail ?? title ?? "", secrets);
}
