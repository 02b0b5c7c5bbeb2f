/** The Python guard's life behind the servers that people run: its calls to the control plane and the end of its pod. */
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { hashToken, mintToken } from "../../src/auth/index.ts";
import { version } from "../../src/internal/user-agent.ts";
import { waitFor } from "./support/proxied.ts";
import {
  PYTHON_SERVERS,
  type PythonServer,
  pythonWithServers,
  startPython,
} from "./support/python-servers.ts";
import { start } from "./support/servers.ts";

const TOKEN = mintToken().token;

/** A control plane over HTTP that accepts {@link TOKEN}. */
interface ServedPlane extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  /** The reports of the status. */
  readonly reports: string[];
  deadline: string | null;
}

async function servePlane(): Promise<ServedPlane> {
  const hashes = [{ hash: hashToken(TOKEN), expiresAt: null }];
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    if (request.url === "/pod/status") {
      plane.reports.push(`${request.headers.authorization} ${body}`);
      return response.writeHead(204).end();
    }
    const facts = { computeId: "c1", revision: 1, hashes, generation: 0, deadline: plane.deadline };
    return response.end(JSON.stringify({ ...facts, now: new Date().toISOString() }));
  });
  const url = `http://127.0.0.1:${await start(server)}`;
  const plane: ServedPlane = {
    env: { ATLAS_CONTROL_URL: url, ATLAS_POD_TOKEN: "t", ATLAS_COMPUTE_ID: "c1" },
    reports: [],
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

const python = pythonWithServers() ?? "";
const named = (servers: readonly PythonServer[]) => servers.map((one) => [one.name, one] as const);

describe.skipIf(python === "").concurrent("the Python guard", () => {
  it.each(named(PYTHON_SERVERS))(
    "behind %s reports that it listens without any caller, and ends every process of the server after the control plane's deadline",
    async (_, server) => {
      await using plane = await servePlane();
      await using running = await startPython(python, server, { ...plane.env, DEAD_MAN: "1" });
      await waitFor(() => plane.reports.length > 0);
      const report = { status: "ready", detail: `guard ${version} (python)` };
      expect(plane.reports).toEqual([`Bearer t ${JSON.stringify(report).replaceAll(/([:,])"/g, '$1 "')}`]);
      await waitFor(async () => (await statusOf(running.port, TOKEN)) === 200);
      plane.deadline = "2020-01-01T00:00:00Z";
      // A token that the guard does not know makes it ask at once.
      const late = statusOf(running.port, mintToken().token).catch(() => 0);
      await waitFor(() => !running.isRunning());
      await late;
      expect(plane.reports).toHaveLength(1);
    },
    30_000,
  );
});
