import { Migration } from "@mikro-orm/migrations";

/** What a publish needs of every overlay, derived once when it is written. Adds only: rows that are there stay valid. */
export class DeriveOverlays extends Migration {
  override up(): void {
    // Each value with the number of the rules it was made by (0: by none): code with other rules derives it anew. Constant defaults
    // rewrite no row.
    this.addSql(`
      alter table overlays
        add release_text text null,
        add formatted smallint not null default 0,
        add geometry_problem text null,
        add checked smallint not null default 0;
    `);
    // Other SQL than ours that changes the content must not leave behind what was derived from the old one. Content that differs has
    // another text, so a statement that leaves the text alone has not derived anything.
    this.addSql(`
      create function forget_derived_overlay() returns trigger language plpgsql as $$
      begin
        new.release_text := null;
        new.formatted := 0;
        new.geometry_problem := null;
        new.checked := 0;
        return new;
      end
      $$;
      create trigger overlays_forget_derived
        before update of ref, type, layer, label, geometry, properties, style on overlays
        for each row
        when (
          new.release_text is not distinct from old.release_text
          and (new.ref, new.type, new.layer, new.label, new.geometry, new.properties, new.style)
            is distinct from (old.ref, old.type, old.layer, old.label, old.geometry, old.properties, old.style)
        )
        execute function forget_derived_overlay();
    `);
  }

  override down(): void {
    this.addSql(`
      drop trigger overlays_forget_derived on overlays;
      drop function forget_derived_overlay();
      alter table overlays drop release_text, drop formatted, drop geometry_problem, drop checked;
    `);
  }
}
