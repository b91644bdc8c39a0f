import { Migration } from "@mikro-orm/migrations";

/** Expand only: code of before writes tiles under their keys, which is the default, and knows no source pictures. */
export class KeepCutTiles extends Migration {
  override up(): void {
    // A tile that a job cut lies under its digest and never changes, so that a whole tile set can be exchanged in one transaction; one
    // that somebody put lies under its key, where the next one replaces it.
    this.addSql(`alter table tiles add by_digest boolean not null default false;`);
    // What was found when the picture came in, in pixels as it is seen. Nothing could write the table before, so no row lacks them.
    this.addSql(`
      alter table source_pictures
        add width int not null,
        add height int not null;
    `);
  }

  override down(): void {
    this.addSql(`alter table source_pictures drop width, drop height;`);
    this.addSql(`alter table tiles drop by_digest;`);
  }
}
