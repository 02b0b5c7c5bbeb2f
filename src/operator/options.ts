/** The options of the operator page. */
import * as z from "zod/mini";
import type { Atlas } from "../atlas.ts";
import { type Clock, systemClock } from "../clock.ts";
import { basePathField, callable, clockField, hasMethods, loggerField } from "../internal/option-fields.ts";
import { field, parseFields } from "../internal/parse.ts";
import type { Logger } from "../lifecycle/context.ts";
import { Hosts } from "../server/hosts.ts";
import { hostsField } from "../server/hosts-field.ts";

/** The rights of an operator: `view` reads everything that the page shows, `act` also changes and ends computes. */
export type OperatorRole = "view" | "act";

/** A person with access to the page. */
export interface Operator {
  /** The name that the page and the log show, 1 to 200 characters. */
  readonly operator: string;
  readonly role: OperatorRole;
}

/** Options of `createOperatorPage`. */
export interface OperatorPageOptions {
  /** The client whose computes the page shows. */
  readonly atlas: Atlas;
  /**
   * Returns the operator that a request's cookie or header proves. With `null` or `undefined` the response is 401. It must not read the request's
   * body. An error is logged and becomes a 503. A failure never lets a request in.
   */
  authorize(request: Request): Operator | null | undefined | Promise<Operator | null | undefined>;
  /**
   * The names under which browsers reach the page, without a port; requests for another name are 403. Without a list this applies where `authorize`
   * needs no credential and the request did not come over TLS. @default none
   */
  readonly hosts?: readonly string[] | undefined;
  /** The path at which browsers reach the page, such as `/operator`. A framework that strips it from the request does no harm. @default "" */
  readonly basePath?: string | undefined;
  /** Receives every action with the operator's name, and every failure; `console` is one. @default no logger */
  readonly logger?: Logger | undefined;
  /** The source of time. @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The parsed options, which every part of the page works with. */
export interface Desk extends Pick<OperatorPageOptions, "atlas" | "authorize"> {
  readonly hosts: Hosts;
  readonly basePath: string;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

const FIELDS = {
  atlas: field(
    z.custom<Atlas>(hasMethods("listComputes", "totals", "costs", "terminate", "reap")),
    "a client that createAtlas made",
  ),
  authorize: field(callable<OperatorPageOptions["authorize"]>(), "a function that returns the operator"),
  hosts: hostsField,
  basePath: basePathField,
  logger: loggerField<Logger>(),
  clock: clockField,
};

/** Parses the options of `createOperatorPage`. @throws VALIDATION */
export function toDesk(options: OperatorPageOptions): Desk {
  const {
    basePath = "",
    clock = systemClock,
    hosts,
    ...rest
  } = parseFields("The options of createOperatorPage", FIELDS, options);
  const { atlas, authorize, logger } = rest;
  const names = new Hosts({
    hosts,
    known: () => [atlas.controlUrl],
    authorize,
    factory: "createOperatorPage",
  });
  return { atlas, authorize, logger, clock, hosts: names, basePath: basePath.replace(/\/$/, "") };
}
