/** Taking a secret in: asked for where a person sits, else read from standard input. Never from the arguments, which others can read. */
import type { Readable } from "node:stream";
import { AtlasError } from "../errors.ts";

/** Asks for a secret, or reads it. */
export type ReadSecret = (question: string) => Promise<string>;

const MAX_CHARACTERS = 65_536;

/** Reads secrets of the person or the program that started this process. Questions go to standard error. */
export const readSecret: ReadSecret = async (question) =>
  process.stdin.isTTY ? askFor(question) : secretIn(process.stdin);

async function askFor(question: string): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({ message: question, output: process.stderr });
  if (isCancel(answer)) throw new AtlasError("VALIDATION", "Nothing was changed: no secret was given.");
  return answer;
}

/** The one line that a stream holds, without the line break that `echo` and editors put behind it. */
export async function secretIn(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_CHARACTERS)
      throw new AtlasError("VALIDATION", "What came on standard input is too long for a secret.");
  }
  return text.replace(/\r?\n$/, "");
}
