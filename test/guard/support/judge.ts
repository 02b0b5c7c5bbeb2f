import type { Guard, GuardRequest, GuardVerdict } from "../../../src/guard/index.ts";

/** The verdict of a guard that has no question to its control plane. */
export function judgeAtOnce(guard: Guard, request: GuardRequest): GuardVerdict {
  const verdict = guard.judge(request);
  if (verdict instanceof Promise) throw new Error(`the guard asks its control plane about ${request.url}`);
  return verdict;
}

/** A request with these headers. */
export function requestOf(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): GuardRequest {
  return { method, url, header: (name) => headers[name] };
}
