/** Changes for servers that are told them over HTTP: all requests at once, on connections that stay open. */
import { Agent, request } from "node:http";
import { monotonicMs } from "../support/clock.ts";
import type { ChangeTimes } from "./fan-out.ts";

/** More would find the server busy with the changes before. */
const AT_A_TIME = 4;

/** `send` answers when the server has taken all bodies. Nothing is committed, so the time of asking is both. */
export function postChanges(url: string): { send: (bodies: readonly string[]) => Promise<ChangeTimes>; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME, noDelay: true });
  const post = (body: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
        "X-EventSource-Event": "job_update",
      };
      const sent = request(url, { agent, method: "POST", headers }, (response) => {
        const { statusCode = 0 } = response;
        response.resume().once("end", () => {
          if (statusCode < 300) resolve();
          else reject(new Error(`${url} answered with ${statusCode}`));
        });
      });
      sent.once("error", reject);
      sent.end(body);
    });
  return {
    async send(bodies) {
      const asked = monotonicMs();
      await Promise.all(bodies.map(post));
      return { asked, committed: asked };
    },
    close: () => agent.destroy(),
  };
}
