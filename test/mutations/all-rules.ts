/** Every rule that is taken out once. */
import type { Mutation } from "./mutation.ts";
import { OTHER_RULES } from "./other-rules.ts";
import { PROTOCOL_RULES } from "./protocol-rules.ts";
import { RECONCILER_RULES } from "./reconciler-rules.ts";

export const ALL_RULES: readonly Mutation[] = [...PROTOCOL_RULES, ...RECONCILER_RULES, ...OTHER_RULES];
