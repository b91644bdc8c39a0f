/** A debugger: speaks the inspector's protocol to a replay that waits for it, over its WebSocket. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { SourceMap } from "node:module";
import WebSocket from "ws";

interface Location {
  scriptId: string;
  lineNumber: number;
  columnNumber: number;
}

export interface Paused {
  /** Absolute path and line (from 1) of the source that the script's own source map names. */
  source: string;
  line: number;
  hitBreakpoints: string[];
}

export interface Debugger {
  /** Lets what waits or stands go on; resolves when it stands again. Error: it ended instead, with what it printed. */
  resume(): Promise<Paused>;
  /** Breakpoint at a line of a source file, found through the source map of the script that was made of it. */
  breakAt(source: string, line: number): Promise<string>;
  /** Lets it run to its end. */
  finish(): Promise<{ code: number | null; output: string }>;
  kill(): void;
}

interface Script {
  url: string;
  map: SourceMap;
}

/** Starts `node …args`, and attaches where it says that it listens. */
export async function attach(args: string[], cwd: string): Promise<Debugger> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const address = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = /Debugger listening on (ws:\/\/\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      });
    }
    child.once("exit", () => reject(new Error(`it ended before it listened:\n${output}`)));
  });
  const socket = new WebSocket(await address);
  await once(socket, "open");
  const scripts = new Map<string, Script>();
  const answers = new Map<number, (result: Record<string, unknown>) => void>();
  let stands: (event: { callFrames: { location: Location }[]; hitBreakpoints?: string[] }) => void = () => {};
  socket.on("message", (data: Buffer) => {
    const { id, method, params, result, error } = JSON.parse(data.toString());
    if (id !== undefined) answers.get(id)?.(error ? { error } : result);
    if (method === "Debugger.scriptParsed" && params.sourceMapURL?.startsWith("data:"))
      scripts.set(params.scriptId, lazyScript(params));
    if (method === "Debugger.paused") stands(params);
  });
  let last = 0;
  const send = (method: string, params: object = {}): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const id = (last += 1);
      answers.set(id, (result) =>
        "error" in result ? reject(new Error(JSON.stringify(result["error"]))) : resolve(result),
      );
      socket.send(JSON.stringify({ id, method, params }));
    });

  await send("Debugger.enable");
  let waits = true;
  const originOf = ({ scriptId, lineNumber, columnNumber }: Location): { source: string; line: number } => {
    const entry = scripts.get(scriptId)?.map.findEntry(lineNumber, columnNumber);
    if (!entry || !("originalLine" in entry)) return { source: `script ${scriptId}`, line: lineNumber + 1 };
    return { source: entry.originalSource, line: entry.originalLine + 1 };
  };
  const exited = (): Promise<never> =>
    ended(child).then((code) => Promise.reject(new Error(`it ended with ${code}:\n${output}`)));
  return {
    async resume() {
      const paused = new Promise<Paused>((resolve) => {
        stands = ({ callFrames: [top], hitBreakpoints = [] }) =>
          resolve({ ...originOf(top!.location), hitBreakpoints });
      });
      await send(waits ? "Runtime.runIfWaitingForDebugger" : "Debugger.resume");
      waits = false;
      return Promise.race([paused, exited()]);
    },
    async breakAt(source, line) {
      for (const [scriptId, { url, map }] of scripts) {
        const { scriptSource } = (await send("Debugger.getScriptSource", { scriptId })) as { scriptSource: string };
        const place = placeOf(map, scriptSource, source, line);
        if (!place) continue;
        const { breakpointId } = await send("Debugger.setBreakpointByUrl", { url, ...place });
        return breakpointId as string;
      }
      throw new Error(`no script was made of ${source}:${line}`);
    },
    async finish() {
      const end = ended(child);
      await send("Debugger.disable");
      if (waits) await send("Runtime.runIfWaitingForDebugger");
      socket.close();
      return { code: await end, output };
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = (await once(child, "close")) as [number | null];
  return code;
};

/** Maps are read when they are needed: most scripts of a process are nobody's business. */
function lazyScript({ url, sourceMapURL }: { url: string; sourceMapURL: string }): Script {
  let map: SourceMap | undefined;
  return {
    url,
    get map() {
      return (map ??= new SourceMap(JSON.parse(textOf(sourceMapURL))));
    },
  };
}

/** Of a `data:` URL; files beside packages are nobody's either. */
function textOf(url: string): string {
  return Buffer.from(url.slice(url.indexOf("base64,") + 7), "base64").toString();
}

/** The first place in the script's text that was made of the source's line. */
function placeOf(map: SourceMap, text: string, source: string, line: number): Omit<Location, "scriptId"> | null {
  if (!map.payload.sources.includes(source)) return null;
  for (const [lineNumber, generated] of text.split("\n").entries()) {
    if (generated.startsWith("//# sourceMappingURL")) continue;
    for (let columnNumber = 0; columnNumber < generated.length; columnNumber += 1) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if ("originalLine" in entry && entry.originalSource === source && entry.originalLine === line - 1)
        return { lineNumber, columnNumber };
    }
  }
  return null;
}
