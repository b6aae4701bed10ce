/** The verdict with its working: for and against, what was ruled out, the fix, what was not seen, and the chart. */
import type { Diagnosis, JudgedCause } from '../../diagnose/diagnosis.ts';
import { number } from '../../format/wording.ts';
import {
  causeTitle,
  completenessSentence,
  costSentence,
  explained,
  ruledOutLines,
  sortCauses,
} from '../../render/phrases.ts';
import { chart } from './chart.ts';
import type { Block, Message } from './message.ts';
import { actionButton, extraButton, priced, row } from './message-buttons.ts';
import { copy, cut, labelled, line, type Part, prose, richText, smallPrint, spoken } from './rich-text.ts';
import { kindOf, type Told, visibleTold, withoutPolicy } from './thread-state.ts';

/** A command of more than this is shown by the button alone: cut, it would be another command. */
const MOST_COMMAND = 1200;
const MOST_COMMANDS = 4;
const MOST_TRACES = 3;
/** Read aloud, or shown where Slack takes no blocks: the rest is behind buttons. */
const MOST_SPOKEN = 3000;
const IN_EVIDENCE = ', behind Evidence';

export function verdictMessage(outside: Told): Message {
  const { run, diagnosis } = visibleTold(outside);
  if (diagnosis === null) {
    const text = 'There is no verdict yet.';
    return { text, blocks: richText([line(text)]) };
  }
  const parts = verdictParts(diagnosis);
  const drawn = chart(diagnosis);
  const after = [...smallPrint([closing(diagnosis)]), ...buttons(run.id, diagnosis)];
  return {
    text: spoken(
      [...parts.slice(0, 1), ...(drawn === null ? [] : [line(drawn.words)]), ...parts.slice(1)],
      MOST_SPOKEN,
    ),
    blocks: [...richText(parts, IN_EVIDENCE), ...(drawn === null ? [] : [drawn.block]), ...after],
    plainBlocks: [...richText(parts, IN_EVIDENCE), ...(drawn === null ? [] : richText(drawn.plain)), ...after],
  };
}

function verdictParts(diagnosis: Diagnosis): Part[] {
  switch (kindOf(diagnosis)) {
    case 'found':
      return found(diagnosis);
    case 'undecided':
      return undecided(diagnosis);
    case 'unread':
      return [...heading(diagnosis), ...decideParts(diagnosis), ...gapParts(diagnosis)];
    case 'none':
      return [...heading(diagnosis), ...faultParts(diagnosis), ...gapParts(diagnosis)];
  }
}

const heading = ({ verdict }: Diagnosis): Part[] => [line({ bold: verdict.summary })];

function found(diagnosis: Diagnosis): Part[] {
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

const evidenceParts = (cause: JudgedCause): Part[] => [
  ...(cause.for.length > 0 ? labelled('For', cause.for, 5, IN_EVIDENCE) : [line({ bold: 'For' }, ' –')]),
  ...(cause.against.length > 0
    ? labelled('Against', cause.against, 3, IN_EVIDENCE)
    : [line({ bold: 'Against' }, ' –')]),
  ...labelled('Unknown', cause.missing, 3, IN_EVIDENCE),
];

function runtimeParts({ id }: JudgedCause, { keepAlive }: Diagnosis): Part[] {
  const runtimes = id === 'keep-alive-race' ? (keepAlive?.runtimes ?? []) : [];
  return runtimes.length === 0 ? [] : [line({ bold: 'Runtime ' }, ...prose(`${runtimes.join(', ')} by default`))];
}

/** What to do, what to paste, what else it does. */
export function fixParts({ fix }: JudgedCause, label = 'Fix'): Part[] {
  const all = toCopy(fix.commands);
  const shown = all.filter((text) => text.length <= MOST_COMMAND).slice(0, MOST_COMMANDS);
  const left = all.length - shown.length;
  return [
    line({ bold: `${label} ` }, ...prose(fix.summary)),
    ...shown.map(copy),
    ...(left > 0 ? [line({ italic: `… and ${number(left)} more to copy, behind Fix` })] : []),
    ...labelled('Side effects', fix.sideEffects, 3, ', behind Fix'),
  ];
}

/** A comment belongs to the command below it. */
export function toCopy(commands: readonly string[]): string[] {
  const texts: string[] = [];
  let comments: string[] = [];
  for (const command of commands) {
    if (/^#[^\n]*$/.test(command)) comments.push(command);
    else {
      texts.push([...comments, command].join('\n'));
      comments = [];
    }
  }
  return comments.length === 0 ? texts : [...texts, comments.join('\n')];
}

/** What would settle it; left to the trace ids where they are what it names. */
function decideParts({ verdict, traces }: Diagnosis): Part[] {
  const { decidedBy } = verdict;
  if (decidedBy === null || traces?.ids.some((id) => decidedBy.includes(id))) return [];
  return [line({ bold: 'Decide by ' }, ...prose(decidedBy))];
}

/** The other causes that explain a part, each with what to do. */
const otherParts = (others: readonly JudgedCause[], errors: number | null): Part[] =>
  others.slice(0, 3).flatMap((cause): Part[] => [
    line({ bold: `Also: ${causeTitle(cause, errors)}` }),
    {
      bullets: [
        ...cause.for.slice(0, 2).map(prose),
        prose(`${cause.standing === 'possible' ? 'If it is' : 'Fix'}: ${cause.fix.summary}`),
      ],
    },
  ]);

/** Those that look like it, one line each. */
const ruledOutParts = (causes: readonly JudgedCause[]): Part[] =>
  labelled(
    'Ruled out',
    ruledOutLines(causes).map((one) => cut(one, 300)),
    5,
    IN_EVIDENCE,
  );

const gapParts = ({ gaps }: Diagnosis): Part[] =>
  labelled(
    'Not seen',
    gaps.map((gap) => cut(withoutPolicy(gap), 300)),
    3,
    ', behind the steps of the checklist',
  );

/** Nothing failed, and yet something is not as it should be. */
const faultParts = ({ steps }: Diagnosis): Part[] =>
  labelled(
    'Worth a look all the same',
    steps.flatMap(({ findings }) =>
      findings
        .filter(({ outcome }) => outcome === 'fail')
        .map(({ summary, fix }) => (fix === null ? summary : `${summary} → ${fix}`)),
    ),
    4,
    ', behind the steps of the checklist',
  );

function undecided(diagnosis: Diagnosis): Part[] {
  const { between, others, lookAlikes } = sortCauses(diagnosis);
  const { errors } = diagnosis.triage;
  return [
    ...heading(diagnosis),
    ...traceParts(diagnosis),
    ...decideParts(diagnosis),
    ...between.slice(0, 5).flatMap((cause): Part[] => [
      line({ bold: cause.title }, `, could explain ${explained(cause.explains, errors)}`),
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
export function traceParts({ traces }: Diagnosis): Part[] {
  if (traces === null || traces.ids.length === 0) return [];
  const { ids, meaning } = traces;
  const more = ids.length - MOST_TRACES;
  return [
    line({ bold: "Look into the application's log for " }, ids.length === 1 ? 'this trace id' : 'these trace ids'),
    copy(
      ids
        .slice(0, MOST_TRACES)
        .map((id) => cut(id, 200))
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
function closing(diagnosis: Diagnosis): string {
  const isUnknown = kindOf(diagnosis) === 'unread' && diagnosis.completeness.errorsInMetrics === null;
  return [...(isUnknown ? [] : [completenessSentence(diagnosis)]), costSentence(diagnosis)].join(' · ');
}

function buttons(run: string, diagnosis: Diagnosis): Block[] {
  const kind = kindOf(diagnosis);
  return [
    ...row(
      ...(kind !== 'none' ? [extraButton('Network paths', 'path', { run })] : []),
      actionButton('Widen the window', 'widen', { run, confirm: priced(diagnosis.cost, 3) }),
      ...(kind === 'unread'
        ? []
        : [actionButton('Verdict is right', 'right', { run }), actionButton('Verdict is wrong', 'wrong', { run })]),
    ),
  ];
}
