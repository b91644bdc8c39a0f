/** A publish that has begun and waits for ever: open, with nothing under way. */
import { condition } from "@temporalio/workflow";

export async function publish(): Promise<void> {
  await condition(() => false);
}
