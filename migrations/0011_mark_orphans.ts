import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before neither marks nor compacts, and a mark that it does not see is unmarked by whoever looks next. */
export class MarkOrphans extends Migration {
  override up(): void {
    // Objects of a store that no record refers to, since when, and who is removing them. Without a project: it may be gone. beat_at: when
    // the holder last said that it goes on; objects are removed by one holder at a time, and an upload that needs them waits for it.
    this.addSql(`
      create table orphan_objects (
        store text not null,
        prefix text not null,
        tenant_id uuid null references tenants (id),
        orphan_since timestamptz not null default now(),
        holder text null,
        beat_at timestamptz null,
        primary key (store, prefix),
        constraint orphan_objects_store_check check (store in ('private', 'public'))
      );
    `);
    // Log and step events up to here may be gone: a cursor before it begins anew.
    this.addSql(`alter table jobs add compacted_seq int not null default 0;`);
  }

  override down(): void {
    this.addSql(`alter table jobs drop compacted_seq;`);
    this.addSql(`drop table orphan_objects;`);
  }
}
