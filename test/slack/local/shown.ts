/** Messages and views as words, as far as what is written goes. */
import type { Content } from './workspace.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const recordsOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

const MARKS: Readonly<Record<string, string>> = { complete: '✓', error: '✗', in_progress: '…', pending: '·' };

/** The words of a text object, a cell, an element of rich text, or anything that holds such. */
export function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(wordsOf).join('');
  if (!isRecord(value)) return '';
  if (isRecord(value.text)) return wordsOf(value.text);
  if (typeof value.text === 'string') return value.text;
  return wordsOf(value.elements ?? value.url ?? value.alt_text ?? '');
}

function elementOf(element: Record<string, unknown>): string {
  if (element.type === 'overflow') return `[⋯ ${recordsOf(element.options).map(wordsOf).join(' | ')}]`;
  if (element.type === 'button') return `[${wordsOf(element.text)}]`;
  if (element.type === 'image') return `(${wordsOf(element.alt_text)})`;
  if (element.type === 'plain_text' || element.type === 'mrkdwn') return wordsOf(element);
  return `<${wordsOf(element.placeholder) || String(element.type)}>`;
}

function linesOf(block: Record<string, unknown>): string[] {
  const elements = recordsOf(block.elements);
  switch (block.type) {
    case 'divider':
      return ['———'];
    case 'section': {
      const fields = recordsOf(block.fields).map(wordsOf);
      const accessory = isRecord(block.accessory) ? [elementOf(block.accessory)] : [];
      return [wordsOf(block.text), ...fields, ...accessory].filter((one) => one !== '');
    }
    case 'context':
    case 'actions':
    case 'context_actions':
      return [elements.map(elementOf).join('  ')];
    case 'plan':
      return [wordsOf(block.title), ...recordsOf(block.tasks).flatMap(linesOf)];
    case 'task_card':
      return [`${MARKS[String(block.status)] ?? '?'} ${wordsOf(block.title)}`];
    case 'table':
    case 'data_table':
      return (Array.isArray(block.rows) ? block.rows : []).map((row) => recordsOf(row).map(wordsOf).join(' | '));
    case 'data_visualization':
      return [`(chart: ${wordsOf(block.title)})`];
    case 'input':
      return [`${wordsOf(block.label)}: ${isRecord(block.element) ? elementOf(block.element) : ''}`];
    case 'rich_text':
      return elements.flatMap((part) =>
        part.type === 'rich_text_list' ? recordsOf(part.elements).map((one) => `• ${wordsOf(one)}`) : [wordsOf(part)],
      );
    default:
      return [wordsOf(block)];
  }
}

export const readContent = ({ text, blocks }: Content): string =>
  (blocks.length > 0 ? blocks.flatMap(linesOf) : [text]).join('\n');
