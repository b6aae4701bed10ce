/**
 * What Slack would refuse, and what we never send: limits and shapes of Block Kit as of late 2026, for messages, modals and the Home tab.
 * Slack publishes no schema. Where its pages and what others measured differ, the narrower of the two.
 */

export type Surface = 'message' | 'modal' | 'home';

/** A message as given to chat.postMessage, or a view as given to views.open. */
export type Payload = Readonly<Record<string, unknown>>;

/** Begins what Slack would take and we never send. */
export const OURS = 'ours: ';

/** Every refusal with its place; empty when Slack would take it and we may send it. */
export function refusalsOf(payload: Payload, surface: Surface): string[] {
  const refusals: string[] = [];
  const refuse = (at: string, what: string): void => void refusals.push(`${what} [${at === '' ? '/' : at}]`);
  const scope: Scope = { surface, inside: null, refuse, ours: (at, what) => refuse(at, `${OURS}${what}`) };
  if (surface === 'message') message(payload, scope);
  else view(payload, scope);
  return refusals;
}

/** The place of a block or element: `inside` is the type of the one around it. */
interface Scope {
  surface: Surface;
  inside: string | null;
  refuse(at: string, what: string): void;
  /** As refuse, for what Slack would take. */
  ours(at: string, what: string): void;
}

type Check = (value: unknown, at: string, scope: Scope) => void;
type Properties = Readonly<Record<string, Check>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Characters as people count them: Slack counts no surrogates. */
const lengthOf = (text: string): number => [...text].length;

// Values.

const string =
  (max = Number.POSITIVE_INFINITY, min = 1): Check =>
  (value, at, { refuse }) => {
    if (typeof value !== 'string') return refuse(at, 'must be a string');
    if (lengthOf(value) < min) refuse(at, `must be at least ${min} characters`);
    if (lengthOf(value) > max) refuse(at, `must be at most ${max} characters, is ${lengthOf(value)}`);
  };

const boolean: Check = (value, at, { refuse }) => {
  if (typeof value !== 'boolean') refuse(at, 'must be true or false');
};

const number =
  (min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Check =>
  (value, at, { refuse }) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) refuse(at, 'must be a number');
    else if (value < min || value > max) refuse(at, `must be between ${min} and ${max}`);
  };

const oneOf =
  (...values: (string | number)[]): Check =>
  (value, at, { refuse }) => {
    if (!values.some((one) => one === value)) refuse(at, `must be one of ${values.join(', ')}`);
  };

const list =
  (item: Check, min = 1, max = Number.POSITIVE_INFINITY): Check =>
  (value, at, scope) => {
    if (!Array.isArray(value)) return scope.refuse(at, 'must be a list');
    if (value.length < min) scope.refuse(at, `no fewer than ${min} items allowed`);
    if (value.length > max) scope.refuse(at, `no more than ${max} items allowed, there are ${value.length}`);
    for (const [index, one] of value.entries()) item(one, `${at}/${index}`, scope);
  };

/** An object with these properties and no others. */
const object =
  (required: Properties, optional: Properties = {}): Check =>
  (value, at, scope) => {
    if (!isRecord(value)) return scope.refuse(at, 'must be an object');
    for (const key of Object.keys(required)) {
      if (value[key] === undefined) scope.refuse(at, `missing required field: ${key}`);
    }
    for (const [key, one] of Object.entries(value)) {
      const check = required[key] ?? optional[key];
      if (one === undefined) continue;
      if (check === undefined) scope.refuse(at, `invalid additional property: ${key}`);
      else check(one, `${at}/${key}`, scope);
    }
  };

/** One of several objects, distinguished by `type`; each may check the whole after its parts. */
const byType =
  (what: string, types: Readonly<Record<string, Check>>): Check =>
  (value, at, scope) => {
    if (!isRecord(value)) return scope.refuse(at, `must be ${what}`);
    const { type } = value;
    const check = typeof type === 'string' && Object.hasOwn(types, type) ? types[type] : undefined;
    if (check === undefined) return scope.refuse(`${at}/type`, `unsupported type of ${what}: ${String(type)}`);
    check(value, at, { ...scope, inside: String(type) });
  };

const all =
  (...checks: Check[]): Check =>
  (value, at, scope) => {
    for (const check of checks) check(value, at, scope);
  };

const type: Check = () => {};
const id = string(255);
const url: Check = (value, at, scope) => {
  string(3000)(value, at, scope);
  if (typeof value === 'string' && !URL.canParse(value)) scope.refuse(at, 'must be a URL');
};
const only =
  (...surfaces: Surface[]) =>
  (check: Check): Check =>
  (value, at, scope) => {
    if (!surfaces.includes(scope.surface))
      scope.refuse(`${at}/type`, `not allowed in a ${scope.surface}: ${scope.inside}`);
    check(value, at, scope);
  };
const inMessage = only('message');
const inMessageOrHome = only('message', 'home');

// Texts.

const LINK = /^(https?:\/\/|mailto:)[^\s|<>]+(\|[^<>|]*)?$/;
const MENTION = /^(@[UW][A-Z0-9]+|#[CG][A-Z0-9]+(\|[^<>|]*)?)$/;
const DATE = /^!date\^\d+\^[^<>^|]+(\^https?:\/\/[^\s|<>^]+)?\|[^<>|]+$/;

/** Slack's control sequences in a text that it formats. We never notify everybody, and escape what came from outside. */
function misuseOf(text: string): string[] {
  const found: string[] = [];
  const rest = text.replaceAll(/<([^<>]*)>/g, (whole, inner: string) => {
    if (/^!(channel|here|everyone|group|subteam)\b/.test(inner)) found.push(`notifies many people: ${whole}`);
    else if (!LINK.test(inner) && !MENTION.test(inner) && !DATE.test(inner)) found.push(`not escaped: ${whole}`);
    return '';
  });
  if (rest.includes('<')) found.push('not escaped: <');
  // At the beginning of a line it quotes.
  if (/(?<!^[> ]*)>/m.test(rest)) found.push('not escaped: >');
  if (/&(?!(amp|lt|gt);)/.test(rest)) found.push('not escaped: &');
  return found;
}

const formatted =
  (max: number, min = 1): Check =>
  (value, at, scope) => {
    string(max, min)(value, at, scope);
    if (typeof value === 'string') for (const what of misuseOf(value)) scope.ours(at, what);
  };

/** Text of whose kind Slack's pages say: it is not parsed. Escapes would be read as they are. */
const plain = (max = 3000, min = 1): Check => {
  const properties = object({ type: oneOf('plain_text'), text: string(max, min) }, { emoji: boolean });
  return (value, at, scope) => {
    if (isRecord(value) && value.type === 'mrkdwn') scope.refuse(at, 'must be plain_text');
    else properties(value, at, scope);
  };
};

const text = (max = 3000): Check =>
  byType('a text object', {
    plain_text: plain(max),
    mrkdwn: object({ type, text: formatted(max) }, { verbatim: boolean }),
  });

// Parts of elements.

const confirm = object(
  { text: text(300) },
  { title: plain(100), confirm: plain(30), deny: plain(30), style: oneOf('primary', 'danger') },
);
const dispatch = object({}, { trigger_actions_on: list(oneOf('on_enter_pressed', 'on_character_entered'), 1, 2) });
const option = (max: number, label: Check = plain(75)): Check =>
  object({ text: label, value: string(max) }, { description: plain(75) });
const selectOption = option(150);
const boxOption = option(150, text(75));
const overflowOption = object({ text: plain(75) }, { value: string(150), url, description: plain(75) });
const optionGroup = object({ label: plain(75), options: list(selectOption, 1, 100) });
const slackFile: Check = (value, at, scope) => {
  object({}, { id: string(), url })(value, at, scope);
  if (isRecord(value) && (value.id === undefined) === (value.url === undefined)) {
    scope.refuse(at, 'needs either id or url');
  }
};
const imageSource: Check = (value, at, { refuse }) => {
  if (isRecord(value) && (value.image_url === undefined) === (value.slack_file === undefined)) {
    refuse(at, 'needs either image_url or slack_file');
  }
};
const imageElement = all(
  object({ type: oneOf('image'), alt_text: string(2000) }, { image_url: url, slack_file: slackFile }),
  imageSource,
);

const exclusive =
  (one: string, other: string, isRequired = true): Check =>
  (value, at, { refuse }) => {
    if (!isRecord(value)) return;
    const count = [one, other].filter((key) => value[key] !== undefined).length;
    if (count === 2 || (isRequired && count === 0)) refuse(at, `needs either ${one} or ${other}`);
  };

/** What is chosen at first must be among what can be chosen. */
const initialAmongOptions: Check = (value, at, { refuse }) => {
  if (!isRecord(value)) return;
  const { options, option_groups, initial_option, initial_options } = value;
  const groups = Array.isArray(option_groups) ? option_groups : [];
  const choices = [
    ...(Array.isArray(options) ? options : []),
    ...groups.flatMap((group: unknown) => (isRecord(group) && Array.isArray(group.options) ? group.options : [])),
  ].map((one) => JSON.stringify(one));
  const initial = [initial_option, ...(Array.isArray(initial_options) ? initial_options : [])].filter(Boolean);
  if (initial.some((one) => !choices.includes(JSON.stringify(one)))) {
    refuse(at, 'initial option is not among the options');
  }
};

const uniqueValues: Check = (value, at, { refuse }) => {
  if (!isRecord(value) || !Array.isArray(value.options)) return;
  const values = value.options.map((one: unknown) => (isRecord(one) ? one.value : undefined)).filter(Boolean);
  if (new Set(values).size < values.length) refuse(`${at}/options`, 'values of options must differ');
};

const ACTION = { action_id: id };
const CONFIRM = { ...ACTION, confirm };
const SELECT = { ...CONFIRM, focus_on_load: boolean, placeholder: plain(150) };
const SELECTS = { ...SELECT, max_selected_items: number(1) };
const INPUT = { ...ACTION, dispatch_action_config: dispatch, focus_on_load: boolean, placeholder: plain(150) };
const filter = object(
  {},
  {
    include: list(oneOf('im', 'mpim', 'private', 'public')),
    exclude_external_shared_channels: boolean,
    exclude_bot_users: boolean,
  },
);
const style = oneOf('primary', 'danger');
const label = string(75);

// Elements.

const button = object(
  { type, text: plain(75) },
  { ...CONFIRM, value: string(2000), url, style, accessibility_label: label },
);
const staticSelect = (more: Properties): Check =>
  all(
    object({ type }, { ...more, options: list(selectOption, 1, 100), option_groups: list(optionGroup, 1, 100) }),
    exclusive('options', 'option_groups'),
    initialAmongOptions,
    uniqueValues,
  );
const boxes = (initial: Properties): Check =>
  all(
    object({ type, options: list(boxOption, 1, 10) }, { ...CONFIRM, focus_on_load: boolean, ...initial }),
    initialAmongOptions,
    uniqueValues,
  );
const conversations = (more: Properties): Check =>
  object({ type }, { ...more, default_to_current_conversation: boolean, filter });

const SINGLE = {
  static_select: staticSelect({ ...SELECT, initial_option: selectOption }),
  external_select: object({ type }, { ...SELECT, initial_option: selectOption, min_query_length: number(0) }),
  users_select: object({ type }, { ...SELECT, initial_user: string() }),
  conversations_select: conversations({ ...SELECT, initial_conversation: string(), response_url_enabled: boolean }),
  channels_select: object({ type }, { ...SELECT, initial_channel: string(), response_url_enabled: boolean }),
};
const MULTIPLE = {
  multi_static_select: staticSelect({ ...SELECTS, initial_options: list(selectOption) }),
  multi_external_select: object(
    { type },
    { ...SELECTS, initial_options: list(selectOption), min_query_length: number(0) },
  ),
  multi_users_select: object({ type }, { ...SELECTS, initial_users: list(string()) }),
  multi_conversations_select: conversations({ ...SELECTS, initial_conversations: list(string()) }),
  multi_channels_select: object({ type }, { ...SELECTS, initial_channels: list(string()) }),
};
const PICKED = {
  checkboxes: boxes({ initial_options: list(boxOption) }),
  radio_buttons: boxes({ initial_option: boxOption }),
  datepicker: object({ type }, { ...SELECT, initial_date: string(10, 10) }),
  timepicker: object({ type }, { ...SELECT, initial_time: string(5, 5), timezone: string() }),
};
const datetimepicker = object(
  { type },
  { ...CONFIRM, focus_on_load: boolean, initial_date_time: number(1e9, 1e10 - 1) },
);
const overflow = all(object({ type, options: list(overflowOption, 1, 5) }, CONFIRM), uniqueValues);
const workflowButton = object(
  {
    type,
    text: plain(75),
    workflow: object({
      trigger: object({ url }, { customizable_input_parameters: list(object({ name: string(), value: string() })) }),
    }),
  },
  { ...CONFIRM, style, accessibility_label: label },
);
const feedback = object({ text: plain(75), value: string(2000) }, { accessibility_label: label });

// Rich text.

const textStyle = object(
  {},
  {
    bold: boolean,
    italic: boolean,
    strike: boolean,
    code: boolean,
    underline: boolean,
    highlight: boolean,
    client_highlight: boolean,
    unlink: boolean,
  },
);
const STYLED = { style: textStyle };
const richText = object({ type, text: string() }, STYLED);
const richLink = object({ type, url }, { ...STYLED, text: string(), unsafe: boolean });
const richElement = byType('a rich text element', {
  text: richText,
  link: richLink,
  emoji: object({ type, name: string() }, { ...STYLED, unicode: string(), url }),
  user: object({ type, user_id: string() }, STYLED),
  channel: object({ type, channel_id: string() }, STYLED),
  color: object({ type, value: string() }, STYLED),
  team: object({ type, team_id: string() }, STYLED),
  date: object({ type, timestamp: number(0), format: string() }, { ...STYLED, url, fallback: string() }),
  // Slack takes both; we never notify many people.
  broadcast: (_, at, scope) => scope.ours(at, 'notifies many people: broadcast'),
  usergroup: (_, at, scope) => scope.ours(at, 'notifies many people: usergroup'),
});
const richSection = object({ type: oneOf('rich_text_section'), elements: list(richElement, 0) });
const BORDER = { border: oneOf(0, 1) };
const richBlock = object(
  {
    type: oneOf('rich_text'),
    elements: list(
      byType('a part of rich text', {
        rich_text_section: richSection,
        rich_text_list: object(
          { type, style: oneOf('bullet', 'ordered'), elements: list(richSection, 1) },
          { ...BORDER, indent: number(0, 8), offset: number(0) },
        ),
        rich_text_quote: object({ type, elements: list(richElement, 0) }, BORDER),
        rich_text_preformatted: object(
          { type, elements: list(byType('a part of preformatted text', { text: richText, link: richLink }), 0) },
          { ...BORDER, language: string() },
        ),
      }),
      1,
    ),
  },
  { block_id: id },
);

const PLAIN_INPUTS = {
  plain_text_input: object(
    { type },
    {
      ...INPUT,
      initial_value: string(3000),
      multiline: boolean,
      min_length: number(0, 3000),
      max_length: number(1, 3000),
    },
  ),
  email_text_input: object({ type }, { ...INPUT, initial_value: string() }),
  url_text_input: object({ type }, { ...INPUT, initial_value: string() }),
  number_input: object(
    { type, is_decimal_allowed: boolean },
    { ...INPUT, initial_value: string(), min_value: string(), max_value: string() },
  ),
  file_input: only('modal')(object({ type }, { ...ACTION, filetypes: list(string()), max_files: number(1, 10) })),
};
const rich_text_input = object(
  { type },
  { ...INPUT, initial_value: richBlock, min_lines: number(1, 100), max_lines: number(1, 100) },
);

const actionElement = byType('an element of actions', {
  ...SINGLE,
  ...MULTIPLE,
  ...PICKED,
  button,
  datetimepicker,
  overflow,
  workflow_button: workflowButton,
  rich_text_input,
});
const accessory = byType('an accessory', {
  ...SINGLE,
  ...MULTIPLE,
  ...PICKED,
  button,
  overflow,
  workflow_button: workflowButton,
  image: imageElement,
});
const inputElement = byType('an input', {
  ...SINGLE,
  ...MULTIPLE,
  ...PICKED,
  ...PLAIN_INPUTS,
  datetimepicker,
  rich_text_input,
});

/** In one block; it tells presses apart. */
const uniqueActions: Check = (value, at, { refuse }) => {
  if (!isRecord(value) || !Array.isArray(value.elements)) return;
  const ids = value.elements.map((one: unknown) => (isRecord(one) ? one.action_id : undefined)).filter(Boolean);
  for (const twice of new Set(ids.filter((one, index) => ids.indexOf(one) < index))) {
    refuse(`${at}/elements`, `action_id must be unique within a block: ${String(twice)}`);
  }
};

/** Slack's guide, not its check: one primary button of a set. */
const onePrimary: Check = (value, at, scope) => {
  if (!isRecord(value) || !Array.isArray(value.elements)) return;
  if (value.elements.filter((one: unknown) => isRecord(one) && one.style === 'primary').length > 1) {
    scope.ours(`${at}/elements`, 'more than one primary button');
  }
};

// Tables and charts.

const cell = byType('a cell', {
  raw_text: object({ type, text: string() }),
  raw_number: object({ type, value: number(), text: string() }),
  rich_text: richBlock,
});

/** All text that people read in it. */
function charactersOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + charactersOf(one), 0);
  if (!isRecord(value)) return 0;
  const own = typeof value.text === 'string' ? lengthOf(value.text) : 0;
  return (
    own +
    Object.values(value).reduce<number>(
      (sum, one) => sum + (isRecord(one) || Array.isArray(one) ? charactersOf(one) : 0),
      0,
    )
  );
}

const equalRows: Check = (value, at, { refuse }) => {
  if (!isRecord(value) || !Array.isArray(value.rows)) return;
  const widths = new Set(value.rows.map((row: unknown) => (Array.isArray(row) ? row.length : 0)));
  if (widths.size > 1) refuse(`${at}/rows`, 'rows must have the same number of cells');
};

const plainHeader: Check = (value, at, { refuse }) => {
  if (!isRecord(value) || !Array.isArray(value.rows) || !Array.isArray(value.rows[0])) return;
  if (value.rows[0].some((one: unknown) => isRecord(one) && one.type === 'rich_text')) {
    refuse(`${at}/rows/0`, 'cells of the header must not be rich_text');
  }
};

const point = object({ label: string(20), value: number() });
const namesDiffer =
  (key: 'name' | 'label', what: string): Check =>
  (value, at, { refuse }) => {
    if (!Array.isArray(value)) return;
    const names = value.map((one: unknown) => (isRecord(one) ? one[key] : undefined));
    if (new Set(names).size < names.length) refuse(at, `${what} must differ`);
  };
const series = all(
  list(object({ name: string(20), data: all(list(point, 1, 20), namesDiffer('label', 'labels of points')) }), 1, 6),
  namesDiffer('name', 'names of series'),
);
const categories: Check = (value, at, scope) => {
  list(string(20), 1, 20)(value, at, scope);
  if (Array.isArray(value) && new Set(value).size < value.length) scope.refuse(at, 'categories must differ');
};
/** Every series has one point for each category, and no others. */
const everyCategory: Check = (value, at, { refuse }) => {
  if (!isRecord(value) || !isRecord(value.axis_config) || !Array.isArray(value.series)) return;
  const expected = value.axis_config.categories;
  if (!Array.isArray(expected)) return;
  for (const [index, one] of value.series.entries()) {
    const data: unknown[] = isRecord(one) && Array.isArray(one.data) ? one.data : [];
    const labels = new Set(data.map((each) => (isRecord(each) ? each.label : undefined)));
    if (labels.size !== expected.length || expected.some((category: unknown) => !labels.has(category))) {
      refuse(`${at}/series/${index}`, 'must have a point for every category and for no other');
    }
  }
};
const xyChart = all(
  object({ type, series, axis_config: object({ categories }, { x_label: string(50), y_label: string(50) }) }),
  everyCategory,
);
const segment: Check = (value, at, scope) => {
  point(value, at, scope);
  if (isRecord(value) && typeof value.value === 'number' && value.value <= 0) scope.refuse(at, 'must be more than 0');
};
const chart = byType('a chart', {
  line: xyChart,
  bar: xyChart,
  area: xyChart,
  pie: object({ type, segments: all(list(segment, 1, 12), namesDiffer('label', 'labels of segments')) }),
});

// Blocks.

const BLOCK = { block_id: id };
const source = object({ type: oneOf('url'), url, text: string() });
const taskCard = (...states: string[]): Check =>
  object(
    { type: oneOf('task_card'), task_id: id, title: string(), status: oneOf(...states) },
    { ...BLOCK, details: richBlock, output: richBlock, sources: list(source) },
  );
const card = all(
  object(
    { type: oneOf('card') },
    {
      ...BLOCK,
      title: text(150),
      subtitle: text(150),
      body: text(200),
      subtext: text(200),
      hero_image: imageElement,
      icon: imageElement,
      actions: list(byType('an action of a card', { button }), 1, 3),
    },
  ),
  (value, at, { refuse }) => {
    if (isRecord(value) && !['hero_image', 'title', 'actions', 'body'].some((key) => value[key] !== undefined)) {
      refuse(at, 'needs one of hero_image, title, actions, body');
    }
  },
);

const PLAIN_BLOCKS = {
  actions: all(object({ type, elements: list(actionElement, 1, 25) }, BLOCK), uniqueActions, onePrimary),
  context: object(
    {
      type,
      elements: list(
        byType('an element of context', { image: imageElement, plain_text: text(), mrkdwn: text() }),
        1,
        10,
      ),
    },
    BLOCK,
  ),
  divider: object({ type }, BLOCK),
  file: ((_, at, { refuse }) => refuse(at, 'a file block cannot be sent')) satisfies Check,
  header: object({ type, text: plain(150) }, { ...BLOCK, level: number(1, 4) }),
  image: all(
    object({ type, alt_text: string(2000) }, { ...BLOCK, title: plain(2000), image_url: url, slack_file: slackFile }),
    imageSource,
  ),
  input: object(
    { type, label: plain(2000), element: inputElement },
    { ...BLOCK, hint: plain(2000), optional: boolean, dispatch_action: boolean },
  ),
  rich_text: richBlock,
  section: all(
    object({ type }, { ...BLOCK, text: text(), fields: list(text(2000), 1, 10), accessory, expand: boolean }),
    (value, at, { refuse }) => {
      if (isRecord(value) && value.text === undefined && value.fields === undefined) refuse(at, 'needs text or fields');
    },
  ),
  table: inMessageOrHome(
    object(
      {
        type,
        rows: list(list(cell, 1, 20), 1, 100),
      },
      {
        ...BLOCK,
        // Null leaves a column as it is.
        column_settings: list(
          (value, at, scope) => {
            if (value !== null)
              object({}, { align: oneOf('left', 'center', 'right'), is_wrapped: boolean })(value, at, scope);
          },
          1,
          20,
        ),
      },
    ),
  ),
  video: object(
    { type, video_url: url, thumbnail_url: url, alt_text: string(), title: plain(199) },
    {
      ...BLOCK,
      title_url: url,
      author_name: string(49),
      provider_name: string(),
      provider_icon_url: url,
      description: plain(199),
    },
  ),
} as const;

const block = byType('a block', {
  ...PLAIN_BLOCKS,
  alert: only('modal')(
    object({ type, text: text(200) }, { ...BLOCK, level: oneOf('default', 'info', 'warning', 'error', 'success') }),
  ),
  card,
  carousel: inMessageOrHome(object({ type, elements: list(card, 1, 10) }, BLOCK)),
  container: inMessageOrHome(
    all(
      object(
        { type, child_blocks: list(byType('a block of a container', PLAIN_BLOCKS), 1, 10) },
        {
          ...BLOCK,
          title: plain(150),
          rich_text_title: richBlock,
          subtitle: text(150),
          width: oneOf('narrow', 'standard', 'wide', 'full'),
          icon: imageElement,
          is_collapsible: boolean,
          default_collapsed: boolean,
          has_header_divider: boolean,
        },
      ),
      (value, at, { refuse }) => {
        if (!isRecord(value)) return;
        if (value.title === undefined && value.rich_text_title === undefined)
          refuse(at, 'needs title or rich_text_title');
        if (value.default_collapsed === true && value.is_collapsible !== true) {
          refuse(at, 'default_collapsed needs is_collapsible');
        }
      },
    ),
  ),
  context_actions: inMessage(
    all(
      object(
        {
          type,
          elements: list(
            byType('an element of context_actions', {
              feedback_buttons: object({ type, positive_button: feedback, negative_button: feedback }, ACTION),
              icon_button: object(
                { type, icon: oneOf('trash'), text: plain(75) },
                { ...CONFIRM, value: string(2000), accessibility_label: label, visible_to_user_ids: list(string()) },
              ),
            }),
            1,
            5,
          ),
        },
        BLOCK,
      ),
      uniqueActions,
    ),
  ),
  data_table: inMessageOrHome(
    all(
      object(
        { type, caption: string(), rows: list(list(cell, 1, 20), 2, 101) },
        { ...BLOCK, page_size: number(1, 100), row_header_column_index: number(0, 19) },
      ),
      equalRows,
      plainHeader,
    ),
  ),
  data_visualization: inMessage(object({ type, title: string(50), chart }, BLOCK)),
  markdown: inMessage(object({ type, text: formattedMarkdown() }, BLOCK)),
  plan: inMessage(
    all(
      object(
        { type, title: string() },
        { ...BLOCK, tasks: list(taskCard('pending', 'in_progress', 'complete', 'error'), 1, 50) },
      ),
      (value, at, { refuse }) => {
        if (!isRecord(value) || !Array.isArray(value.tasks)) return;
        const ids = value.tasks.map((task: unknown) => (isRecord(task) ? task.task_id : undefined));
        if (new Set(ids).size < ids.length) refuse(`${at}/tasks`, 'task_id must be unique');
      },
    ),
  ),
  task_card: inMessage(taskCard('in_progress', 'complete', 'error')),
});

/** Standard markdown; Slack's mentions work in it too. */
function formattedMarkdown(): Check {
  return (value, at, scope) => {
    string(12_000)(value, at, scope);
    const mention = typeof value === 'string' ? /<!(channel|here|everyone|group|subteam)\b[^>]*>/.exec(value) : null;
    if (mention !== null) scope.ours(at, `notifies many people: ${mention[0]}`);
  };
}

/** What is only seen over all blocks: how often, and how much in sum. */
function together(blocks: readonly unknown[], at: string, { surface, refuse }: Scope): void {
  const found = new Map<string, Record<string, unknown>[]>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one);
      return;
    }
    if (!isRecord(value)) return;
    if (typeof value.type === 'string') found.set(value.type, [...(found.get(value.type) ?? []), value]);
    for (const one of Object.values(value)) visit(one);
  };
  visit(blocks);
  const of = (...types: string[]) => types.flatMap((one) => found.get(one) ?? []);
  const ids = blocks.map((one) => (isRecord(one) ? one.block_id : undefined)).filter(Boolean);
  if (new Set(ids).size < ids.length) refuse(at, 'block_id must be unique');
  if (of('table').length > 1) refuse(at, 'only_one_table_allowed');
  if (of('data_visualization').length > 2) refuse(at, 'no more than 2 data_visualization blocks');
  const inTables = of('table', 'data_table').reduce((sum, one) => sum + charactersOf(one.rows), 0);
  if (inTables > 10_000) refuse(at, `tables hold ${inTables} characters, at most 10000`);
  const inMarkdown = of('markdown').reduce(
    (sum, { text: one }) => sum + (typeof one === 'string' ? lengthOf(one) : 0),
    0,
  );
  if (inMarkdown > 12_000) refuse(at, `markdown blocks hold ${inMarkdown} characters, at most 12000`);
  const focused = [...found.values()].flat().filter((one) => one.focus_on_load === true);
  if (focused.length > 1) refuse(at, 'only one element may have focus_on_load');
  const limit = surface === 'message' ? 50 : 100;
  if (blocks.length > limit) refuse(at, `no more than ${limit} blocks, there are ${blocks.length}`);
}

function blocksOf(value: unknown, scope: Scope): void {
  if (!Array.isArray(value)) {
    scope.refuse('/blocks', 'must be a list');
    return;
  }
  list(block, 0)(value, '/blocks', scope);
  together(value, '/blocks', scope);
}

function message({ text: top, blocks, markdown_text, attachments, link_names }: Payload, scope: Scope): void {
  // Read aloud, and shown in notifications: Slack would take a message without, we do not send one.
  if (typeof top !== 'string' || top.trim() === '') scope.ours('/text', 'no top-level text');
  else {
    if (lengthOf(top) > 4000) scope.ours('/text', `more than 4000 characters: ${lengthOf(top)}`);
    for (const what of misuseOf(top)) scope.ours('/text', what);
  }
  if (markdown_text !== undefined) scope.refuse('/markdown_text', 'not with text or blocks');
  if (attachments !== undefined) scope.ours('/attachments', 'attachments are not used');
  if (link_names !== undefined && link_names !== false) scope.ours('/link_names', 'would find mentions in text');
  if (blocks !== undefined) blocksOf(blocks, scope);
}

function view(payload: Payload, scope: Scope): void {
  const common = { callback_id: id, private_metadata: string(3000, 0), external_id: id };
  const blocks: Check = (value) => blocksOf(value, scope);
  if (scope.surface === 'home') object({ type: oneOf('home'), blocks }, common)(payload, '', scope);
  else {
    object(
      { type: oneOf('modal'), title: plain(24), blocks },
      { ...common, close: plain(24), submit: plain(24), clear_on_close: boolean, notify_on_close: boolean },
    )(payload, '', scope);
    const hasInput =
      Array.isArray(payload.blocks) && payload.blocks.some((one: unknown) => isRecord(one) && one.type === 'input');
    if (hasInput && payload.submit === undefined) scope.refuse('', 'missing required field: submit (there are inputs)');
    // Without it, submitted views cannot be told apart.
    if (payload.submit !== undefined && payload.callback_id === undefined) scope.ours('', 'no callback_id');
  }
  if (Buffer.byteLength(JSON.stringify(payload)) > 250_000) scope.refuse('', 'view_too_large');
}
