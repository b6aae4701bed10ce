/** The diagnosis as JSON: the contract for programs. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';

/** Characters JSON allows as they are, but that move the cursor or turn the line around where somebody looks at it. */
const INVISIBLE = /[\x7f-\x9f\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

const escapeInvisible = (text: string): string =>
  text.replace(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

/** Records keyed by what was found have no order of their own. */
const sortKeys = (record: object): object =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

/** Two spaces, a newline at the end, printable; parsing it gives the same diagnosis. */
export const renderJson = (diagnosis: Diagnosis): string =>
  `${escapeInvisible(
    JSON.stringify(
      diagnosis,
      (key, value: unknown) =>
        (key === 'byStatus' || key === 'bySignature') && typeof value === 'object' && value !== null
          ? sortKeys(value)
          : value,
      2,
    ),
  )}\n`;
