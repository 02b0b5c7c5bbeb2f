import type { IncomingMessage } from "node:http";
import type { Clock } from "../../clock.ts";
import type { Verdict } from "../verdict/request.ts";

/** Where a line for each request goes. */
export type RequestLog = (line: string) => void;

/** A line that is begun when a request comes and written when it is done. */
export interface RequestLine {
  /** What the guard made of it. */
  judged(verdict: Verdict): void;
  /** It is done, with this status. */
  write(status: number): void;
}

/** Begins the line of a request: method and path, and no query, which may be a credential. */
export function beginLine(request: IncomingMessage, clock: Clock, log: RequestLog): RequestLine {
  const { method, url = "" } = request;
  const begun = clock.now();
  const path = url.split("?", 1)[0];
  let reason: string | undefined;
  return {
    judged: (verdict) => {
      reason = verdict.kind === "refused" ? verdict.reason : undefined;
    },
    write: (status) => {
      const milliseconds = clock.now().getTime() - begun.getTime();
      log(JSON.stringify({ at: begun.toISOString(), method, path, status, milliseconds, reason }));
    },
  };
}
