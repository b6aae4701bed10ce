/**
 * Block Kit → HTML that looks like Slack's, for the local Slack. Own code: the kept renderer, slack-blocks-to-jsx, draws no data_table, no
 * menu of an overflow and no button that can be pressed, and brings React.
 */
import { chartHtml } from './chart-html.ts';

export type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const records = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);
export const str = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** As text or as the value of an attribute. */
export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const EMOJI: Record<string, string> = {
  red_circle: '🔴',
  large_orange_circle: '🟠',
  large_yellow_circle: '🟡',
  large_green_circle: '🟢',
  large_blue_circle: '🔵',
  white_circle: '⚪',
  white_check_mark: '✅',
  warning: '⚠️',
  x: '❌',
  hourglass_flowing_sand: '⏳',
};
const withEmoji = (text: string): string => text.replaceAll(/:([a-z_]+):/g, (all, name) => EMOJI[name] ?? all);

/** mrkdwn as Slack sends it: `&`, `<` and `>` are escaped in it already. */
function mrkdwnHtml(text: string): string {
  const code: string[] = [];
  const kept = (html: string): string => `\ue000${code.push(html) - 1}\ue000`;
  return withEmoji(text)
    .replaceAll(/```\n?([\s\S]*?)```/g, (_, body) => kept(`<pre>${body}</pre>`))
    .replaceAll(/`([^`\n]+)`/g, (_, body) => kept(`<code>${body}</code>`))
    .replaceAll(/<@([A-Z0-9]+)>/g, (_, id) => kept(`<a class="mention">@${nameOf(id)}</a>`))
    .replaceAll(/<!subteam\^([A-Z0-9]+)>/g, (_, id) => kept(`<a class="mention">@${id}</a>`))
    .replaceAll(/<#([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id) => kept(`<a class="mention">#${id}</a>`))
    .replaceAll(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replaceAll(/<(https?:[^|>]+)\|([^>]*)>/g, (_, url, label) => `${kept(linkTag(url))}${label}${kept('</a>')}`)
    .replaceAll(/<(https?:[^>]+)>/g, (_, url) => kept(`${linkTag(url)}${url}</a>`))
    .replaceAll(/(^|[\s(])\*([^*\n]+)\*/g, '$1<b>$2</b>')
    .replaceAll(/(^|[\s(])_([^_\n]+)_/g, '$1<i>$2</i>')
    .replaceAll('\n', '<br>')
    .replaceAll(/\ue000(\d+)\ue000/g, (_, at) => code[Number(at)] ?? '');
}

const linkTag = (url: string): string => `<a href="${url.replaceAll('"', '%22')}" target="_blank" rel="noreferrer">`;
/** Ids of the local Slack are made of names. */
const nameOf = (id: string): string => id.replace(/^[UWS]0/, '').toLowerCase();

/** A text object, or a bare string. */
function textHtml(value: unknown): string {
  if (typeof value === 'string') return escapeHtml(withEmoji(value));
  if (!isRecord(value)) return '';
  return value.type === 'mrkdwn'
    ? mrkdwnHtml(str(value.text))
    : escapeHtml(withEmoji(str(value.text))).replaceAll('\n', '<br>');
}

function richElement(element: Json): string {
  const style = isRecord(element.style) ? element.style : {};
  const text = escapeHtml(str(element.text));
  if (element.type === 'user' || element.type === 'usergroup')
    return `<a class="mention">@${nameOf(str(element.user_id) || str(element.usergroup_id))}</a>`;
  if (element.type === 'emoji') return EMOJI[str(element.name)] ?? `:${escapeHtml(str(element.name))}:`;
  if (element.type === 'link')
    return `${linkTag(escapeHtml(str(element.url)))}${text || escapeHtml(str(element.url))}</a>`;
  let html = style.code === true ? `<code>${text}</code>` : withEmoji(text);
  if (style.bold === true) html = `<b>${html}</b>`;
  if (style.italic === true) html = `<i>${html}</i>`;
  return style.strike === true ? `<s>${html}</s>` : html;
}

const richLine = (part: Json): string => records(part.elements).map(richElement).join('');

function richPart(part: Json): string {
  if (part.type === 'rich_text_list') {
    const tag = part.style === 'ordered' ? 'ol' : 'ul';
    const items = records(part.elements).map((item) => `<li>${richLine(item)}</li>`);
    return `<${tag} style="margin-left:${Number(part.indent ?? 0) * 24}px">${items.join('')}</${tag}>`;
  }
  if (part.type === 'rich_text_preformatted') return `<pre>${richLine(part)}</pre>`;
  if (part.type === 'rich_text_quote') return `<blockquote>${richLine(part).replaceAll('\n', '<br>')}</blockquote>`;
  return `<div class="rich">${richLine(part).replaceAll('\n', '<br>')}</div>`;
}

/** A button, a menu or an input. `data-press` holds what the page sends when it is used. */
function controlHtml(element: Json): string {
  const label = str(isRecord(element.text) ? element.text.text : '');
  const confirm = isRecord(element.confirm) ? str(isRecord(element.confirm.text) ? element.confirm.text.text : '') : '';
  const press = (words: string) =>
    `data-press="${escapeHtml(words)}"${confirm === '' ? '' : ` data-confirm="${escapeHtml(confirm)}"`}`;
  switch (element.type) {
    case 'button':
      return element.url === undefined
        ? `<button class="button ${escapeHtml(str(element.style))}" ${press(label)}>${textHtml(element.text)}</button>`
        : `<a class="button" href="${escapeHtml(str(element.url))}" target="_blank" rel="noreferrer">${textHtml(element.text)}</a>`;
    case 'overflow':
      return `<details class="overflow"><summary class="button" aria-label="More">⋯</summary><div class="menu">${records(
        element.options,
      )
        .map(({ text }) => `<button ${press(str(isRecord(text) ? text.text : ''))}>${textHtml(text)}</button>`)
        .join('')}</div></details>`;
    case 'feedback_buttons':
      return [element.positive_button, element.negative_button]
        .filter(isRecord)
        .map(
          (one) =>
            `<button class="button" ${press(str(isRecord(one.text) ? one.text.text : ''))}>${textHtml(one.text)}</button>`,
        )
        .join('');
    default:
      return inputHtml(element);
  }
}

function inputHtml(element: Json): string {
  const id = `name="${escapeHtml(str(element.action_id))}"`;
  const placeholder = isRecord(element.placeholder) ? escapeHtml(str(element.placeholder.text)) : '';
  const initial = isRecord(element.initial_option) ? element.initial_option : null;
  if (element.type === 'static_select' || element.type === 'radio_buttons') {
    const options = records(element.options).map(
      (one) => `<option value="${escapeHtml(str(one.value))}">${textHtml(one.text)}</option>`,
    );
    return `<select ${id}><option value="">${placeholder}</option>${options.join('')}</select>`;
  }
  if (element.type === 'external_select') {
    const chosen = initial === null ? '' : escapeHtml(str(isRecord(initial.text) ? initial.text.text : ''));
    return `<input ${id} list="load-balancers" placeholder="${placeholder}" value="${chosen}" data-initial="${chosen}">`;
  }
  const value = escapeHtml(str(element.initial_value));
  return element.multiline === true
    ? `<textarea ${id} rows="3" placeholder="${placeholder}">${value}</textarea>`
    : `<input ${id} placeholder="${placeholder}" value="${value}" data-initial="${value}">`;
}

const TASKS: Record<string, string> = { complete: '✓', error: '!', in_progress: '', pending: '' };

function taskHtml(task: Json): string {
  const status = escapeHtml(str(task.status));
  const more = [task.details, task.output].filter(isRecord).map((one) => blockHtml({ ...one, type: 'rich_text' }));
  const title = `<span class="state ${status}">${TASKS[status] ?? ''}</span><span>${escapeHtml(withEmoji(str(task.title)))}</span>`;
  return more.length === 0
    ? `<div class="task task-line">${title}</div>`
    : `<details class="task"><summary class="task-line">${title}</summary><div class="output">${more.join('')}</div></details>`;
}

function cellHtml(cell: Json): string {
  if (cell.type === 'rich_text') return blockHtml(cell);
  return escapeHtml(str(cell.text) || str(cell.value));
}

/** Slack shows the first rows, and more on the next page. */
function tableHtml(table: Json): string {
  const rows = (Array.isArray(table.rows) ? table.rows : []).map(records);
  const pageSize = table.type === 'data_table' ? Number(table.page_size ?? 5) : rows.length;
  const [head = [], ...body] = rows;
  const row = (cells: readonly Json[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cellHtml(cell)}</${tag}>`).join('')}</tr>`;
  const more = body.length > pageSize ? `<div class="pages">1–${pageSize} of ${body.length}</div>` : '';
  const caption = str(table.caption) === '' ? '' : `<div class="caption">${escapeHtml(str(table.caption))}</div>`;
  const shown = body.slice(0, pageSize).map((cells) => row(cells, 'td'));
  return `<div class="table">${caption}<table>${row(head, 'th')}${shown.join('')}</table>${more}</div>`;
}

/** One block. What Slack does not have is shown as its type. */
export function blockHtml(block: Json): string {
  const inner = () =>
    records(block.blocks ?? block.child_blocks ?? block.elements)
      .map(blockHtml)
      .join('');
  switch (block.type) {
    case 'header':
      return `<h3>${textHtml(block.text)}</h3>`;
    case 'divider':
      return '<hr>';
    case 'rich_text':
      return records(block.elements).map(richPart).join('');
    case 'section': {
      const fields = records(block.fields).map((field) => `<div>${textHtml(field)}</div>`);
      const accessory = isRecord(block.accessory) ? `<div class="accessory">${controlHtml(block.accessory)}</div>` : '';
      const grid = fields.length === 0 ? '' : `<div class="fields">${fields.join('')}</div>`;
      return `<div class="section"><div>${textHtml(block.text)}${grid}</div>${accessory}</div>`;
    }
    case 'context':
      return `<div class="context">${records(block.elements).map(textHtml).join(' ')}</div>`;
    case 'actions':
    case 'context_actions':
      return `<div class="actions">${records(block.elements).map(controlHtml).join('')}</div>`;
    case 'plan':
      return `<div class="card"><b>${textHtml(block.title)}</b>${records(block.tasks).map(taskHtml).join('')}</div>`;
    case 'task_card':
      return `<div class="card">${taskHtml(block)}</div>`;
    case 'table':
    case 'data_table':
      return tableHtml(block);
    case 'data_visualization':
      return chartHtml(block);
    case 'markdown':
      return `<div class="section">${mrkdwnHtml(escapeHtml(str(block.text)).replaceAll('**', '*'))}</div>`;
    case 'container': {
      const title = `<b>${textHtml(block.title)}</b>`;
      if (block.is_collapsible !== true) return `<div class="card">${title}${inner()}</div>`;
      const open = block.default_collapsed === true ? '' : ' open';
      return `<details class="card"${open}><summary>${title}</summary>${inner()}</details>`;
    }
    case 'input': {
      const element = isRecord(block.element) ? block.element : {};
      const hint = block.hint === undefined ? '' : `<small>${textHtml(block.hint)}</small>`;
      const optional = block.optional === true ? ' <small>(optional)</small>' : '';
      return `<label class="input"><b>${textHtml(block.label)}</b>${optional}${inputHtml(element)}${hint}<em data-error="${escapeHtml(str(block.block_id))}"></em></label>`;
    }
    default:
      return `<div class="context">[${escapeHtml(str(block.type))}]</div>`;
  }
}

/** The body of a message; of one without blocks, its text. */
export const bodyHtml = ({ text, blocks }: { text: string; blocks?: readonly unknown[] | undefined }): string =>
  blocks === undefined || blocks.length === 0
    ? `<div class="section"><div>${mrkdwnHtml(text)}</div></div>`
    : records(blocks).map(blockHtml).join('');
