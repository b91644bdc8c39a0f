/** Registry of all tables as MikroORM entities; kept equal to the migrations by test/rules/schema.test.ts. */
import { IdempotencyKey, Job, JobEvent, JobStepResult, Lease, PublishGuard } from "./jobs.ts";
import { Config, Layer, Overlay, Project, Tile, TileSet, Version } from "./projects.ts";
import {
  EnvironmentRelease,
  EnvironmentRow,
  ObjectClaim,
  Release,
  ReleaseReservation,
  VerifiedTileSet,
} from "./releases.ts";
import { ApiKey, Principal, Tenant } from "./tenants.ts";

export const entities = [
  Tenant,
  Principal,
  ApiKey,
  Project,
  Version,
  Config,
  Layer,
  Overlay,
  TileSet,
  Tile,
  Job,
  JobEvent,
  JobStepResult,
  PublishGuard,
  IdempotencyKey,
  ReleaseReservation,
  Release,
  EnvironmentRow,
  EnvironmentRelease,
  ObjectClaim,
  VerifiedTileSet,
  Lease,
];
