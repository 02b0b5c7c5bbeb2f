/** An error as the command line tells it. */
import type { AtlasError, CandidateRefusal } from "../errors.ts";
import { plain } from "./text.ts";

/** The text of an error: its message and the candidates that refused, or an RFC 9457 problem in one line. */
export function errorText(error: AtlasError, asJson: boolean): string {
  if (asJson) return `${JSON.stringify(error.toProblem())}\n`;
  const refusals = (error.candidates ?? []).map((refusal) => `  ${refusalText(refusal)}\n`);
  return `${plain(error.message)}\n${refusals.join("")}`;
}

/** A refusal in one line: the place, and its reason. */
export function refusalText({ provider, gpu, region, reason }: CandidateRefusal): string {
  const place = [provider, gpu, region].filter((part) => part !== undefined).join(" ");
  return plain(`${place}: ${reason}`);
}
