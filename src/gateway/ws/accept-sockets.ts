/** `GET /ws/jobs`: takes the upgrade, or refuses it with the same problems as any other request. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Config } from "../../config.ts";
import { authenticate } from "../middleware/authenticate.ts";
import { asAppError } from "../middleware/problems.ts";
import { refuseOnSocket } from "../refuse-unparsed.ts";
import { MOUNTS } from "../router.ts";
import { isTaken } from "../sse/take-over.ts";
import { createJobsSocket, type JobsSocketDeps } from "./jobs-socket.ts";

const PATHS = MOUNTS.map((mount) => `${mount}/ws/jobs`);

const pathOf = ({ url = "/" }: IncomingMessage): string => url.split("?", 1)[0] ?? "";

/** Is this a WebSocket for us? Any other upgrade (`h2c` of a curl) is a request like others, which HTTP allows to ignore. */
export function isJobsSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket" && PATHS.includes(pathOf(request));
}

/** Bytes; a subscription has two hundred. */
const LARGEST_MESSAGE = 16_384;

/** The server must ask `isJobsSocket` what to upgrade. Frames go out as they are: compressing them costs more than it saves. */
export function acceptJobSockets(server: Server, deps: JobsSocketDeps & { config: Config }): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE, perMessageDeflate: false });

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const principal = await authenticate(request.headers.authorization ?? "", deps.database.em.fork(), "viewer");
    // It may have left meanwhile: its `close` is over, and nobody would give its place back.
    if (socket.destroyed) return;
    const place = deps.streams.admit(principal);
    socket.once("close", place.release);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const maxSubscriptions = deps.config.PLATEN_MAX_SUBSCRIPTIONS;
      deps.streams.add((times) => createJobsSocket(deps, { ws, socket, principal, place, maxSubscriptions, times }));
    });
  }

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A stream's connection: an answer would come into the middle of its body.
    if (isTaken(socket)) return void socket.destroy();
    const broken = (): void => void socket.destroy();
    socket.on("error", broken);
    accept(request, socket, head).catch((error: unknown) => {
      refuseOnSocket(socket, asAppError(error, null), deps.log);
    });
  });
}
