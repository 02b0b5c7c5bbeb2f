import * as z from "zod/mini";
import type { Atlas } from "../atlas.ts";
import { type Clock, systemClock } from "../clock.ts";
import { callable, clockField, hasMethods } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import type { Logger } from "../lifecycle/context.ts";
import type { SpawnRequest } from "../request.ts";
import { RateLimiter } from "./rate-limiter.ts";

/** Who asks, as the application knows them. Whatever else the application puts here reaches its own `request`. */
export interface ControlPlaneUser {
  /** The one whose computes these are: 1 to 200 characters. */
  readonly userId: string;
}

/** What `createControlPlane` takes. */
export interface ControlPlaneOptions<User extends ControlPlaneUser = ControlPlaneUser> {
  /** The client. With `controlUrl`, the address this handler is mounted at, its pods can report here. */
  readonly atlas: Atlas;
  /**
   * Names the user that a request's cookie or header stands for, or nobody: then the answer is 401. It must not read the request's body.
   * An AtlasError keeps its code; whatever else it throws is logged and answered 503. Nobody is let in by a failure.
   */
  authorize(request: Request): User | null | undefined | Promise<User | null | undefined>;
  /**
   * Turns what the browser wishes, some JSON or nothing, into what is spawned: the application decides on image and GPU. `userId` is always
   * the one that `authorize` named, and an `idempotencyKey` is this user's own. To refuse, throw an AtlasError: VALIDATION, FORBIDDEN.
   */
  request(user: User, input: unknown): SpawnRequest | Promise<SpawnRequest>;
  /**
   * What services and crons present to `/internal`: 32 or more visible ASCII characters; several while it is being rotated.
   * Without one, `/internal` is closed.
   */
  readonly internalSecret?: string | readonly string[] | undefined;
  /** The path that it is mounted at, such as `/api/atlas`. @default "" */
  readonly basePath?: string | undefined;
  /** Where failures of the application's own callbacks, and broken streams, are told; `console` is one. @default nowhere */
  readonly logger?: Logger | undefined;
  /** What tells time. @default the machine's */
  readonly clock?: Clock | undefined;
}

/** What every part of the control plane works with. */
export interface Plane extends Pick<ControlPlaneOptions, "atlas" | "authorize" | "request"> {
  /** None: `/internal` is closed. */
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
  authorize: field(callable<ControlPlaneOptions["authorize"]>(), "a function that names the user"),
  request: field(callable<ControlPlaneOptions["request"]>(), "a function that makes the spawn request"),
  internalSecret: optional(
    field(
      z.union([secret, z.array(secret).check(z.minLength(1), z.maxLength(10))]),
      "32 or more visible ASCII characters, or up to 10 such strings; `openssl rand -base64 32` makes one",
      { secret: true },
    ),
  ),
  basePath: optional(
    field(
      z.string().check(z.regex(/^(?:\/[A-Za-z0-9._~-]+)*$/)),
      'a path such as "/api/atlas", without a slash at its end',
    ),
  ),
  logger: optional(
    field(
      z.custom<Logger>(hasMethods("debug", "info", "warn", "error")),
      "an object with debug, info, warn and error",
    ),
  ),
  clock: clockField,
};

/** The plane that these options describe. @throws VALIDATION */
export function toPlane<User extends ControlPlaneUser>(options: ControlPlaneOptions<User>): Plane {
  const {
    internalSecret = [],
    basePath = "",
    clock = systemClock,
    logger,
    ...callbacks
  } = parseFields("The options of createControlPlane", FIELDS, options);
  const limiter = new RateLimiter(clock);
  return { ...callbacks, internalSecrets: [internalSecret].flat(), basePath, clock, logger, limiter };
}
