/** The corpus of raw requests, as data: `corpus.json`. */
import { readFileSync } from "node:fs";

/** A part of a request: text, each character of which is one byte, or a text that repeats. */
type Part = string | { readonly repeat: string; readonly times: number };

/** A raw request, and the verdict on it. */
export interface RawCase {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly bytes: Part | readonly Part[];
  readonly expect: "passes" | "refused" | "own" | "either";
  /** The target that the server behind sees. */
  readonly seen?: string;
  /** The credential that the server behind is told, where it is not the one of the request. */
  readonly credential?: string;
  /** The most requests that may reach the server behind. @default 1 */
  readonly requests?: number;
  /** The status of the guard's own answer. */
  readonly status?: number;
  /** True for a message that does not end, so that silence is an answer. */
  readonly half?: boolean;
}

/** The whole corpus. */
export interface Corpus {
  readonly token: string;
  readonly secret: string;
  readonly publicPaths: readonly string[];
  readonly cases: readonly RawCase[];
}

/** The corpus of the file. */
export const corpus: Corpus = JSON.parse(readFileSync(new URL("../corpus.json", import.meta.url), "utf8"));

/** The request of a case, each character of which is one byte. */
export function textOf({ bytes }: Pick<RawCase, "bytes">): string {
  return [bytes]
    .flat()
    .map((part) => (typeof part === "string" ? part : part.repeat.repeat(part.times)))
    .join("");
}
