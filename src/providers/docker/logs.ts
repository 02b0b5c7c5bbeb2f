/** Log lines of a container. */
import type { CallContext } from "../../call-context.ts";
import { isAtlasError } from "../../errors.ts";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import { textOfFrames } from "./frames.ts";
import type { Host } from "./host.ts";

/** The container's last lines, then, when following, every new line until it ends or the signal aborts. */
export async function* readLogs(
  { api }: Host,
  { name, providerId }: InstanceReference,
  { tail, follow }: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  try {
    const container = await api.container(providerId ?? name, context);
    if (container === undefined) return;
    const chunks = api.logs(container.Id, { tail, follow }, context);
    yield* linesOf(textOfFrames(chunks, container.Config.Tty ?? false));
  } catch (error) {
    if (!context.signal.aborted && !isEnd(error)) throw error;
  }
}

/** The daemon refuses the logs of a container that is being removed. */
function isEnd(error: unknown): boolean {
  if (!isAtlasError(error)) return false;
  return (
    error.code === "NOT_FOUND" || (error.status === 409 && /dead or marked for removal/.test(error.message))
  );
}

async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<LogLine, void, undefined> {
  let rest = "";
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.map(toLogLine);
  }
  if (rest !== "") yield toLogLine(rest);
}

const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s;

function toLogLine(text: string): LogLine {
  const [, stamp = "", line = text] = STAMPED.exec(text.replace(/\r$/, "")) ?? [];
  const at = new Date(stamp);
  return { line, source: "container", ...(Number.isNaN(at.getTime()) ? {} : { at }) };
}
