import type { IncomingMessage } from "node:http";
import type { Clock } from "../../clock.ts";
import type { GuardVerdict } from "../verdict/request.ts";

/** Takes one line for each request. */
export type RequestLog = (line: string) => void;

/** A log line that begins with a request and is written at its end. */
export interface RequestLine {
  /** Notes the verdict. */
  judged(verdict: GuardVerdict): void;
  /** Writes the line with the final status. */
  write(status: number): void;
}

/** Begins the line of a request: method and path. The query stays out, because it may be a credential. */
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
