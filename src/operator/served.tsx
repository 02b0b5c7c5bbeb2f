/** One request: the operator's rights first, then the answer, and a page for every failure. */
import type { Context } from "hono";
import { AtlasError, isAtlasError } from "../errors.ts";
import { admit } from "./access.ts";
import { newNonce, page } from "./answer.ts";
import { linksBelow } from "./links.ts";
import type { Desk, Operator, OperatorRole } from "./options.ts";
import { mismatchOf } from "./ownership.ts";
import { ErrorPage, type Frame } from "./views/layout.tsx";

/** A request that was let in, and its operator. */
export interface Visit {
  readonly desk: Desk;
  readonly request: Request;
  readonly operator: Operator;
  readonly frame: Frame;
  /** The value of a name in the path. */
  param(name: string): string;
}

/** Answers a request. */
export type Answer = (visit: Visit) => Promise<Response>;

/** Lets a request in by its role, and answers it. It never throws. */
export async function served(
  desk: Desk,
  { req }: Context,
  role: OperatorRole,
  answer: Answer,
): Promise<Response> {
  const frame: Frame = { links: linksBelow(desk.basePath), nonce: newNonce() };
  let operator: Operator | undefined;
  try {
    operator = await admit(desk, req.raw, role);
    const mismatch = await mismatchOf(desk.atlas);
    const param = (name: string): string => req.param(name) ?? "";
    return await answer({ desk, request: req.raw, operator, frame: { ...frame, operator, mismatch }, param });
  } catch (error) {
    const { status, title, code, detail } = problemOf(desk, error);
    return page(
      status,
      frame.nonce,
      <ErrorPage frame={{ ...frame, operator }} title={title} code={code} message={detail} />,
    );
  }
}

function problemOf({ logger }: Desk, thrown: unknown): ReturnType<AtlasError["toProblem"]> {
  if (isAtlasError(thrown)) return thrown.toProblem();
  logger?.error("the operator page failed", {
    error: thrown instanceof Error ? thrown.stack : "not an Error",
  });
  return new AtlasError("UNAVAILABLE", "The page failed. The log of the application says why.").toProblem();
}
