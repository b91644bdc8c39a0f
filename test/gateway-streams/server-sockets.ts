/** The server's side of connections to this process, which no client can see: how much it holds for each. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

export interface ServerSockets {
  /** The other end of a client's socket, which must be connected. */
  of(client: Socket): Socket;
  close(): void;
}

/** Of connections that are made from now on. */
export function observeServerSockets(): ServerSockets {
  const byClientPort = new Map<number | undefined, Socket>();
  const see = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    byClientPort.set(socket.remotePort, socket);
  };
  subscribe("net.server.socket", see);
  return {
    of(client) {
      const socket = byClientPort.get(client.localPort);
      if (!socket) throw new Error(`no server in this process took a connection from port ${client.localPort}`);
      return socket;
    },
    close: () => void unsubscribe("net.server.socket", see),
  };
}
