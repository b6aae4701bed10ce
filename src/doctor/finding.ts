/** Findings of a check, one per line, and how to print them. Pure. */
import picocolors from 'picocolors';
import wrapAnsi from 'wrap-ansi';
import { escapeControls } from '../format/escape-control-characters.ts';
import { plural } from '../format/wording.ts';

/** `missing`: a diagnosis lacks something without it. `note`: for information. `untried`: could not be checked. */
type FindingState = 'ok' | 'missing' | 'note' | 'untried';

export interface DoctorFinding {
  about: string;
  state: FindingState;
  /** A clause or sentences, without the remedy. */
  text: string;
  /** What to do: text, a command or a policy. Printed unwrapped. */
  remedy?: string;
  /** Permissions to allow; combined into one policy at the end. */
  allow?: IamPermission | IamPermission[];
}

export interface IamPermission {
  action: string;
  resource: string;
}

export interface DoctorReport {
  /** The account, region and load balancer. */
  title: string;
  findings: DoctorFinding[];
}

const GAP = 2;

/** Renders reports for a terminal or pipe: text in columns, one block per report. */
export function renderDoctorReports(
  reports: readonly DoctorReport[],
  { columns, colour }: { columns: number; colour: boolean },
): string {
  const colours = picocolors.createColors(colour);
  const paint = { ok: colours.green, missing: colours.red, note: colours.yellow, untried: colours.yellow };
  const findings = reports.flatMap((look) => look.findings);
  const stateWidth = 'missing'.length + GAP;
  const aboutWidth = Math.max(0, ...findings.map(({ about }) => about.length)) + GAP;
  const indent = ' '.repeat(stateWidth + aboutWidth);
  const lineOf = ({ state, about, text, remedy }: DoctorFinding): string => {
    const words = wrapAnsi(escapeControls(text), Math.max(40, columns - indent.length), { hard: false }).replaceAll(
      '\n',
      `\n${indent}`,
    );
    const first = `${paint[state](state.padEnd(stateWidth))}${about.padEnd(aboutWidth)}${words}`;
    return remedy === undefined
      ? first
      : `${first}\n${remedy
          .split('\n')
          .map((one) => indent + escapeControls(one))
          .join('\n')}`;
  };
  const blocks = reports.map(({ title, findings }) => `${colours.bold(title)}\n${findings.map(lineOf).join('\n')}`);
  return `${[...blocks, closingText(findings)].join('\n\n')}\n`;
}

function closingText(findings: readonly DoctorFinding[]): string {
  const missing = findings.filter(({ state }) => state === 'missing').length;
  const untried = findings.filter(({ state }) => state === 'untried').length;
  if (missing === 0 && untried > 0)
    return `Nothing is missing in what was tried; ${plural(untried, 'thing')} above ${untried === 1 ? 'was' : 'were'} not.`;
  if (missing === 0) return 'Nothing is missing.';
  const summary = `${plural(missing, 'thing')} ${missing === 1 ? 'is' : 'are'} missing.`;
  const policy = policyFor(findings.flatMap(({ allow }) => allow ?? []));
  return policy === null ? summary : `${summary} This IAM policy allows what was denied:\n\n${policy}`;
}

/** Returns one policy for all denied permissions, one statement per resource; null when none was denied. */
export function policyFor(permissions: readonly IamPermission[]): string | null {
  const byResource = Map.groupBy(permissions, ({ resource }) => resource);
  if (byResource.size === 0) return null;
  const Statement = [...byResource].map(([Resource, own]) => ({
    Effect: 'Allow',
    Action: [...new Set(own.map(({ action }) => action))].sort(),
    Resource,
  }));
  return JSON.stringify({ Version: '2012-10-17', Statement }, null, 2);
}
