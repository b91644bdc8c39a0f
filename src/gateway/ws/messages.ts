/** What a WebSocket of jobs says and is told: one JSON document a message. */
import { z } from "zod";

const job_id = z.string().max(100);

const fromClient = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("subscribe"),
    job_id,
    /** The cursor of an earlier stream or subscription. */
    last_event_id: z.string().max(100).optional(),
  }),
  z.strictObject({ type: z.literal("unsubscribe"), job_id }),
  z.strictObject({ type: z.literal("ping") }),
]);

export type ClientMessage = z.output<typeof fromClient>;

/** Events of jobs are a frame's business: `messages` of sse/frame.ts. */
export type ServerMessage =
  | { type: "subscribed"; job_id: string }
  /** `ended`: its final event was told. `closing`, `failed`: subscribe again, with the cursor. `left`: as asked. */
  | { type: "unsubscribed"; job_id: string; reason: "ended" | "closing" | "failed" | "left" }
  | { type: "pong" }
  /** The connection goes on. `job_id`: as the client wrote it. */
  | { type: "error"; code: string; message: string; job_id?: string };

/** The message, or what is wrong with it in words. */
export function readMessage(text: string): ClientMessage | { wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { wrong: `it cannot be read as JSON: ${(error as Error).message}` };
  }
  const parsed = fromClient.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return { wrong: `${issue?.path.join(".") || "it"}: ${issue?.message ?? "unknown"}` };
}
