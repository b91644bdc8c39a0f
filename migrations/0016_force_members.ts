import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before knows nothing of it, and retries members as it did. */
export class ForceMembers extends Migration {
  override up(): void {
    // A retry of a group may pass by the limits of its members' retries, and those begin later than the request that says so, which is gone.
    this.addSql(`alter table group_members add force boolean not null default false;`);
  }

  override down(): void {
    this.addSql(`alter table group_members drop force;`);
  }
}
