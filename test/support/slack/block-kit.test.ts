import { describe, expect, it } from 'vitest';
import { OURS, refusalsOf, type Surface } from './block-kit.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true });
const section = (text: string) => ({ type: 'section', text: mrkdwn(text) });
const button = (action_id: string, more: object = {}) => ({
  type: 'button',
  action_id,
  text: plain('Fix'),
  value: '1',
  ...more,
});
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const option = (text: string, value = text) => ({ text: plain(text), value });
const select = (more: object) => ({ type: 'static_select', action_id: 'a', ...more });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const rich = (...elements: object[]) => ({ type: 'rich_text', elements });
const richSection = (...elements: object[]) => ({ type: 'rich_text_section', elements });
const words = (text: string) => ({ type: 'text', text });
const task = (status: string, more: object = {}) => ({
  type: 'task_card',
  task_id: 't1',
  title: 'Metrics',
  status,
  ...more,
});
const plan = (...tasks: object[]) => ({ type: 'plan', title: 'Looking', tasks });
const cells = (...texts: string[]) => texts.map((text) => ({ type: 'raw_text', text }));
const table = (...rows: object[][]) => ({ type: 'table', rows });
const dataTable = (...rows: object[][]) => ({ type: 'data_table', caption: 'Targets', rows });
const series = (name: string, ...labels: string[]) => ({ name, data: labels.map((label) => ({ label, value: 1 })) });
const chart = (categories: string[], ...all: object[]) => ({
  type: 'data_visualization',
  title: 'Errors',
  chart: { type: 'line', series: all, axis_config: { categories, x_label: 'UTC', y_label: 'errors' } },
});
const pie = (...segments: object[]) => ({
  type: 'data_visualization',
  title: 'Errors',
  chart: { type: 'pie', segments },
});
const input = (element: object, more: object = {}) => ({ type: 'input', label: plain('Window'), element, ...more });
const image = { type: 'image', alt_text: 'errors a minute', image_url: 'https://example.com/a.png' };
const card = (more: object) => ({ type: 'card', ...more });
const container = (more: object) => ({
  type: 'container',
  title: plain('More'),
  child_blocks: [section('a')],
  ...more,
});
const minutes = times(20, (index) => `02:${40 + index}`);

const message = (...blocks: object[]) => refusalsOf({ text: 'shop-prod', blocks }, 'message');
const modal = (...blocks: object[]) =>
  refusalsOf({ type: 'modal', callback_id: 'form', title: plain('Diagnose'), submit: plain('Go'), blocks }, 'modal');
const home = (...blocks: object[]) => refusalsOf({ type: 'home', blocks }, 'home');
const on = { message, modal, home };

describe('accepted by Slack', () => {
  it.each<[string, Surface, object[]]>([
    ['a section of mrkdwn', 'message', [section('*a* &amp; `b` &lt;c&gt;')]],
    ['a section of 3,000 characters', 'message', [section('x'.repeat(3000))]],
    [
      'ten fields and an accessory',
      'message',
      [{ type: 'section', fields: times(10, () => plain('x'.repeat(2000))), accessory: button('a') }],
    ],
    [
      'links, mentions and dates',
      'message',
      [section('<https://a.example/?b=1|c> <@U012AB> <#C012|a> <!date^1796000000^{time}|02:40 UTC>')],
    ],
    ['a quote', 'message', [section('> a\n>> b')]],
    ['25 buttons', 'message', [actions(...times(25, (index) => button(`a${index}`)))]],
    [
      'a button with confirmation',
      'message',
      [
        actions(
          button('a', {
            style: 'primary',
            confirm: { title: plain('Sure?'), text: mrkdwn('$0.12'), confirm: plain('Yes'), deny: plain('No') },
          }),
        ),
      ],
    ],
    [
      'an overflow',
      'message',
      [actions({ type: 'overflow', action_id: 'm', options: times(5, (index) => option(`o${index}`)) })],
    ],
    ['the same action in two blocks', 'message', [actions(button('a')), actions(button('a'))]],
    ['a header', 'message', [{ type: 'header', text: plain('x'.repeat(150)), level: 2 }]],
    ['context', 'message', [{ type: 'context', elements: times(10, () => mrkdwn('a')) }]],
    ['context with an image', 'home', [{ type: 'context', elements: [image, plain('a')] }]],
    ['an image', 'message', [{ ...image, title: plain('Errors') }]],
    ['an uploaded image', 'message', [{ type: 'image', alt_text: 'a', slack_file: { id: 'F1' } }]],
    [
      'a plan with every status',
      'message',
      [
        plan(
          ...['pending', 'in_progress', 'complete', 'error'].map((status, index) =>
            task(status, { task_id: `t${index}` }),
          ),
        ),
      ],
    ],
    [
      'a task with details and sources',
      'message',
      [
        plan(
          task('complete', {
            details: rich(richSection(words('a'))),
            output: rich(richSection(words('b'))),
            sources: [{ type: 'url', url: 'https://a.example', text: 'AWS' }],
          }),
        ),
      ],
    ],
    ['a task card by itself', 'message', [task('in_progress')]],
    [
      'a table',
      'message',
      [
        {
          ...table(...times(100, () => cells(...times(20, () => 'x')))),
          column_settings: [{ align: 'right', is_wrapped: true }, null],
        },
      ],
    ],
    [
      'a table of every cell',
      'message',
      [table([{ type: 'raw_number', value: 1, text: '1' }, rich(richSection(words('a'))), ...cells('b')])],
    ],
    [
      'a sortable table',
      'home',
      [{ ...dataTable(cells('a', 'b'), cells('c', 'd')), page_size: 10, row_header_column_index: 1 }],
    ],
    [
      'two charts',
      'message',
      [chart(minutes, series('502', ...minutes), series('504', ...minutes)), pie({ label: 'a', value: 1 })],
    ],
    ['markdown', 'message', [{ type: 'markdown', text: 'x'.repeat(12_000) }]],
    [
      'every part of rich text',
      'message',
      [
        rich(
          richSection(
            words('a'),
            { type: 'link', url: 'https://a.example', text: 'b' },
            { type: 'user', user_id: 'U1' },
            { type: 'emoji', name: 'x' },
            { type: 'date', timestamp: 1, format: '{time}', fallback: 'a' },
          ),
          {
            type: 'rich_text_list',
            style: 'bullet',
            indent: 1,
            elements: [richSection({ ...words('a'), style: { bold: true, code: true } })],
          },
          { type: 'rich_text_quote', elements: [words('a')] },
          { type: 'rich_text_preformatted', border: 1, elements: [words('<!channel>')] },
        ),
      ],
    ],
    [
      'hostile words as raw text',
      'message',
      [table(cells('<!channel> & `a`')), { type: 'header', text: plain('<!here>') }],
    ],
    ['a card', 'message', [card({ title: mrkdwn('a'), actions: [button('a')] })]],
    ['a carousel', 'message', [{ type: 'carousel', elements: [card({ body: plain('a') })] }]],
    ['a container', 'message', [container({ is_collapsible: true, default_collapsed: true, width: 'full' })]],
    [
      'feedback',
      'message',
      [
        {
          type: 'context_actions',
          elements: [
            {
              type: 'feedback_buttons',
              action_id: 'f',
              positive_button: { text: plain('Right'), value: '1' },
              negative_button: { text: plain('Wrong'), value: '2' },
            },
            { type: 'icon_button', action_id: 'g', icon: 'trash', text: plain('Remove') },
          ],
        },
      ],
    ],
    ['an alert in a modal', 'modal', [{ type: 'alert', text: plain('a'), level: 'warning' }]],
    [
      'inputs',
      'modal',
      [
        input(
          { type: 'external_select', action_id: 'lb', min_query_length: 0, placeholder: plain('Name') },
          { block_id: 'lb' },
        ),
        input(
          { type: 'plain_text_input', action_id: 'w', initial_value: 'last 15m', multiline: true, max_length: 100 },
          { hint: plain('UTC'), optional: true },
        ),
        input(select({ options: [option('a'), option('b')], initial_option: option('b') })),
        input({ type: 'checkboxes', action_id: 's', options: [option('502')], initial_options: [option('502')] }),
        input({ type: 'radio_buttons', action_id: 'r', options: [{ ...option('502'), description: plain('a') }] }),
        input({
          type: 'conversations_select',
          action_id: 'c',
          default_to_current_conversation: true,
          filter: { include: ['public'] },
        }),
      ],
    ],
    ['100 blocks in a modal', 'modal', times(100, () => ({ type: 'divider' }))],
    ['100 blocks at home', 'home', times(100, () => ({ type: 'divider' }))],
    ['50 blocks in a message', 'message', times(50, () => ({ type: 'divider' }))],
  ])('%s', (_, surface, blocks) => {
    expect(on[surface](...blocks)).toEqual([]);
  });

  it('text alone', () => {
    expect(refusalsOf({ text: 'shop-prod: 149 × 502' }, 'message')).toEqual([]);
  });
});

describe('rejected by Slack', () => {
  it.each<[string, Surface, object[], string]>([
    [
      'a block of no known type',
      'message',
      [{ type: 'banner' }],
      'unsupported type of a block: banner [/blocks/0/type]',
    ],
    [
      'a block without a type',
      'message',
      [{ text: plain('a') }],
      'unsupported type of a block: undefined [/blocks/0/type]',
    ],
    [
      'a name of Object as type',
      'message',
      [{ type: 'toString' }],
      'unsupported type of a block: toString [/blocks/0/type]',
    ],
    [
      'too many blocks',
      'message',
      times(51, () => ({ type: 'divider' })),
      'no more than 50 blocks, there are 51 [/blocks]',
    ],
    [
      'too many blocks at home',
      'home',
      times(101, () => ({ type: 'divider' })),
      'no more than 100 blocks, there are 101 [/blocks]',
    ],
    [
      'an unknown property',
      'message',
      [{ type: 'divider', colour: 'red' }],
      'invalid additional property: colour [/blocks/0]',
    ],
    [
      'a long block_id',
      'message',
      [{ type: 'divider', block_id: 'x'.repeat(256) }],
      'must be at most 255 characters, is 256 [/blocks/0/block_id]',
    ],
    [
      'a block_id twice',
      'message',
      times(2, () => ({ type: 'divider', block_id: 'a' })),
      'block_id must be unique [/blocks]',
    ],
    ['an empty section', 'message', [{ type: 'section' }], 'needs text or fields [/blocks/0]'],
    ['an empty section', 'message', [section('')], 'must be at least 1 characters [/blocks/0/text/text]'],
    [
      'a long section',
      'message',
      [section('x'.repeat(3001))],
      'must be at most 3000 characters, is 3001 [/blocks/0/text/text]',
    ],
    [
      'a section of a bare string',
      'message',
      [{ type: 'section', text: 'a' }],
      'must be a text object [/blocks/0/text]',
    ],
    [
      'eleven fields',
      'message',
      [{ type: 'section', fields: times(11, () => plain('a')) }],
      'no more than 10 items allowed, there are 11 [/blocks/0/fields]',
    ],
    [
      'a long field',
      'message',
      [{ type: 'section', fields: [plain('x'.repeat(2001))] }],
      'must be at most 2000 characters, is 2001 [/blocks/0/fields/0/text]',
    ],
    [
      'two accessories',
      'message',
      [{ type: 'section', text: plain('a'), accessory: [button('a')] }],
      'must be an accessory [/blocks/0/accessory]',
    ],
    ['no actions', 'message', [actions()], 'no fewer than 1 items allowed [/blocks/0/elements]'],
    [
      '26 buttons',
      'message',
      [actions(...times(26, (index) => button(`a${index}`)))],
      'no more than 25 items allowed, there are 26 [/blocks/0/elements]',
    ],
    [
      'an action_id twice in a block',
      'message',
      [actions(button('a'), button('a'))],
      'action_id must be unique within a block: a [/blocks/0/elements]',
    ],
    [
      'a long action_id',
      'message',
      [actions(button('x'.repeat(256)))],
      'must be at most 255 characters, is 256 [/blocks/0/elements/0/action_id]',
    ],
    [
      'a long button',
      'message',
      [actions(button('a', { text: plain('x'.repeat(76)) }))],
      'must be at most 75 characters, is 76 [/blocks/0/elements/0/text/text]',
    ],
    [
      'a button of mrkdwn',
      'message',
      [actions(button('a', { text: mrkdwn('a') }))],
      'must be plain_text [/blocks/0/elements/0/text]',
    ],
    [
      'a long value',
      'message',
      [actions(button('a', { value: 'x'.repeat(2001) }))],
      'must be at most 2000 characters, is 2001 [/blocks/0/elements/0/value]',
    ],
    [
      'a button to nowhere',
      'message',
      [actions(button('a', { url: 'console' }))],
      'must be a URL [/blocks/0/elements/0/url]',
    ],
    [
      'a long accessibility_label',
      'message',
      [actions(button('a', { accessibility_label: 'x'.repeat(76) }))],
      'must be at most 75 characters, is 76 [/blocks/0/elements/0/accessibility_label]',
    ],
    [
      'a style of no kind',
      'message',
      [actions(button('a', { style: 'default' }))],
      'must be one of primary, danger [/blocks/0/elements/0/style]',
    ],
    [
      'a long confirmation',
      'message',
      [actions(button('a', { confirm: { text: plain('x'.repeat(301)) } }))],
      'must be at most 300 characters, is 301 [/blocks/0/elements/0/confirm/text/text]',
    ],
    [
      'a long title of it',
      'message',
      [actions(button('a', { confirm: { title: plain('x'.repeat(101)), text: plain('a') } }))],
      'must be at most 100 characters, is 101 [/blocks/0/elements/0/confirm/title/text]',
    ],
    [
      'a long answer to it',
      'message',
      [actions(button('a', { confirm: { text: plain('a'), deny: plain('x'.repeat(31)) } }))],
      'must be at most 30 characters, is 31 [/blocks/0/elements/0/confirm/deny/text]',
    ],
    [
      'six in an overflow',
      'message',
      [actions({ type: 'overflow', options: times(6, (index) => option(`o${index}`)) })],
      'no more than 5 items allowed, there are 6 [/blocks/0/elements/0/options]',
    ],
    [
      'a value twice',
      'message',
      [actions({ type: 'overflow', options: [option('a', '1'), option('b', '1')] })],
      'values of options must differ [/blocks/0/elements/0/options]',
    ],
    [
      'a long option',
      'modal',
      [input(select({ options: [option('x'.repeat(76), 'a')] }))],
      'must be at most 75 characters, is 76 [/blocks/0/element/options/0/text/text]',
    ],
    [
      'a long value of an option',
      'modal',
      [input(select({ options: [option('a', 'x'.repeat(151))] }))],
      'must be at most 150 characters, is 151 [/blocks/0/element/options/0/value]',
    ],
    [
      '101 options',
      'modal',
      [input(select({ options: times(101, (index) => option(`o${index}`)) }))],
      'no more than 100 items allowed, there are 101 [/blocks/0/element/options]',
    ],
    [
      'a select without options',
      'modal',
      [input(select({}))],
      'needs either options or option_groups [/blocks/0/element]',
    ],
    [
      'an initial option from elsewhere',
      'modal',
      [input(select({ options: [option('a')], initial_option: option('b') }))],
      'initial option is not among the options [/blocks/0/element]',
    ],
    [
      'eleven boxes',
      'modal',
      [input({ type: 'checkboxes', options: times(11, (index) => option(`o${index}`)) })],
      'no more than 10 items allowed, there are 11 [/blocks/0/element/options]',
    ],
    [
      'a long placeholder',
      'modal',
      [input({ type: 'plain_text_input', placeholder: plain('x'.repeat(151)) })],
      'must be at most 150 characters, is 151 [/blocks/0/element/placeholder/text]',
    ],
    [
      'a button as input',
      'modal',
      [input(button('a'))],
      'unsupported type of an input: button [/blocks/0/element/type]',
    ],
    [
      'a text input among actions',
      'message',
      [actions({ type: 'plain_text_input' })],
      'unsupported type of an element of actions: plain_text_input [/blocks/0/elements/0/type]',
    ],
    [
      'two with the focus',
      'modal',
      times(2, () => input({ type: 'plain_text_input', focus_on_load: true })),
      'only one element may have focus_on_load [/blocks]',
    ],
    [
      'a long header',
      'message',
      [{ type: 'header', text: plain('x'.repeat(151)) }],
      'must be at most 150 characters, is 151 [/blocks/0/text/text]',
    ],
    ['a header of mrkdwn', 'message', [{ type: 'header', text: mrkdwn('a') }], 'must be plain_text [/blocks/0/text]'],
    [
      'eleven in context',
      'message',
      [{ type: 'context', elements: times(11, () => plain('a')) }],
      'no more than 10 items allowed, there are 11 [/blocks/0/elements]',
    ],
    [
      'a button in context',
      'message',
      [{ type: 'context', elements: [button('a')] }],
      'unsupported type of an element of context: button [/blocks/0/elements/0/type]',
    ],
    [
      'an image without words',
      'message',
      [{ type: 'image', image_url: 'https://a.example/b.png' }],
      'missing required field: alt_text [/blocks/0]',
    ],
    [
      'an image from nowhere',
      'message',
      [{ type: 'image', alt_text: 'a' }],
      'needs either image_url or slack_file [/blocks/0]',
    ],
    [
      'an uploaded image by two names',
      'message',
      [{ type: 'image', alt_text: 'a', slack_file: { id: 'F1', url: 'https://a.example' } }],
      'needs either id or url [/blocks/0/slack_file]',
    ],
    [
      'a plan with a title object',
      'message',
      [{ ...plan(task('complete')), title: plain('a') }],
      'must be a string [/blocks/0/title]',
    ],
    ['a plan in a modal', 'modal', [plan(task('complete'))], 'not allowed in a modal: plan [/blocks/0/type]'],
    ['a plan of other blocks', 'message', [plan(section('a'))], 'must be one of task_card [/blocks/0/tasks/0/type]'],
    [
      'two tasks with one id',
      'message',
      [plan(task('complete'), task('error'))],
      'task_id must be unique [/blocks/0/tasks]',
    ],
    [
      'a pending card outside a plan',
      'message',
      [task('pending')],
      'must be one of in_progress, complete, error [/blocks/0/status]',
    ],
    [
      'a status of no kind',
      'message',
      [plan(task('done'))],
      'must be one of pending, in_progress, complete, error [/blocks/0/tasks/0/status]',
    ],
    [
      'details as a string',
      'message',
      [plan(task('complete', { details: 'a' }))],
      'must be an object [/blocks/0/tasks/0/details]',
    ],
    ['two tables', 'message', [table(cells('a')), table(cells('a'))], 'only_one_table_allowed [/blocks]'],
    [
      '101 rows',
      'message',
      [table(...times(101, () => cells('a')))],
      'no more than 100 items allowed, there are 101 [/blocks/0/rows]',
    ],
    [
      '21 cells',
      'message',
      [table(cells(...times(21, () => 'a')))],
      'no more than 20 items allowed, there are 21 [/blocks/0/rows/0]',
    ],
    ['an empty cell', 'message', [table(cells(''))], 'must be at least 1 characters [/blocks/0/rows/0/0/text]'],
    [
      'mrkdwn in a cell',
      'message',
      [table([mrkdwn('a')])],
      'unsupported type of a cell: mrkdwn [/blocks/0/rows/0/0/type]',
    ],
    [
      'a table of many characters',
      'message',
      [table(cells('x'.repeat(10_001)))],
      'tables hold 10001 characters, at most 10000 [/blocks]',
    ],
    [
      'many characters in rich text',
      'message',
      [table([rich(richSection(words('x'.repeat(10_001))))])],
      'tables hold 10001 characters, at most 10000 [/blocks]',
    ],
    ['a table in a modal', 'modal', [table(cells('a'))], 'not allowed in a modal: table [/blocks/0/type]'],
    [
      'a sortable table without a caption',
      'message',
      [{ type: 'data_table', rows: [cells('a'), cells('b')] }],
      'missing required field: caption [/blocks/0]',
    ],
    [
      'a sortable table of a header',
      'message',
      [dataTable(cells('a'))],
      'no fewer than 2 items allowed [/blocks/0/rows]',
    ],
    [
      '102 sortable rows',
      'message',
      [dataTable(...times(102, () => cells('a')))],
      'no more than 101 items allowed, there are 102 [/blocks/0/rows]',
    ],
    [
      'uneven rows',
      'message',
      [dataTable(cells('a', 'b'), cells('c'))],
      'rows must have the same number of cells [/blocks/0/rows]',
    ],
    [
      'a header of rich text',
      'message',
      [dataTable([rich(richSection(words('a')))], cells('b'))],
      'cells of the header must not be rich_text [/blocks/0/rows/0]',
    ],
    [
      'a page of 101',
      'message',
      [{ ...dataTable(cells('a'), cells('b')), page_size: 101 }],
      'must be between 1 and 100 [/blocks/0/page_size]',
    ],
    [
      'three charts',
      'message',
      times(3, () => pie({ label: 'a', value: 1 })),
      'no more than 2 data_visualization blocks [/blocks]',
    ],
    [
      'a chart of 21 points',
      'message',
      [chart(['x', ...minutes], series('502', 'x', ...minutes))],
      'no more than 20 items allowed, there are 21 [/blocks/0/chart/series/0/data]',
    ],
    [
      'a chart of 7 series',
      'message',
      [chart(['a'], ...times(7, (index) => series(`s${index}`, 'a')))],
      'no more than 6 items allowed, there are 7 [/blocks/0/chart/series]',
    ],
    [
      'two series with one name',
      'message',
      [chart(['a'], series('502', 'a'), series('502', 'a'))],
      'names of series must differ [/blocks/0/chart/series]',
    ],
    [
      'a long name of a series',
      'message',
      [chart(['a'], series('x'.repeat(21), 'a'))],
      'must be at most 20 characters, is 21 [/blocks/0/chart/series/0/name]',
    ],
    [
      'a long label',
      'message',
      [chart(['x'.repeat(21)], series('502', 'x'.repeat(21)))],
      'must be at most 20 characters, is 21 [/blocks/0/chart/axis_config/categories/0]',
    ],
    [
      'a category without a point',
      'message',
      [chart(['a', 'b'], series('502', 'a'))],
      'must have a point for every category and for no other [/blocks/0/chart/series/0]',
    ],
    [
      'a point without a category',
      'message',
      [chart(['a'], series('502', 'a', 'b'))],
      'must have a point for every category and for no other [/blocks/0/chart/series/0]',
    ],
    [
      'two categories with one name',
      'message',
      [chart(['a', 'a'], series('502', 'a', 'a'))],
      'categories must differ [/blocks/0/chart/axis_config/categories]',
    ],
    [
      'a long title of a chart',
      'message',
      [{ ...pie({ label: 'a', value: 1 }), title: 'x'.repeat(51) }],
      'must be at most 50 characters, is 51 [/blocks/0/title]',
    ],
    [
      'a chart of no kind',
      'message',
      [{ ...pie(), chart: { type: 'radar' } }],
      'unsupported type of a chart: radar [/blocks/0/chart/type]',
    ],
    ['a slice of zero', 'message', [pie({ label: 'a', value: 0 })], 'must be more than 0 [/blocks/0/chart/segments/0]'],
    [
      'a point that is no number',
      'message',
      [pie({ label: 'a', value: '1' })],
      'must be a number [/blocks/0/chart/segments/0/value]',
    ],
    [
      'a chart in a modal',
      'modal',
      [pie({ label: 'a', value: 1 })],
      'not allowed in a modal: data_visualization [/blocks/0/type]',
    ],
    [
      'a chart at home',
      'home',
      [pie({ label: 'a', value: 1 })],
      'not allowed in a home: data_visualization [/blocks/0/type]',
    ],
    [
      'markdown of many characters',
      'message',
      times(2, () => ({ type: 'markdown', text: 'x'.repeat(6001) })),
      'markdown blocks hold 12002 characters, at most 12000 [/blocks]',
    ],
    ['markdown at home', 'home', [{ type: 'markdown', text: 'a' }], 'not allowed in a home: markdown [/blocks/0/type]'],
    [
      'rich text of bare strings',
      'message',
      [rich(words('a'))],
      'unsupported type of a part of rich text: text [/blocks/0/elements/0/type]',
    ],
    [
      'empty words',
      'message',
      [rich(richSection(words('')))],
      'must be at least 1 characters [/blocks/0/elements/0/elements/0/text]',
    ],
    [
      'a mention in preformatted text',
      'message',
      [rich({ type: 'rich_text_preformatted', elements: [{ type: 'user', user_id: 'U1' }] })],
      'unsupported type of a part of preformatted text: user [/blocks/0/elements/0/elements/0/type]',
    ],
    [
      'a list of words',
      'message',
      [rich({ type: 'rich_text_list', style: 'bullet', elements: [words('a')] })],
      'must be one of rich_text_section [/blocks/0/elements/0/elements/0/type]',
    ],
    [
      'an alert in a message',
      'message',
      [{ type: 'alert', text: plain('a') }],
      'not allowed in a message: alert [/blocks/0/type]',
    ],
    ['an empty card', 'message', [card({})], 'needs one of hero_image, title, actions, body [/blocks/0]'],
    ['a card with a bare title', 'message', [card({ title: 'a' })], 'must be a text object [/blocks/0/title]'],
    [
      'a carousel in a modal',
      'modal',
      [{ type: 'carousel', elements: [card({ title: plain('a') })] }],
      'not allowed in a modal: carousel [/blocks/0/type]',
    ],
    [
      'a container of markdown',
      'message',
      [container({ child_blocks: [{ type: 'markdown', text: 'a' }] })],
      'unsupported type of a block of a container: markdown [/blocks/0/child_blocks/0/type]',
    ],
    [
      'a container that cannot be opened',
      'message',
      [container({ default_collapsed: true })],
      'default_collapsed needs is_collapsible [/blocks/0]',
    ],
    [
      'six small actions',
      'message',
      [
        {
          type: 'context_actions',
          elements: times(6, (index) => ({
            type: 'icon_button',
            action_id: `a${index}`,
            icon: 'trash',
            text: plain('a'),
          })),
        },
      ],
      'no more than 5 items allowed, there are 6 [/blocks/0/elements]',
    ],
    [
      'a button among small actions',
      'message',
      [{ type: 'context_actions', elements: [button('a')] }],
      'unsupported type of an element of context_actions: button [/blocks/0/elements/0/type]',
    ],
    [
      'a file',
      'message',
      [{ type: 'file', source: 'remote', external_id: 'a' }],
      'a file block cannot be sent [/blocks/0]',
    ],
  ])('%s', (_, surface, blocks, refusal) => {
    expect(on[surface](...blocks)).toContain(refusal);
  });

  const view = { type: 'modal', title: plain('Diagnose'), callback_id: 'a', blocks: [section('a')] };
  it.each<[string, object, string]>([
    ['without a title', { ...view, title: undefined }, 'missing required field: title [/]'],
    [
      'with a long title',
      { ...view, title: plain('x'.repeat(25)) },
      'must be at most 24 characters, is 25 [/title/text]',
    ],
    [
      'with a long button',
      { ...view, submit: plain('x'.repeat(25)) },
      'must be at most 24 characters, is 25 [/submit/text]',
    ],
    [
      'with much metadata',
      { ...view, private_metadata: 'x'.repeat(3001) },
      'must be at most 3000 characters, is 3001 [/private_metadata]',
    ],
    [
      'with a long callback_id',
      { ...view, callback_id: 'x'.repeat(256) },
      'must be at most 255 characters, is 256 [/callback_id]',
    ],
    [
      'with inputs and no submit',
      { ...view, blocks: [input({ type: 'plain_text_input' })] },
      'missing required field: submit (there are inputs) [/]',
    ],
    ['with a top-level text', { ...view, text: 'a' }, 'invalid additional property: text [/]'],
    ['without blocks', { ...view, blocks: undefined }, 'missing required field: blocks [/]'],
    ['over 250 KB', { ...view, blocks: times(100, () => section('x'.repeat(3000))) }, 'view_too_large [/]'],
  ])('a modal %s', (_, payload, refusal) => {
    expect(refusalsOf({ ...payload }, 'modal')).toContain(refusal);
  });

  it('blocks that are no list', () => {
    expect(refusalsOf({ text: 'a', blocks: '[]' }, 'message')).toEqual(['must be a list [/blocks]']);
  });
});

describe('accepted by Slack, but never sent by the bot', () => {
  it.each<[string, object, string]>([
    ['blocks without text', { blocks: [section('a')] }, 'no top-level text [/text]'],
    ['long text', { text: 'x'.repeat(4001) }, 'more than 4000 characters: 4001 [/text]'],
    ['everybody in the text', { text: 'a <!channel>' }, 'notifies many people: <!channel> [/text]'],
    ['active members in the text', { text: '<!here|here>' }, 'notifies many people: <!here|here> [/text]'],
    [
      'everyone in a section',
      { text: 'a', blocks: [section('<!everyone>')] },
      'notifies many people: <!everyone> [/blocks/0/text/text]',
    ],
    [
      'a group in context',
      { text: 'a', blocks: [{ type: 'context', elements: [mrkdwn('<!subteam^S1>')] }] },
      'notifies many people: <!subteam^S1> [/blocks/0/elements/0/text]',
    ],
    [
      'everybody in markdown',
      { text: 'a', blocks: [{ type: 'markdown', text: '<!channel>' }] },
      'notifies many people: <!channel> [/blocks/0/text]',
    ],
    [
      'everybody in rich text',
      { text: 'a', blocks: [rich(richSection({ type: 'broadcast', range: 'here' }))] },
      'notifies many people: broadcast [/blocks/0/elements/0/elements/0]',
    ],
    ['an unescaped tag', { text: 'a <script> b' }, 'not escaped: <script> [/text]'],
    ['a link of another kind', { text: '<javascript:a|b>' }, 'not escaped: <javascript:a|b> [/text]'],
    ['an unescaped less-than', { text: 'a < b' }, 'not escaped: < [/text]'],
    ['an unescaped greater-than', { text: 'a -> b' }, 'not escaped: > [/text]'],
    ['an unescaped ampersand', { text: '/a?b=1&c=2' }, 'not escaped: & [/text]'],
    ['attachments', { text: 'a', attachments: [] }, 'attachments are not used [/attachments]'],
    ['names as mentions', { text: 'a', link_names: true }, 'would find mentions in text [/link_names]'],
    [
      'two primary buttons',
      { text: 'a', blocks: [actions(button('a', { style: 'primary' }), button('b', { style: 'primary' }))] },
      'more than one primary button [/blocks/0/elements]',
    ],
  ])('%s', (_, payload, refusal) => {
    expect(refusalsOf({ ...payload }, 'message')).toEqual([OURS + refusal]);
  });

  it('a form like another one', () => {
    const view = { type: 'modal', title: plain('a'), submit: plain('b'), blocks: [section('a')] };
    expect(refusalsOf(view, 'modal')).toEqual([`${OURS}no callback_id [/]`]);
  });
});
