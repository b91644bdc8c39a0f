/**
 * Takes a response's socket from Koa and Node's HTTP once its head is written. What follows is written to the socket as bytes that all
 * watchers share: Node would cut each frame into a chunk anew for each of them (5,000 watchers: 105 ms instead of 62 ms), and keep
 * request, response and Koa's context of each stream in memory (twice as much as a stream takes now).
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface TakenSocket {
  socket: Socket;
  /** HTTP/1.1: the body goes on in chunks. HTTP/1.0 knows none: its body ends with the connection. */
  chunked: boolean;
}

const taken = new WeakSet<object>();

/** Is this the connection of a stream? Whatever else is asked on it cannot be answered. */
export const isTaken = (socket: object): boolean => taken.has(socket);

/**
 * Null when the client has gone meanwhile. Other requests that came on the connection before or behind this one (pipelining) cannot be answered
 * beside a stream: then it is closed.
 */
export async function takeOver(res: ServerResponse, headers: Record<string, string>): Promise<TakenSocket | null> {
  const { socket } = res;
  if (!socket) res.req.socket.destroy();
  if (!socket || socket.destroyed) return null;
  const chunked = res.req.httpVersion !== "1.0";
  // As if it answered a HEAD: Node writes the head, holds the answer for complete, and lets go of the socket.
  (res as unknown as { _hasBody: boolean })._hasBody = false;
  res.writeHead(200, { ...headers, ...(chunked ? { "Transfer-Encoding": "chunked" } : {}) });
  await new Promise<void>((resolve) => {
    res.once("finish", resolve).once("close", resolve);
    taken.add(socket);
    res.end();
  });
  if ((socket as { _httpMessage?: unknown })._httpMessage) socket.destroy();
  if (socket.destroyed) return null;
  // Node has just begun to wait for the next request on it.
  socket.setTimeout(0);
  socket.setNoDelay(true);
  return { socket, chunked };
}
