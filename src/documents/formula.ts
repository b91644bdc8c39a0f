/** Formulas that people wrote, as far as they stay within their workbook. */

/** Functions that reach out of it, or run what is no formula. */
const REACHES_OUT =
  /\b(webservice|filterxml|encodeurl|import\w+|rtd|dde|dde\w*|call|register(\.id)?|exec|evaluate|hyperlink|image|cube\w+|sql\.request|stockhistory|copilot|py|user)\s*\(/i;

/** What is wrong with it, or null. A leading `=` is left out before. */
export function formulaProblem(formula: string): string | null {
  if (formula.trim() === "") return "it is empty";
  // Texts and names of sheets in quotes may hold anything.
  const code = formula.replaceAll(/"(?:[^"]|"")*"/g, '""').replaceAll(/'(?:[^']|'')*'(?=!)/g, "S");
  const [, name] = REACHES_OUT.exec(code) ?? [];
  if (name) return `${name.toUpperCase()} reaches out of the workbook`;
  if (/[[\]]/.test(code)) return "it names another workbook";
  if (code.includes("|")) return "it calls another program (DDE)";
  if (/[\n\t]/.test(code)) return "it has a line end or a tab";
  let depth = 0;
  for (const character of code) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (depth < 0) break;
  }
  return depth === 0 ? null : "its parentheses do not match";
}

export const bareFormula = (formula: string): string => formula.replace(/^\s*=/, "").trim();
