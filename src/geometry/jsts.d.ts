/** The three modules of jsts that `geometry-problem.ts` uses; the package's own types do not cover deep imports. */
declare module "jsts/org/locationtech/jts/geom/GeometryFactory.js" {
  export default class GeometryFactory {}
}
declare module "jsts/org/locationtech/jts/io/GeoJSONReader.js" {
  export default class GeoJSONReader {
    constructor(factory: unknown);
    read(geometry: object): unknown;
  }
}
declare module "jsts/org/locationtech/jts/operation/valid/IsValidOp.js" {
  export default class IsValidOp {
    constructor(geometry: unknown);
    isValid(): boolean;
    getValidationError(): { getMessage(): string; getCoordinate(): { x: number; y: number } };
  }
}
