/** Registry of all tables as MikroORM entities; kept equal to the migrations by test/rules/schema.test.ts. */
import type { EntitySchema } from "@mikro-orm/core";

export const entities: EntitySchema[] = [];
