/** Quotes user input for an error message; cuts long input. */
export const quoteInput = (input: unknown): string => {
  const text = String(input);
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
};
