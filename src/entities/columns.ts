/** Columns that many tables share. */
import { p } from "@mikro-orm/core";

type Target = Parameters<typeof p.manyToOne>[0];

/**
 * A foreign key to `target`, read as the key itself. Rows are never deleted while something points at them, so neither rule
 * cascades: a forgotten reference fails the delete instead of taking more rows with it.
 */
export function reference<const Of extends Target>(target: Of) {
  return p.manyToOne<Of>(target).deleteRule("no action").updateRule("no action").mapToPk();
}

/** When the row was made. */
export function now() {
  return p.datetime().columnType("timestamptz").defaultRaw("now()");
}

/** A moment, to the microsecond. */
export function moment() {
  return p.datetime().columnType("timestamptz");
}
