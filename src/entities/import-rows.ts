/** Rows of files on their way into drafts. */
import { defineEntity, p } from "@mikro-orm/core";

export const ImportRow = defineEntity({
  name: "ImportRow",
  tableName: "import_rows",
  indexes: [
    {
      name: "import_rows_rejected_index",
      properties: ["stage", "number"],
      where: "problems is not null or verdict is not null",
    },
  ],
  properties: {
    /** Made of the job, its generation and the file's bytes. */
    stage: p.uuid().primary(),
    /** From 1, without header and empty lines. */
    number: p.integer().primary().autoincrement(false),
    job_id: p.uuid(),
    tenant_id: p.uuid(),
    /** Where people find it: line, row of the sheet, or number of the feature. */
    line: p.integer(),
    ref: p.text().nullable(),
    label: p.json().nullable(),
    properties: p.json().nullable(),
    /** What it says beside label and properties. */
    patch: p.json().nullable(),
    /** Why it cannot be used, whatever the draft is. */
    problems: p.json().nullable(),
    /** Why it cannot be used in the draft as it was looked at last. */
    verdict: p.json().nullable(),
  },
});
