// The version of this package, from the one place that states it; the bundler copies only this field.

export { version as VERSION } from "../package.json";
