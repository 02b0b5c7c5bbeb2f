/** The URLs of a compute's ports, plain and signed. */
import * as z from "zod/mini";
import { deriveSigningSecret } from "./auth/signed-url/secret.ts";
import { signUrl } from "./auth/signed-url/sign.ts";
import { AtlasError } from "./errors.ts";
import { defined } from "./internal/defined.ts";
import { describe, field, invalid, optional, parseFields } from "./internal/parse.ts";
import type { Context } from "./lifecycle/context.ts";
import type { Port } from "./provider.ts";
import type { ComputeRecord } from "./store.ts";

/** Options of a signed URL. */
export interface SignOptions {
  /** Validity in whole seconds. @default 3600 */
  readonly expiresInSeconds?: number | undefined;
}

const SIGN_FIELDS = {
  expiresInSeconds: optional(
    field(z.int().check(z.minimum(1), z.maximum(31_536_000)), "whole seconds from 1 to 31536000"),
  ),
};

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

/** A URL to sign. */
export interface Signing {
  readonly port: number;
  readonly path: string;
  readonly options: SignOptions;
  readonly secret?: string | undefined;
}

/** Signs a URL of a record's port; see {@link Compute.signUrl}. */
export function signedUrl({ signingKey, clock }: Context, record: ComputeRecord, signing: Signing): string {
  const { id, authSchemes } = record;
  if (!authSchemes.includes("signed-url"))
    throw new AtlasError(
      "VALIDATION",
      `compute ${id} takes no signed URLs: spawn it with auth: "signed-url"`,
      { computeId: id },
    );
  if (record.ports.some(({ internal, protocol }) => internal === signing.port && protocol !== "http"))
    throw invalid("signUrl", [
      { field: "port", received: `${signing.port}, a tcp port`, allowed: "an http port that was asked for" },
    ]);
  const { expiresInSeconds } = parseFields("The options of signUrl", SIGN_FIELDS, signing.options);
  const secret = signing.secret ?? (signingKey && deriveSigningSecret(signingKey, id));
  if (secret === undefined)
    throw new AtlasError(
      "KEY_UNAVAILABLE",
      `only the handle that spawned compute ${id} can sign its URLs: set signingKey in createAtlas to sign at any time`,
      { computeId: id },
    );
  return signUrl(urlOf(record, signing.port, signing.path), {
    secret,
    now: clock.now(),
    ...defined({ expiresInSeconds }),
  });
}
