/**
 * Removes secrets from text for a channel. Collectors already drop queries and client addresses; this removes secrets
 * in paths.
 */
import { escapeControls } from '../../format/escape-control-characters.ts';

/** The query of a path, starting at its question mark; also encoded, because some clients encode twice. */
const QUERY = /(?<=[\w/)\]-])(?:\?(?:[^\s?]*=\S*|[\w%-]{4,})|%3f[^\s?/]*(?:=|%3d)\S*)/gi;
/**
 * Path segments with e-mail addresses (not logo@2x.png or react@18.2.0) or client addresses (not the host of a URL).
 */
const MAIL = /(?<=\/)[\w.+%-]{1,80}?(?:@|%40)(?!\dx\.)(?:[\w-]{1,63}\.){1,5}[a-z]{2,}(?![\w.])/gi;
const ADDRESS = /(?<=(?<!\/)\/)(?:\d{1,3}\.){3}\d{1,3}(?=[/\s,;:)]|$)/g;
/** AWS keys and tokens with a known prefix. */
const TOKEN = /\b(?:eyJ[\w-]{8,}(?:\.[\w-]+){0,2}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[a-z]-[\w-]+|gh[pousr]_\w{20,})/g;
/** Resource names, which CloudFormation generates, in an ARN or as app/name/id. */
const RESOURCE = String.raw`(?<![/\w])(?:arn:aws[a-z-]*:[^\s"']*|(?:app|targetgroup)\/[\w-]{1,32}\/[0-9a-f]{8,})`;
/** Path segments that look generated: long, with lower-case and capital letters and digits. */
const SEGMENT = new RegExp(String.raw`${RESOURCE}|(?<=\/)[\w-]{20,}(?![\w.:-])`, 'g');
const isOpaque = (segment: string): boolean => /[a-z]/.test(segment) && /[A-Z]/.test(segment) && /\d/.test(segment);
/** Characters kept of one text. */
const MAX_PROSE = 4000;

export const redactSecrets = (text: string): string =>
  (text.length > MAX_PROSE ? `${text.slice(0, MAX_PROSE)}…` : text)
    .replace(QUERY, '')
    .replace(TOKEN, ':token')
    .replace(MAIL, ':mail')
    .replace(ADDRESS, ':address')
    .replace(SEGMENT, (segment) => (/^[\w-]+$/.test(segment) && isOpaque(segment) ? ':token' : segment));

/** Makes untrusted text safe to show. */
export const sanitize = (text: string): string => redactSecrets(escapeControls(text));
