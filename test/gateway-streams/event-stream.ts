/** A client of a stream byte by byte, as strict as the standard: what is not closed by a blank line was never said. */
import { connect, type Socket } from "node:net";
import { createDechunker, parseFrame, type SeenFrame } from "../support/frames.ts";

export interface EventStream {
  /** Of the answer; 0 before its head is there. */
  status(): number;
  /** Resolves when the head of the answer is there, or nothing will come. */
  answered: Promise<void>;
  /** Whole frames, in the order of arrival. */
  frames: readonly SeenFrame[];
  /** Bytes of the body that were taken, without chunk lengths. */
  taken(): number;
  /** Has the answer said itself that it is over? */
  complete(): boolean;
  /** Resolves when nothing comes any more, whoever ended it. */
  ended: Promise<void>;
  drop(): void;
}

export interface EventStreamOptions {
  url: string;
  key: string;
  path: string;
  /** `Last-Event-ID`; null sends none. */
  cursor?: string | null;
  /** Takes so many bytes of the body, then destroys the socket: what was on its way is lost. */
  cutAt?: number;
  /** Called with each whole frame. */
  told?: (frame: SeenFrame) => void;
}

export function openEventStream(options: EventStreamOptions): EventStream {
  const { url, key, path, cursor = null, cutAt = Number.POSITIVE_INFINITY } = options;
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  const frames: SeenFrame[] = [];
  const dechunk = createDechunker();
  let head = "";
  let status = 0;
  let taken = 0;
  let text = "";
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const answered = Promise.withResolvers<void>();
  void ended.then(answered.resolve);
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => {
    const body = status === 0 ? afterHead(bytes) : bytes;
    if (!body) return;
    const plain = dechunk.feed(body).subarray(0, cutAt - taken);
    taken += plain.length;
    // Frames are ASCII but for their JSON, and a character that is cut in two is part of a frame that is.
    text += plain.toString("latin1");
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
      const frame = parseFrame(Buffer.from(text.slice(0, at), "latin1").toString());
      text = text.slice(at + 2);
      frames.push(frame);
      options.told?.(frame);
    }
    if (taken >= cutAt || dechunk.over() || status === NO_CONTENT) socket.destroy();
  });
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: platen",
    "Accept: text/event-stream",
    `Authorization: Bearer ${key}`,
    ...(cursor === null ? [] : [`Last-Event-ID: ${cursor}`]),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);

  function afterHead(bytes: Buffer): Buffer | null {
    head += bytes.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return null;
    status = Number(head.split(" ")[1]);
    answered.resolve();
    return Buffer.from(head.slice(end + 4), "latin1");
  }

  return {
    status: () => status,
    answered: answered.promise,
    frames,
    taken: () => taken,
    complete: () => dechunk.over(),
    ended,
    drop: () => void socket.destroy(),
  };
}

const NO_CONTENT = 204;
