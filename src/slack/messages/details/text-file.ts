/** Turns a detail that is too long for a message into a text file. */
import type { Diagnosis } from '../../../diagnose/diagnosis.ts';
import { escapeMrkdwn, type FileMessage, type Message } from '../message.ts';
import { sanitize } from '../redact-text.ts';
import { fileText, fitsMessage, type MessagePart, partsMessage, truncate } from '../rich-text.ts';
import { windowWords } from '../thread-state.ts';

/** A file name of characters that every system accepts. */
export function detailFile(
  { loadBalancer, window }: Pick<Diagnosis, 'loadBalancer' | 'window'>,
  what: string,
  ending: 'txt' | 'md',
  content: string,
  comment: string,
): FileMessage {
  const name = truncate(loadBalancer.name.replaceAll(/[^A-Za-z0-9-]+/g, '-'), 60).replace('…', '');
  const start = window.from.slice(0, 16).replaceAll(/[^0-9]/g, '');
  return {
    filename: `${name || 'load-balancer'}-${start}-${what}.${ending}`,
    title: truncate(
      sanitize(`${loadBalancer.name}, ${windowWords(window.from, window.to, '')}: ${what.replaceAll('-', ' ')}`),
      200,
    ),
    content,
    comment: escapeMrkdwn(truncate(comment, 500)),
  };
}

/** A message if the parts fit, else a file. */
export const partsOrFile = (
  diagnosis: Diagnosis,
  what: string,
  parts: readonly MessagePart[],
  comment: string,
): Message | FileMessage =>
  fitsMessage(parts) ? partsMessage(parts) : detailFile(diagnosis, what, 'txt', fileText(parts), comment);
