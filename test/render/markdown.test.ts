import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { Command } from '../../src/format/command.ts';
import { markdownText, renderMarkdown } from '../../src/render/markdown.ts';
import { early, HOSTILE, hostile, nothing, race, undecided } from '../support/diagnoses.ts';

const cases: [string, Diagnosis][] = Object.entries({ race, undecided, nothing, early, hostile });

/** The document without its fenced blocks. */
const prose = (document: string): string => document.replace(/^(`{3,})\n[\s\S]*?\n\1$/gm, '');

describe('the post-mortem', () => {
  it.each(cases)('%s', async (name, diagnosis) => {
    await expect(renderMarkdown(diagnosis)).toMatchFileSnapshot(`__snapshots__/${name}.md`);
  });

  it.each(cases)('has complete table rows: %s', (_, diagnosis) => {
    const cells = (row: string): number => row.replaceAll('\\|', '').split('|').length;
    let head = 0;
    for (const line of prose(renderMarkdown(diagnosis)).split('\n')) {
      if (!line.startsWith('|')) head = 0;
      else if (head === 0) head = cells(line);
      else expect(cells(line), line).toBe(head);
    }
  });

  it('names every source once, with the steps that use it', () => {
    const document = renderMarkdown(race);
    expect(document.split('FROM entries')).toHaveLength(2);
    expect(document).toContain('For steps 1 and 3:');
  });

  it('says whether requests still fail, or did at the end of the log, and nothing of errors that there are not', () => {
    const rowsOf = (triage: Partial<Diagnosis['triage']>): string =>
      renderMarkdown({ ...race, triage: { ...race.triage, ...triage } });
    expect(rowsOf({ ongoing: true })).toMatch(/\| Still failing \| yes, at /);
    expect(rowsOf({ ongoing: null, failingAtEnd: true })).toContain('| Failing at the end of the log | yes |');
    expect(rowsOf({ ongoing: null, failingAtEnd: null })).toContain('| Still failing | not known |');
    expect(rowsOf({ errors: 0 })).not.toMatch(/Still failing|Succeeded on retry|Clients/);
  });

  it('shows the share of a failing route', () => {
    expect(renderMarkdown(race)).toContain('| POST /reports | 4 | 212 | 1.9 % |');
  });
});

describe('text from strangers', () => {
  it('becomes prose without markup, HTML, links, mentions, references or control characters', () => {
    const document = renderMarkdown(hostile);
    expect(document.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
    const text = prose(document).replaceAll(/^\[AWS documentation\]\(https:\/\/docs\.aws\.amazon\.com[^)]*\)$/gm, '');
    expect(text).not.toMatch(/<(?!!-- -->)/);
    expect(text).not.toMatch(/@everyone|#1\b/);
    expect(text.replaceAll(/( {2}- )?\[AWS documentation\]\(https:[^)]*\)/g, '')).not.toMatch(
      /(?<!\\)\[x|https?:\/\/|\bwww\.evil/,
    );
    expect(text.replaceAll(/^- `closed-before-response`:/gm, '')).not.toMatch(/(?<!\\)`/);
  });

  it('cannot close its code fence', () => {
    const inside = 'a\n````\n# out\n```';
    const causes = race.causes.map((cause) => ({ ...cause, fix: { ...cause.fix, commands: [inside as Command] } }));
    expect(renderMarkdown({ ...race, causes })).toContain(`\`\`\`\`\`\n${inside}\n\`\`\`\`\``);
  });

  it.each([
    ['<!channel>', '&lt;!channel&gt;'],
    ['@everyone', '@<!-- -->everyone'],
    ['#1', '#<!-- -->1'],
    ['# x', '\\# x'],
    ['a | b', 'a \\| b'],
    ['`rm`', '\\`rm\\`'],
    ['[x](y)', '\\[x\\](y)'],
    ['https://evil.example', 'https:\\//evil.example'],
    ['- x', '\\- x'],
    ['1. x', '1\\. x'],
    ['error_reason', 'error_reason'],
    ['_i_', '\\_i\\_'],
  ])('%s', (text, escaped) => {
    expect(markdownText(text)).toBe(escaped);
  });

  it('looks the same on the rendered page', () => {
    const undone = markdownText(HOSTILE)
      .replaceAll('<!-- -->', '')
      .replaceAll(/\\([^\p{L}\p{N}\s])/gu, '$1')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    expect(undone).toBe(HOSTILE);
  });
});
