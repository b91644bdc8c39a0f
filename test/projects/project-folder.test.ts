import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { folderSchemas, overlayCollection, projectFile } from "../../src/projects/project-folder.ts";
import { parseDescriptor } from "../../src/tiles/descriptor.ts";

const schemas = folderSchemas();

// `npx vitest run test/projects -u` writes them anew.
test.each(Object.keys(schemas))("docs/schemas/%s is what the schemas of the code say", async (name) => {
  await expect(schemas[name]).toMatchFileSnapshot(`../../docs/schemas/${name}`);
});

const project = {
  slug: "harbour-town",
  name: "Harbour town",
  config: { title: { en: "Harbour town" }, center: [55, 25], zoom: 4 },
  layers: [{ ref: "plots", label: { en: "Plots", ar: "قطع" }, style: { fill: "#fc0" }, visible: true }],
};
const at = (geometry: unknown) => ({
  type: "FeatureCollection",
  features: [{ type: "Feature", id: 1, geometry, properties: { ref: "a", label: "A", extra: [1] } }],
});
const point = { type: "Point", coordinates: [1, 2] };

test.each([
  ["project.schema.json", project, true],
  ["project.schema.json", { name: "Least", config: {} }, true],
  ["project.schema.json", { name: "No config" }, false],
  ["project.schema.json", { ...project, slug: "Not a slug" }, false],
  ["project.schema.json", { ...project, colour: "red" }, false],
  ["project.schema.json", { ...project, layers: [{ label: "no ref" }] }, false],
  ["overlays.schema.json", at(point), true],
  [
    "overlays.schema.json",
    at({
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [0, 1],
          [1, 1],
          [0, 0],
        ],
      ],
    }),
    true,
  ],
  ["overlays.schema.json", at({ type: "GeometryCollection", geometries: [point] }), true],
  ["overlays.schema.json", at({ type: "GeometryCollection", geometries: [{ type: "Point" }] }), false],
  ["overlays.schema.json", at({ type: "Polygon", coordinates: [[0, 0]] }), false],
  ["overlays.schema.json", at(null), false],
] as const)("the document %s and the code judge alike (%#)", async (name, value, valid) => {
  const document = JSON.parse(await readFile(new URL(`../../docs/schemas/${name}`, import.meta.url), "utf8"));
  const check = new Ajv2020({ allErrors: true }).compile(document);
  expect(check(value)).toBe(valid);
  const schema = name === "project.schema.json" ? projectFile : overlayCollection;
  expect(schema.safeParse(value).success).toBe(valid);
});

test("two layers with one ref are refused, which no JSON Schema can say", () => {
  const [layer] = project.layers;
  const result = projectFile.safeParse({ ...project, layers: [layer, layer] });
  expect(result.error?.issues).toMatchObject([{ path: ["layers", 1, "ref"], message: "the ref plots is used twice" }]);
});

test("the examples of docs/project-folder.md are what the code takes", async () => {
  const page = await readFile(new URL("../../docs/project-folder.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/```(json|xml)\n(.*?)```/gs)].map((match) => match[2] ?? "");
  expect(blocks).toHaveLength(3);
  expect(projectFile.parse(JSON.parse(blocks[0]!)).layers).toHaveLength(2);
  expect(overlayCollection.parse(JSON.parse(blocks[1]!)).features).toHaveLength(1);
  expect(parseDescriptor(blocks[2]!)).toMatchObject({ width: 1024, height: 768 });
});
