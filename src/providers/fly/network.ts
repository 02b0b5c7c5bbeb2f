/**
 * The name of an app's private network, in which we note whose the app is and since when: an app has no metadata, and while no machine
 * is in it nothing else could tell.
 */

/** What a network's name says about its app. */
export interface NetworkNote {
  readonly owner: string;
  readonly createdAt: Date;
}

const DISTINCT_LENGTH = 8;

/** Letters, digits and dashes, a letter first: fly.io/docs/networking/custom-private-networks. */
const OWNER = /^[0-9A-Za-z-]{1,40}$/;

/** A network of its own for this app. An owner that a name cannot hold is left out. */
export function toNetworkName(app: string, owner: string, now: Date): string {
  const network = `${prefixOf(app)}${Math.floor(now.getTime() / 1000).toString(36)}`;
  return OWNER.test(owner) ? `${network}-${owner}` : network;
}

/** What the network's name says; `undefined` for one that is not ours, or has no owner. */
export function readNetworkName(app: string, network: string | undefined): NetworkNote | undefined {
  if (network === undefined || !network.startsWith(prefixOf(app))) return undefined;
  const match = /^([0-9a-z]{1,8})-(.+)$/.exec(network.slice(prefixOf(app).length));
  const [, seconds = "", owner = ""] = match ?? [];
  if (match === null) return undefined;
  return { owner, createdAt: new Date(Number.parseInt(seconds, 36) * 1000) };
}

/** The end of the app's name is random, and enough to tell networks apart. */
function prefixOf(app: string): string {
  return `atlas-${app.slice(-DISTINCT_LENGTH)}-`;
}
