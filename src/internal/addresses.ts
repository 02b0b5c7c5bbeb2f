/** Addresses that stay inside a private network. */
import type { BlockList } from "node:net";

/** RFC 6890 and RFC 4193: loopback, "this host", private, carrier-grade NAT, link-local, unique local. */
const PRIVATE_SUBNETS: readonly (readonly [address: string, prefix: number, family: "ipv4" | "ipv6"])[] = [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["::", 128, "ipv6"],
  ["::1", 128, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
];
/** Names that only a private network resolves: a single word, and the suffixes set aside for it (RFC 6762, RFC 9476, Kubernetes). */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:localhost|local|internal|lan|home\.arpa|svc|cluster\.local))$/;

let list: BlockList | undefined;

/** The module is loaded at its first use, because most programs that import the package never ask. */
function net(): typeof import("node:net") {
  return process.getBuiltinModule("node:net");
}

function privateAddresses(): BlockList {
  if (list !== undefined) return list;
  list = new (net().BlockList)();
  for (const [address, prefix, family] of PRIVATE_SUBNETS) list.addSubnet(address, prefix, family);
  return list;
}

/** True for an IPv4 or IPv6 address of a private network. An address mapped into IPv6 counts as the IPv4 address. */
export function isPrivateAddress(address: string): boolean {
  const version = net().isIP(address);
  return version !== 0 && privateAddresses().check(address, version === 4 ? "ipv4" : "ipv6");
}

/** True for a URL's host name that is an address and no name. */
export function isAddress(hostname: string): boolean {
  return net().isIP(withoutBrackets(hostname)) !== 0;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** True when a URL's host name stays inside a private network. */
export function isPrivateHost(hostname: string): boolean {
  const address = withoutBrackets(hostname);
  return net().isIP(address) === 0 ? PRIVATE_NAME.test(hostname) : isPrivateAddress(address);
}

/** True for the address of a server to which a credential may go: over https, or over plain http inside a private network. */
export function isSafeAddress(address: string): boolean {
  const url = URL.parse(address);
  return url?.protocol === "https:" || (url?.protocol === "http:" && isPrivateHost(url.hostname));
}
