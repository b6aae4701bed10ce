/** What nobody should read in a channel. Collectors keep queries and client addresses out; what is left of secrets in paths goes here. */
import { visible } from '../visible.ts';

/** The query of a path, and what follows the question mark; encoded too, as by clients that encode twice. */
const QUERY = /(?<=[\w/)\]-])(?:\?(?:[^\s?]*=\S*|[\w%-]{4,})|%3f[^\s?/]*(?:=|%3d)\S*)/gi;
/** Segments of a path that are somebody's: of mail, not logo@2x.png or react@18.2.0; and of a client, not the host of a URL. */
const MAIL = /(?<=\/)[\w.+%-]{1,80}?(?:@|%40)(?!\dx\.)(?:[\w-]{1,63}\.){1,5}[a-z]{2,}(?![\w.])/gi;
const ADDRESS = /(?<=(?<!\/)\/)(?:\d{1,3}\.){3}\d{1,3}(?=[/\s,;:)]|$)/g;
/** Keys of AWS and tokens that say what they are. */
const TOKEN = /\b(?:eyJ[\w-]{8,}(?:\.[\w-]+){0,2}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[a-z]-[\w-]+|gh[pousr]_\w{20,})/g;
/** Segments of a path, and those that nobody would type: long, with small and capital letters and digits. */
const SEGMENT = /(?<=\/)[\w-]{20,}(?![\w.:-])/g;
const isOpaque = (segment: string): boolean => /[a-z]/.test(segment) && /[A-Z]/.test(segment) && /\d/.test(segment);
/** Of one text: more is read by nobody. */
const MOST_PROSE = 4000;

export const discreet = (text: string): string =>
  (text.length > MOST_PROSE ? `${text.slice(0, MOST_PROSE)}…` : text)
    .replace(QUERY, '')
    .replace(TOKEN, ':token')
    .replace(MAIL, ':mail')
    .replace(ADDRESS, ':address')
    .replace(SEGMENT, (segment) => (isOpaque(segment) ? ':token' : segment));

/** Text from anywhere, fit to be shown. */
export const shown = (text: string): string => discreet(visible(text));
