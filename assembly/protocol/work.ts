// The work of a call, in units of about 100 ns: what decides when a call yields, and when the clock is read.

/** Work done in this call. */
export let work: u32 = 0;

/** Adds to the work of this call: 1 is about 100 ns. */
export function addWork(units: u32): void {
  work += units;
}

/** A call begins. */
@inline
export function beginWork(): void {
  work = 0;
}
