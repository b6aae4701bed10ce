/** Kinds of secrets and personal data, each a segment of a path, over everything that leaves the terminal. */
import { expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { redactRoute } from '../../src/redact/log-fields.ts';
import { rewrittenIncident } from '../support/incident/hostile.ts';
import { printedOutputs, recordedOutputs, savedOutputs, slackOutputs } from '../support/incident/outputs.ts';

/** Made up; in the forms that their issuers document. */
const KINDS: [string, string][] = [
  ['a key of OpenAI', 'sk-proj-Zx81kQ81kQ81'],
  ['a key of Anthropic', 'sk-ant-api03-Zx81kQ81kQ81'],
  ['a token of Hugging Face', 'hf_ZxAbkQcdkQefkQghZx'],
  ['a token of PyPI', 'pypi-AgEIcHlwaS5vcmc'],
  ['a token of Docker', 'dckr_pat_Zx81kQ81kQ81'],
  ['a token of DigitalOcean', 'dop_v1_3f2504e04f8911d3'],
  ['a token of Shopify', 'shpat_3f2504e04f8911d39a'],
  ['a secret of Square', 'sq0csp-Zx81kQ81kQ81'],
  ['a token of Databricks', 'dapi3f2504e04f8911d3'],
  ['a token of Doppler', 'dp.pt.Zx81kQ81kQ81kQ81'],
  ['a SID of Twilio', 'SK3f2504e04f8911d39a0c'],
  ['a key of Mailgun', 'key-3ax6xnjp29jd6fds4gc'],
  ['a key of Azure', 'Zx81kQ81kQ81+kQ81w=='],
  ['a signature of Azure', 'sig=Zx81kQ81%3D'],
  ['a signature of S3', 'X-Amz-Signature=3f2504e04f89'],
  ['a code of OAuth', '4%2F0AX4XfWh81kQ81kQ'],
  ['a secret key of age', 'AGE-SECRET-KEY-1QQPZX81KQ'],
  ['a hash of bcrypt', '$2b$10$N9qo8uLOickgx2ZMRZoMye'],
  ['a hash of argon2', '$argon2id$v=19$m=65536'],
  ['a hash of SHA-512', 'ee26b0dd4af7e749aa1a8ee3c10ae992'],
  ['an address of Ethereum', '0x71C7656EC7ab88b098defB751B7401B5f6d8976F'],
  ['an address of Bitcoin', 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzz'],
  ['a licence key', 'XKCDF-QWRTZ-PLMBV-NCRTS'],
  ['a licence key with digits', '7XK4D-QW9TZ-3LMBV'],
  ['a booking code', 'KQZTR4'],
  ['a coupon', 'SAVE20-JANE-91'],
  ['a passport', 'C01X00T47'],
  ['a national insurance number', 'QQ123456C'],
  ['a tax number', '12%2F345%2F67890'],
  ['a driving licence', 'MORGA657054SM9IJ'],
  ['a vehicle', '1HGCM82633A004352'],
  ['a MAC address', '00:1A:2B:3C:4D:5E'],
  ['a phone', '490154203237518'],
  ['a SIM card', '8944500102198304826'],
  ['a postcode', 'SW1A1AA'],
  ['a plus code', '8FVC9G8F+6X'],
  ['a geohash', 'u33dc1r9v'],
  ['a parcel', '1Z999AA10123456784'],
  ['a date of birth in German', '17.05.84'],
  ['a date of birth without dots', '19840517'],
  ['an epoch', '1763606400123'],
  ['a BIC and an account', 'DEUTDEFF500-0532013000'],
  ['a security code', '4111_1111_1111_1111_12_28_123'],
  ['an object of MongoDB', '507f1f77bcf86cd799439011'],
  ['a snowflake', '175928847299117063'],
  ['a KSUID', '0ujtsYcgvSTl8PAuAdqWYSMnLOv'],
  ['a nanoid', 'V1StGXR8_Z5jdHi6B-myT'],
  ['a cuid', 'cjld2cjxh0000qzrmn831i7rn'],
  ['a short link', 'aZ3xK9'],
  ['a document of Google', '1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74Og'],
  ['a video', 'dQw4w9WgXcQ'],
  ['a token of a reset', 'reset-8d969eef6ecad3c2'],
  ['a magic link', 'magic.Zx81kQ81.kQ81'],
  ['a cookie', 'sid%3As%253AZx81kQ81'],
  ['XML', '%3CAssertion%3EZx81kQ%3C'],
  ['a name and a birthday', 'jane.doe.1984-05-17'],
  ['an address of a mail in hexadecimal', '6a616e652e646f65406578616d706c65'],
  ['a name in brackets', 'user%5Bname%5D=jane81'],
  ['a name in punycode', 'xn--ivan-81kQ81'],
  ['a name with a tilde', '~jane81'],
  ['a key in a matrix parameter', 'list;key=Zx81kQ'],
  ['a wallet of words and digits', 'abandon1-ability2-able3-about44'],
];

it.each(KINDS)('hides %s', (_, secret) =>
  expect(redactRoute(`GET /users/${secret}/x`, new Set())).toBe('GET /users/:id/x'),
);

it('shows none of them in Slack, Markdown, a saved folder and run records', async () => {
  const secrets = KINDS.map(([, secret]) => secret);
  const folder = rewrittenIncident('012', (entry, at) => {
    const secret = secrets[at % secrets.length] ?? '';
    return { ...entry, request_line: `GET https://shop.example.com:443/users/${secret}/x HTTP/1.1` };
  });
  const incident = await readIncident(folder);
  const found = await diagnoseRecording(incident, '');
  const redacted = await diagnoseRecording(incident, '', undefined, null, true);
  const given: Record<string, string> = {
    slack: JSON.stringify(await slackOutputs(redacted)),
    ...printedOutputs(redacted),
    saved: [...(await savedOutputs(found, incident)).values()].join('\n'),
    records: [...(await recordedOutputs(redacted)).values()].join('\n'),
  };
  expect(printedOutputs(found).json).toContain('/users/');
  const leaks = Object.entries(given).flatMap(([output, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${output}: ${secret}`),
  );
  expect(leaks).toEqual([]);
  for (const text of Object.values(given)) expect(text).toContain('/users/:id/x');
});
