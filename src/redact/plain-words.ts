/**
 * Which words may leave the terminal. A list of what is allowed: whatever does not read as a word of a route is taken for somebody's,
 * so that a kind of secret nobody thought of stays in as well. Pure.
 */

/** What stands for a segment that is not shown; the access-log routes use the same for numbers and UUIDs. */
const HIDDEN_SEGMENT = ':id';

/** Two letters that end or begin a word of several: getById, goToCart. */
const SHORT_WORDS = 'Id|By|To|Of|In|On|Up|My|Me|Is|Or|At|Ui|Io|Db|Js';
const WORD = new RegExp(
  `^(?:[a-z]{1,20}|[A-Z][a-z]{1,19}|[A-Z]{2,5}|[a-z]{2,16}(?:[A-Z][a-z]{2,15}|${SHORT_WORDS}){1,5}|(?:[A-Z][a-z]{2,15}|${SHORT_WORDS}){2,6})[0-9]?$`,
);
const VERSION = /^(?:[vV][0-9]{1,3}(?:\.[0-9]{1,3}){0,2}|[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?)$/;
/** Abbreviations have no vowels; longer words have some, and few consonants in a row. */
const SHORT = 5;
const CONSONANTS = /[^aeiouy0-9]{5}/i;

const EXTENSIONS = new Set(
  'asp aspx avif bmp cgi css csv do doc docx gif gz htm html ico jpeg jpg js json jsp jsx map md mjs mp3 mp4 pdf php png rss svg tgz tiff ts tsx ttf txt wasm wav webm webmanifest webp woff woff2 xhtml xls xlsx xml yaml yml zip'.split(
    ' ',
  ),
);
const MAX_SEGMENT = 48;
const MAX_WORDS = 6;

/** "orders", "getUserById", "oauth2"; no random letters, as far as these can be told. */
export function isWord(text: string): boolean {
  if (!WORD.test(text)) return false;
  if (text.length <= SHORT) return true;
  return !CONSONANTS.test(text) && /[aeiouy]/i.test(text);
}

/** "reset-password", "v2", "app.min.js", ".well-known", "shop.cart.v1.CartService" of gRPC, "items:search", ":id". */
export function isPlainSegment(segment: string): boolean {
  if (segment === '' || segment === HIDDEN_SEGMENT || VERSION.test(segment)) return true;
  if (segment.length > MAX_SEGMENT) return false;
  const parts = segment.replace(/^[._]/, '').split('.');
  const last = parts.at(-1) ?? '';
  const isFile = parts.length > 1 && EXTENSIONS.has(last.toLowerCase());
  const isService = parts.length > 2 && /^[A-Z]/.test(last);
  if (parts.length > 1 && !isFile && !isService) return false;
  const words = (isFile ? parts.slice(0, -1) : parts).flatMap((part) => part.split(/[-_:]/));
  return words.length <= MAX_WORDS && words.every((word) => isWord(word) || VERSION.test(word));
}

/** Behind these names stands a secret, whatever it looks like. */
const SECRET_NAME = /^(?:api-?)?(?:tokens?|secrets?|keys?|bearer|jwt|passwords?|passwd|pwd|otp|pin)$/i;

/**
 * A path with every segment hidden that is not a plain word. `common` are segments that many different clients asked for.
 * Keeps what it returns: it may be applied twice.
 */
export function redactPath(path: string, common: ReadonlySet<string>): string {
  const segments = path.split('/');
  return segments
    .map((segment, index) => {
      if (common.has(segment)) return segment;
      const isSecret = segment !== '' && SECRET_NAME.test(segments[index - 1] ?? '');
      return isPlainSegment(segment) && !isSecret ? segment : HIDDEN_SEGMENT;
    })
    .join('/');
}

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}Z$/;
const NO_SEGMENTS: ReadonlySet<string> = new Set();

/** Text of any kind: its words, paths and times stay, and each piece between spaces that is none of these becomes "x". */
export const redactWords = (text: string): string =>
  text
    .split(/(\s+)/)
    .map((word) => {
      if (/^\s*$/.test(word) || word === '-' || TIME.test(word) || isPlainSegment(word)) return word;
      return word.startsWith('/') ? redactPath(word, NO_SEGMENTS) : 'x';
    })
    .join('');
