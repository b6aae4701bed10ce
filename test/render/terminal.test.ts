import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { CheckId } from '../../src/diagnose/checks/index.ts';
import type { Diagnosis, Gap } from '../../src/diagnose/diagnosis.ts';
import type { Command } from '../../src/format/command.ts';
import { escapeControls } from '../../src/format/escape-control-characters.ts';
import { renderTerminal } from '../../src/render/terminal.ts';
import * as examples from '../support/diagnoses.ts';

const { early, gaps, hostile, nothing, race, undecided } = examples;
const cases: [string, Diagnosis][] = Object.entries({ race, undecided, nothing, early, hostile });

const plain = (diagnosis: Diagnosis, columns = 80): string => renderTerminal(diagnosis, { columns, colour: false });
const lines = (diagnosis: Diagnosis, columns = 80): string[] => plain(diagnosis, columns).split('\n');

/** Every line of what is there to be copied, with the line breaks that may be put between the options of an AWS command. */
const toCopy = (diagnosis: Diagnosis): string =>
  [
    ...diagnosis.causes.flatMap(({ fix }) => fix.commands),
    ...(diagnosis.traces?.ids ?? []),
    diagnosis.traces?.grep ?? '',
    ...(diagnosis.traces?.logFormat ?? []),
    ...diagnosis.gapDetails.map(({ iamStatement }) => iamStatement ?? ''),
  ]
    .flatMap((text) => text.split('\n').map(escapeControls))
    .join('\n');

const isCopied = (line: string, diagnosis: Diagnosis): boolean =>
  /^ {4}\S/.test(line.replace(/^ {6}(?=--)/, '    ')) && toCopy(diagnosis).includes(line.replace(/ \\$/, '').trim());

describe('the printed diagnosis', () => {
  it.each(cases)('%s', async (name, diagnosis) => {
    await expect(plain(diagnosis)).toMatchFileSnapshot(`__snapshots__/${name}.txt`);
  });

  it('says what broke, how sure, and what to do in the first four lines', () => {
    const [first = '', ...others] = lines(race);
    expect(first).toMatch(/^shop-prod: keep-alive race \(likely\) · /);
    expect(others.slice(0, 3).join(' ')).toMatch(/Fix {8}Raise the keep-alive timeout of api to 65 s/);
    expect(lines(early).slice(0, 2).join(' ')).toMatch(/ · provisional( |$)/);
  });

  it('ends with the verdict and what to do, which a terminal shows last', () => {
    expect(plain(race)).toMatch(
      /\nVerdict {4}Keep-alive race: likely, explains 146 of 149 errors\nFix {8}Raise the keep-alive timeout of api[\s\S]{1,200}$/,
    );
  });

  it.each([0, 2])('says where to find %i queries', (queries) => {
    const page = plain({ ...race, cost: { ...race.cost, queries } });
    const said = 'Repeat     --markdown lists every query and call, to run them by hand';
    expect(page.includes(said)).toBe(queries > 0);
  });

  it('mentions each cause once', () => {
    const page = plain(race);
    const [first, ...others] = race.causes.filter(({ standing }) => standing === 'ruled-out');
    expect(others.length).toBeGreaterThan(0);
    for (const { title } of [first, ...others].flatMap((cause) => cause ?? [])) {
      expect(page.toLowerCase().split(title.toLowerCase()), title).toHaveLength(2);
    }
    expect(page).toContain('Not seen   22 other causes (--json lists them)');
  });

  it('lists causes ruled out by one number in one line', () => {
    const page = plain(race).replace(/\s+/g, ' ');
    expect(page).toContain(
      'Security group blocked; network acl blocked: all 149 failed requests were sent on an open connection',
    );
    expect(page.split('a dropped SYN times out after 10 s')).toHaveLength(2);
  });

  it('lists many gaps at the end and says so at the top', () => {
    const many = Array.from(
      { length: 9 },
      (_, index): Gap => ({
        kind: 'not-recorded',
        sentence: `aws/file-${index}.json is missing.`,
        iamStatement: null,
        evidence: 'subnets',
      }),
    );
    const page = plain({ ...race, ...gaps(...many) });
    expect(page).toContain('Gaps       9 inputs are missing or incomplete; listed at the end');
    expect(page.indexOf('aws/file-0.json')).toBeGreaterThan(page.indexOf('Other causes considered'));
  });

  it('puts a policy statement on a line of its own', () => {
    expect(lines(early)).toContain('    {"Effect":"Allow","Action":"ec2:DescribeNetworkAcls","Resource":"*"}');
  });
});

describe('width', () => {
  it.each([72, 80, 100])('fits %i columns, but for what is there to be copied', (columns) => {
    for (const [name, diagnosis] of cases) {
      const wide = lines(diagnosis, columns).filter(
        (line) => stringWidth(line) > columns && !isCopied(line, diagnosis),
      );
      expect(wide, name).toEqual([]);
    }
  });

  it('is kept with many buckets, long signatures and large numbers', () => {
    const timeline = Array.from({ length: 60 }, (_, index) => ({
      from: new Date(Date.UTC(2026, 10, 20, 2, index)).toISOString(),
      to: new Date(Date.UTC(2026, 10, 20, 2, index + 1)).toISOString(),
      requests: 1_234_567 + index,
      bySignature: { 'authentication-failure': 123_456 + index, 'closed-before-response': index % 7 },
    }));
    const page = lines({ ...race, timeline });
    expect(page.filter((line) => stringWidth(line) > 80 && !isCopied(line, race))).toEqual([]);
    expect(page.join('\n')).toContain('peak ');
  });

  it('counts wide characters as a terminal does', () => {
    const summary = '注文サービスの接続が閉じられました'.repeat(8);
    const page = lines({ ...race, verdict: { ...race.verdict, summary } });
    expect(page.filter((line) => stringWidth(line) > 80 && !isCopied(line, race))).toEqual([]);
  });

  it('never breaks a command so that it would run differently', () => {
    const page = plain(race).replaceAll(/ \\\n {6}/g, ' ');
    for (const command of race.causes.flatMap(({ fix }) => fix.commands)) {
      for (const line of command.split('\n')) expect(page).toContain(`    ${line}\n`);
    }
  });

  it('breaks a long command between its options, never in quoted text', () => {
    const quoted = `'Name=tag:x --y,Values=${'z'.repeat(80)}'`;
    const command = `aws ec2 describe-instances --filters ${quoted} --output text` as Command;
    const causes = race.causes.map((cause) => ({ ...cause, fix: { ...cause.fix, commands: [command] } }));
    const broken = ['    aws ec2 describe-instances \\', `      --filters ${quoted} \\`, '      --output text', ''];
    expect(plain({ ...race, causes })).toContain(broken.join('\n'));
  });

  it('keeps a number and its unit on one line', () => {
    for (const [, diagnosis] of cases) expect(plain(diagnosis)).not.toMatch(/\d\n +(s|ms|%|MB|UTC)\b/);
  });
});

describe('colour', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is looked for
  const COLOURS = /\u001b\[\d+m/g;

  it.each(cases)('is not needed to read %s', (_, diagnosis) => {
    const coloured = renderTerminal(diagnosis, { columns: 80, colour: true });
    expect(coloured).toMatch(COLOURS);
    expect(coloured.replaceAll(COLOURS, '')).toBe(plain(diagnosis));
  });
});

describe('text from strangers', () => {
  it('appears without control sequences, bidirectional overrides and invisible characters', () => {
    expect(plain(hostile).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
    expect(plain(hostile)).toContain('\\x1b[31mred\\x1b[0m');
    expect(plain(hostile)).toContain('\\u{202e}gnp.exe');
  });

  it('cannot add a line of its own', () => {
    const page = plain({ ...race, verdict: { ...race.verdict, summary: 'GET /\nVerdict    nothing failed' } });
    expect(page).toContain('GET /\\x0aVerdict');
  });
});

describe('text for copying', () => {
  const arn =
    'arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop-prod/4f2a9c1e7b3d5068/6c1d0e9b8a7f5432/9683b2d02a6c0005';
  const saying = (summary: string) => ({ ...race, verdict: { ...race.verdict, summary } });

  it('is not broken in a sentence: ARNs, locations of log files', () => {
    const key =
      'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/04/123456789012_elasticloadbalancing_eu-west-1_app.web-prod.7c9e6679a1b2c3d4_20261104T0440Z_192.0.2.88_bqw2mbix.log.gz';
    for (const one of [arn, key, `s3://bucket/${key}`]) {
      const text = plain(
        saying(`It lies in ${one}, which nobody reads, and is fixed by whoever is on call at three in the morning.`),
      );
      expect(text).toContain(one);
      expect(text.split('\n').filter((line) => stringWidth(line) > 80 && !line.includes(one))).toEqual(
        lines(race).filter((line) => stringWidth(line) > 80),
      );
    }
  });

  it('is on one line if it is a command', () => {
    const command = `aws elbv2 modify-rule --rule-arn ${arn} --actions Type=forward,TargetGroupArn=t Type=x,Order=2`;
    expect(lines(saying(`Run ${command}, and let the others know about it before they do the same.`))).toContain(
      `${command},`,
    );
  });

  it('does not include sentences that only start like a command', () => {
    const long = lines(saying(`It lies in arn:${'x'.repeat(700)} and AWSLogs${'y'.repeat(300)}.`));
    expect(long.filter((line) => /x{70}|y{70}/.test(line) && stringWidth(line) > 80)).toEqual([]);
  });
});

it('gives a shared reason once, with the number of checks in the step', () => {
  const reason = 'Could not check: ec2:DescribeSecurityGroups was denied.';
  const denied = (check: CheckId, summary = reason) => ({ check, outcome: 'unknown' as const, summary });
  const [first, ...rest] = race.steps;
  if (first?.findings[0] === undefined) throw new Error('There is no finding.');
  const [finding] = first.findings;
  const findings = [
    denied('traffic-port-path'),
    denied('health-port-path'),
    denied('registered-port', 'Could not check: other.'),
    denied('security-group-references'),
  ].map((one) => ({
    ...finding,
    ...one,
  }));
  const shown = lines({ ...race, steps: [{ ...first, findings }, ...rest] }).filter((line) =>
    line.startsWith('    ? '),
  );
  expect(shown.slice(0, 2)).toEqual([
    '    ? Could not check: ec2:DescribeSecurityGroups was denied.',
    '    ? Could not check: other.',
  ]);
});
