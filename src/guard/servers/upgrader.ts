/** Opens a judged WebSocket at the server behind, on a connection that carries nothing before and nothing after it. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { SUBPROTOCOL } from "../verdict/authorization.ts";
import type { GuardPass } from "../verdict/request.ts";
import { answerHeaders } from "./forwarded-headers.ts";
import type { Forwarder } from "./forwarder.ts";
import { isPassable, reasonOf } from "./framing.ts";
import { destroyLater } from "./linger.ts";

/** The time in which the server behind has to open a WebSocket. Nothing else ends an upgrade whose caller has left. */
const UPGRADE_SECONDS = 60;

/** A judged upgrade. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly pass: GuardPass;
  readonly socket: Duplex;
  /** Bytes that the caller sent behind the head of its request. */
  readonly head: Buffer;
  readonly clock: Clock;
  /** Notes the status of the server's answer. */
  readonly onAnswer: (status: number) => void;
  /** Answers an upgrade that the server behind did not answer. */
  readonly onFailure: (error: NodeJS.ErrnoException) => void;
}

/** Sends an upgrade on, and connects both sides when the server behind accepts it. */
export function openWebSocket(forwarder: Forwarder, upgrade: Upgrade): void {
  const { socket, clock, onFailure } = upgrade;
  const outgoing = forwarder.begin(upgrade, ["Connection", "Upgrade", "Upgrade", "websocket"], {
    agent: false,
  });
  const settled = new AbortController();
  const settle = (): boolean => {
    const isFirst = !settled.signal.aborted;
    settled.abort();
    return isFirst && !socket.destroyed;
  };
  const fail = (error: NodeJS.ErrnoException): void => void (settle() && onFailure(error));
  outgoing.on("upgrade", (answer, behind, first) => {
    if (!isAccepted(answer)) behind.destroy();
    else if (settle()) connect(upgrade, answer, behind, first);
    else behind.destroy();
  });
  outgoing.on("response", (answer) => {
    if (!isPassable(answer)) outgoing.destroy();
    else if (settle()) refuse(upgrade, answer);
  });
  outgoing.on("error", fail);
  outgoing.on("close", () => fail(new Error("The server behind closed the connection.")));
  socket.once("close", () => outgoing.destroy());
  void pause(clock, UPGRADE_SECONDS, settled.signal).then(() =>
    fail(new Error("The server behind did not answer.")),
  );
  outgoing.end();
}

function isAccepted({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 101 && headers.upgrade?.toLowerCase() === "websocket";
}

/** Answers the upgrade, and passes frames both ways until one side ends. */
function connect(
  { request, pass, socket, head, onAnswer }: Upgrade,
  answer: IncomingMessage,
  behind: Duplex,
  first: Buffer,
): void {
  onAnswer(101);
  const headers = ["Connection", "Upgrade", "Upgrade", "websocket", ...answerHeaders(answer, pass)];
  if (isOffered(request) && answer.headers["sec-websocket-protocol"] === undefined)
    headers.push("Sec-WebSocket-Protocol", SUBPROTOCOL);
  socket.write(headOf("101 Switching Protocols", headers));
  if (first.length > 0) socket.write(first);
  if (head.length > 0) behind.write(head);
  join(socket, behind);
  join(behind, socket);
}

/** Passes bytes in one direction. The end of one side is the end of both. */
function join(from: Duplex, to: Duplex): void {
  from.pipe(to);
  from.on("error", () => from.destroy());
  from.once("end", () => destroyLater(to));
  from.once("close", () => to.destroy());
}

/** Passes on the answer of a server that refuses the upgrade. Its end is the end of the connection. */
function refuse({ pass, socket, onAnswer }: Upgrade, answer: IncomingMessage): void {
  const status = answer.statusCode ?? 0;
  onAnswer(status);
  const headers = [...answerHeaders(answer, pass), "Connection", "close"];
  socket.write(headOf(`${status} ${reasonOf(answer) || STATUS_CODES[status] || ""}`, headers));
  answer.on("error", () => socket.destroy());
  answer.pipe(socket);
  answer.once("end", () => destroyLater(socket));
}

function headOf(status: string, headers: readonly string[]): Buffer {
  const lines = [`HTTP/1.1 ${status}`];
  for (let index = 0; index < headers.length; index += 2)
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** True for a browser that offers the guard's subprotocol: it fails without an answer, and most servers do not know the name. */
function isOffered({ headers }: IncomingMessage): boolean {
  const offered = headers["sec-websocket-protocol"]?.split(",") ?? [];
  return offered.some((name) => name.trim() === SUBPROTOCOL);
}
