/** The program of a control plane on another origin than the page's: SQLite, and pods as processes of this machine. */
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { AtlasError, createAtlas } from "../../../src/index.ts";
import { local } from "../../../src/providers/local/index.ts";
import { createControlPlane } from "../../../src/server/index.ts";
import { sqliteStore } from "../../../src/stores/sqlite/index.ts";

const { PORT = "", FOLDER = "", PAGE_ORIGIN = "" } = process.env;
const POD = fileURLToPath(new URL("pod.ts", import.meta.url));

const atlas = createAtlas({
  providers: [local({ stateDirectory: join(FOLDER, "pods"), stopTimeoutSeconds: 1 })],
  store: sqliteStore(join(FOLDER, "atlas.db")),
  signingKey: "signing-key-of-thirty-two-characters",
  controlUrl: `http://127.0.0.1:${PORT}/api/atlas`,
});
atlas.startReaper({ everySeconds: 1 });

interface Wish {
  readonly fails?: boolean;
  readonly idleTimeoutSeconds?: number;
  readonly maxLifetimeSeconds?: number;
  readonly forbidden?: boolean;
}

const plane = createControlPlane({
  atlas,
  origins: [PAGE_ORIGIN],
  basePath: "/api/atlas",
  authorize: ({ headers }) => {
    const userId = /(?:^|; )user=(\w+)/.exec(headers.get("cookie") ?? "")?.[1];
    return userId === undefined ? null : { userId };
  },
  request: (_user, input) => {
    const { fails, forbidden, ...wish } = (input ?? {}) as Wish;
    if (forbidden) throw new AtlasError("FORBIDDEN", "your plan has no GPU");
    const program = "console.error('no CUDA device'); process.exit(3)";
    return {
      command: fails ? [process.execPath, "-e", program] : [process.execPath, POD],
      ports: [8000],
      auth: ["bearer", "signed-url", "cookie"],
      maxExtendedLifetimeSeconds: 7200,
      ...wish,
    };
  },
});
createServer(getRequestListener(plane)).listen(Number(PORT), "127.0.0.1", () => process.send?.("listening"));
