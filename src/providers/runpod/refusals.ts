/** What RunPod's refusals mean, where status and common sense are not enough. */
import type { Classification, Classify } from "../../internal/http-errors.ts";

/** No room, in RunPod's words; the same statuses stand for bad requests, so that only the words tell. */
const NO_CAPACITY =
  /no longer any instances available|does not have the resources to deploy|not enough ((free|disk|storage) )*(gpus|capacity|resources|space|memory)|no (more )?capacity|out of capacity|please migrate/i;

/** Statuses that can mean "no room"; behind a 5xx the same words prove nothing. */
const CAPACITY_STATUSES = new Set([400, 409]);

/**
 * RunPod's refusals. A 400 is a request that breaks a rule, or a lack of room: only `detail` tells them apart. A 409 to a create
 * is a refusal of this place. Everything else is as HTTP has it.
 */
export const classifyRefusal: Classify = ({ status, json, text }, { method, path }) => {
  if (json === undefined || method !== "POST" || !CAPACITY_STATUSES.has(status)) return undefined;
  const isCreate = path === "/pods";
  return NO_CAPACITY.test(text) || (isCreate && status === 409) ? CAPACITY : undefined;
};

const CAPACITY: Classification = { code: "CAPACITY" };
