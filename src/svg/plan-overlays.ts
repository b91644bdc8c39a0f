/** Overlays of a plan that has been read, batch by batch, out of the file that `plan-thread.ts` wrote. */
import type { FileHandle } from "node:fs/promises";
import { canonicalText } from "../json/canonical-text.ts";
import { releasePart } from "../projects/derive-overlay.ts";
import type { NewOverlay } from "../projects/merge-overlays.ts";
import type { Overlay } from "../projects/overlay-store.ts";
import type { PlanBatch } from "./plan-thread.ts";

/** What a release leaves out where there is none. */
type Written = Omit<Overlay, "layer" | "style" | "visible"> & Partial<Pick<Overlay, "layer" | "style">>;

/** `signal`: looked at between two batches. `without`: refs of layers that the draft did not take; what was in them is in none. */
export async function* planOverlays(
  file: FileHandle,
  batches: readonly PlanBatch[],
  { signal, without = new Set() }: { signal: AbortSignal; without?: ReadonlySet<string> },
): AsyncGenerator<NewOverlay[]> {
  for (const { start, bytes, rows } of batches) {
    signal.throwIfAborted();
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, start);
    if (bytesRead !== bytes) throw new Error(`the spool file ends at ${start + bytesRead}, not ${start + bytes}`);
    const lines = buffer.toString().split("\n");
    yield lines.slice(0, rows).map((line) => {
      const text = line.slice(1);
      const { layer = null, style = null, ...others } = JSON.parse(text) as Written;
      const overlay = { ...others, layer, style, visible: line.startsWith("1") };
      if (layer === null || !without.has(layer)) return { text, overlay };
      const free = { ...overlay, layer: null };
      return { text: canonicalText(releasePart(free)), overlay: free };
    });
  }
}
