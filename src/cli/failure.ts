/** An error as the command line tells it. */
import type { AtlasError, AtlasErrorCode, CandidateRefusal } from "../errors.ts";
import { plain } from "./text.ts";

/** The section about a code in the documentation that the package carries. */
export function helpFor(code: AtlasErrorCode): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}

/** The text of an error: its message, the candidates that refused and the section about its code, or an RFC 9457 problem in one line. */
export function errorText(error: AtlasError, asJson: boolean): string {
  const help = helpFor(error.code);
  if (asJson) return `${JSON.stringify({ ...error.toProblem(), help })}\n`;
  const refusals = (error.candidates ?? []).map((refusal) => `  ${refusalText(refusal)}\n`);
  return `${plain(error.message)}\n${refusals.join("")}(${error.code}: see ${help})\n`;
}

/** A refusal in one line: the place, and its reason. */
export function refusalText({ provider, gpu, region, reason }: CandidateRefusal): string {
  const place = [provider, gpu, region].filter((part) => part !== undefined).join(" ");
  return plain(`${place}: ${reason}`);
}
