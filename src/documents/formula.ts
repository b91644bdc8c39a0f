/** Formulas that people wrote, as far as they stay within their workbook. */

/** Functions that reach out of it, or run what is no formula. */
const REACHES_OUT =
  /\b(webservice|filterxml|encodeurl|import\w+|rtd|dde|dde\w*|call|register(\.id)?|exec|evaluate|hyperlink|image|cube\w+|sql\.request|stockhistory|copilot|py|user)\s*\(/i;

/** What is wrong with it, or null. A leading `=` is left out before. */
export function formulaProblem(formula: string): string | null {
  if (formula.trim() === "") return "it is empty";
  const code = withoutQuoted(formula);
  if (code === null) return "a quote in it is not closed";
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

/** Texts and names of sheets in quotes may hold anything: `""` and `S` for them; null where a quote is not closed. In one pass, whatever it holds. */
function withoutQuoted(formula: string): string | null {
  let code = "";
  let at = 0;
  while (at < formula.length) {
    const quote = formula[at]!;
    if (quote !== '"' && quote !== "'") {
      code += quote;
      at += 1;
      continue;
    }
    const end = endOfQuoted(formula, at);
    if (end === -1) return null;
    if (quote === '"') code += '""';
    else code += formula[end] === "!" ? "S" : formula.slice(at, end);
    at = end;
  }
  return code;
}

/** Place behind the quote that ends what the one at `from` begins; two together are one of the text. */
function endOfQuoted(formula: string, from: number): number {
  const quote = formula[from]!;
  for (let at = formula.indexOf(quote, from + 1); at !== -1; at = formula.indexOf(quote, at + 2))
    if (formula[at + 1] !== quote) return at + 1;
  return -1;
}

export const bareFormula = (formula: string): string => formula.replace(/^\s*=/, "").trim();
