/**
 * Takes a stream apart by the letter: a chunk or a line that no encoder of ours writes is an error. What has come of it may end
 * anywhere; what is not closed by a blank line was never said.
 */

export interface SeenFrame {
  id?: string;
  event: string;
  retry?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects
  data: any;
}

const HEAD_END = "\r\n\r\n";
const FRAME_END = "\n\n";

/** Fields as we write them. Line ends are LF: a CR would end a line, too, and data is one line. */
const LINE = /^(?:id: \d+|event: [\w-]+|retry: \d+|data: [^\r\n\0]*)$/;

/** The body of an answer, as far as its chunks are whole. */
export function bodyOf(raw: string): string {
  return readBody(raw).body;
}

/** The whole frames of an answer. Errors: what is no frame; the end of the answer within one. */
export function framesOf(raw: string): SeenFrame[] {
  const { body, over } = readBody(raw);
  const parts = body.split(FRAME_END);
  const rest = parts.pop();
  if (over && rest !== "") throw new Error(`the answer ended within a frame: ${JSON.stringify(rest)}`);
  return parts.map(parseFrame);
}

function readBody(raw: string): { body: string; over: boolean } {
  const head = raw.indexOf(HEAD_END);
  if (head < 0) return { body: "", over: false };
  const dechunk = createDechunker();
  const body = dechunk.feed(Buffer.from(raw.slice(head + HEAD_END.length))).toString();
  return { body, over: dechunk.over() };
}

/** One event: lines of field and value, without the blank line. */
export function parseFrame(text: string): SeenFrame {
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const name = line.slice(0, line.indexOf(": "));
    if (!LINE.test(line) || name in fields) throw new Error(`not a frame of ours: ${JSON.stringify(text)}`);
    fields[name] = line.slice(name.length + 2);
  }
  const data: unknown = JSON.parse(fields["data"] ?? "null");
  return { ...fields, event: fields["event"] ?? "", data };
}

export interface Dechunker {
  /** What of the body is there now, and was not before. Errors: what is no chunk, or comes after the last one. */
  feed(bytes: Buffer): Buffer;
  /** Has the answer said itself that it is over? */
  over(): boolean;
}

/** Takes chunk lengths out of a body, however it is cut into pieces. */
export function createDechunker(): Dechunker {
  let waiting = Buffer.alloc(0);
  let over = false;
  return {
    feed(bytes) {
      waiting = Buffer.concat([waiting, bytes]);
      const plain: Buffer[] = [];
      while (!over) {
        const line = waiting.indexOf("\r\n");
        if (line < 0) break;
        const size = waiting.toString("latin1", 0, line);
        if (!/^[0-9a-f]+$/.test(size)) throw new Error(`not the length of a chunk: ${JSON.stringify(size)}`);
        const [from, to] = [line + 2, line + 2 + Number.parseInt(size, 16)];
        if (waiting.length < to + 2) break;
        if (waiting.toString("latin1", to, to + 2) !== "\r\n") throw new Error(`a chunk is longer than its ${size}`);
        plain.push(waiting.subarray(from, to));
        waiting = waiting.subarray(to + 2);
        over = from === to;
      }
      if (over && waiting.length > 0) throw new Error(`after the end: ${JSON.stringify(waiting.toString())}`);
      return Buffer.concat(plain);
    },
    over: () => over,
  };
}
