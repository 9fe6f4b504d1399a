// Figures as the command line prints them: sizes in powers of 1,024, times in two units at most, bars, and tables whose
// columns stand under each other.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const BAR_CELLS = 24;
const COLUMN_GAP = "  ";

/** A size: `1.5 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit]}`;
}

/** A whole number with its thousands apart. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString("en");
}

/** A share as a percentage with one decimal. */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A duration: `3 h 5 min`, `12 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: readonly [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

/** A bar that shows a share from 0 to 1. */
export function barText(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
}

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Writes rows under their titles; the last column is cut where the line would be longer than `width`. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const last = columns.length - 1;
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, index) => {
      if (columns[index]?.right) return cell.padStart(widths[index] as number);
      return index === last ? cell : cell.padEnd(widths[index] as number);
    });
    const whole = padded.join(COLUMN_GAP).trimEnd();
    return whole.length > width ? `${whole.slice(0, width - 1)}…` : whole;
  };
  return [columns.map(({ title }) => title), ...rows].map((cells) => line(cells)).join("\n");
}
