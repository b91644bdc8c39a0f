/**
 * What a plan may be at most. Each is far beyond what drawing programs write, and keeps a hostile file within some seconds and some
 * hundred MB of a thread of its own.
 */

/** Elements within each other. Real plans have about ten; `saxes` looks through all that are open at each tag. */
export const MAX_DEPTH = 256;
/** In the file. */
export const MAX_ELEMENTS = 1_000_000;
/** Of one element. Inkscape writes some twenty. */
export const MAX_ATTRIBUTES = 1_000;
/** Characters of one attribute: a path of about a million points. */
export const MAX_ATTRIBUTE_LENGTH = 16 * 1024 * 1024;
/** Characters of text in one element. */
export const MAX_TEXT_LENGTH = 65_536;
/** Elements that are drawn, those of every `use` counted each time: ten `use` within each other can stand for 10^10. */
export const MAX_DRAWN = 1_000_000;
/** `use` within each other. */
export const MAX_USE_DEPTH = 32;
/** Of all shapes together, after curves have become lines. */
export const MAX_POINTS = 10_000_000;
/** Pixels from the picture's corner; beyond it a thousandth of a pixel would be lost, and nothing is a place in a picture. */
export const MAX_COORDINATE = 1e9;
/** Text that a DOCTYPE may define: namespaces, as Illustrator writes them. Nothing longer, and none that names another. */
export const MAX_ENTITY_LENGTH = 200;
export const MAX_ENTITIES = 100;
/** Layers of a version, as a project folder may have. */
export const MAX_LAYERS = 1_000;
/** Characters of a ref, as everywhere. */
export const MAX_REF = 200;

/** A flattened curve is nowhere farther from the true one than this, in pixels of the picture: a quarter of what an eye can tell. */
export const TOLERANCE = 0.1;
/** Coordinates are whole multiples of 1/1000 pixel, so that the same plan always gives the same text. */
export const DECIMALS = 1_000;

/** Bytes of a plan. A plan of a whole city, without pictures, has some ten million. */
export const MAX_PLAN_BYTES = 128 * 1024 * 1024;
