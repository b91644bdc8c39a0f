import { Migration } from "@mikro-orm/migrations";

/** Expand only: nothing reads the table before the workers that write it. */
export class KeepVerifiedTileSets extends Migration {
  override up(): void {
    // A tile set at the destination whose every byte was read and found right, and what the store knew of its objects then. As long
    // as that is unchanged, the next publish of the same tiles need not read them again: minutes for a large pyramid.
    this.addSql(`
      create table verified_tile_sets (
        project_id uuid not null references projects,
        digest text not null,
        tenant_id uuid not null references tenants,
        seal text not null,
        verified_at timestamptz not null,
        primary key (project_id, digest)
      );
    `);
  }

  override down(): void {
    this.addSql(`drop table verified_tile_sets;`);
  }
}
