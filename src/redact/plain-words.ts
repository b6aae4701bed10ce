/**
 * Decides which words may leave the terminal. An allow list: text that does not read like a word of a route counts as
 * private, so that unknown kinds of secrets stay in too. Pure.
 */

/** Replaces a hidden segment; access-log routes use the same for numbers and UUIDs. */
const HIDDEN_SEGMENT = ':id';

/** Two-letter parts of compound words: getById, goToCart. */
const SHORT_WORDS = 'Id|By|To|Of|In|On|Up|My|Me|Is|Or|At|Ui|Io|Db|Js';
const WORD = new RegExp(
  `^(?:[a-z]{1,20}|[A-Z][a-z]{1,19}|[A-Z]{2,5}|[a-z]{2,16}(?:[A-Z][a-z]{2,15}|${SHORT_WORDS}){1,5}|(?:[A-Z][a-z]{2,15}|${SHORT_WORDS}){2,6})[0-9]?$`,
);
/** A day and a month before two digits: a date of birth. */
const DATE = /^(?:[12]?[0-9]|3[01])\.(?:[12]?[0-9]|3[01])\.[0-9]{2}$/;
/** "v2", "v1beta1", "3.6.0"; bare parts have no leading zero. */
const VERSION =
  /^(?:[vV][0-9]{1,3}(?:(?:alpha|beta)[0-9]{1,2}|(?:\.[0-9]{1,3}){0,2})|(?:0|[1-9][0-9]?)(?:\.(?:0|[1-9][0-9]?)){1,2})$/;
const isVersion = (text: string): boolean => VERSION.test(text) && !DATE.test(text);
/** Words up to this length may lack vowels, like abbreviations; longer ones have vowels and few consonants in a row. */
const SHORT = 5;
const CONSONANTS = /[^aeiouy0-9]{5}/i;

const EXTENSIONS = new Set(
  'asp aspx avif bmp cgi css csv do doc docx gif gz htm html ico jpeg jpg js json jsp jsx map md mjs mp3 mp4 pdf php png rss svg tgz tiff ts tsx ttf txt wasm wav webm webmanifest webp woff woff2 xhtml xls xlsx xml yaml yml zip'.split(
    ' ',
  ),
);
const MAX_SEGMENT = 48;
const MAX_WORDS = 6;
/** Of one segment in capitals; a licence key has more. */
const MAX_CAPITALS = 2;

/** Whether text reads like a word, such as "orders", "getUserById" or "oauth2", and not like random letters. */
export function isWord(text: string): boolean {
  if (!WORD.test(text)) return false;
  if (text.length <= SHORT) return true;
  return !CONSONANTS.test(text) && /[aeiouy]/i.test(text);
}

/**
 * Whether a segment is plain: "reset-password", "v2", "app.min.js", ".well-known", "shop.cart.v1.CartService" of gRPC,
 * "items:search", ":id".
 */
export function isPlainSegment(segment: string): boolean {
  if (segment === '' || segment === HIDDEN_SEGMENT || isVersion(segment)) return true;
  if (segment.length > MAX_SEGMENT) return false;
  const parts = segment.replace(/^[._]/, '').split('.');
  const last = parts.at(-1) ?? '';
  const isFile = parts.length > 1 && EXTENSIONS.has(last.toLowerCase());
  const isService = parts.length > 2 && /^[A-Z]/.test(last);
  if (parts.length > 1 && !isFile && !isService) return false;
  const words = (isFile ? parts.slice(0, -1) : parts).flatMap((part) => part.split(/[-_:]/));
  if (words.filter((word) => /^[A-Z]{2,}[0-9]?$/.test(word)).length > MAX_CAPITALS) return false;
  return words.length <= MAX_WORDS && words.every((word) => isWord(word) || isVersion(word));
}

/** A segment after a name with one of these words, such as "access_token" or "apiKey", is a secret. */
const SECRET_WORD =
  /^(?:api|access|auth|id|refresh)?(?:tokens?|secrets?|keys?|bearer|jwt|passwords?|passwd|passcodes?|pwd|otp|pin|csrf|nonce|signature|credentials?|sessionid)$/i;
const isSecretName = (segment: string): boolean =>
  segment.split(/[-_.:]|(?<=[a-z])(?=[A-Z])/).some((word) => SECRET_WORD.test(word));

/**
 * Hides every segment of a path that is not a plain word or that follows the name of a secret. `common`: segments that
 * many different clients requested. Idempotent.
 */
export function redactPath(path: string, common: ReadonlySet<string>): string {
  const segments = path.split('/');
  return segments
    .map((segment, index) => {
      const before = segments[index - 1] ?? '';
      // A secret may contain the word too, as in key-3ax6xnjp29jd.
      if (segment !== '' && isPlainSegment(before) && isSecretName(before)) return HIDDEN_SEGMENT;
      return common.has(segment) || isPlainSegment(segment) ? segment : HIDDEN_SEGMENT;
    })
    .join('/');
}

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}Z$/;
const NO_SEGMENTS: ReadonlySet<string> = new Set();

/** Redacts any text: keeps words, paths and times, and replaces every other piece between spaces with "x". */
export const redactWords = (text: string): string =>
  text
    .split(/(\s+)/)
    .map((word) => {
      if (/^\s*$/.test(word) || word === '-' || TIME.test(word) || isPlainSegment(word)) return word;
      return word.startsWith('/') ? redactPath(word, NO_SEGMENTS) : 'x';
    })
    .join('');
