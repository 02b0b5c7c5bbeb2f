/** A small web application: it signs users in, mounts the control plane, and decides which machines they may spawn. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Atlas, AtlasError, type SpawnRequest } from "atlas-compute";
import { type ControlPlaneUser, createControlPlane, createOperatorPage } from "atlas-compute/server";
import { Hono } from "hono";
import { setCookie } from "hono/cookie";

/** The path of the control plane. */
export const MOUNT = "/api/atlas";

/** The path of the page for operators. */
export const OPERATOR = "/operator";

/** A signed-in user, with the plan that this application adds. */
interface User extends ControlPlaneUser {
  readonly plan: "free" | "pro";
}

/** Options of the application. */
export interface ApplicationOptions {
  readonly atlas: Atlas;
  /** The secret that the cron presents. */
  readonly internalSecret: string;
}

const LIFETIME_SECONDS = { free: 300, pro: 3600 } as const;
const POD = fileURLToPath(new URL("pod.ts", import.meta.url));

/** The browser chooses a machine of its plan, and nothing else: this function decides command, port and deadlines. */
function toSpawnRequest({ plan }: User, input: unknown): SpawnRequest {
  const size = typeof input === "object" && input !== null && "size" in input ? input.size : "small";
  if (size !== "small" && size !== "large") throw new AtlasError("VALIDATION", 'size is "small" or "large"');
  if (size === "large" && plan === "free")
    throw new AtlasError("FORBIDDEN", "a large machine needs the pro plan");
  return {
    command: [process.execPath, POD],
    ports: [8000],
    auth: ["bearer", "signed-url"],
    idleTimeoutSeconds: 120,
    maxLifetimeSeconds: LIFETIME_SECONDS[plan],
    metadata: { size },
  };
}

/** Creates the application. Its sign-in checks no password: replace it with your own. */
export function createApplication({ atlas, internalSecret }: ApplicationOptions): Hono {
  const sessions = new Map<string, User>();
  const app = new Hono();

  app.get("/", (context) =>
    context.html(
      `<form method="post" action="/sign-in?user=grace-operator"><button>Sign in as an operator</button></form><a href="${OPERATOR}">Operator page</a>`,
    ),
  );
  app.post("/sign-in", (context) => {
    const userId = context.req.query("user") ?? "";
    if (!/^[\w-]{1,40}$/.test(userId)) return context.text("Name a user: /sign-in?user=ada\n", 422);
    const session = randomBytes(32).toString("base64url");
    sessions.set(session, { userId, plan: userId.endsWith("-pro") ? "pro" : "free" });
    setCookie(context, "session", session, { httpOnly: true, sameSite: "Lax", path: "/" });
    return context.text(`Signed in as ${userId}.\n`);
  });

  const controlPlane = createControlPlane<User>({
    atlas,
    authorize: (request) => sessions.get(sessionOf(request)),
    request: toSpawnRequest,
    internalSecret,
    basePath: MOUNT,
    logger: console,
  });
  app.all(`${MOUNT}/*`, ({ req }) => controlPlane(req.raw));

  const operatorPage = createOperatorPage({
    atlas,
    authorize: (request) => {
      const { userId } = sessions.get(sessionOf(request)) ?? {};
      return userId?.endsWith("-operator") ? { operator: userId, role: "act" } : null;
    },
    basePath: OPERATOR,
    logger: console,
  });
  app.all(`${OPERATOR}/*`, ({ req }) => operatorPage(req.raw));
  return app;
}

function sessionOf({ headers }: Request): string {
  return /(?:^|; )session=([\w-]{43})(?:;|$)/.exec(headers.get("cookie") ?? "")?.[1] ?? "";
}
