/** Sends bytes to a server, and collects the answer, without an HTTP library in between. */
import { connect } from "node:net";

/** The time without a byte after which an answer counts as complete, and the time to wait for its first byte. */
const QUIET_MILLISECONDS = 120;
const SILENT_MILLISECONDS = 5000;

/** An answer as it came. */
export interface RawAnswer {
  readonly text: string;
  /** The status of the first answer; 0 for none. */
  readonly status: number;
}

/** Sends bytes, each character one, and resolves when the server has closed or has said no more for a while. */
export function exchange(port: number, bytes: string, isHalf = false): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0) });
    };
    let timer = setTimeout(end, isHalf ? 2 * QUIET_MILLISECONDS : SILENT_MILLISECONDS);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(end, QUIET_MILLISECONDS);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", end);
    socket.write(Buffer.from(bytes, "latin1"));
  });
}

/** Runs work for each item, so many at once. */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
