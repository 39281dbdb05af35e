/** What stands in a masked text for personal data, as the server writes it. */
const MASK = /(\[(?:EMAIL|PHONE|IBAN|CARD|ORDER|CUSTOMER)\])/;

/** The text cut at its masks: pieces in order, nothing added or lost. */
export function pieces(text: string): { text: string; mask: boolean }[] {
  return text
    .split(MASK)
    .filter((piece) => piece !== "")
    .map((piece) => ({ text: piece, mask: MASK.test(piece) }));
}
