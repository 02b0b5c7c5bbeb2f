/** A socket in front of the daemon's, which drops some answers. */
import { connect, createServer, type Socket } from "node:net";

/** A socket that listens. */
export interface DroppingSocket extends AsyncDisposable {
  readonly dropped: () => number;
  /** Drops nothing from now on. */
  heal(): void;
}

/** Listens at `path` and passes every connection on to `target`. Of this share of the connections it cuts off the answer. */
export async function dropAnswers(
  path: string,
  target: string,
  share: number,
  random: () => number,
): Promise<DroppingSocket> {
  let dropped = 0;
  let isHealed = false;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const daemon = connect(target);
    const cut = (): void => {
      client.destroy();
      daemon.destroy();
    };
    for (const socket of [client, daemon]) {
      open.add(socket);
      socket.on("error", cut).on("close", () => open.delete(socket));
    }
    client.pipe(daemon);
    daemon.once("data", (first) => {
      if (!isHealed && random() < share) {
        dropped += 1;
        return cut();
      }
      client.write(first);
      daemon.pipe(client);
    });
    daemon.on("close", () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    dropped: () => dropped,
    heal: () => {
      isHealed = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
