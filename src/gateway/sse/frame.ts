/** A server-sent event in the bytes of each way to send it, each made once, however many watchers get it. */

export interface FrameFields {
  event: string;
  /** One JSON line. */
  data: unknown;
  /** `seq` of a ledger event, or a watermark. */
  id?: number | string;
  /** ms that a client waits before it comes back. */
  retry?: number;
}

/** One or several frames that belong together. */
export interface Frames {
  /** The text of `text/event-stream`. */
  readonly bytes: Buffer;
  /** The same as a chunk of HTTP/1.1. */
  readonly chunk: Buffer;
  /** Each as a JSON text for WebSockets: `{"type":"event","job_id","event","id"?,"data"}`. */
  messages(jobId: string): readonly Buffer[];
}

/** The end of a chunked body. */
export const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Error: a name or an id that is not made of the characters that a frame can hold; both are ours. */
export function createFrame({ event, data, id, retry }: FrameFields): Frames {
  if (!/^[\w-]+$/.test(event)) throw new Error(`not an event name: ${JSON.stringify(event)}`);
  if (id !== undefined && !/^\d+$/.test(String(id))) throw new Error(`not a cursor: ${JSON.stringify(id)}`);
  // JSON has no line ends inside: nothing can break out of `data`.
  const json = JSON.stringify(data);
  const before = `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\n${retry === undefined ? "" : `retry: ${retry}\n`}`;
  let chunk: Buffer | undefined;
  let bytes: Buffer | undefined;
  let messages: readonly [jobId: string, text: Buffer[]] | undefined;
  return {
    get chunk() {
      return (chunk ??= asChunk(`${before}data: ${json}\n\n`));
    },
    get bytes() {
      return (bytes ??= this.chunk.subarray(this.chunk.indexOf("\r\n") + 2, -2));
    },
    messages(jobId) {
      if (messages?.[0] === jobId) return messages[1];
      const cursor = id === undefined ? "" : `"id":"${id}",`;
      const text = `{"type":"event","job_id":${JSON.stringify(jobId)},"event":"${event}",${cursor}"data":${json}}`;
      messages = [jobId, [Buffer.from(text)]];
      return messages[1];
    },
  };
}

/** In this order, written at once. */
export function joinFrames(frames: readonly Frames[]): Frames {
  const [first] = frames;
  if (frames.length === 1 && first) return first;
  let bytes: Buffer | undefined;
  let chunk: Buffer | undefined;
  return {
    get bytes() {
      return (bytes ??= Buffer.concat(frames.map((each) => each.bytes)));
    },
    get chunk() {
      return (chunk ??= Buffer.concat(frames.map((each) => each.chunk)));
    },
    messages: (jobId) => frames.flatMap((each) => each.messages(jobId)),
  };
}

function asChunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
