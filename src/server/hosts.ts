/**
 * The names under which browsers reach an application. A page can point its own name at another machine's address (DNS rebinding): a browser then
 * takes that machine's application for the page's own origin. Its cookies stay with the real name, so only an application that asks for none is
 * in danger.
 */
import { AtlasError } from "../errors.ts";
import { isAddress, isPrivateHost } from "../internal/addresses.ts";

/** A name as `Host` has it, without a port; `*.` in front stands for every name below. */
const NAME = /^(?:\*\.)?(?!-)[a-z\d-]+(?:\.[a-z\d-]+)*$/;

/** The words for a name or a pattern. */
export const HOST_ALLOWED = 'host names without a port, such as "app.example" or "*.preview.example"';

/** The parts of {@link Hosts}. */
export interface HostOptions {
  /** The only names of the application. Without a list, a name decides only where `authorize` needs no credential. */
  readonly hosts: readonly string[] | undefined;
  /** Returns addresses and origins that belong to the application. */
  readonly known: () => readonly (string | undefined)[];
  /** Lets a request in, or returns null or undefined. */
  readonly authorize: (request: Request) => unknown;
  /** The function whose option lists the names. */
  readonly factory: string;
}

/** True for the text of a host name, or of a pattern of names. */
export function isHostName(text: string): boolean {
  return NAME.test(text);
}

/** Refuses requests for a name that is not the application's. */
export class Hosts {
  readonly #options: HostOptions;
  /** True when `authorize` lets a request in that has no header. */
  #isOpen: boolean | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /**
   * Refuses a request that was let in, and whose host may be a stranger's name for this machine. No stranger can own an address or a name of a
   * private network, or have a certificate for one of ours.
   * @throws FORBIDDEN
   */
  async refuseForeign(request: Request): Promise<void> {
    const { hosts, factory } = this.#options;
    const name = nameOf(request);
    if (name !== undefined && (isAddress(name) || isPrivateHost(name) || this.#isListed(name))) return;
    if (hosts === undefined && !(await this.#isInDanger(request))) return;
    throw new AtlasError(
      "FORBIDDEN",
      `The host ${JSON.stringify(name?.slice(0, 200) ?? "")} is not a name of this application. List it in ${factory}({ hosts: [] }), or let authorize ask for a credential.`,
    );
  }

  #isListed(name: string): boolean {
    const { hosts = [], known } = this.#options;
    const places = known().map((address) => URL.parse(address ?? "")?.hostname);
    return [...hosts, ...places].some((one) =>
      one?.startsWith("*.") ? name.endsWith(one.slice(1)) : name === one,
    );
  }

  /** True for a request that a page may have sent and that shows no credential: each request of a browser names a host, and one that the application made itself need not. */
  async #isInDanger(request: Request): Promise<boolean> {
    return request.headers.has("host") && !isOverTls(request) && (await this.#needsNoCredential(request));
  }

  /** Asks `authorize` until it has answered once. An error is no answer. */
  async #needsNoCredential({ url, method }: Request): Promise<boolean> {
    if (this.#isOpen !== undefined) return this.#isOpen;
    try {
      const found = await this.#options.authorize(new Request(url, { method }));
      this.#isOpen = found !== null && found !== undefined;
    } catch {
      return false;
    }
    return this.#isOpen;
  }
}

/** The host that a browser asked for, without its port. */
function nameOf({ headers, url }: Request): string | undefined {
  const host = headers.get("host");
  return URL.parse(host === null ? url : `http://${host}`)?.hostname.replace(/\.$/, "");
}

/** True for a request over TLS, for which a browser has checked the name. A caller can forge the header of a proxy, which makes some frameworks say https. */
function isOverTls({ headers, url }: Request): boolean {
  return url.startsWith("https:") && !headers.has("x-forwarded-proto") && !headers.has("forwarded");
}
