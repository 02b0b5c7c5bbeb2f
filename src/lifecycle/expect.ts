/** The answer of a pod that a caller expects, and whether an answer is that. Pure. */
import { parseJson } from "../internal/json.ts";

/** The answer that proves that a pod is ready. Every part that is given must match. */
export interface ExpectedAnswer {
  /** The status, or several. @default 200 to 299 */
  readonly status?: number | readonly number[] | undefined;
  /** Headers by name, each with its exact value. */
  readonly header?: Readonly<Record<string, string>> | undefined;
  /** A text that the body contains, or a pattern that it matches. */
  readonly text?: string | RegExp | undefined;
  /** A part of the body's JSON: each of these fields, at any depth. */
  readonly json?: object | undefined;
}

/** An answer, as far as it was read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The first part of an answer that is not as expected, in words; `undefined` when all are. */
export function unexpected(answer: Answer, expected: ExpectedAnswer): string | undefined {
  const { header = {}, text, json } = expected;
  if (!isStatus(answer.status, expected.status)) return `status ${answer.status}`;
  const wrong = Object.entries(header).find(([name, value]) => answer.headers.get(name) !== value);
  if (wrong !== undefined) return `another header ${wrong[0]}`;
  if (typeof text === "string" && !answer.body.includes(text)) return "another text";
  // A pattern with the flag g remembers where it stopped, and would match only every other time.
  if (text instanceof RegExp && !new RegExp(text.source, text.flags.replace(/[gy]/g, "")).test(answer.body))
    return "another text";
  return json === undefined || contains(parseJson(answer.body), json) ? undefined : "another JSON";
}

function isStatus(came: number, expected: ExpectedAnswer["status"]): boolean {
  return expected === undefined ? came >= 200 && came <= 299 : [expected].flat().includes(came);
}

/** True when every field of the part is in the whole, at any depth. Arrays have to be equally long. */
function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null || Array.isArray(whole) !== Array.isArray(part))
    return false;
  if (Array.isArray(part) && Array.isArray(whole) && whole.length !== part.length) return false;
  return Object.entries(part).every(
    ([key, value]) => Object.hasOwn(whole, key) && contains(Reflect.get(whole, key), value),
  );
}
