/** How much someone woken at night has to read, over all recorded incidents. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { madeInFront } from '../../../src/render/verdict-words.ts';
import { checklistMessage, rootMessage, verdictMessage } from '../../../src/slack/messages/index.ts';
import type { Message } from '../../../src/slack/messages/message.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { recordedDiagnosis, threadStateOf } from '../../support/slack/thread-states.ts';

const incidents = readdirSync(join(import.meta.dirname, '../../scenarios')).filter((name) => /^\d/.test(name));

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * What a person sees only after a press, and so is not counted: the sentences in a task of the checklist and the inside of a container that
 * begins folded, the options of a menu, and the question before something that costs. The title of what is folded is counted.
 */
const FOLDED = new Set(['output', 'details', 'child_blocks', 'options', 'confirm']);

/** Every text that is shown unfolded; a person who is mentioned is a word. */
function shownTexts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(shownTexts);
  if (!isRecord(value)) return [];
  if (value.type === 'user' || value.type === 'usergroup') return ['@somebody'];
  return Object.entries(value).flatMap(([key, member]) => {
    if (FOLDED.has(key)) return [];
    return typeof member === 'string' ? (key === 'text' || key === 'title' ? [member] : []) : shownTexts(member);
  });
}

const words = ({ blocks }: Message): number =>
  shownTexts(blocks)
    .join(' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

const elements = (messages: readonly Message[], type: string): number =>
  JSON.stringify(messages.map(({ blocks }) => blocks)).split(`"type":"${type}"`).length - 1;

describe.each(incidents)('%s', (name) => {
  const diagnosis = recordedDiagnosis(name);
  const state = threadStateOf(diagnosis);
  const root = rootMessage(state);
  const thread = [root, checklistMessage(state, null), verdictMessage(state, 'U0ALICE')];
  // Errors made in front of the load balancer are a second cause, with a fix of their own.
  const isSingle = diagnosis.parts.length <= 1 && diagnosis.verdict.cause !== null && madeInFront(diagnosis) === null;

  it('is read within 20 seconds in the channel: 110 words', () => {
    expect(words(root), readMessage(root)).toBeLessThanOrEqual(110);
  });

  it(`has at most ${isSingle ? 330 : 450} words in the thread`, () => {
    const total = thread.reduce((sum, message) => sum + words(message), 0);
    expect(total, thread.map(readMessage).join('\n----\n')).toBeLessThanOrEqual(isSingle ? 330 : 450);
  });

  it('has at most 8 buttons and 2 menus', () => {
    expect(elements(thread, 'button')).toBeLessThanOrEqual(8);
    expect(elements(thread, 'overflow')).toBeLessThanOrEqual(2);
  });

  it('has checklist lines of at most 60 characters, none of them cut', () => {
    const titles = thread[1]?.text.split('\n').slice(1, 7) ?? [];
    expect(titles.filter((line) => line.length > 60)).toEqual([]);
    expect(titles.filter((line) => line.includes('…'))).toEqual([]);
  });
});
