/** Everything that people and programs get of one diagnosis, and what in it would act instead of being read. */

import { globSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Incident } from '../../../src/collect/incident/incident.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { logDetails } from '../../../src/diagnose/log-details.ts';
import type { EvidenceSet } from '../../../src/evidence/evidence.ts';
import type { Question } from '../../../src/evidence/question.ts';
import { renderJson } from '../../../src/render/json.ts';
import { renderMarkdown } from '../../../src/render/markdown.ts';
import { renderTerminal } from '../../../src/render/terminal.ts';
import { saveFindings } from '../../../src/runs/run-incident.ts';
import { DETAIL_IDS } from '../../../src/slack/messages/actions.ts';
import {
  checklistMessage,
  detailAnswer,
  episodeClosedMessage,
  fixView,
  homeView,
  rootMessage,
  runStateOf,
  verdictChangedMessage,
  verdictMessage,
} from '../../../src/slack/messages/index.ts';
import type { FileMessage, Message } from '../../../src/slack/messages/message.ts';
import { memoryStore } from '../alarms/process.ts';
import { nothing } from '../diagnoses.ts';
import { episodeOf, threadStateOf } from '../slack/thread-states.ts';
import { temporaryFolder } from './folder.ts';

interface Findings {
  question: Question;
  evidence: EvidenceSet;
  diagnosis: Diagnosis;
}

/** All that is ever said in Slack of a diagnosis: the thread, every answer to a button, the modal, the Home. */
export async function slackOutputs({ question, diagnosis, evidence }: Findings) {
  const took = { milliseconds: 4_100, files: 9 };
  const told = threadStateOf(diagnosis, { took, state: runStateOf(diagnosis) });
  const over = { ...told, episode: episodeOf({ closedAt: '2026-11-20T03:15:00.000Z' }) };
  const answers = await Promise.all(
    DETAIL_IDS.map((id) => detailAnswer(id, told, async () => logDetails(question, evidence))),
  );
  const messages = [
    rootMessage(told),
    rootMessage(over),
    checklistMessage(told, null),
    verdictMessage(told),
    episodeClosedMessage(over),
    ...[verdictChangedMessage(told, nothing)].filter((one) => one !== null),
    ...answers.filter((one): one is Message => !('filename' in one)),
  ];
  const files = answers.filter((one): one is FileMessage => 'filename' in one);
  const home = homeView({
    refusal: null,
    accounts: [],
    open: [],
    muted: [],
    recent: [{ run: told.run, diagnosis }],
    failures: diagnosis.gaps,
  });
  return { messages, files, home, modal: fixView(told) };
}

/** What is printed where an incident is diagnosed by hand. */
export const printedOutputs = ({ diagnosis }: Pick<Findings, 'diagnosis'>) => ({
  terminal: renderTerminal(diagnosis, { columns: 80, colour: false }),
  markdown: renderMarkdown(diagnosis),
  json: renderJson(diagnosis),
});

/** The files of a folder as text, unpacked, by their paths in it. */
const filesOf = (folder: string): Map<string, string> =>
  new Map(
    globSync('**/*', { cwd: folder })
      .filter((file) => lstatSync(join(folder, file)).isFile())
      .sort()
      .map((file) => {
        const bytes = readFileSync(join(folder, file));
        return [file, (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')];
      }),
  );

/** What `--save` writes. */
export async function savedOutputs(findings: Findings, incident: Incident): Promise<Map<string, string>> {
  const folder = join(temporaryFolder(), 'saved');
  await saveIncident(folder, { ...findings, incident });
  return filesOf(folder);
}

/** What the bot keeps of a run, by key. */
export async function recordedOutputs(findings: Findings): Promise<Map<string, string>> {
  const store = memoryStore();
  await saveFindings(store, '20261120t024012-5f3a9c1e', findings);
  return new Map([...store.objects].map(([key, { body }]) => [key, body]));
}

/**
 * Control, format (bidirectional overrides, zero width), private, lone surrogates, line and paragraph separators,
 * except line breaks.
 */
const INVISIBLE = /[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

/** The place around what would act, readable. */
function around(text: string, pattern: RegExp): string[] {
  const at = text.search(pattern);
  return at === -1 ? [] : [JSON.stringify(text.slice(Math.max(0, at - 40), at + 40))];
}

const named = (name: string, faults: string[]): string[] => faults.map((fault) => `${name}: ${fault}`);

/** Text that people read in a terminal or a file. */
export const textFaults = (name: string, text: string): string[] => named(name, around(text, INVISIBLE));

const OWN_PAGE = /\[AWS documentation\]\(https:\/\/docs\.aws\.amazon\.com\/[\w./#-]+\)/g;
/** HTML, links, pictures, mentions: what a page makes of Markdown beside letters. */
const ACTIVE = /<(?!!-- -->)|(?<!\\)\]\(|(?<!\\)!\[|\b(?:https?|ftp):\/\/|[@#](?=[A-Za-z0-9])/;

/** The prose of a Markdown document, and its fences: no line of one may close it. */
const markdownFaults = (document: string): string[] => [
  ...textFaults('Markdown', document),
  ...named('Markdown', around(document.replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, '').replace(OWN_PAGE, ''), ACTIVE)),
];

const OWN_ADDRESS =
  /^https:\/\/(?:docs\.aws\.amazon\.com\/|[a-z0-9-]+\.console\.aws\.amazon\.com\/|slack\.com\/archives\/)[\w./?=&;:#%~-]+$/;
/** Of the person who asks in tests. */
const OWN_MENTION = /^<@U0ALICE>$/;
const ACTIVE_ELEMENTS = new Set(['user', 'usergroup', 'channel', 'broadcast', 'team', 'emoji', 'link', 'image']);

/** Bold, struck and code text, italics, emoji. */
const FORMATTED = /[*~`]|\b_|_\b|:[a-z+-][\w+-]*:/;

/** Anything in a Slack payload that is a mention, an external link, a picture, or invisible. */
export function slackFaults(payload: unknown): string[] {
  const faults: string[] = [];
  const visit = (value: unknown, key: string, isMrkdwn: boolean): void => {
    if (typeof value === 'string') {
      faults.push(...textFaults(`Slack ${key}`, value));
      if (!isMrkdwn) return;
      for (const [markup] of value.matchAll(/<[^>]*>?/g)) {
        const address = /^<([^|>]*)\|[^<>]*>$/.exec(markup)?.[1];
        if (!OWN_MENTION.test(markup) && !OWN_ADDRESS.test(address ?? '')) faults.push(`Slack ${key}: ${markup}`);
      }
      return;
    }
    if (Array.isArray(value)) for (const item of value) visit(item, key, false);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const { type, url } = value as { type?: unknown; url?: unknown };
    if (typeof type === 'string' && ACTIVE_ELEMENTS.has(type)) {
      const isOwn = type === 'link' ? OWN_ADDRESS.test(String(url)) : 'user_id' in value && value.user_id === 'U0ALICE';
      if (!isOwn) faults.push(`Slack ${JSON.stringify(value).slice(0, 120)}`);
    }
    if (type === 'mrkdwn' && !('verbatim' in value && value.verbatim === true))
      faults.push(`Slack ${key}: Slack makes links of addresses and names in it`);
    if (type === 'mrkdwn' && FORMATTED.test(String('text' in value && value.text).replace(/<[^>]*>/g, '')))
      faults.push(`Slack ${key}: Slack formats ${JSON.stringify(value).slice(0, 120)}`);
    // The text of a message and texts of that type are parsed; rich text is not.
    for (const [name, inner] of Object.entries(value))
      visit(inner, name, type === 'mrkdwn' ? name === 'text' : type === undefined && name === 'text');
  };
  visit(payload, 'message', false);
  return faults;
}

const PLAIN_PATH = /^[\w.-]+(?:\/[\w.-]+)*$/;

/** Files and keys: names of ours alone, and content that a program reads as it was written. */
export const fileFaults = (name: string, files: ReadonlyMap<string, string>): string[] =>
  [...files].flatMap(([path, content]) => [
    ...(PLAIN_PATH.test(path) && !path.split('/').includes('..') ? [] : [`${name}: the path ${JSON.stringify(path)}`]),
    ...(path.endsWith('.json') ? jsonFaults(`${name} ${path}`, content) : []),
  ]);

function jsonFaults(name: string, content: string): string[] {
  try {
    JSON.parse(content);
    return [];
  } catch (error) {
    return [`${name}: ${String(error)}`];
  }
}

/** Every output of the diagnosis put to the test of its kind; empty where all is text. */
export async function faultsOf(findings: Findings, redacted: Findings, incident: Incident | null): Promise<string[]> {
  const { terminal, json } = printedOutputs(findings);
  const given = printedOutputs(redacted);
  const { messages, files, home, modal } = await slackOutputs(redacted);
  return [
    ...textFaults('terminal', terminal),
    ...textFaults('JSON', json),
    ...jsonFaults('JSON', json),
    ...textFaults('redacted terminal', given.terminal),
    ...markdownFaults(given.markdown),
    ...[...messages, home, modal].flatMap(slackFaults),
    ...files.flatMap(({ filename, title, comment, content }) => [
      ...slackFaults({ text: comment }),
      ...textFaults('title of a file', title),
      ...(filename.endsWith('.md') ? markdownFaults(content) : textFaults(filename, content)),
      ...(/^[A-Za-z0-9-]+-\d+-[a-z0-9-]+[.](?:txt|md)$/.test(filename) ? [] : [`a file named ${filename}`]),
    ]),
    ...fileFaults('record', await recordedOutputs(redacted)),
    ...(incident === null ? [] : fileFaults('saved', await savedOutputs(findings, incident))),
  ];
}
