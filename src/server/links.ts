/** Routes that give a signed-in user a credential of an own compute: a signed URL or folder, a link for a tab, one more token. */
import * as z from "zod/mini";
import type { Compute } from "../compute.ts";
import { AtlasError } from "../errors.ts";
import { type Field, field, optional, parseFields } from "../internal/parse.ts";
import { json } from "./answer.ts";
import type { BodyRule } from "./body.ts";
import { ownCompute, type UserCall } from "./computes.ts";

const MAX_SIGNED_SECONDS = 604_800;
const MAX_LINK_SECONDS = 300;

const path = field(z.string().check(z.maxLength(2000)), 'a path that begins with "/", up to 2000 characters');
const port = optional(field(z.int(), "a port of the compute"));

const SIGN_FIELDS = {
  path,
  port,
  expiresInSeconds: secondsField(MAX_SIGNED_SECONDS),
  prefix: optional(field(z.boolean(), "true for a folder, whose path ends with /")),
};

const OPEN_FIELDS = { path: optional(path), port, expiresInSeconds: secondsField(MAX_LINK_SECONDS) };

/** The path or folder to sign, and for how long. */
interface SignBody {
  readonly path: string;
  readonly port?: number;
  readonly expiresInSeconds?: number;
  readonly prefix?: boolean;
}

/** The path to open in a tab, and how long the link works. */
interface OpenBody {
  readonly path?: string;
  readonly port?: number;
  readonly expiresInSeconds?: number;
}

/** The rule for the body of `signed-url`. */
export const signUrlBody: BodyRule<SignBody> = {
  maxBytes: 4096,
  parse: (input) => parseFields("The body", SIGN_FIELDS, input),
};

/** The rule for the body of `open`. */
export const openBody: BodyRule<OpenBody> = {
  maxBytes: 4096,
  parse: (input) => parseFields("The body", OPEN_FIELDS, input === undefined ? {} : input),
};

/** Signs a URL or a folder of a port for a limited time, for clients that cannot send headers. */
export async function signUrl(call: UserCall<SignBody>): Promise<Response> {
  const { path: target, port: number, prefix = false, ...options } = call.body;
  const compute = await ownCompute(call);
  const at = number ?? firstHttpPort(compute);
  const url = prefix ? compute.signPrefix(at, target, options) : compute.signUrl(at, target, options);
  const { pathname, searchParams } = new URL(url);
  const exp = prefix ? pathname.split("/")[2]?.split(".", 1)[0] : searchParams.get("exp");
  return json(200, { url, expiresAt: isoTime(exp) });
}

/** Signs a link that opens a port in a browser tab. */
export async function openInTab(call: UserCall<OpenBody>): Promise<Response> {
  const { path: target, port: number, ...options } = call.body;
  const compute = await ownCompute(call);
  const url = compute.openUrl(number ?? firstHttpPort(compute), target, options);
  return json(200, { url, expiresAt: isoTime(new URL(url).searchParams.get("exp")) });
}

/** Adds a token, for a page that was reloaded or a second device. */
export async function addToken(call: UserCall): Promise<Response> {
  const { id } = await ownCompute(call);
  const { token, hash } = await call.plane.atlas.addToken(id);
  return json(201, { token, hash });
}

function firstHttpPort({ id, ports }: Compute): number {
  const found = ports.find(({ protocol }) => protocol === "http");
  if (found !== undefined) return found.internal;
  throw new AtlasError("VALIDATION", `compute ${id} has no http port to sign a URL of`, { computeId: id });
}

function isoTime(unixSeconds: string | null | undefined): string {
  return new Date(Number(unixSeconds) * 1000).toISOString();
}

function secondsField(maximum: number): Field<z.ZodMiniOptional<z.ZodMiniNumberFormat>> {
  const schema = z.int().check(z.minimum(1), z.maximum(maximum));
  return optional(field(schema, `a whole number of seconds from 1 to ${maximum}`));
}
