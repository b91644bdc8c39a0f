/** Everything about drafts: projects, their versions, and what a version is made of. */
import type { Route } from "../route.ts";
import { contentRoutes } from "./content.ts";
import { overlayRoutes } from "./overlays.ts";
import { projectRoutes } from "./projects.ts";
import { sourcePictureRoutes } from "./source-picture.ts";
import { tileRoutes } from "./tiles.ts";
import { versionRoutes } from "./versions.ts";

export const draftRoutes: Route[] = [
  ...projectRoutes,
  ...versionRoutes,
  ...contentRoutes,
  ...overlayRoutes,
  ...sourcePictureRoutes,
  ...tileRoutes,
];
