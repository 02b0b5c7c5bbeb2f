/** Bounds the open connections of the proxy, in all and for each peer. */
import type { Socket } from "node:net";

/** The most connections of one peer that have not carried an accepted request. */
const MAX_UNPROVEN_OF_PEER = 200;

/** The bounds of {@link Connections}. */
export interface ConnectionBounds {
  /** The most open connections. */
  readonly maxConnections: number;
  /** True behind an edge, where all users are one peer, so that no bound for a peer makes sense. */
  readonly trustProxy: boolean;
}

/**
 * Keeps the connections that have not proven themselves by an accepted request. Where a bound is reached, the oldest of them that does
 * nothing makes room: a caller with a credential gets through while a stranger opens connections.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #unproven = new Set<Socket>();
  readonly #ofPeer = new Map<string, Set<Socket>>();
  /** Connections that are carrying an answer. */
  readonly #busy = new WeakSet<Socket>();
  #count = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** The number of open connections. */
  get count(): number {
    return this.#count;
  }

  /** Takes a new connection, or destroys it when there is no room. */
  add(socket: Socket): void {
    const peer = peerOf(socket.remoteAddress ?? "");
    const others = this.#ofPeer.get(peer) ?? new Set();
    if (!this.#makeRoom(others)) return void socket.destroy();
    this.#count += 1;
    this.#unproven.add(socket);
    this.#ofPeer.set(peer, others.add(socket));
    socket.once("close", () => {
      this.#count -= 1;
      this.#forget(socket, peer);
    });
  }

  /** Notes a request that passes. With a credential, the connection has proven itself until it closes. */
  begin(socket: Socket, hasCredential: boolean): void {
    if (hasCredential) this.#forget(socket, peerOf(socket.remoteAddress ?? ""));
    else this.#busy.add(socket);
  }

  /** Notes the end of an answer. */
  end(socket: Socket): void {
    this.#busy.delete(socket);
  }

  #makeRoom(ofPeer: ReadonlySet<Socket>): boolean {
    const { maxConnections, trustProxy } = this.#bounds;
    if (!trustProxy && ofPeer.size >= MAX_UNPROVEN_OF_PEER && !this.#endOldest(ofPeer)) return false;
    return this.#count < maxConnections || this.#endOldest(this.#unproven);
  }

  /** Ends the oldest connection that does nothing. */
  #endOldest(sockets: ReadonlySet<Socket>): boolean {
    for (const socket of sockets) {
      if (this.#busy.has(socket) || socket.destroyed) continue;
      socket.destroy();
      return true;
    }
    return false;
  }

  #forget(socket: Socket, peer: string): void {
    this.#unproven.delete(socket);
    const others = this.#ofPeer.get(peer);
    others?.delete(socket);
    if (others?.size === 0) this.#ofPeer.delete(peer);
  }
}

/** Names the peer of an address: an IPv4 address, or the /64 network of an IPv6 address, all of which one host can use. */
function peerOf(address: string): string {
  if (address.includes(".")) return address.slice(address.lastIndexOf(":") + 1);
  const [head = "", tail] = address.split("::");
  const left = head.split(":").filter(Boolean);
  const right = tail?.split(":").filter(Boolean) ?? [];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(Math.max(zeros, 0)).fill("0"), ...right].slice(0, 4).join(":");
}
