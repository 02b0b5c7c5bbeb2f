/** The Machines API, a function for each request. */

import type { CallContext } from "../../call-context.ts";
import { createHttpClient, type HttpClient, type HttpRequest, unlessNotFound } from "../../internal/http.ts";
import type { FlySettings } from "./options.ts";
import { classifyRefusal } from "./refusals.ts";
import {
  type Address,
  type AddressType,
  type App,
  type AppBody,
  addressListAnswer,
  appAnswer,
  appListAnswer,
  type ListedApp,
  type LogEntry,
  logsAnswer,
  type Machine,
  type MachineBody,
  machineAnswer,
  machineListAnswer,
  type OrgMachine,
  orgMachinesAnswer,
  type VolumeBody,
  volumeAnswer,
} from "./wire.ts";

/** A page of an organization's machines. */
export interface OrgMachinesPage {
  readonly machines: readonly OrgMachine[];
  readonly nextCursor: string | undefined;
  /** Regions that did not answer, so that their machines are missing. */
  readonly silentRegions: readonly string[];
}

/** A page of log entries, and the token of the next page. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly nextToken: string | undefined;
}

/** Requests to Fly. A request that reads one thing resolves to `undefined` when Fly says that the thing does not exist. */
export interface FlyApi {
  createApp(body: AppBody, context: CallContext): Promise<void>;
  app(app: string, context: CallContext): Promise<App | undefined>;
  /** The organization's apps, and their number as Fly counts them. */
  apps(org: string, context: CallContext): Promise<{ apps: readonly ListedApp[]; total: number | undefined }>;
  /** Deletes the app; `force` deletes its machines and volumes too. An absent app is success. */
  deleteApp(app: string, force: boolean, context: CallContext): Promise<void>;
  addresses(app: string, context: CallContext): Promise<readonly Address[]>;
  assignAddress(app: string, type: AddressType, context: CallContext): Promise<void>;
  /** Creates a volume and returns its id. */
  createVolume(app: string, body: VolumeBody, context: CallContext): Promise<string>;
  createMachine(app: string, body: MachineBody, context: CallContext): Promise<Machine>;
  machine(app: string, id: string, context: CallContext): Promise<Machine | undefined>;
  /** The app's machines, without destroyed ones; `undefined` when the app does not exist. */
  machines(app: string, context: CallContext): Promise<readonly Machine[] | undefined>;
  orgMachines(org: string, cursor: string | undefined, context: CallContext): Promise<OrgMachinesPage>;
  act(app: string, id: string, action: "start" | "stop" | "suspend", context: CallContext): Promise<void>;
  /** Waits for a state, for about half of the time limit of a request. @throws TIMEOUT when the machine does not reach it. */
  waitFor(app: string, id: string, state: "stopped" | "suspended", context: CallContext): Promise<void>;
  /** Deletes the machine, even a running one. An absent machine is success. */
  deleteMachine(app: string, id: string, context: CallContext): Promise<void>;
  logs(query: LogQuery, context: CallContext): Promise<LogPage>;
}

/** The log entries to read. */
export interface LogQuery {
  readonly app: string;
  readonly instance: string | undefined;
  readonly nextToken: string | undefined;
}

const read = (path: string, query: HttpRequest["query"] = {}): HttpRequest => ({
  method: "GET",
  path,
  query,
  idempotent: true,
});
const post = (path: string, json: unknown, secrets: readonly string[] = []): HttpRequest => ({
  method: "POST",
  path,
  json,
  secrets,
  idempotent: false,
});
const remove = (path: string, query: HttpRequest["query"] = {}): HttpRequest => ({
  method: "DELETE",
  path,
  query,
  idempotent: true,
});

const MIN_SECRET_ARGUMENT = 8;
const mayBeSecret = (argument: string): boolean => argument.length >= MIN_SECRET_ARGUMENT;

const appPath = (app: string): string => `/apps/${encodeURIComponent(app)}`;
const machinePath = (app: string, id: string): string => `${appPath(app)}/machines/${encodeURIComponent(id)}`;

/** Makes requests with these settings and credentials. */
export function createFlyApi(settings: FlySettings, authorization: () => string): FlyApi {
  const { fetch, clock } = settings;
  const common = {
    provider: "fly",
    headers: () => ({ authorization: authorization() }),
    classify: classifyRefusal,
    fetch,
    clock,
  };
  const http = createHttpClient({ ...common, baseUrl: settings.baseUrl });
  const logs = createHttpClient({ ...common, baseUrl: settings.logsBaseUrl });
  return { ...appRequests(http), ...machineRequests(http), ...logRequests(logs) };
}

function appRequests(
  http: HttpClient,
): Pick<
  FlyApi,
  "createApp" | "app" | "apps" | "deleteApp" | "addresses" | "assignAddress" | "createVolume" | "orgMachines"
> {
  return {
    createApp: (body, context) => http.send(post("/apps", body), context),
    app: (app, context) => unlessNotFound(http.read(read(appPath(app)), appAnswer, context)),
    apps: async (org, context) => {
      const { apps, total_apps } = await http.read(read("/apps", { org_slug: org }), appListAnswer, context);
      return { apps, total: total_apps ?? undefined };
    },
    deleteApp: async (app, force, context) => {
      await unlessNotFound(http.send(remove(appPath(app), force ? { force } : {}), context));
    },
    addresses: async (app, context) => {
      const { ips } = await http.read(read(`${appPath(app)}/ip_assignments`), addressListAnswer, context);
      return ips ?? [];
    },
    assignAddress: (app, type, context) =>
      http.send(post(`${appPath(app)}/ip_assignments`, { type }), context),
    createVolume: async (app, body, context) => {
      const volume = await http.read(post(`${appPath(app)}/volumes`, body), volumeAnswer, context);
      return volume.id;
    },
    orgMachines: async (org, cursor, context) => {
      const path = `/orgs/${encodeURIComponent(org)}/machines`;
      const page = await http.read(read(path, { limit: 1000, cursor }), orgMachinesAnswer, context);
      const { machines, next_cursor, error_regions } = page;
      return { machines, nextCursor: next_cursor || undefined, silentRegions: error_regions ?? [] };
    },
  };
}

function machineRequests(
  http: HttpClient,
): Pick<FlyApi, "createMachine" | "machine" | "machines" | "act" | "waitFor" | "deleteMachine"> {
  return {
    createMachine: (app, body, context) => {
      const { env, init } = body.config;
      const secrets = [...Object.values(env), ...(init?.cmd ?? []).filter(mayBeSecret)];
      return http.read(post(`${appPath(app)}/machines`, body, secrets), machineAnswer, context);
    },
    machine: (app, id, context) =>
      unlessNotFound(http.read(read(machinePath(app, id)), machineAnswer, context)),
    machines: (app, context) =>
      unlessNotFound(http.read(read(`${appPath(app)}/machines`), machineListAnswer, context)),
    act: (app, id, action, context) =>
      http.send({ method: "POST", path: `${machinePath(app, id)}/${action}`, idempotent: true }, context),
    waitFor: (app, id, state, context) => {
      const timeout = Math.min(60, Math.max(1, Math.floor(context.requestTimeoutSeconds / 2)));
      // No retries: Fly answers 408 when the wait is over.
      const request = { ...read(`${machinePath(app, id)}/wait`, { state, timeout }), idempotent: false };
      return http.send(request, context);
    },
    deleteMachine: async (app, id, context) => {
      await unlessNotFound(http.send(remove(machinePath(app, id), { force: true }), context));
    },
  };
}

function logRequests(logs: HttpClient): Pick<FlyApi, "logs"> {
  return {
    logs: async ({ app, instance, nextToken }, context) => {
      const query = { instance, next_token: nextToken };
      const request = read(`${appPath(app)}/logs`, query);
      const page = await unlessNotFound(logs.read(request, logsAnswer, context));
      return { entries: page?.data ?? [], nextToken: page?.meta?.next_token?.toString() || undefined };
    },
  };
}
