/** What a plan yields. */
import type { Label } from "./labels.ts";
import type { LeftOut, Origin } from "./plan-fault.ts";

export interface PlanLayer {
  ref: string;
  label: Label;
  visible: boolean;
  /** The group that it is. */
  group: Origin;
}

/** An overlay as src/projects stores it, but for its geometry. */
export interface PlanOverlay {
  ref: string;
  type: string;
  layer: string | null;
  label: Label;
  /** Text of a GeoJSON geometry in pixels, members in canonical order. */
  geometry: string;
  properties: Record<string, unknown>;
  style: Record<string, string | number> | null;
  visible: boolean;
}

export interface Renamed {
  /** As in the file. */
  from: string;
  to: string;
}

export interface PlanOptions {
  /** Before the refs of layers. */
  layerPrefix?: string | undefined;
  /** Of overlays that say none (`data-type`). */
  type?: string | undefined;
  /** Pixels that the plan's own size becomes; its own by default. */
  size?: { width: number; height: number } | undefined;
}

export interface Plan {
  /** In drawing order, those that have overlays. */
  layers: PlanLayer[];
  /** In drawing order. */
  overlays: PlanOverlay[];
  /** As many as are told one by one; `leftOutCount` counts all. */
  leftOut: LeftOut[];
  leftOutCount: number;
  /** Ids that could not be refs as they are, or were taken. */
  renamed: Renamed[];
  /** Overlays whose ref was made up, since nothing in the plan names them. */
  generated: number;
  /** Of the plan, in pixels of the picture; null for one that says none. */
  size: { width: number; height: number } | null;
}
