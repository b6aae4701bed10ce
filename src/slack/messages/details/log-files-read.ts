/** Calls and queries to repeat by hand, and the post-mortem file. */
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { plural } from '../../../format/wording.ts';
import { renderMarkdown } from '../../../render/markdown.ts';
import { sourcesOf } from '../../../render/sources.ts';
import type { FileMessage, Message } from '../message.ts';
import { copyable, line, type MessagePart, partsMessage } from '../rich-text.ts';
import { detailFile } from './text-file.ts';

/** Limits for calls and characters in a thread; above them, the detail becomes a file. */
const MAX_IN_THREAD = { calls: 6, characters: 1500 };

export function repeatAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const all = sourcesOf(diagnosis);
  if (all.length === 0) return partsMessage([line('There is no call or query to repeat by hand.')]);
  const comment = `${plural(all.length, 'call or query', 'calls and queries')} to repeat by hand. They only read.`;
  const length = all.reduce((sum, { source }) => sum + source.length, 0);
  if (all.length <= MAX_IN_THREAD.calls && length <= MAX_IN_THREAD.characters) {
    const parts = all.flatMap(({ source, use }): MessagePart[] => [line(use), copyable(source)]);
    return partsMessage([line({ bold: comment }), ...parts]);
  }
  const content = all.map(({ source, use }) => `# ${use}\n${source}\n`).join('\n');
  return detailFile(diagnosis, 'repeat-by-hand', 'txt', content, comment);
}

export const postMortemAnswer = (diagnosis: Diagnosis): FileMessage =>
  detailFile(
    diagnosis,
    'post-mortem',
    'md',
    renderMarkdown(diagnosis),
    'The diagnosis as Markdown, for a post-mortem.',
  );
