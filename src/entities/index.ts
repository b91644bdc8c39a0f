/** Registry of all tables as MikroORM entities; kept equal to the migrations by test/rules/schema.test.ts. */
import { Artifact, SourcePicture } from "./artifacts.ts";
import { GroupMember } from "./groups.ts";
import { AuditEvent, AuditOutcome } from "./audit.ts";
import { ImportRow } from "./import-rows.ts";
import { IdempotencyKey, Job, JobEvent, JobStepResult, Lease, PublishGuard } from "./jobs.ts";
import { JobPermit } from "./permits.ts";
import { OrphanObject } from "./maintenance.ts";
import { Config, Layer, Overlay, Project, Tile, TileSet, Version } from "./projects.ts";
import {
  EnvironmentRelease,
  EnvironmentRow,
  ObjectClaim,
  Release,
  ReleaseReservation,
  VerifiedTileSet,
} from "./releases.ts";
import { JobCount, JobEnding, JobSample, JobTime } from "./statistics.ts";
import { Schedule, ScheduleRun } from "./schedules.ts";
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
  GroupMember,
  Artifact,
  SourcePicture,
  ImportRow,
  PublishGuard,
  JobPermit,
  Schedule,
  ScheduleRun,
  IdempotencyKey,
  ReleaseReservation,
  Release,
  EnvironmentRow,
  EnvironmentRelease,
  ObjectClaim,
  VerifiedTileSet,
  OrphanObject,
  Lease,
  JobEnding,
  JobCount,
  JobTime,
  JobSample,
  AuditEvent,
  AuditOutcome,
];
