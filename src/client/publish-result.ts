import type { PublishResult } from "../../contract/publish.ts";
import type { EndedJob } from "./job.ts";

/** What a publish has brought about; null for a job of another type, and for one that has not completed. */
export function publishResult({ result }: Pick<EndedJob, "result">): PublishResult | null {
  return typeof result?.["release_url"] === "string" ? (result as unknown as PublishResult) : null;
}
