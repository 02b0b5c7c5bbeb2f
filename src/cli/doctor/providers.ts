/** The providers: keys, accounts, and the instances that they show. */
import type { CallContext } from "../../call-context.ts";
import { type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import type { Context } from "../../lifecycle/context.ts";
import type { Provider } from "../../provider.ts";
import type { RunpodBalance, RunpodExtras } from "../../providers/runpod/index.ts";
import { counted, dollars, duration, plain } from "../text.ts";
import { check, type Finding } from "./finding.ts";

/** The advice about a refusal, by its code. */
const ADVICE: Partial<Readonly<Record<AtlasErrorCode, string>>> = {
  AUTH_ERROR: "make a new key in the provider's console, and set it where this process runs",
  FORBIDDEN: "give the key the rights that the provider's guide names: it must list, create and delete",
  VALIDATION: "set the variable or the option that the message names",
  BILLING: "add credit in the provider's console, before it ends pods by itself",
  RATE_LIMIT: "wait a minute and run doctor again; look for another process with the same key",
  TRANSPORT: "check the network, the proxy and the daemon's address",
  TIMEOUT: "check the network, and the provider's status page",
};
const DAY = 86_400;
const CREDIT_ADVICE =
  "look at the balance in the provider's console: it ends pods by itself when none is left";
const OTHER_ADVICE = "look at the provider's status page, and run doctor again";

/** Looks at every provider. */
export async function providerFindings(parts: Context): Promise<readonly Finding[]> {
  const { problem } = check("providers");
  if (parts.providers.length === 0)
    return [problem("the client has no provider", "pass providers to createAtlas, or --provider")];
  return (await Promise.all(parts.providers.map((provider) => findingsOf(parts, provider)))).flat();
}

async function findingsOf({ namespace, timing }: Context, provider: Provider): Promise<readonly Finding[]> {
  const { ok, problem } = check(provider.name);
  const { requestTimeoutSeconds } = timing;
  const context = { signal: AbortSignal.timeout(requestTimeoutSeconds * 1000), requestTimeoutSeconds };
  try {
    const instances = await provider.list({ namePrefix: `atlas-${namespace}-` }, context);
    const account = await provider.account?.(context);
    const of = account === undefined ? "" : ` of ${plain(account)}`;
    return [
      ok(
        `the account${of} answers, and shows ${counted(instances.length, "instance")} of namespace "${namespace}"`,
      ),
      ...(await catalogueFinding(provider, context)),
      ...(await balanceFinding(provider, context)),
    ];
  } catch (error) {
    const code = isAtlasError(error) ? error.code : "PROVIDER";
    const message = isAtlasError(error)
      ? plain(error.message)
      : "it failed with an error that is none of its own";
    return [problem(message, ADVICE[code] ?? OTHER_ADVICE, code)];
  }
}

/** A provider that tells its account's credit. */
type Prepaid = Provider & Pick<RunpodExtras, "balance">;

function isPrepaid(provider: Provider): provider is Prepaid {
  return "balance" in provider;
}

/** A key that may spawn may still not read the balance, which is no fault of the key. */
async function balanceFinding(provider: Provider, context: CallContext): Promise<readonly Finding[]> {
  if (!isPrepaid(provider)) return [];
  const { warning } = check(provider.name);
  try {
    return [creditFinding(provider.name, await provider.balance(context))];
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    return [warning(`its balance is not known: ${plain(error.message)}`, CREDIT_ADVICE)];
  }
}

function creditFinding(name: string, { dollars: left, dollarsPerHour }: RunpodBalance): Finding {
  const { ok, warning, problem } = check(name);
  if (left <= 0) return problem("no credit is left", CREDIT_ADVICE);
  if (dollarsPerHour <= 0) return ok(`${dollars(left)} are left, and nothing is spent now`);
  const seconds = (left / dollarsPerHour) * 3600;
  const message = `${dollars(left)} are left, which last for ${duration(seconds)} at ${dollars(dollarsPerHour)} an hour`;
  return seconds < DAY ? warning(message, CREDIT_ADVICE) : ok(message);
}

/** The key may list pods and still not read the prices, without which no pod is placed. */
async function catalogueFinding(provider: Provider, context: CallContext): Promise<readonly Finding[]> {
  if (provider.listGpuTypes === undefined) return [];
  const { ok } = check(provider.name);
  const types = await provider.listGpuTypes(context);
  const free = types.filter(({ stock }) => stock !== "none").length;
  return [ok(`it lists ${counted(types.length, "GPU type")}, ${free} of which may be free`)];
}
