// Distances on the earth, taken as a sphere of the radius that Redis's geo commands take, by the haversine formula:
// within half a percent of the ellipsoid, and exact enough for short ways, where the cosine rule cancels.

const RADIUS_METERS: f64 = 6372797.560856;
const RADIANS_A_DEGREE: f64 = Math.PI / 180;

/** Meters between two places in degrees. */
export function distanceOnEarth(longitude1: f64, latitude1: f64, longitude2: f64, latitude2: f64): f64 {
  const up = Math.sin((latitude2 - latitude1) * RADIANS_A_DEGREE * 0.5);
  const along = Math.sin((longitude2 - longitude1) * RADIANS_A_DEGREE * 0.5);
  const shrink = Math.cos(latitude1 * RADIANS_A_DEGREE) * Math.cos(latitude2 * RADIANS_A_DEGREE);
  return 2 * RADIUS_METERS * Math.asin(Math.sqrt(min<f64>(1, up * up + shrink * along * along)));
}
