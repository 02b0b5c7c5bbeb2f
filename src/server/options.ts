import * as z from "zod/mini";
import type { Atlas } from "../atlas.ts";
import { type Clock, systemClock } from "../clock.ts";
import { basePathField, callable, clockField, hasMethods, loggerField } from "../internal/option-fields.ts";
import { isOrigin } from "../internal/origins.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import type { Logger } from "../lifecycle/context.ts";
import type { SpawnRequest } from "../request.ts";
import { Hosts } from "./hosts.ts";
import { hostsField } from "./hosts-field.ts";
import { OpenStreams } from "./open-streams.ts";
import { RateLimiter } from "./rate-limiter.ts";

/** A signed-in user. Further properties that the application adds here reach its own `request` function. */
export interface ControlPlaneUser {
  /** The owner of the computes, 1 to 200 characters. */
  readonly userId: string;
}

/** Options of `createControlPlane`. */
export interface ControlPlaneOptions<User extends ControlPlaneUser = ControlPlaneUser> {
  /** The client. Set its `controlUrl` to the address of this handler, so that pods can report here. */
  readonly atlas: Atlas;
  /**
   * Returns the user that a request's cookie or header proves. With `null` or `undefined` the response is 401. It must not read the
   * request's body. An AtlasError keeps its code; any other error is logged and becomes a 503. A failure never lets a request in.
   */
  authorize(request: Request): User | null | undefined | Promise<User | null | undefined>;
  /**
   * Turns the browser's input, any JSON or nothing, into a spawn request: the application decides on image and GPU. `userId` is always the
   * one that `authorize` returned, and an `idempotencyKey` counts for this user only. To refuse, throw an AtlasError: VALIDATION, FORBIDDEN.
   */
  request(user: User, input: unknown): SpawnRequest | Promise<SpawnRequest>;
  /**
   * The secret that services and crons present to `/internal`: 32 or more visible ASCII characters, or several during a rotation.
   * Without a secret, `/internal` is closed.
   */
  readonly internalSecret?: string | readonly string[] | undefined;
  /**
   * Origins of other pages that may use the control plane with the user's cookies, such as `https://console.example`: exactly as browsers send
   * them. The pages of the handler's own host need no entry. Never list a pod's origin. @default []
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * The names under which browsers reach the handler, without a port: `app.example`, or `*.preview.example`. Requests of users for another name are 403;
   * addresses and names of a private network need no entry. Without a list this applies where `authorize` needs no credential and the request did
   * not come over TLS; the hosts of `controlUrl` and of `origins` are known. @default none
   */
  readonly hosts?: readonly string[] | undefined;
  /** The path of the handler, such as `/api/atlas`. @default "" */
  readonly basePath?: string | undefined;
  /** Receives every failure with its code and cause, of which browsers read only a neutral sentence; `console` is one. @default no logger */
  readonly logger?: Logger | undefined;
  /** The source of time. @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The parsed options, which every part of the control plane works with. */
export interface Plane extends Pick<ControlPlaneOptions, "atlas" | "authorize" | "request"> {
  /** The listed origins, beside the handler's own. */
  readonly origins: ReadonlySet<string>;
  /** The names of the application. */
  readonly hosts: Hosts;
  /** The open event streams. */
  readonly streams: OpenStreams;
  /** Empty where `/internal` is closed. */
  readonly internalSecrets: readonly string[];
  readonly logger: Logger | undefined;
  readonly clock: Clock;
  readonly limiter: RateLimiter;
  readonly basePath: string;
}

const secret = z.string().check(z.regex(/^[\x21-\x7e]{32,4096}$/));

const FIELDS = {
  atlas: field(
    z.custom<Atlas>(hasMethods("spawnCompute", "findByPodToken", "recordReport", "reap")),
    "a client that createAtlas made",
  ),
  authorize: field(callable<ControlPlaneOptions["authorize"]>(), "a function that returns the user"),
  request: field(callable<ControlPlaneOptions["request"]>(), "a function that returns the spawn request"),
  internalSecret: optional(
    field(
      z.union([secret, z.array(secret).check(z.minLength(1), z.maxLength(10))]),
      "32 or more visible ASCII characters, or up to 10 such strings; `openssl rand -base64 32` makes one",
      { secret: true },
    ),
  ),
  origins: optional(
    field(
      z.array(z.string().check(z.refine(isOrigin))).check(z.maxLength(100)),
      'up to 100 origins as a browser sends them, such as "https://console.example", without a path and without *',
    ),
  ),
  hosts: hostsField,
  basePath: basePathField,
  logger: loggerField<Logger>(),
  clock: clockField,
};

/** Parses the options of `createControlPlane`. @throws VALIDATION */
export function toPlane<User extends ControlPlaneUser>(options: ControlPlaneOptions<User>): Plane {
  const {
    internalSecret = [],
    basePath = "",
    origins = [],
    hosts,
    clock = systemClock,
    logger,
    ...callbacks
  } = parseFields("The options of createControlPlane", FIELDS, options);
  const limiter = new RateLimiter(clock);
  return {
    ...{ ...callbacks, clock, logger, limiter },
    internalSecrets: [internalSecret].flat(),
    basePath: basePath.replace(/\/$/, ""),
    origins: new Set(origins),
    hosts: new Hosts({
      hosts,
      known: () => [callbacks.atlas.controlUrl, ...origins],
      authorize: callbacks.authorize,
      factory: "createControlPlane",
    }),
    streams: new OpenStreams(),
  };
}
