/** Cuts text to the length that Slack accepts. Pure. */

/** Limit of chat.update in characters; also recommended for chat.postMessage. */
const LONGEST_TEXT = 4_000;

/** Cuts long text at the end, never within a character, an escape or a link. */
export function truncateText(text: string, longest = LONGEST_TEXT): string {
  if (text.length <= longest) return text;
  const cut = text.slice(0, longest - 1);
  const whole = cut.replace(/(?:&[a-z]{0,4}|<[^<>]*|[\ud800-\udbff])$/, '');
  return `${whole.trimEnd()}…`;
}
