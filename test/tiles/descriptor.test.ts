import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDescriptor, printDescriptor } from "../../src/tiles/descriptor.ts";
import { TILE_FORMATS } from "../../src/tiles/dzi.ts";

const image = (attributes: string, inside = `<Size Width="10" Height="20"/>`, year = 2008): string =>
  `<Image xmlns="http://schemas.microsoft.com/deepzoom/${year}" ${attributes}>${inside}</Image>`;
const GOOD = `TileSize="256" Overlap="1" Format="png"`;

test("a printed descriptor reads as what it was", () => {
  const descriptors = fc.record({
    width: fc.integer({ min: 1, max: 200_000 }),
    height: fc.integer({ min: 1, max: 200_000 }),
    tile_size: fc.integer({ min: 128, max: 8192 }),
    overlap: fc.integer({ min: 0, max: 64 }),
    format: fc.constantFrom(...TILE_FORMATS),
  });
  fc.assert(
    fc.property(descriptors, (each) => {
      expect(parseDescriptor(printDescriptor(each))).toEqual(each);
    }),
  );
});

test.each([
  ["of 2009", image(GOOD, undefined, 2009)],
  [
    "with a prefix",
    `<d:Image xmlns:d="http://schemas.microsoft.com/deepzoom/2008" ${GOOD}><d:Size Width="10" Height="20"/></d:Image>`,
  ],
  ["of vips with --suffix .PNG", image(GOOD.replace("png", "PNG"))],
  ["in capitals", image(GOOD.toUpperCase(), `<SIZE WIDTH="10" HEIGHT="20"/>`)],
  ["in small letters", image(GOOD.toLowerCase(), `<size width="10" height="20"/>`)],
  ["with attributes that only its own tool knows", image(`ServerFormat="Default" Quality="0.8" ${GOOD}`)],
  ["with the line ends of Windows", image(GOOD).replaceAll(/[ >]/g, "$&\r\n")],
  ["with a BOM and a comment", `\uFEFF<?xml version="1.0"?><!-- made by hand -->${image(GOOD)}`],
])("a descriptor %s is read", (_, text) => {
  expect(parseDescriptor(text)).toEqual({ width: 10, height: 20, tile_size: 256, overlap: 1, format: "png" });
});

test.each([
  ["", /empty|root/],
  ["not xml", /text/i],
  [image(GOOD).slice(0, -3), /unclosed|end/i],
  [`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${image(GOOD)}`, /DOCTYPE/],
  [image(GOOD, `&a;<Size Width="1" Height="1"/>`), /entity/i],
  [`<Image ${GOOD}><Size Width="10" Height="20"/></Image>`, /namespace/],
  [image(GOOD).replaceAll("Image", "Collection"), /Collection/],
  [image(GOOD, ""), /0 <Size>/],
  [image(GOOD, `<Size Width="1" Height="1"/><Size Width="1" Height="1"/>`), /2 <Size>/],
  [image(GOOD, `<Size Width="1" Height="1"/><DisplayRects/>`), /DisplayRects/],
  [image(GOOD, `<Size Width="0" Height="1"/>`), /Width is "0"/],
  [image(GOOD, `<Size Width="2147483648" Height="1"/>`), /from 1 to 2147483647/],
  [image(GOOD, `<Size Width="1e3" Height="1"/>`), /Width is "1e3"/],
  [image(GOOD, `<Size Height="1"/>`), /no Width/],
  [image(`TileSize="0" Overlap="0" Format="png"`), /TileSize/],
  [image(`TileSize="8193" Overlap="0" Format="png"`), /TileSize/],
  [image(`TileSize="256" Overlap="129" Format="png"`), /Overlap is "129"/],
  [image(`TileSize="256" Overlap="0" Format="gif"`), /Format is "gif"/],
  [image(`TileSize="1" Overlap="0" Format="png"`, `<Size Width="9999" Height="9999"/>`), /at most 10000000/],
  [`${image(GOOD)}${" ".repeat(70_000)}`, /longer than/],
])("the descriptor %# is refused with its reason", (text, reason) => {
  expect(() => parseDescriptor(text)).toThrow(
    expect.objectContaining({ code: "descriptor_invalid", message: expect.stringMatching(reason) }),
  );
});
