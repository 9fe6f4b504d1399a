// What the digits are called in the database, agreed between the command that loads them and the page that shows them:
// one vector set, and beside it each digit's picture as an ordinary key, 784 bytes. Imports nothing: both sides read it.

/** The key of the vector set. */
export const DIGITS_KEY = "digits";

/** The id of a digit: what it shows, and its number among those that show the same. */
export function digitId(label: number, index: number): string {
  return `${label}-${index}`;
}

/** What a digit shows, by its id. */
export function labelOf(id: string): number {
  return Number.parseInt(id, 10);
}

/** The key of a digit's picture: 784 bytes from 0 (paper) to 255 (ink), row after row. */
export function pictureKey(id: string): string {
  return `picture:${id}`;
}
