/** What is taken elsewhere: the calls and queries to repeat by hand, and the post-mortem. */
import type { Diagnosis } from '../../../diagnosis.ts';
import { plural } from '../../../wording.ts';
import { renderMarkdown } from '../../markdown.ts';
import type { FileMessage, Message } from '../message.ts';
import { copy, line, type Part, partsMessage } from '../parts.ts';
import { fileOf } from './file.ts';

/** Characters of calls and queries that are still read in a thread. */
const MOST_IN_THREAD = 2500;

export function repeatAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const checks = new Map<string, string[]>();
  for (const { check, sources } of diagnosis.steps.flatMap(({ findings }) => findings))
    for (const source of sources) checks.set(source, [...(checks.get(source) ?? []), check]);
  if (checks.size === 0) return partsMessage([line('Nothing was asked that could be repeated by hand.')]);
  const sources = [...checks.keys()];
  const comment = `${plural(checks.size, 'call or query', 'calls and queries')} to repeat by hand. They only read.`;
  if (sources.join('').length <= MOST_IN_THREAD) {
    const parts: Part[] = [
      line({ bold: comment }),
      ...[...checks].flatMap(([source, names]): Part[] => [line(`For ${names.join(', ')}`), copy(source)]),
    ];
    return partsMessage(parts);
  }
  const content = [...checks].map(([source, names]) => `# For ${names.join(', ')}\n${source}\n`).join('\n');
  return fileOf(diagnosis, 'repeat-by-hand', 'txt', content, comment);
}

/** Takes the diagnosis as it is: the Markdown renderer has escapes of its own. */
export const postMortemAnswer = (diagnosis: Diagnosis): FileMessage =>
  fileOf(diagnosis, 'post-mortem', 'md', renderMarkdown(diagnosis), 'The diagnosis as Markdown, for a post-mortem.');
