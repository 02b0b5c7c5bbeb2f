/** The control plane as pods reach it, and the guards that report to it. */
import { isPrivateHost } from "../../internal/addresses.ts";
import { readText } from "../../internal/http-body.ts";
import { parseJson } from "../../internal/json.ts";
import { userAgent, version } from "../../internal/user-agent.ts";
import { within } from "../../internal/within.ts";
import type { Context } from "../../lifecycle/context.ts";
import { liveStatuses } from "../../store.ts";
import { counted } from "../text.ts";
import { check, type Finding } from "./finding.ts";
import { schemaFindings } from "./store.ts";

const TIMEOUT_SECONDS = 10;
const MAX_BYTES = 10_000;
/** The number of live computes whose guards are looked at, newest first. */
const MAX_COMPUTES = 1000;

/** Looks at the control plane's address. */
export async function controlPlaneFindings(parts: Context): Promise<readonly Finding[]> {
  const { warning } = check("control plane");
  const { controlUrl } = parts;
  if (controlUrl === undefined)
    return [
      warning(
        "the client has no controlUrl, so pods send no signs of life: only touch keeps them from idling, and tokens cannot change",
        "mount createControlPlane and set controlUrl in createAtlas; without it, set idleTimeoutSeconds by what your application touches",
      ),
    ];
  return [await healthFinding(parts, controlUrl), ...hostFinding(parts, controlUrl)];
}

async function healthFinding({ clock, fetch }: Context, controlUrl: string): Promise<Finding> {
  const { ok, problem } = check("control plane");
  const error = (): Error => new DOMException(`no answer within ${TIMEOUT_SECONDS} seconds`, "TimeoutError");
  try {
    return await within({ clock, seconds: TIMEOUT_SECONDS, error }, async (signal) => {
      const init = { redirect: "manual", signal, headers: { "user-agent": userAgent } } as const;
      const response = await fetch(`${controlUrl}/health`, init);
      if (isHealthy(await readText(response, MAX_BYTES))) return ok(`${controlUrl} answers`);
      return problem(
        `${controlUrl}/health answers ${response.status}, and not as a control plane does`,
        "set basePath of createControlPlane to the path of controlUrl, and let no login or redirect stand in front of it",
      );
    });
  } catch (failure) {
    const cause = Object(failure).cause ?? failure;
    const why = Object(cause).code ?? Object(cause).name ?? "no connection";
    return problem(
      `${controlUrl} cannot be reached from here (${why})`,
      "start the application, and check controlUrl, DNS and the certificate",
    );
  }
}

function isHealthy(text: string): boolean {
  try {
    return Object(parseJson(text)).status === "ok";
  } catch {
    // A page in HTML is no control plane.
    return false;
  }
}

/** A pod of a provider with an edge runs in another network: it reaches no private address of this one. */
function hostFinding({ providers }: Context, controlUrl: string): readonly Finding[] {
  const remote = providers.filter(({ edge }) => edge !== undefined).map(({ name }) => name);
  if (remote.length === 0 || !isPrivateHost(new URL(controlUrl).hostname)) return [];
  const { problem } = check("control plane");
  return [
    problem(
      `pods of ${remote.join(" and ")} cannot reach ${controlUrl}, a private address`,
      "set controlUrl to a public https address, in development that of a tunnel",
    ),
  ];
}

/** Looks at the versions of the guards in the newest live pods. */
export async function guardFindings({ store, namespace }: Context): Promise<readonly Finding[]> {
  const { ok, warning } = check("guards");
  if ((await schemaFindings(store)).isBehind) return [];
  const statuses = liveStatuses;
  const records = await store.list({ namespace, statuses }, { limit: MAX_COMPUTES });
  const told = records.map(({ reports }) => versionIn(reports.status)).filter((found) => found !== undefined);
  if (told.length === 0) return [];
  const others = [...new Set(told)].filter((found) => found !== version);
  const words = [...new Set(told)].map(
    (found) => `${told.filter((one) => one === found).length} of ${found}`,
  );
  if (others.length === 0)
    return [ok(`${counted(told.length, "pod")} reported the guard of this version, ${version}`)];
  return [
    warning(
      `pods report guards of other versions than ${version}: ${words.join(", ")}`,
      "build the images anew with this version of the guard; pods that run keep theirs until they end",
    ),
  ];
}

function versionIn(report: unknown): string | undefined {
  const { detail } = Object(report);
  return typeof detail === "string" ? /^guard (\d+\.\d+\.\d+\S*)/.exec(detail)?.[1] : undefined;
}
