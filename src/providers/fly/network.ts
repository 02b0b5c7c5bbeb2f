/**
 * The name of an app's private network, which holds the app's owner and the time of its create: an app has no metadata, and before it
 * has a machine nothing else can hold them.
 */

/** The facts that a network's name holds about its app. */
export interface NetworkNote {
  readonly owner: string;
  readonly createdAt: Date;
}

const DISTINCT_LENGTH = 8;

/** Letters, digits and dashes, a letter first: fly.io/docs/networking/custom-private-networks. */
const OWNER = /^[0-9A-Za-z-]{1,40}$/;

/** The name of a new network for this app. Leaves out an owner that a name cannot hold. */
export function toNetworkName(app: string, owner: string, now: Date): string {
  const network = `${prefixOf(app)}${Math.floor(now.getTime() / 1000).toString(36)}`;
  return OWNER.test(owner) ? `${network}-${owner}` : network;
}

/** Reads the facts in a network's name; `undefined` for a name that did not come from {@link toNetworkName}, or has no owner. */
export function readNetworkName(app: string, network: string | undefined): NetworkNote | undefined {
  if (network === undefined || !network.startsWith(prefixOf(app))) return undefined;
  const match = /^([0-9a-z]{1,8})-(.+)$/.exec(network.slice(prefixOf(app).length));
  const [, seconds = "", owner = ""] = match ?? [];
  if (match === null) return undefined;
  return { owner, createdAt: new Date(Number.parseInt(seconds, 36) * 1000) };
}

/** The prefix of the network's name. The end of the app's name is random, which is enough to distinguish networks. */
function prefixOf(app: string): string {
  return `atlas-${app.slice(-DISTINCT_LENGTH)}-`;
}
