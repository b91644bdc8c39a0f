/**
 * npm run model [-- SETTING FAULTS [RULE …]]: explores the publish protocol; rules named are left out. Without arguments: one job with
 * every order of two faults, then each setting with one.
 */
import { parseArgs } from "node:util";
import { createModel } from "./model.ts";
import { RULES, type Rule } from "./rules.ts";
import { search } from "./search.ts";
import { SETTINGS, type SettingName } from "./settings.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { states: { type: "string", default: "8000000" }, seconds: { type: "string", default: "600" } },
});
const [name, faults = "2", ...left] = positionals;
const limits = { states: Number(values.states), seconds: Number(values.seconds) };

function explore(setting: SettingName, count: number, without: readonly Rule[] = []): void {
  const { trace, violation, ...found } = search(createModel({ ...SETTINGS[setting], faults: count }, without), limits);
  const figures = `${found.states.toLocaleString("en")} states, ${found.transitions.toLocaleString("en")} transitions`;
  const whole = found.complete ? "complete" : violation ? "" : "cut off at the limit";
  console.log(
    `${setting}, ${count} fault(s): ${figures}, ${found.seconds.toFixed(1)} s, ${violation ?? `nothing found, ${whole}`}`,
  );
  trace?.forEach((line, index) => console.log(`  ${index + 1}. ${line}`));
  if (violation) process.exitCode = 1;
}

const isSetting = (text: string): text is SettingName => Object.hasOwn(SETTINGS, text);
const isRule = (text: string): text is Rule => Object.hasOwn(RULES, text);

if (name === undefined) {
  for (const setting of Object.keys(SETTINGS) as SettingName[]) explore(setting, 1);
  explore("one", 2);
  explore("anyone", 2);
} else if (!isSetting(name) || !left.every(isRule)) {
  console.error(`Settings: ${Object.keys(SETTINGS).join(", ")}\nRules: ${Object.keys(RULES).join(", ")}`);
  process.exitCode = 2;
} else explore(name, Number(faults), left.filter(isRule));
