/** The log of an instance: one line of output per line, each with its time and source in front. */
import { type FileHandle, open } from "node:fs/promises";
import type { LogLine } from "../../provider.ts";
import { codeOf } from "./process-identity.ts";

/** The maximum length of a line. Longer lines are cut into pieces, so that no program can fill a reader's memory. */
export const MAX_LINE = 16_384;

const BLOCK_BYTES = 65_536;
const NEWLINE = 10;
const TIME_LENGTH = "2026-01-01T00:00:00.000Z".length;
const SOURCES: Readonly<Record<string, LogLine["source"]>> = { C: "container", S: "system" };

/** Formats a line for the file: `<time> <C or S> <text>`. */
export function formatLine(source: LogLine["source"], line: string, at: Date): string {
  return `${at.toISOString()} ${source === "system" ? "S" : "C"} ${line}\n`;
}

/** Parses a line that {@link formatLine} wrote. */
export function parseLine(text: string): LogLine {
  const at = new Date(text.slice(0, TIME_LENGTH));
  const source = SOURCES[text.slice(TIME_LENGTH + 1, TIME_LENGTH + 2)] ?? "container";
  return { line: text.slice(TIME_LENGTH + 3), at, source };
}

/** Splits a stream of text into lines; the text after the last newline waits for the next piece, or for `flush`. */
export function lineSplitter(emit: (line: string) => void): { push(text: string): void; flush(): void } {
  let rest = "";
  const emitCut = (line: string): void => {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    for (let from = 0; from === 0 || from < text.length; from += MAX_LINE)
      emit(text.slice(from, from + MAX_LINE));
  };
  return {
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(emitCut);
      while (rest.length > MAX_LINE) {
        emit(rest.slice(0, MAX_LINE));
        rest = rest.slice(MAX_LINE);
      }
    },
    flush() {
      if (rest !== "") emitCut(rest);
      rest = "";
    },
  };
}

/** The offset at which the last lines of the file begin. */
export async function findTail(path: string, lines: number): Promise<number> {
  const offset = await withFile(path, (file) => scanBackwards(file, lines));
  return offset ?? 0;
}

async function scanBackwards(file: FileHandle, lines: number): Promise<number> {
  let end = (await file.stat()).size;
  let newlinesLeft = lines + 1;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = await readBlock(file, start, end - start);
    for (let index = block.length - 1; index >= 0; index -= 1)
      if (block[index] === NEWLINE && --newlinesLeft === 0) return start + index + 1;
    end = start;
  }
  return 0;
}

/** Reads the next whole lines from the offset, and returns the next offset. The list is empty when the log has no new line. */
export async function readLines(
  path: string,
  offset: number,
): Promise<{ readonly lines: readonly LogLine[]; readonly offset: number }> {
  const block = await withFile(path, (file) => readBlock(file, offset, 4 * BLOCK_BYTES));
  const end = block === undefined ? 0 : block.lastIndexOf(NEWLINE) + 1;
  if (block === undefined || end === 0) return { lines: [], offset };
  const texts = block.toString("utf8", 0, end - 1).split("\n");
  return { lines: texts.map(parseLine), offset: offset + end };
}

async function readBlock(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position });
  return buffer.subarray(0, bytesRead);
}

async function withFile<Result>(
  path: string,
  read: (file: FileHandle) => Promise<Result>,
): Promise<Result | undefined> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}
