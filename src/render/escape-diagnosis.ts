/** Escapes a whole diagnosis before it is rendered. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { escapeControls } from '../format/escape-control-characters.ts';

/** Fields users copy: they keep line breaks and skip prose escaping. */
const COPIED_FIELDS = new Set([
  'commands',
  'settings',
  'sources',
  'ids',
  'grep',
  'logsInsights',
  'logFormat',
  'reference',
  'iamStatement',
]);

const escapeControlsInLines = (text: string): string => text.split('\n').map(escapeControls).join('\n');

const mapStrings = (value: unknown, transform: (text: string) => string): unknown => {
  if (typeof value === 'string') return transform(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, transform));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      transform(key),
      mapStrings(item, COPIED_FIELDS.has(key) ? escapeControlsInLines : transform),
    ]),
  );
};

/**
 * Returns the diagnosis with every string, including keys, in printable characters, and prose escaped for its format.
 * Ids, times and standings stay unchanged, since no format gives their characters a meaning.
 */
export const escapeDiagnosis = (
  diagnosis: Diagnosis,
  escapeProse: (text: string) => string = (text) => text,
): Diagnosis => mapStrings(diagnosis, (text) => escapeProse(escapeControls(text))) as Diagnosis;
