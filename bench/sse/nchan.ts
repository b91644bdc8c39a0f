/** nginx with the Nchan module as a side: published by POST, watched as an EventSource. One worker process, as all others are one. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import getPort from "get-port";
import { startChild, untilReady } from "../../src/dev/child.ts";
import type { BenchRoom } from "../support/bench.ts";
import { changeData } from "./bare-changes.ts";
import { WATCHERS, type FanOutSide } from "./fan-out.ts";
import { messageOf } from "./our-side.ts";
import { postChanges } from "./post-changes.ts";
import { startWatchers } from "./watchers.ts";

const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** `job`: the id in its data. Errors: nginx or the module is not installed. */
export async function startNchan(room: BenchRoom, job: string): Promise<FanOutSide> {
  if (!existsSync(NGINX) || !existsSync(MODULE)) {
    throw new Error("This bench needs nginx with Nchan (Debian: apt install nginx-light libnginx-mod-nchan).");
  }
  const port = await getPort({ host: "127.0.0.1" });
  const [config, log] = [join(room.folder, "nginx.conf"), join(room.folder, "nginx.log")];
  await writeFile(config, configuration(room.folder, port));
  const nginx = await startChild({
    name: "nginx",
    command: NGINX,
    args: ["-p", room.folder, "-c", config, "-e", log],
    ...{ log, env: {}, stopSignal: "SIGTERM" },
  });
  room.onEnd(() => nginx.stop(2_000));
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await untilReady(nginx, 10_000, isReady);
  const posts = postChanges(`http://127.0.0.1:${port}/publish`);
  room.onEnd(async () => posts.close());
  let number = 0;
  const next = (): string => JSON.stringify(changeData(job, messageOf((number += 1))));
  return {
    // Only the head: Nchan greets nobody who asks for what is new.
    ...{ name: "Nchan", pid: await workerOf(nginx.pid), greeting: 0, watchers: startWatchers(room, "nchan", WATCHERS) },
    target: { port, path: "/watch" },
    change: (count) => posts.send(Array.from({ length: count }, next)),
  };
}

/** The one process that serves. */
async function workerOf(master: number): Promise<number> {
  const children = await readFile(`/proc/${master}/task/${master}/children`, "utf8");
  const [worker] = children.trim().split(" ").map(Number);
  if (!worker) throw new Error("nginx has no worker process");
  return worker;
}

/** All its files are in the bench's folder. Messages are kept for a burst, as they would be for those who come back. */
const configuration = (folder: string, port: number): string => `
load_module ${MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile ${WATCHERS + 1_000};
pid ${join(folder, "nginx.pid")};
events {
  worker_connections ${WATCHERS + 1_000};
}
http {
  access_log off;
  tcp_nodelay on;
  client_body_temp_path ${join(folder, "nginx-body")};
  proxy_temp_path ${join(folder, "nginx-proxy")};
  fastcgi_temp_path ${join(folder, "nginx-fastcgi")};
  uwsgi_temp_path ${join(folder, "nginx-uwsgi")};
  scgi_temp_path ${join(folder, "nginx-scgi")};
  client_body_buffer_size 16k;
  nchan_shared_memory_size 128M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /ready {
      return 200;
    }
    location = /publish {
      nchan_publisher;
      nchan_channel_id job;
      nchan_message_buffer_length 200;
    }
    location = /watch {
      nchan_subscriber eventsource;
      nchan_channel_id job;
      nchan_subscriber_first_message newest;
    }
  }
}
`;
