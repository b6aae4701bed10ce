/** A message as people read it in Slack: blocks in order, buttons in brackets, charts as numbers. */
type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const records = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const str = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** mrkdwn: people as @name, links by their text. */
const mrkdwn = (text: string): string =>
  unescaped(
    text
      .replaceAll(/<@([A-Z0-9]+)>/g, '@$1')
      .replaceAll(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
      .replaceAll(/<([^|>]+)\|([^>]*)>/g, '$2 ($1)'),
  );

/** A text object, or a bare string. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isRecord(value)) return '';
  return value.type === 'mrkdwn' ? mrkdwn(str(value.text)) : str(value.text);
}

/** Bold and code are marked, so that readers of a snapshot see them. */
function richWords(element: Json): string {
  const style = isRecord(element.style) ? element.style : {};
  if (element.type === 'user') return `@${str(element.user_id)}`;
  if (element.type === 'link') return `${str(element.text) || str(element.url)} (${str(element.url)})`;
  // A space that does not break looks like any other.
  const words = str(element.text).replaceAll('\u00a0', ' ');
  if (style.code === true) return `\`${words}\``;
  return style.bold === true ? `*${words}*` : words;
}

const richLine = (part: Json): string => records(part.elements).map(richWords).join('');

function richPart(part: Json): string[] {
  if (part.type === 'rich_text_list')
    return records(part.elements).map((item) => `  ${'  '.repeat(Number(part.indent ?? 0))}• ${richLine(item)}`);
  if (part.type === 'rich_text_preformatted')
    return richLine(part)
      .split('\n')
      .map((one) => `    ${one}`);
  if (part.type === 'rich_text_quote')
    return richLine(part)
      .split('\n')
      .map((one) => `> ${one}`);
  return richLine(part).split('\n');
}

function control(element: Json): string {
  if (element.type === 'overflow')
    return `[⋯ ${records(element.options)
      .map(({ text }) => textOf(text))
      .join(' | ')}]`;
  const question = isRecord(element.confirm) ? ` – asks: ${textOf(element.confirm.text)}` : '';
  const label = textOf(element.text) || textOf(element.placeholder);
  return element.style === 'primary' ? `[[${label}]]${question}` : `[${label}${question}]`;
}

const TASK = { complete: '✓', error: '✗', in_progress: '…', pending: '·' } as Record<string, string>;

function table(rows: unknown): string[] {
  const cells = (Array.isArray(rows) ? rows : []).map((row) => records(row).map(({ text }) => str(text)));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) => `  | ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
}

function chart({ title, chart: drawn }: Json): string[] {
  const series = isRecord(drawn) ? records(drawn.series) : [];
  const categories =
    isRecord(drawn) && isRecord(drawn.axis_config) && Array.isArray(drawn.axis_config.categories)
      ? drawn.axis_config.categories
      : [];
  return [
    `  [chart: ${str(title)}, ${str(categories[0])} to ${str(categories.at(-1))}]`,
    ...series.map(
      ({ name, data }) =>
        `    ${str(name)}: ${records(data)
          .map(({ value }) => str(value))
          .join(' ')}`,
    ),
  ];
}

function block(one: Json): string[] {
  switch (one.type) {
    case 'header':
      return [`# ${textOf(one.text)}`];
    case 'divider':
      return ['----'];
    case 'rich_text':
      return records(one.elements).flatMap(richPart);
    case 'section': {
      const fields = records(one.fields).map(textOf);
      const accessory = isRecord(one.accessory) ? [control(one.accessory)] : [];
      return [textOf(one.text), ...fields, ...accessory]
        .filter((part) => part !== '')
        .flatMap((part) => part.split('\n'));
    }
    case 'context':
      return records(one.elements).map(
        (element) => `  (${element.type === 'image' ? str(element.alt_text) : textOf(element)})`,
      );
    case 'actions':
    case 'context_actions':
      return [`  ${records(one.elements).map(control).join(' ')}`];
    case 'plan':
      return [
        str(one.title),
        ...records(one.tasks).flatMap(({ status, title, output }) => [
          // A title that begins with its own mark needs none.
          /^[✓✗?–·] /u.test(str(title)) ? `  ${str(title)}` : `  ${TASK[str(status)] ?? '?'} ${str(title)}`,
          ...(isRecord(output) ? block(output).map((line) => `    ${line}`) : []),
        ]),
      ];
    case 'container':
      return [
        `▸ ${textOf(one.title)}`,
        ...records(one.child_blocks)
          .flatMap(block)
          .map((line) => `  ${line}`),
      ];
    case 'table':
      return table(one.rows);
    case 'data_table':
      return [`*${str(one.caption)}*`, ...table(one.rows)];
    case 'data_visualization':
      return chart(one);
    case 'markdown':
      return str(one.text).split('\n');
    case 'input': {
      const element = isRecord(one.element) ? one.element : {};
      const initial = isRecord(element.initial_option)
        ? textOf(element.initial_option.text)
        : str(element.initial_value);
      const hint = textOf(one.hint);
      return [`${textOf(one.label)}: [${initial || textOf(element.placeholder)}]${hint === '' ? '' : `  (${hint})`}`];
    }
    default:
      return [`[${str(one.type)}]`];
  }
}

/** What is seen of a message; of one without blocks, its text. */
export function readMessage({ text, blocks }: { text: string; blocks?: readonly unknown[] | undefined }): string {
  if (blocks === undefined || blocks.length === 0) return mrkdwn(text);
  return records(blocks).flatMap(block).join('\n');
}

/** What is seen of a form or of the home of the bot. */
export function readView(view: { title?: unknown; blocks: readonly unknown[]; submit?: unknown }): string {
  const title = textOf(view.title);
  const submit = textOf(view.submit);
  return [
    ...(title === '' ? [] : [`== ${title} ==`]),
    ...records(view.blocks).flatMap(block),
    ...(submit === '' ? [] : [`  [[${submit}]]`]),
  ].join('\n');
}
