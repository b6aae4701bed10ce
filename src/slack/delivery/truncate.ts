/** Text as long as Slack takes it. Pure. */

/** Characters that chat.update takes; chat.postMessage is advised to be as short. */
const LONGEST_TEXT = 4_000;

/** Cut at the end where it is too long, never within a character, an escape or a link. */
export function truncateText(text: string, longest = LONGEST_TEXT): string {
  if (text.length <= longest) return text;
  const cut = text.slice(0, longest - 1);
  const whole = cut.replace(/(?:&[a-z]{0,4}|<[^<>]*|[\ud800-\udbff])$/, '');
  return `${whole.trimEnd()}…`;
}
