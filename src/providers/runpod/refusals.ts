/** Reads RunPod's refusals where the HTTP status alone does not tell the error code. */
import type { Classification, Classify } from "../../internal/http-errors.ts";

/** RunPod's phrases for a lack of capacity. The same statuses stand for bad requests, so that only the phrase tells them apart. */
const NO_CAPACITY =
  /no longer any instances available|does not have the resources to deploy|not enough ((free|disk|storage) )*(gpus|capacity|resources|space|memory)|no (more )?capacity|out of capacity|please migrate/i;

/** Statuses that can mean a lack of capacity. With a 5xx the same phrases prove nothing. */
const CAPACITY_STATUSES = new Set([400, 409]);

/**
 * Classifies a refusal. A 400 is a request that breaks a rule, or a lack of capacity: only `detail` tells them apart. A 409 to a
 * create refuses this placement. For every other refusal the HTTP status decides.
 */
export const classifyRefusal: Classify = ({ status, json, text }, { method, path }) => {
  if (json === undefined || method !== "POST" || !CAPACITY_STATUSES.has(status)) return undefined;
  const isCreate = path === "/pods";
  return NO_CAPACITY.test(text) || (isCreate && status === 409) ? CAPACITY : undefined;
};

const CAPACITY: Classification = { code: "CAPACITY" };
