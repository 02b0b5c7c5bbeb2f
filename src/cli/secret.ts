/** Reads a secret: a prompt on a terminal, else standard input. Arguments are never a source, because other processes can read them. */
import type { Readable } from "node:stream";
import { AtlasError } from "../errors.ts";

/** Asks for a secret on a terminal, or reads it from a stream. */
export type ReadSecret = (question: string) => Promise<string>;

const MAX_CHARACTERS = 65_536;

/** Reads a secret from this process's terminal or standard input. Questions go to standard error. */
export const readSecret: ReadSecret = async (question) =>
  process.stdin.isTTY ? askFor(question) : secretIn(process.stdin);

/** Reads several secrets: a prompt for each on a terminal, else a line of standard input for each. @throws VALIDATION for another number of lines */
export async function readSecrets(questions: readonly string[]): Promise<readonly string[]> {
  if (process.stdin.isTTY) return inTurn(questions);
  const lines = (await secretIn(process.stdin)).split(/\r?\n/);
  if (lines.length === questions.length) return lines;
  throw new AtlasError(
    "VALIDATION",
    `Standard input has ${lines.length} lines, and must have one for each of these: ${questions.join("; ")}.`,
  );
}

async function inTurn(questions: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const question of questions) answers.push(await askFor(question));
  return answers;
}

async function askFor(question: string): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({ message: question, output: process.stderr });
  if (isCancel(answer)) throw new AtlasError("VALIDATION", "No secret was given; nothing was changed.");
  return answer;
}

/** The text of a stream without its last line break, which `echo` and editors append. */
async function secretIn(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_CHARACTERS)
      throw new AtlasError(
        "VALIDATION",
        `Standard input has more than ${MAX_CHARACTERS} characters, which is too long for a secret.`,
      );
  }
  return text.replace(/\r?\n$/, "");
}
