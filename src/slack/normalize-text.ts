/** Turns text typed in Slack into plain words. Pure. */

/** Quotation marks around names, including typographic ones. */
const QUOTES = /["'`“”„‟‘’‚‛«»‹›]/g;
const DASHES = /[\u2010-\u2015\u2212\u00ad]/g;
const SPACES = /[\s\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff]/g;

/**
 * `<https://a.b|a.b>`, `<https://a.b>` and `<a.b>` to "a.b": Slack makes links of DNS names, and people type brackets.
 */
const WRAPPED = /<([^<>|]*)(?:\|([^<>]*))?>/g;

/** Returns one line of plain words, without Slack markup and typographic characters. */
export function normalizeText(text: string): string {
  return unescapeEntities(text.replace(WRAPPED, (_, link: string, label?: string) => ` ${label || stripScheme(link)} `))
    .replace(WRAPPED, (_, word: string) => ` ${word} `)
    .replace(INVISIBLE, '')
    .replace(DASHES, '-')
    .replace(QUOTES, '')
    .replace(SPACES, ' ')
    .trim();
}

/** The text of a mention without the bot's name. */
export const stripMention = (text: string, bot: string): string =>
  text.replaceAll(new RegExp(`<@${bot}(?:\\|[^>]*)?>`, 'g'), ' ');

/** Decodes `&` last, so that nothing is decoded twice. */
const unescapeEntities = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

const stripScheme = (link: string): string => link.replace(/^(?:https?|mailto):(?:\/\/)?/i, '').replace(/\/$/, '');

/** Whether the words ask for help. */
export const isHelpRequest = (words: string): boolean => /^(?:help(?: me| please)?|-h|--help|\?)$/i.test(words);
