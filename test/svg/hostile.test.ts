/** Files that are no plans, or that mean harm: each refused with what and where, or read without what is harmful. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as limits from "../../src/svg/limits.ts";
import { PlanFault } from "../../src/svg/plan-fault.ts";
import { planOf, svg } from "./plan-of.ts";

function faultOf(text: string | Uint8Array): { code: string; reason: string; place: unknown } {
  try {
    planOf(text);
  } catch (error) {
    if (!(error instanceof PlanFault)) throw error;
    return { code: error.code, reason: error.message, place: error.place };
  }
  throw new Error("it was read");
}

const RECT = `<rect id="r" width="1" height="1"/>`;
const laughs = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join("");

describe("refused as a whole", () => {
  it.each<[what: string, file: string | Uint8Array, reason: RegExp, code?: string]>([
    ["an empty file", "", /^it is empty$/],
    ["white space", " \n ", /must contain a root element|empty/i],
    ["a truncated file", svg(RECT).slice(0, -10), /unclosed tag/],
    ["a file cut within a tag", svg(RECT).slice(0, -40), /unclosed tag|unexpected end/],
    ["a PNG", Buffer.from("89504e470d0a1a0a", "hex"), /^it is a PNG picture$/],
    ["a PDF", "%PDF-1.7", /PDF/],
    ["a ZIP", Buffer.from("504b030414000000", "hex"), /ZIP/],
    ["a compressed plan", gzipSync(svg(RECT)), /svgz.*gunzip/],
    ["HTML", "<html><body/></html>", /root is <html>/],
    ["JSON", `{"type":"FeatureCollection"}`, /text data outside of root node|non-whitespace/i],
    ["XML of another kind", `<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"/>`, /root is <Image>/],
    ["an SVG root of another namespace", `<svg xmlns="http://example.com/"/>`, /root is <svg>/],
    ["text that is not UTF-8", Buffer.from([...Buffer.from(svg("<text>x")), 0xff, 0xfe]), /not UTF-8/],
    ["an unknown encoding", `<?xml version="1.0" encoding="klingon"?>${svg(RECT)}`, /encoding klingon is not known/],
    ["a NUL", svg(`<text>\0</text>`), /disallowed character/],
    ["a NUL by its number", svg(`<text>&#0;</text>`), /malformed character entity/],
    [
      "half of a surrogate pair",
      Buffer.concat([Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><text>`), Buffer.from([0xed, 0xa0, 0x80])]),
      /not UTF-8/,
    ],
    ["half of a surrogate pair by its number", svg(`<text>&#xD800;</text>`), /malformed character entity/],
    [
      "the billion laughs",
      `<!DOCTYPE svg [<!ENTITY l0 "lol">${laughs}]>${svg(`<text>&l9;</text>`)}`,
      /undefined entity/,
    ],
    [
      "an entity from a file",
      `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg(`<text>&x;</text>`)}`,
      /undefined entity/,
    ],
    ["an attribute twice", svg(`<rect width="1" width="2"/>`), /duplicate attribute/],
    ["elements within each other", svg("<g>".repeat(100_000)), /more than 256 elements are open/, "svg_too_complex"],
    [
      "an element with a million attributes",
      svg(`<rect ${Array.from({ length: 1_000_000 }, (_, at) => `a${at}=""`).join(" ")}/>`),
      /more than 1000 attributes/,
      "svg_too_complex",
    ],
    [
      "a text without end",
      svg(`<text>${"x".repeat(limits.MAX_TEXT_LENGTH + 1)}</text>`),
      /text of <text> is longer/,
      "svg_too_complex",
    ],
    [
      "use within use, a billion times over",
      svg(
        `<g id="u0">${RECT.replace(` id="r"`, "")}</g>` +
          Array.from({ length: 9 }, (_, at) => `<g id="u${at + 1}">${`<use href="#u${at}"/>`.repeat(10)}</g>`).join(""),
      ),
      /more than 1000000 elements, those of each use counted/,
      "svg_too_complex",
    ],
  ])("%s", (_, file, reason, code = "svg_invalid") => {
    const fault = faultOf(file);
    expect(fault.reason).toMatch(reason);
    expect(fault.code).toBe(code);
  });

  it("with line and column", () => {
    expect(faultOf(`<svg xmlns="http://www.w3.org/2000/svg">\n <rect <\n`)).toMatchObject({
      place: { line: 2, column: 8 },
    });
  });
});

describe("left out, and the rest is there", () => {
  it.each<[what: string, body: string, code: string, reason: RegExp]>([
    ["a script", `<script>alert(1)</script>`, "svg_script_ignored", /not run/],
    ["a handler", `<rect id="h" width="2" height="2" onload="alert(1)"/>`, "svg_script_ignored", /onload is not run/],
    ["a picture", `<image href="https://example.com/a.png"/>`, "svg_element_unsupported", /picture/],
    [
      "HTML",
      `<foreignObject><div xmlns="http://www.w3.org/1999/xhtml">x</div></foreignObject>`,
      "svg_element_unsupported",
      /HTML/,
    ],
    ["use of another file", `<use href="other.svg#x"/>`, "svg_reference_external", /not followed/],
    ["use of a site", `<use xlink:href="http://169.254.169.254/#x"/>`, "svg_reference_external", /not followed/],
    ["use of data", `<use href="data:image/svg+xml,%3Csvg/%3E#x"/>`, "svg_reference_external", /not followed/],
    [
      "a style sheet of a site",
      `<style>@import url(http://example.com/a.css);</style>`,
      "svg_reference_external",
      /not loaded/,
    ],
    ["use of nothing", `<use href="#nobody"/>`, "svg_reference_unknown", /no element/],
    ["use of itself", `<use id="u" href="#u"/>`, "svg_reference_circular", /holds it/],
    ["use in a circle", `<g id="c"><use href="#c"/></g>`, "svg_reference_circular", /holds it/],
    [
      "use in a circle of two",
      `<defs><g id="c"><use href="#d"/></g><g id="d"><use href="#c"/></g></defs><use href="#c"/>`,
      "svg_reference_circular",
      /holds it/,
    ],
    ["1e308", `<path d="M0 0L1e308 1e308L0 5z"/>`, "svg_number_out_of_range", /beyond 1000000000 pixels/],
    [
      "infinity by scaling",
      `<path transform="scale(1e300)" d="M0 0L1e300 1L0 5z"/>`,
      "svg_number_out_of_range",
      /beyond/,
    ],
    ["NaN", `<rect width="NaN" height="1"/>`, "svg_number_invalid", /width cannot be read/],
    ["NaN in a path", `<path d="M0 0L NaN 1"/>`, "svg_path_invalid", /character 7/],
    ["a number without its partner", `<polygon points="1 2 3"/>`, "svg_number_invalid", /an x and no y/],
    [
      "a transform that is none",
      `<g transform="expand(2)"><rect width="1" height="1"/></g>`,
      "svg_transform_invalid",
      /transform/,
    ],
    ["no area", `<path d="M0 0L5 5z"/>`, "svg_shape_empty", /no area/],
    ["no size", `<rect width="0" height="5"/>`, "svg_shape_empty", /no area/],
  ])("%s", (_, body, code, reason) => {
    const plan = planOf(svg(`\n  ${body}\n${RECT}`));
    expect(plan.leftOut).toHaveLength(1);
    expect(plan.leftOut[0]).toMatchObject({ code });
    expect(plan.leftOut[0]?.reason).toMatch(reason);
    expect(plan.overlays.map(({ ref }) => ref)).toContain("r");
  });

  it("with element, id, line, column and value", () => {
    expect(planOf(svg(`\n\n  <path id="bad"\n d="M0 0 L 1"/>`)).leftOut).toEqual([
      {
        ...{ code: "svg_path_invalid", element: "path", id: "bad", line: 3, column: 3, value: "M0 0 L 1" },
        reason: "its path cannot be read at character 9: L needs 2 numbers, and it ends",
      },
    ]);
  });

  it("names with dots and slashes are names and nothing else", () => {
    expect(planOf(svg(`<rect id="../../etc/passwd" width="1" height="1"/>`)).overlays[0]?.ref).toBe("../../etc/passwd");
  });

  it("as many as 100,000 are told, and all are counted", () => {
    const plan = planOf(svg(`<image/>`.repeat(100_010)));
    expect([plan.leftOut.length, plan.leftOutCount]).toEqual([100_000, 100_010]);
  });
});

it("a plan in UTF-16, and one in Latin 1 that says so, are read", () => {
  const text = svg(`<rect id="é" width="1" height="1"/>`);
  expect(planOf(Buffer.from(`\ufeff${text}`, "utf16le")).overlays[0]?.ref).toBe("é");
  expect(planOf(Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${text}`, "latin1")).overlays[0]?.ref).toBe(
    "é",
  );
});
