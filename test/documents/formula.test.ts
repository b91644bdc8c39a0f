/** Which formulas stay within their workbook. */
import { expect, it } from "vitest";
import { formulaProblem } from "../../src/documents/formula.ts";

const FINE = [
  "SUM(A2:A3)*7",
  'IF(A4>34,"yes, "" & [x] | WEBSERVICE(","no")',
  "'A sheet''s name (x)'!A1+1",
  "SUM(Jan:Dec!A1)+'Plots 2026'!$B$2:$B$9",
  "'https: [x] | y'&A1".replaceAll("'", '"'),
  "'say \"hi'!A1",
  '"it\'s"&A1',
];
const WRONG: Record<string, RegExp> = {
  "": /empty/,
  '"open': /quote in it is not closed/,
  "'open!A1": /quote in it is not closed/,
  '""&"': /quote in it is not closed/,
  "'a' & WEBSERVICE(A1) & 'b'!A1": /WEBSERVICE reaches out/,
  "'IMPORTDATA(' & A1": /IMPORTDATA reaches out/,
  "cmd|'/c calc'!A0": /another program/,
  "'[Book.xlsx'&A1": /names another workbook/,
  "'https://evil.example/[b.xlsx]S'!A1": /names another workbook/,
  "'\\\\evil\\share\\[b.xlsx]S'!A1": /names another workbook/,
  "'C:\\plans\\b.xlsx'!Total": /names another workbook/,
  "'file:///plans/b.ods'#$S.A1": /names another workbook/,
  "'b.ods'#$S.A1": /names another workbook/,
  "'[b.xlsx]it''s'!A1": /names another workbook/,
  "'A [x]'!A1": /no sheet's name has any of/,
  "'cmd|calc'!A0": /no sheet's name has any of/,
  "INDIRECT(\"'https://evil.example/[b.xlsx]S'!A1\")": /INDIRECT reaches out/,
  "SUM(A1": /parentheses/,
  "A1)+(": /parentheses/,
  "A1\tA2": /line end or a tab/,
};

it.each(FINE)("%s may be used", (formula) => expect(formulaProblem(formula)).toBeNull());
it.each(Object.entries(WRONG))("%s may not", (formula, says) => expect(formulaProblem(formula)).toMatch(says));

it.each(["'", '"', "''x", "' '", "import", "a(", "import ", "user\u00a0"])(
  "a hundred long formulas full of %j are looked at within a second",
  (each) => {
    const formula = each.repeat(Math.ceil(8_191 / each.length)).slice(0, 8_191);
    const begun = performance.now();
    for (let count = 0; count < 100; count += 1) formulaProblem(formula);
    expect(performance.now() - begun).toBeLessThan(1_000);
  },
);
