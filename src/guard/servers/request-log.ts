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

const ORIGIN = /^https?:\/\/[^/?]*/i;
const SIGNED_PREFIX = /^\/\.atlas\/.*/;

/** The path of a target for the log. The query and a signed prefix stay out, because they may be credentials. */
function loggedPath(target: string): string | undefined {
  return target.split("?", 1)[0]?.replace(ORIGIN, "").replace(SIGNED_PREFIX, "/.atlas/…");
}

/** Begins the line of a request: method and path. */
export function beginLine(request: IncomingMessage, clock: Clock, log: RequestLog): RequestLine {
  const { method, url = "" } = request;
  const begun = clock.now();
  const path = loggedPath(url);
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
