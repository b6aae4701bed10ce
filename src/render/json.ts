/** The diagnosis as JSON: the contract for programs. */
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { byText } from '../format/by-text.ts';

/** Characters that JSON allows unescaped but that move the cursor or reverse text on a screen. */
const INVISIBLE = /[\x7f-\x9f\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

const escapeInvisible = (text: string): string =>
  text.replace(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

/** Sorts the keys of records, whose order is otherwise arbitrary. */
const sortKeys = (record: object): object =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => byText(a, b)));

/** Indented by two spaces, ends in a newline, printable; parsing it returns the same diagnosis. */
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
