// The filter by label: a row of radio buttons, any and 0 to 9, which the browser already lets arrows move through.

/** Fills a fieldset; `choose` is told the label, undefined for any. */
export function makeLabelFilter(fieldset: HTMLFieldSetElement, choose: (label: number | undefined) => void): void {
  const labels = [undefined, ...Array.from({ length: 10 }, (_, label) => label)];
  for (const label of labels) {
    const choice = document.createElement("label");
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "label";
    input.value = label === undefined ? "any" : String(label);
    input.checked = label === undefined;
    input.addEventListener("change", () => choose(label));
    choice.append(input, input.value);
    fieldset.append(choice);
  }
}
