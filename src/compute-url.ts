/** The URLs of a compute's ports. */
import { AtlasError } from "./errors.ts";
import { describe, invalid } from "./internal/parse.ts";
import type { Port } from "./provider.ts";
import type { ComputeRecord } from "./store.ts";

/** Returns the URL of a record's port; see {@link Compute.url}. */
export function urlOf(record: ComputeRecord, number: number, path: string): string {
  const { id, ports } = record;
  const port = ports.find(({ internal }) => internal === number);
  if (port === undefined)
    throw invalid("url", [{ field: "port", received: describe(number), allowed: asked(ports) }]);
  if (!isPath(path))
    throw invalid("url", [
      {
        field: "path",
        received: describe(typeof path === "string" ? path.split("?")[0] : path),
        allowed: 'a path that begins with one "/"',
      },
    ]);
  if (port.headers !== undefined)
    throw new AtlasError(
      "UNSUPPORTED",
      `port ${number} of compute ${id} is reached only by requests with the header ${Object.keys(port.headers).join(", ")}, ` +
        "which a browser's navigation, WebSocket or <video> cannot send: see `ports`, or give each compute an address of its own",
      { computeId: id, provider: record.provider },
    );
  if (port.url === undefined)
    throw new AtlasError(
      "CONFLICT",
      `the address of port ${number} of compute ${id} is not known yet: wait until it is ready`,
      {
        computeId: id,
        retryable: true,
      },
    );
  return `${port.url}${path}`;
}

function isPath(path: unknown): boolean {
  return typeof path === "string" && (path === "" || /^\/(?!\/)[^\s\\]*$/.test(path));
}

function asked(ports: readonly Port[]): string {
  const list = ports.map(({ internal }) => internal).join(", ");
  return list === "" ? "none: the request asked for no ports" : `the ports that were asked for: ${list}`;
}
