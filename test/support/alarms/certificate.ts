/** A self-signed certificate like that of SNS, with its key; generated, so that no key is in the repository. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface CertificateWithKey {
  pem: string;
  key: KeyObject;
}

const part = (tag: number, ...contents: Buffer[]): Buffer => {
  const body = Buffer.concat(contents);
  const size = body.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...contents: Buffer[]): Buffer => part(0x30, ...contents);
const SHA256_WITH_RSA = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'));
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const named = (commonName: string): Buffer =>
  sequence(part(0x31, sequence(COMMON_NAME, part(0x0c, Buffer.from(commonName)))));
const time = (at: number): Buffer =>
  part(0x17, Buffer.from(`${new Date(at).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`));

/** Times in epoch milliseconds. */
export function certificate(commonName: string, validFrom: number, validTo: number): CertificateWithKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const toBeSigned = sequence(
    part(0xa0, part(0x02, Buffer.from([2]))),
    part(0x02, Buffer.from([1])),
    SHA256_WITH_RSA,
    named('Test'),
    sequence(time(validFrom), time(validTo)),
    named(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('RSA-SHA256', toBeSigned, privateKey);
  const der = sequence(toBeSigned, SHA256_WITH_RSA, part(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return { pem: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`, key: privateKey };
}
