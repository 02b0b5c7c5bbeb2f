/** The Python guard's life behind the servers that people run: its calls to the control plane and the end of its pod. */
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { hashToken, mintToken } from "../../src/auth/index.ts";
import { waitFor } from "./support/proxied.ts";
import { PYTHON_SERVERS, pythonWithServers, startPython } from "./support/python-servers.ts";
import { start } from "./support/servers.ts";

const TOKEN = mintToken().token;

/** A control plane over HTTP that accepts {@link TOKEN}. */
interface ServedPlane extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  deadline: string | null;
}

async function servePlane(): Promise<ServedPlane> {
  const hashes = [{ hash: hashToken(TOKEN), expiresAt: null }];
  const server = createServer((request, response) => {
    const facts = { computeId: "c1", revision: 1, hashes, generation: 0, deadline: plane.deadline };
    request
      .resume()
      .on("end", () => response.end(JSON.stringify({ ...facts, now: new Date().toISOString() })));
  });
  const url = `http://127.0.0.1:${await start(server)}`;
  const plane: ServedPlane = {
    env: { ATLAS_CONTROL_URL: url, ATLAS_POD_TOKEN: "t", ATLAS_COMPUTE_ID: "c1" },
    deadline: null,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return plane;
}

const statusOf = async (port: number, token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}`, connection: "close" };
  const response = await fetch(`http://127.0.0.1:${port}/x`, { headers });
  await response.body?.cancel();
  return response.status;
};

const python = pythonWithServers();

describe.skipIf(python === undefined)("the Python guard", () => {
  it.concurrent.each(PYTHON_SERVERS.map((one) => [one.name, one] as const))(
    "behind %s ends its pod, with every process of the server, when the control plane's deadline has passed",
    async (_, server) => {
      await using plane = await servePlane();
      await using running = await startPython(python ?? "", server, { ...plane.env, DEAD_MAN: "1" });
      await waitFor(async () => (await statusOf(running.port, TOKEN)) === 200);
      plane.deadline = "2020-01-01T00:00:00Z";
      // A token that the guard does not know makes it ask at once.
      const late = statusOf(running.port, mintToken().token).catch(() => 0);
      await waitFor(() => !running.isRunning());
      await late;
      expect(running.isRunning()).toBe(false);
    },
    30_000,
  );
});
