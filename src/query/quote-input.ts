/** What a person typed, quoted for an error message; long input is cut. */
export const quoteInput = (input: unknown): string => {
  const text = String(input);
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
};
