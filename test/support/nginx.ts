/** Debian's nginx in front of a gateway, with the settings that Debian gives it: responses are buffered, gzip is on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import getPort from "get-port";
import { startChild, untilReady } from "../../src/dev/child.ts";
import { onFreePorts } from "../../src/dev/on-free-ports.ts";

export interface Nginx {
  /** By what nginx speaks to the gateway: HTTP/1.0 unless told otherwise. */
  urls: Record<Upstream, string>;
  close(): Promise<void>;
}

export type Upstream = "HTTP/1.0" | "HTTP/1.1";

/** `program`: nginx's path. `to`: the gateway's URL; nothing need listen there yet. */
export function startNginx(program: string, to: string): Promise<Nginx> {
  return onFreePorts(() => startOnce(program, to));
}

async function startOnce(program: string, to: string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "platen-nginx-"));
  const [older, newer] = [await getPort(), await getPort()];
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration(folder, to, { older, newer }));
  const child = await startChild({
    ...{ name: "nginx", command: program, args: ["-p", folder, "-e", "stderr", "-c", file] },
    ...{ log: join(folder, "nginx.log"), env: {}, stopSignal: "SIGTERM" },
  });
  const urls = { "HTTP/1.0": `http://127.0.0.1:${older}`, "HTTP/1.1": `http://127.0.0.1:${newer}` };
  const close = async (): Promise<void> => {
    await child.stop(4_000);
    await rm(folder, { recursive: true });
  };
  const listens = (url: string): Promise<boolean> =>
    fetch(`${url}/healthz`)
      .then(() => true)
      .catch(() => false);
  try {
    await untilReady(child, 10_000, async () => (await Promise.all(Object.values(urls).map(listens))).every(Boolean));
  } catch (error) {
    await close();
    throw error;
  }
  return { urls, close };
}

/** The location `@away` is what docs/sse.md advises: an EventSource that is answered 502 while a gateway restarts would give up. */
function configuration(folder: string, to: string, ports: { older: number; newer: number }): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder};`);
  const location = (more: string): string => `
    location / { proxy_pass ${to}; ${more} }
    location ~ ^/jobs/.*(stream|events)$ { proxy_pass ${to}; ${more} error_page 502 504 = @away; }
    location @away { default_type text/event-stream; return 200 "retry: 2000\\n\\n"; }`;
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  gzip on;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${ports.older};${location("")}
  }
  server {
    listen 127.0.0.1:${ports.newer};${location('proxy_http_version 1.1; proxy_set_header Connection "";')}
  }
}
`;
}
