/** The verdict with its working: for and against, what was ruled out, the fix, what was not seen, and the chart. */
import type { CauseResult, Diagnosis, Fix } from '../../diagnose/diagnosis.ts';
import { number } from '../../format/wording.ts';
import {
  causeTitle,
  completenessSentence,
  costSentence,
  explainedErrors,
  ruledOutLines,
  sortCauses,
} from '../../render/phrases.ts';
import { errorChart } from './chart.ts';
import type { Message, SlackBlock } from './message.ts';
import { actionButton, buttonRow, confirmCost, detailButton } from './message-buttons.ts';
import {
  copyable,
  labelledList,
  line,
  type MessagePart,
  messageText,
  prose,
  richText,
  smallPrint,
  truncate,
} from './rich-text.ts';
import { sanitizeState, type ThreadState, verdictKind } from './thread-state.ts';

/** A command of more than this is shown by the button alone: cut, it would be another command. */
const MAX_COMMAND = 1200;
const MAX_COMMANDS = 4;
const MAX_TRACES = 3;
/** Read aloud, or shown where Slack takes no blocks: the rest is behind buttons. */
const MAX_SPOKEN = 3000;
const IN_EVIDENCE = ', behind Evidence';

export function verdictMessage(rawState: ThreadState): Message {
  const { run, diagnosis } = sanitizeState(rawState);
  if (diagnosis === null) {
    const text = 'There is no verdict yet.';
    return { text, blocks: richText([line(text)]) };
  }
  const parts = verdictParts(diagnosis);
  const drawing = errorChart(diagnosis);
  const after = [...smallPrint([completenessAndCost(diagnosis)]), ...verdictButtons(run.id, diagnosis)];
  return {
    text: messageText(
      [...parts.slice(0, 1), ...(drawing === null ? [] : [line(drawing.words)]), ...parts.slice(1)],
      MAX_SPOKEN,
    ),
    blocks: [...richText(parts, IN_EVIDENCE), ...(drawing === null ? [] : [drawing.block]), ...after],
    plainBlocks: [...richText(parts, IN_EVIDENCE), ...(drawing === null ? [] : richText(drawing.plain)), ...after],
  };
}

function verdictParts(diagnosis: Diagnosis): MessagePart[] {
  switch (verdictKind(diagnosis)) {
    case 'found':
      return causeFoundParts(diagnosis);
    case 'undecided':
      return undecidedParts(diagnosis);
    case 'unread':
      return [...heading(diagnosis), ...decideParts(diagnosis), ...gapParts(diagnosis)];
    case 'none':
      return [...heading(diagnosis), ...faultParts(diagnosis), ...gapParts(diagnosis)];
  }
}

const heading = ({ verdict }: Diagnosis): MessagePart[] => [line({ bold: verdict.summary })];

function causeFoundParts(diagnosis: Diagnosis): MessagePart[] {
  const { main, others, lookAlikes } = sortCauses(diagnosis);
  const { errors } = diagnosis.triage;
  if (main === null) return heading(diagnosis);
  return [
    line({ bold: causeTitle(main, errors) }),
    ...evidenceParts(main),
    ...runtimeParts(main, diagnosis),
    ...fixParts(main),
    ...decideParts(diagnosis),
    ...otherParts(others, errors),
    ...ruledOutParts(lookAlikes),
    ...gapParts(diagnosis),
  ];
}

const evidenceParts = (cause: CauseResult): MessagePart[] => [
  ...(cause.for.length > 0 ? labelledList('For', cause.for, 5, IN_EVIDENCE) : [line({ bold: 'For' }, ' –')]),
  ...(cause.against.length > 0
    ? labelledList('Against', cause.against, 3, IN_EVIDENCE)
    : [line({ bold: 'Against' }, ' –')]),
  ...labelledList('Unknown', cause.missing, 3, IN_EVIDENCE),
];

function runtimeParts({ id }: CauseResult, { keepAlive }: Diagnosis): MessagePart[] {
  const runtimes = id === 'keep-alive-race' ? (keepAlive?.runtimes ?? []) : [];
  return runtimes.length === 0 ? [] : [line({ bold: 'Runtime ' }, ...prose(`${runtimes.join(', ')} by default`))];
}

/** What to do, what to paste, what else it does. */
function fixParts({ fix }: CauseResult, label = 'Fix'): MessagePart[] {
  const all = copyableTexts(fix);
  const shortCommands = all.filter((text) => text.length <= MAX_COMMAND).slice(0, MAX_COMMANDS);
  const left = all.length - shortCommands.length;
  return [
    line({ bold: `${label} ` }, ...prose(fix.summary)),
    ...shortCommands.map(copyable),
    ...(left > 0 ? [line({ italic: `… and ${number(left)} more to copy, behind Fix` })] : []),
    ...labelledList('Notes', fix.notes ?? [], 3, ', behind Fix'),
    ...labelledList('Side effects', fix.sideEffects, 3, ', behind Fix'),
  ];
}

/** Each text to copy: settings first, for they last. */
export const copyableTexts = ({ commands, settings = [] }: Fix): string[] => [...settings, ...commands];

/** What would settle it; left to the trace ids where they are what it names. */
function decideParts({ verdict, traces }: Diagnosis): MessagePart[] {
  const { decidedBy } = verdict;
  if (decidedBy === null || traces?.ids.some((id) => decidedBy.includes(id))) return [];
  return [line({ bold: 'Decide by ' }, ...prose(decidedBy))];
}

/** The other causes that explain a part, each with what to do. */
const otherParts = (others: readonly CauseResult[], errors: number | null): MessagePart[] =>
  others.slice(0, 3).flatMap((cause): MessagePart[] => [
    line({ bold: `Also: ${causeTitle(cause, errors)}` }),
    {
      bullets: [
        ...cause.for.slice(0, 2).map(prose),
        prose(`${cause.standing === 'possible' ? 'If it is' : 'Fix'}: ${cause.fix.summary}`),
      ],
    },
  ]);

/** Those that look like it, one line each. */
const ruledOutParts = (causes: readonly CauseResult[]): MessagePart[] =>
  labelledList(
    'Ruled out',
    ruledOutLines(causes).map((one) => truncate(one, 300)),
    5,
    IN_EVIDENCE,
  );

const gapParts = ({ gapDetails }: Diagnosis): MessagePart[] =>
  labelledList(
    'Could not check',
    gapDetails.map(({ sentence }) => truncate(sentence, 300)),
    3,
    ', behind the steps of the checklist',
  );

/** Nothing failed, and yet something is not as it should be. */
const faultParts = ({ steps }: Diagnosis): MessagePart[] =>
  labelledList(
    'Worth a look all the same',
    steps.flatMap(({ findings }) =>
      findings
        .filter(({ outcome }) => outcome === 'fail')
        .map(({ summary, fix }) => (fix === null ? summary : `${summary} → ${fix}`)),
    ),
    4,
    ', behind the steps of the checklist',
  );

function undecidedParts(diagnosis: Diagnosis): MessagePart[] {
  const { between, others, lookAlikes } = sortCauses(diagnosis);
  const { errors } = diagnosis.triage;
  return [
    ...heading(diagnosis),
    ...traceParts(diagnosis),
    ...decideParts(diagnosis),
    ...between.slice(0, 5).flatMap((cause): MessagePart[] => [
      line({ bold: cause.title }, `, could explain ${explainedErrors(cause.explains, errors)}`),
      {
        bullets: [
          ...cause.for.slice(0, 1).map((one) => prose(`For: ${one}`)),
          ...cause.against.slice(0, 1).map((one) => prose(`Against: ${one}`)),
          // The application's log is what is named above.
          ...(diagnosis.traces === null ? cause.missing.slice(0, 1).map((one) => prose(`Unknown: ${one}`)) : []),
          prose(`If it is: ${cause.fix.summary}`),
        ],
      },
    ]),
    ...otherParts(others, errors),
    ...ruledOutParts(lookAlikes),
    ...gapParts(diagnosis),
  ];
}

/** One look into the application's log decides: what to look for, and what each answer means. */
export function traceParts({ traces }: Diagnosis): MessagePart[] {
  if (traces === null || traces.ids.length === 0) return [];
  const { ids, meaning } = traces;
  const more = ids.length - MAX_TRACES;
  return [
    line({ bold: "Look into the application's log for " }, ids.length === 1 ? 'this trace id' : 'these trace ids'),
    copyable(
      ids
        .slice(0, MAX_TRACES)
        .map((id) => truncate(id, 200))
        .join('\n'),
    ),
    ...(more > 0 ? [line({ italic: `… and ${number(more)} more, with the searches, behind How to decide` })] : []),
    {
      bullets: [
        [{ bold: 'Not there: ' }, ...prose(meaning.absent)],
        [{ bold: 'Started, not finished: ' }, ...prose(meaning.started)],
        [{ bold: 'Finished: ' }, ...prose(meaning.finished)],
      ],
    },
  ];
}

/** How complete, how much. Where nothing was read nor counted, "0 errors" would sound as if nothing had failed. */
function completenessAndCost(diagnosis: Diagnosis): string {
  const isUnknown = verdictKind(diagnosis) === 'unread' && diagnosis.completeness.errorsInMetrics === null;
  return [...(isUnknown ? [] : [completenessSentence(diagnosis)]), costSentence(diagnosis)].join(' · ');
}

function verdictButtons(run: string, diagnosis: Diagnosis): SlackBlock[] {
  const kind = verdictKind(diagnosis);
  return [
    ...buttonRow(
      ...(kind !== 'none' ? [detailButton('Network paths', 'path', { run })] : []),
      actionButton('Widen the window', 'widen', { run, confirm: confirmCost(diagnosis.cost, 3) }),
      ...(kind === 'unread'
        ? []
        : [actionButton('Verdict is right', 'right', { run }), actionButton('Verdict is wrong', 'wrong', { run })]),
    ),
  ];
}
